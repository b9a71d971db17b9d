"""HEIC photos against what they were made of; the files are written by heif-enc, or by pillow-heif without it."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, heif, load_frames, read_frames
from kcdp.imaging.profiles import PRIMARIES, TRANSFERS, rgb_profile

ORANGE, BLUE = (200, 60, 40), (0, 0, 255)


def photo() -> np.ndarray:
    """96 x 64 pixels of orange, blue in the left upper corner."""
    pixels = np.full((64, 96, 3), ORANGE, np.uint8)
    pixels[:16, :16] = BLUE
    return pixels


def saved(image: Image.Image | pillow_heif.HeifFile, **options) -> bytes:
    buffer = io.BytesIO()
    file = image if isinstance(image, pillow_heif.HeifFile) else pillow_heif.from_pillow(image)
    file.save(buffer, quality=95, **options)
    return buffer.getvalue()


def pixels_of(content: bytes) -> np.ndarray:
    (frame,) = read_frames(content)
    return np.asarray(frame.image)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_photos_of_another_program_have_their_colours(mode, tmp_path):
    picture = Image.fromarray(photo()).convert(mode)
    if mode == "RGBA":
        picture.paste((20, 160, 60, 128), (48, 0, 96, 64))
    picture.save(tmp_path / "photo.png")
    if shutil.which("heif-enc"):
        command = ["heif-enc", "-q", "95", str(tmp_path / "photo.png"), "-o", str(tmp_path / "photo.heic")]
        subprocess.run(command, check=True, capture_output=True)
        content = (tmp_path / "photo.heic").read_bytes()
    else:
        content = saved(picture)
    found = pixels_of(content)
    expected = np.asarray(picture.convert("RGBA" if mode == "RGBA" else "RGB"))
    assert found.shape == expected.shape
    for y, x in ((8, 8), (40, 30), (40, 80)):
        np.testing.assert_allclose(found[y, x], expected[y, x], atol=4)


#: Where EXIF's orientation (2.32, tag 0x0112) brings a picture's left upper corner: x, y, and whether its sides change places.
CORNERS = {
    1: (0, 0, 0),
    2: (1, 0, 0),
    3: (1, 1, 0),
    4: (0, 1, 0),
    5: (0, 0, 1),
    6: (1, 0, 1),
    7: (1, 1, 1),
    8: (0, 1, 1),
}


@pytest.mark.parametrize("orientation", CORNERS)
def test_photos_stand_upright_once(orientation):
    """The writer turns an orientation into irot and imir, and leaves it in EXIF too, as phones do."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    right, low, turned = CORNERS[orientation]
    found = pixels_of(saved(Image.fromarray(photo()), exif=exif.tobytes()))
    assert found.shape == ((96, 64, 3) if turned else (64, 96, 3))
    np.testing.assert_allclose(found[-8 if low else 7, -8 if right else 7], BLUE, atol=12)
    np.testing.assert_allclose(found[32, 32], ORANGE, atol=4)


def test_orientation_in_exif_alone_does_not_turn(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.fromarray(photo()), exif=exif.tobytes())
    # Without the property that turns: another kind of box, which readers pass over.
    found = pixels_of(content.replace(b"irot", b"free"))
    assert found.shape == (64, 96, 3)
    np.testing.assert_allclose(found[7, 7], BLUE, atol=12)


def p3_as_srgb(colour: tuple[int, int, int]) -> np.ndarray:
    """A Display P3 colour in sRGB, by the two spaces' definitions (SMPTE EG 432-1; IEC 61966-2-1)."""
    to_xyz_p3 = np.array([[0.48657, 0.26567, 0.19822], [0.22897, 0.69174, 0.07929], [0, 0.04511, 1.04394]])
    to_xyz = np.array([[0.41239, 0.35758, 0.18048], [0.21264, 0.71517, 0.07219], [0.01933, 0.11919, 0.95053]])
    coded = np.array(colour) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.linalg.inv(to_xyz) @ to_xyz_p3 @ linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("colour", [(180, 90, 60), (60, 160, 90), (90, 90, 90)])
