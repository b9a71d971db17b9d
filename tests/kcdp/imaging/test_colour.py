"""What numbers mean: profiles and PNG's colour chunks, against formulas worked out slowly, and as Chromium 156 shows them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from kcdp.imaging import GROUND, load_frames, read_frames
from kcdp.imaging.boxes import coded_colour
from kcdp.imaging.profiles import PRIMARIES, SRGB, coded_profile, rgb_profile
from tests.image_files import chunk, encoded, noise

P3 = PRIMARIES[12]
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))


def matrix(points) -> np.ndarray:
    """RGB to XYZ under the space's own white (SMPTE RP 177)."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in points]).T
    return xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])


def to_srgb(levels: np.ndarray, points, gamma: float) -> np.ndarray:
    """Levels (..., 3) of a space with the white of sRGB, as levels of sRGB: powers, matrices, sRGB's curve, clipping."""
    light = (levels / 255.0) ** gamma @ (np.linalg.inv(matrix(SRGB)) @ matrix(points)).T
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    return data[:33] + b"".join(chunks) + data[33:]


def off(data: bytes, right: np.ndarray) -> float:
    (frame,) = load_frames(data)
    return float(np.abs(np.asarray(frame) - right).max())


COLOURS = noise(24, 16)


@pytest.mark.parametrize(("points", "gamma"), [(ADOBE, 2.2), (P3, 2.2), (P3, 1.8), (SRGB, 1.0), (PRIMARIES[9], 2.4)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_profiles_of_wide_spaces(kind, points, gamma):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(COLOURS), kind, icc_profile=rgb_profile(points, gamma), **options)
    assert off(data, to_srgb(COLOURS, points, gamma)) <= 2


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_profiles_of_wide_spaces_in_lossy_files(kind):
    for colour in ((200, 120, 60), (40, 60, 180)):
        image = Image.new("RGB", (32, 32), colour)
        right = to_srgb(np.asarray(image), ADOBE, 2.2)
        data = encoded(image, kind, icc_profile=rgb_profile(ADOBE, 2.2), quality=100, subsampling="4:4:4")
        assert off(data, right) <= 4 and np.abs(right - np.asarray(image)).max() > 9


def test_transparent_pictures_keep_their_alpha():
    pixels = noise(channels=4)
    data = encoded(Image.fromarray(pixels), "PNG", icc_profile=rgb_profile(P3, 2.2))
    image = read_frames(data)[0].image
    assert np.array_equal(np.asarray(image)[..., 3], pixels[..., 3])
    assert np.abs(np.asarray(image)[..., :3] - to_srgb(pixels[..., :3], P3, 2.2)).max() <= 2


def test_a_palette_is_of_the_profile_too():
    image = Image.fromarray(COLOURS).quantize(32)
    right = to_srgb(np.asarray(image.convert("RGB")), ADOBE, 2.2)
    assert off(encoded(image, "PNG", icc_profile=rgb_profile(ADOBE, 2.2)), right) <= 2


def test_animations_are_of_the_profile_too():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((200, 120, 60), (40, 60, 180))]
    icc = rgb_profile(P3, 2.2)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], icc_profile=icc, **options)
        for seen, frame in zip(load_frames(data), frames, strict=True):
            assert np.abs(np.asarray(seen) - to_srgb(np.asarray(frame), P3, 2.2)).max() <= 2


def test_a_picture_of_pillow_has_its_profile_in_info():
    image = Image.fromarray(COLOURS)
    image.info["icc_profile"] = rgb_profile(ADOBE, 2.2)
    assert np.abs(np.asarray(load_frames(image)[0]) - to_srgb(COLOURS, ADOBE, 2.2)).max() <= 2


