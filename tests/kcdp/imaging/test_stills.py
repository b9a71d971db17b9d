"""Stills of every depth and order, and how a camera was held, against what the specifications say."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import GROUND, ImageLimits, load_frames, read_frames
from kcdp.imaging.orientation import orientation_of
from tests.image_files import chunk, encoded, noise
from tests.random_animations import CHANNELS, DEPTHS, meaning, png_file

ANY = ImageLimits(min_side=1)


def on_ground(pixels: np.ndarray) -> np.ndarray:
    return 255 * pixels[..., :3] * pixels[..., 3:] + np.array(GROUND) * (1 - pixels[..., 3:])


def off(data: bytes, right: np.ndarray) -> float:
    return float(np.abs(np.asarray(load_frames(data, limits=ANY)[0]) - right).max())


# PNG


@pytest.mark.parametrize(("colour_type", "depth"), [(kind, depth) for kind in CHANNELS for depth in DEPTHS[kind]])
@pytest.mark.parametrize("clear_at", [None, 0, -1])
def test_every_png_with_and_without_a_clear_colour(colour_type, depth, clear_at):
    rng = np.random.default_rng(depth)
    levels = np.unique(np.linspace(0, 255, 5).round().astype(int) * 257 >> 16 - depth)
    palette, clear, chunks = rng.integers(0, 256, (min(2**depth, 9), 3)), np.array([], dtype=int), []
    if colour_type == 3:
        levels = np.arange(len(palette))
        chunks.append(chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
        if clear_at is not None:
            clear = rng.integers(0, 256, len(palette) + clear_at)
            chunks.append(chunk(b"tRNS", clear.astype(np.uint8).tobytes()))
    samples = rng.choice(levels, (11, 17, CHANNELS[colour_type]))
    if colour_type in (0, 2) and clear_at is not None:
        clear = np.full(CHANNELS[colour_type], levels[clear_at])
        samples[2:5] = clear
        chunks.append(chunk(b"tRNS", clear.astype(">u2").tobytes()))
    right = on_ground(meaning(samples, depth, colour_type, palette, clear))
    assert off(png_file(samples, depth, colour_type, *chunks), right) <= 1


@pytest.mark.parametrize("colour_type", [0, 2])
def test_a_clear_colour_of_16_bits_is_clear_in_all_16(colour_type):
    samples = np.full((8, 8, CHANNELS[colour_type]), 0x8001)
    samples[:4] = 0x8000
    data = png_file(samples, 16, colour_type, chunk(b"tRNS", b"\x80\x00" * CHANNELS[colour_type]))
    found = np.asarray(load_frames(data)[0])
    assert (found[:4] == GROUND).all() and (found[4:] == 128).all()


def test_bits_above_the_depth_of_a_clear_colour_do_not_count():
    samples = np.full((8, 8, 1), 3)
    samples[:4] = 1
    data = png_file(samples, 2, 0, chunk(b"tRNS", b"\xff\xfd"))
    found = np.asarray(load_frames(data)[0])
    assert (found[:4] == GROUND).all() and (found[4:] == 255).all()


def test_a_clear_colour_where_there_is_alpha_is_ignored():
    samples = np.full((8, 8, 4), 255)
    assert off(png_file(samples, 8, 6, chunk(b"tRNS", b"\0\xff\0\xff\0\xff")), np.full((8, 8, 3), 255)) == 0


# TIFF


def tiff(
    samples: np.ndarray, photometric: int, order: str = "<", tags: dict[int, tuple[int, int, bytes]] | None = None
):
    """An uncompressed TIFF of greys (H, W) of any NumPy type; `tags` are (type, count, value) by number."""
    height, width = samples.shape
    bits, sort = samples.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    pixels = samples.astype(samples.dtype.newbyteorder(order)).tobytes()

    def short(value: int) -> tuple[int, int, bytes]:
        return 3, 1, struct.pack(f"{order}H", value)

    def long(value: int) -> tuple[int, int, bytes]:
        return 4, 1, struct.pack(f"{order}I", value)

    entries = {256: long(width), 257: long(height), 258: short(bits), 259: short(1), 262: short(photometric)}
    entries |= {273: long(8), 277: short(1), 278: long(height), 279: long(len(pixels)), 339: short(sort)}
    entries |= tags or {}
    start, extra = 8 + len(pixels), b""
    listed = struct.pack(f"{order}H", len(entries))
    for tag, (kind, count, value) in sorted(entries.items()):
        if len(value) > 4:
            place = start + 6 + 12 * len(entries) + len(extra)
            extra += value + bytes(len(value) % 2)
            value = struct.pack(f"{order}I", place)
        listed += struct.pack(f"{order}HHI", tag, kind, count) + value.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}I", start) + pixels + listed + bytes(4) + extra


RAMP = np.linspace(0, 1, 16 * 16).reshape(16, 16)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(("kind", "full"), [("u1", 255), ("u2", 65535), ("f4", 1.0), ("f4", 255.0)])
def test_grey_tiffs_of_every_depth_and_both_whites(kind, full, photometric, order):
    samples = (RAMP * full).round(0 if full > 1 else 6).astype(kind)
    right = 255 * samples.astype(float) / full
    right = right if photometric else 255 - right
    assert off(tiff(samples, photometric, order), right[..., None].repeat(3, -1)) <= 1


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_tiffs_are_turned_once(kind, orientation):
    samples = (np.linspace(0, 1, 16 * 24).reshape(16, 24) * (255 if kind == "u1" else 65535)).astype(kind)
    turned = {1: samples, 3: np.rot90(samples, 2), 6: np.rot90(samples, -1)}[orientation]
    for order in "<>":
        tag = {274: (3, 1, struct.pack(f"{order}H", orientation))}
        data = tiff(samples, 1, order, tag)
        assert off(data, (turned / (1 if kind == "u1" else 257))[..., None].repeat(3, -1)) <= 1


@pytest.mark.parametrize(
    "tags",
    [
        {296: (2, 2, b"2\0"), 282: (2, 3, b"72\0")},
        {34665: (4, 1, b"\xff\xff\xff\x00"), 34853: (4, 1, b"\xff\xff\xff\x00")},
        {700: (1, 30, b'<x tiff:Orientation="6">      ')},
        {305: (2, 5, b"ab\xff\xfe\0"), 306: (3, 1, b"\1\0")},
    ],
)
def test_faults_in_other_tags_of_a_tiff_do_not_matter(tags):
    samples = (RAMP[:, :12] * 255).astype("u1")
    assert off(tiff(samples, 1, "<", tags), samples[..., None].repeat(3, -1)) == 0


# Orientation


def exif(order: str = "<", *entries: tuple[int, int, int, bytes]) -> bytes:
    """An EXIF block of (tag, type, count, value); values of more than 4 bytes stand behind."""
    extra, listed = b"", struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field = struct.pack(f"{order}I", 8 + 2 + 12 * len(entries) + 4 + len(extra))
            extra += value
        listed += struct.pack(f"{order}HHI", tag, kind, count) + field
    return (
        b"Exif\0\0" + (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8) + listed + bytes(4) + extra
    )


def held(order: str, value: int, kind: int = 3) -> tuple[int, int, int, bytes]:
    return 0x0112, kind, 1, struct.pack(f"{order}H", value)


ODD = {
    "unit as text": (0x128, 2, 2, b"2\0"),
    "resolution as text": (0x11A, 2, 3, b"72\0"),
    "resolution over nothing": (0x11A, 5, 1, bytes(8)),
    "pointer to nowhere": (0x8769, 4, 1, b"\xff\xff\xff\x7f"),
    "unknown type": (0x132, 99, 1, b"abcd"),
    "text without end": (0x10F, 2, 4, b"\xff\xfe\xfd\xfc"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_odd_tags_do_not_keep_a_picture_from_being_turned(kind, odd):
    pixels = noise(24, 16)
    block = exif("<", held("<", 6), ODD[odd])
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    (frame,) = load_frames(encoded(Image.fromarray(pixels), kind, exif=block, **options))
    assert frame.size == (16, 24)
    assert np.abs(np.asarray(frame).astype(int) - np.rot90(pixels, -1)).max() <= (12 if kind == "JPEG" else 0)


def test_orientations_that_are_none():
    assert [orientation_of(exif("<", held("<", value))) for value in range(10)] == [1, 1, 2, 3, 4, 5, 6, 7, 8, 1]
    assert orientation_of(exif(">", held(">", 8))) == 8 and orientation_of(exif("<", held("<", 6))[6:]) == 6
    for block in (
        b"",
        None,
        b"Exif\0\0",
        exif("<", held("<", 6, kind=2)),
        exif("<", held("<", 6))[:20],
        b"MM\0*" + b"\xff" * 9,
    ):
        assert orientation_of(block) == 1
    assert orientation_of(exif("<", (0x0112, 3, 2, b"\6\0\6\0"))) == 1


def test_what_only_editors_read_turns_nothing():
    image = Image.fromarray(noise(24, 16))
    packet = b'<x:xmpmeta xmlns:tiff="t" tiff:Orientation="6"/>'
    for kind in ("JPEG", "WEBP"):
        assert load_frames(encoded(image, kind, xmp=packet))[0].size == (24, 16)
    profile = b"\nexif\n      38\n" + exif("<", held("<", 6))[6:].hex().encode()
    plain = encoded(image, "PNG")
    for text in (b"Raw profile type exif\0" + profile, b"XML:com.adobe.xmp\0" + packet):
        assert load_frames(plain[:33] + chunk(b"tEXt", text) + plain[33:])[0].size == (24, 16)


def test_an_upright_copy_is_not_turned_again(tmp_path):
    image = Image.fromarray(noise(24, 16))
    image.save(tmp_path / "a.jpg", exif=exif("<", held("<", 6)))
    frame = read_frames(tmp_path / "a.jpg")[0].image
    assert frame.size == (16, 24) and not frame.info and load_frames(frame)[0].size == (16, 24)
    with Image.open(tmp_path / "a.jpg") as opened:
        assert load_frames(opened)[0].size == (16, 24)
        opened.load()
        assert load_frames(opened)[0].size == (16, 24)