@pytest.mark.parametrize("stated", ["profile", "numbers"])
def test_display_p3_is_shown_in_srgb(colour, stated):
    picture = Image.new("RGB", (64, 64), colour)
    if stated == "profile":
        picture.info["icc_profile"] = rgb_profile(PRIMARIES[12], TRANSFERS[13])
        content = saved(picture)
    else:
        nclx = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6, "full_range_flag": 1}
        content = saved(picture, **nclx)
        assert b"nclx\x00\x0c\x00\x0d" in content
    np.testing.assert_allclose(pixels_of(content)[32, 32], p3_as_srgb(colour), atol=3)


def test_more_than_8_bits_are_scaled():
    level = np.full((64, 64, 3), 40_000, np.uint16)
    file = pillow_heif.from_bytes("RGB;16", (64, 64), level.tobytes())
    np.testing.assert_allclose(pixels_of(saved(file))[32, 32], 40_000 / 257, atol=2)


@pytest.mark.parametrize("primary", [0, 1])
def test_of_several_pictures_the_primary_one_is_seen(primary):
    file = pillow_heif.HeifFile()
    file.add_from_pillow(Image.new("RGB", (64, 64), ORANGE))
    file.add_from_pillow(Image.new("RGB", (96, 64), BLUE))
    found = pixels_of(saved(file, primary_index=primary))
    assert found.shape[1] == (64, 96)[primary]
    np.testing.assert_allclose(found[32, 32], (ORANGE, BLUE)[primary], atol=4)


def as_gain_map(content: bytes) -> bytes:
    """A HEIC file of pillow-heif whose alpha is said to be a gain map, as telephones name it (ISO/IEC 23008-12, 6.5.8)."""
    alpha, gain = b"urn:mpeg:hevc:2015:auxid:1\0", b"urn:com:apple:photo:2020:aux:hdrgainmap\0"
    longer = len(gain) - len(alpha)
    assert content.count(alpha) == 1
    changed = bytearray(content)
    # The boxes that the name lies in, from the outermost, and where each picture's data begins (8.11.3, version 0).
    for box in (b"meta", b"iprp", b"ipco", b"auxC"):
        place = content.index(box) - 4
        struct.pack_into(">I", changed, place, struct.unpack_from(">I", content, place)[0] + longer)
    place = content.index(b"iloc")
    assert content[place + 4 : place + 10] == bytes((0, 0, 0, 0, 0x44, 0x40))
    for item in range(struct.unpack_from(">H", content, place + 10)[0]):
        begins = place + 12 + 18 * item + 4
        struct.pack_into(">I", changed, begins, struct.unpack_from(">I", content, begins)[0] + longer)
    return bytes(changed).replace(alpha, gain)


def test_of_a_photo_with_a_gain_map_the_base_picture_is_seen():
    picture = Image.fromarray(photo())
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    content = saved(picture)
    assert pixels_of(content).shape == (64, 96, 4)
    found = pixels_of(as_gain_map(content))
    assert found.shape == (64, 96, 3)
    np.testing.assert_array_equal(found, pixels_of(content)[..., :3])
    np.testing.assert_allclose(found[40, 30], ORANGE, atol=4)


HEIC = saved(Image.fromarray(photo()))
REFUSED = {
    "half": (HEIC[: len(HEIC) // 2], {}, "damaged or cut short"),
    "without its last bytes": (HEIC[:-40], {}, "damaged or cut short"),
    "brand alone": (HEIC[:24], {}, "damaged or cut short"),
    "pixels": (HEIC, {"max_pixels": 96 * 64 - 1}, "96 x 64"),
    "side": (HEIC, {"min_side": 65}, "too small, 96 x 64"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_one_sentence(name):
    content, limits, fault = REFUSED[name]
    with pytest.raises(ImageError, match=fault) as caught:
        load_frames(content, limits=ImageLimits(**limits))
    assert str(caught.value).startswith("The picture") and str(caught.value).endswith(".")


def test_without_its_reader_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(heif, "find_spec", lambda _: None)
    with pytest.raises(ImageError, match="pip install pillow-heif"):
        load_frames(HEIC)