def grey_profile(gamma: float) -> bytes:
    """A display's grey profile (ICC.1:2010, version 2) of one power."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1, 0.8249)))
    name = b"desc" + bytes(4) + struct.pack(">I", 2) + b"g" + bytes(80)
    tags = {b"desc": name, b"wtpt": white, b"kTRC": curve, b"cprt": b"text" + bytes(4) + b"-" + bytes(3)}
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"", b"acsp")
    return head.ljust(68, b"\0") + white[8:] + bytes(48) + struct.pack(">I", len(tags)) + table + body


GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_profiles_are_exact_in_the_dark(mode, gamma):
    data = encoded(Image.fromarray(GREYS).convert(mode), "PNG", icc_profile=grey_profile(gamma))
    right = to_srgb(GREYS[..., None].repeat(3, -1), SRGB, round(gamma * 256) / 256)
    assert off(data, right) <= 2


def test_a_grey_picture_with_a_profile_of_colours_takes_its_curve():
    right = to_srgb(GREYS[..., None].repeat(3, -1), SRGB, 1.8)
    assert off(encoded(Image.fromarray(GREYS), "PNG", icc_profile=rgb_profile(SRGB, 1.8)), right) <= 2


def test_profiles_that_are_broken_or_of_another_space_are_ignored():
    image, good = Image.fromarray(COLOURS), rgb_profile(ADOBE, 2.2)
    for icc in (b"nonsense", good[:200], good[:-40] + bytes(40), grey_profile(1.0), bytes(500), b"\0"):
        found = np.asarray(load_frames(encoded(image, "PNG", icc_profile=icc))[0])
        # One whose last curve is cut may still be read.
        assert np.array_equal(found, COLOURS) or icc == good[:-40] + bytes(40)


def test_the_profile_of_srgb_changes_nothing():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert off(encoded(Image.fromarray(COLOURS), "PNG", icc_profile=icc), COLOURS) == 0


def test_inks_with_a_profile():
    """A CMYK profile made for this: its table says that each ink takes away one of the three colours."""
    corners = np.array([[1 - c, 1 - m, 1 - y] for c in (0, 1) for m in (0, 1) for y in (0, 1) for _ in (0, 1)], float)
    blacks = np.array([k for _ in range(8) for k in (0, 1)])[:, None]
    light = corners * (1 - blacks)
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = to_lab.apply(Image.fromarray((light * 255).astype(np.uint8)[None]))
    table = np.asarray(lab).reshape(-1, 3).astype(int)
    table[:, 1:] = (table[:, 1:] + 128) % 256
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table.astype(np.uint8).tobytes() + ramp * 3
    white = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1, 0.8249)))
    name = b"desc" + bytes(4) + struct.pack(">I", 2) + b"c" + bytes(80)
    tags = {b"desc": name, b"wtpt": white, b"A2B0": lut, b"cprt": b"text" + bytes(4) + b"-" + bytes(3)}
    listed, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        listed += struct.pack(">4sII", tag, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", b"", b"acsp")
    icc = head.ljust(68, b"\0") + white[8:] + bytes(48) + struct.pack(">I", len(tags)) + listed + body
    for inks in ((0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255), (255, 255, 0, 0)):
        image = Image.new("CMYK", (16, 16), inks)
        right = [(255 - ink) * (255 - inks[3]) / 255 for ink in inks[:3]]
        for data in (encoded(image, "TIFF", icc_profile=icc), encoded(image, "JPEG", icc_profile=icc, quality=100)):
            assert off(data, np.array(right)) <= 6


# Chunks of PNG


def gama(gamma: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", gamma))


def chrm(points) -> bytes:
    red, green, blue, white = points
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * v) for v in (*white, *red, *green, *blue))))


PLAIN = encoded(Image.fromarray(COLOURS), "PNG")


@pytest.mark.parametrize(
    ("chunks", "points", "gamma"),
    [
        ((gama(100_000),), SRGB, 1.0),
        ((gama(55556),), SRGB, 1.8),
        ((gama(45455), chrm(P3)), P3, 2.2),
        ((gama(45455), chrm(SRGB)), SRGB, 2.2),
        ((chunk(b"cICP", bytes([9, 4, 0, 1])),), PRIMARIES[9], 2.2),
        ((chunk(b"cICP", bytes([1, 8, 0, 1])),), SRGB, 1.0),
        ((chunk(b"cICP", bytes([12, 1, 0, 1])),), P3, 2.4),
        ((chunk(b"sRGB", b"\0"), chunk(b"cICP", bytes([1, 4, 0, 1]))), SRGB, 2.2),
    ],
)
def test_colour_chunks(chunks, points, gamma):
    assert off(with_chunks(PLAIN, *chunks), to_srgb(COLOURS, points, gamma)) <= 2


@pytest.mark.parametrize(
    "chunks",
    [
        (gama(45455),),
        (chrm(P3),),
        (chunk(b"sRGB", b"\0"), gama(100_000)),
        (gama(0),),
        (gama(1),),
        (gama(100_000), chunk(b"cHRM", bytes(32)))[1:],
        (chunk(b"cICP", bytes([1, 13, 0, 1])), gama(100_000)),
        (chunk(b"cICP", bytes([77, 99, 0, 1])),),
        (gama(100_000)[:-1] + b"\0",),
    ],
)
def test_chunks_that_say_srgb_or_nothing(chunks):
    assert off(with_chunks(PLAIN, *chunks), COLOURS) == 0


def test_a_profile_goes_before_gamma():
    packed = b"p\0\0" + zlib.compress(rgb_profile(P3, 2.2))
    data = with_chunks(PLAIN, chunk(b"iCCP", packed), gama(100_000))
    assert off(data, to_srgb(COLOURS, P3, 2.2)) <= 2


def test_greys_follow_gamma():
    data = with_chunks(encoded(Image.fromarray(GREYS), "PNG"), gama(100_000))
    assert off(data, to_srgb(GREYS[..., None].repeat(3, -1), SRGB, 1.0)) <= 2


@pytest.mark.parametrize("size", [1_500_000, 9_000_000])
@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "iCCP", "tEXt"])
def test_large_metadata_is_no_damage(kind, size):
    text = zlib.compress(b'{"node": 1}' * (size // 11))
    body = {
        "zTXt": b"workflow\0\0" + text,
        "iTXt": b"workflow\0\1\0\0\0" + text,
        "iCCP": b"p\0\0" + text,
        "tEXt": b"workflow\0" + b"x" * size,
    }[kind]
    assert off(with_chunks(PLAIN, chunk(kind.encode(), body)), COLOURS) == 0


def test_a_wrong_checksum_of_what_is_not_read_or_not_needed_is_no_damage():
    for kind in (b"tEXt", b"iCCP", b"gAMA", b"eXIf"):
        body = chunk(kind, b"abcd")
        assert off(with_chunks(PLAIN, body[:-1] + bytes([body[-1] ^ 1])), COLOURS) == 0


# Numbers of H.273 in AVIF


def avif_of(primaries: int, transfer: int) -> bytes:
    """An AVIF file whose nclx says these numbers."""
    data = encoded(Image.new("RGB", (32, 32), (200, 120, 60)), "AVIF", quality=100, subsampling="4:4:4")
    place = data.index(b"colrnclx") + 8
    return data[:place] + struct.pack(">2H", primaries, transfer) + data[place + 4 :]


def test_avif_says_its_primaries_by_number():
    plain = np.asarray(load_frames(avif_of(1, 13))[0]).astype(float)
    assert coded_colour(avif_of(12, 13)) == (12, 13)
    for primaries in (9, 12):
        right = np.asarray(
            ImageCms.profileToProfile(
                Image.fromarray(plain.astype(np.uint8)),
                ImageCms.ImageCmsProfile(BytesIO(coded_profile(primaries, 13))),
                ImageCms.createProfile("sRGB"),
            )
        )
        assert off(avif_of(primaries, 13), right) <= 1 and np.abs(right - plain).max() > 9
    # As Chromium shows them: BT.709's curve is sRGB's there, and what is unknown or HDR is left as it is.
    for numbers in ((2, 2), (9, 16), (1, 1), (1, 6)):
        assert off(avif_of(*numbers), plain) == 0
    assert off(avif_of(9, 14), np.asarray(load_frames(avif_of(9, 13))[0])) == 0


def test_boxes_that_are_cut_or_run_in_circles_say_nothing():
    data = avif_of(12, 13)
    for content in (b"", data[:20], data[:100], b"\0\0\0\0meta", b"\0\0\0\1meta" + bytes(8), b"\0\0\0\4meta" * 9):
        assert coded_colour(content) is None


def test_ground_is_no_colour_of_the_file():
    data = encoded(Image.new("RGBA", (16, 16)), "PNG", icc_profile=rgb_profile(ADOBE, 2.2))
    assert load_frames(data)[0].getpixel((3, 3)) == GROUND
