"""ICO icons, CUR cursors and JPEG XL pictures against what they were made of."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, jxl, load_frames, read_frames
from tests.image_files import encoded

pylibjxl = pytest.importorskip("pylibjxl")
RED, GREEN, BLUE = (220, 30, 40), (20, 160, 60), (30, 60, 200)


def bitmap(size: int, colour: tuple[int, ...], bits: int = 32) -> bytes:
    """A bitmap of an icon (MS-DIB): its header of twice the height, the colours, and a mask that hides the lower half."""
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, bits, 0, 0, 0, 0, 0, 0)
    pixel = bytes(colour[2::-1]) + (bytes(colour[3:] or (255,)) if bits == 32 else b"")
    row = (pixel * size).ljust(-(-size * bits // 32) * 4, b"\0")
    mask_row = -(-size // 32) * 4
    hidden, shown = b"\xff" * mask_row, b"\0" * mask_row
    return head + row * size + hidden * (size // 2) + shown * (size - size // 2)


def icon(*pictures: tuple[int, int, bytes], kind: int = 1) -> bytes:
    """An ICO (or, of kind 2, CUR) file of pictures, each its side, its bits a pixel and its content."""
    place, table, body = 6 + 16 * len(pictures), b"", b""
    for side, bits, content in pictures:
        table += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, bits, len(content), place + len(body))
        body += content
    return struct.pack("<HHH", 0, kind, len(pictures)) + table + body


def pixels_of(content: bytes) -> np.ndarray:
    (frame,) = read_frames(content)
    return np.asarray(frame.image.convert("RGBA"))


def square_png(side: int, colour: tuple[int, ...]) -> bytes:
    return encoded(Image.new("RGBA" if len(colour) == 4 else "RGB", (side, side), colour), "PNG")


@pytest.mark.parametrize("kind", [1, 2])
def test_the_largest_picture_of_an_icon_is_seen(kind):
    content = icon(
        (16, 32, bitmap(16, RED)), (48, 32, square_png(48, (*GREEN, 90))), (32, 32, bitmap(32, BLUE)), kind=kind
    )
    found = pixels_of(content)
    assert found.shape == (48, 48, 4)
    assert (found == [*GREEN, 90]).all()


def test_of_pictures_of_one_size_that_with_most_bits_is_seen():
    content = icon((32, 24, bitmap(32, RED, 24)), (32, 32, square_png(32, BLUE)), (32, 24, bitmap(32, GREEN, 24)))
    assert (pixels_of(content)[..., :3] == BLUE).all()


def test_a_side_of_256_is_written_as_0():
    assert pixels_of(icon((64, 32, bitmap(64, RED)), (256, 32, square_png(256, GREEN)))).shape == (256, 256, 4)


@pytest.mark.parametrize("kind", [1, 2])
def test_bitmaps_have_their_mask(kind):
    found = pixels_of(icon((32, 24, bitmap(32, RED, 24)), kind=kind))
    assert found.shape == (32, 32, 4)
    assert (found[:16] == [*RED, 255]).all() and (found[16:, :, 3] == 0).all()


def test_bitmaps_of_32_bits_have_their_own_transparency():
    found = pixels_of(icon((32, 32, bitmap(32, (*RED, 100)))))
    assert (found[:16] == [*RED, 100]).all()


def test_icons_that_pillow_writes_are_read():
    buffer = io.BytesIO()
    Image.new("RGBA", (64, 64), (*BLUE, 200)).save(buffer, "ICO", sizes=[(16, 16), (64, 64)], bitmap_format="bmp")
    found = pixels_of(buffer.getvalue())
    assert found.shape == (64, 64, 4) and (found == [*BLUE, 200]).all()


ICON = icon((32, 32, bitmap(32, RED)))
REFUSED_ICONS = {
    "cut": (ICON[:-100], {}, "icon that is damaged"),
    "cut in its table": (ICON[:15], {}, "damaged"),
    "cut png": (icon((32, 32, square_png(32, RED)))[:-30], {}, "icon that is damaged"),
    "pixels": (ICON, {"max_pixels": 1023}, "32 x 32"),
    "more pixels than its table says": (icon((32, 32, square_png(90, RED))), {"max_pixels": 8099}, "90 x 90"),
    "a larger bitmap than its table says": (icon((32, 32, bitmap(90, RED))), {"max_pixels": 8099}, "90 x 90"),
    "side": (icon((4, 32, bitmap(4, RED))), {}, "too small, 4 x 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_ICONS)
def test_what_is_refused_gets_one_sentence(name):
    content, limits, fault = REFUSED_ICONS[name]
    with pytest.raises(ImageError, match=fault) as caught:
        load_frames(content, limits=ImageLimits(**limits))
    assert str(caught.value).startswith("The picture") and str(caught.value).endswith(".")


def gradient(channels: int) -> np.ndarray:
    """64 x 96 pixels of which no two rows or columns are alike."""
    y, x = np.mgrid[:64, :96]
    bands = np.stack([2 * x + 20, 3 * y + 10, x + y, 255 - x - y], -1).astype(np.uint8)
    return np.ascontiguousarray(bands[..., :channels])


@pytest.mark.parametrize("channels, mode", [(1, "RGB"), (3, "RGB"), (4, "RGBA")])
def test_jpeg_xl_without_loss_is_bit_equal(channels, mode):
    pixels = gradient(channels)
    (frame,) = read_frames(pylibjxl.encode(pixels, lossless=True))
    assert frame.image.mode == mode
    assert (np.asarray(frame.image) == (np.repeat(pixels, 3, -1) if channels == 1 else pixels)).all()


@pytest.mark.parametrize("orientation, place", [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0))])
def test_jpeg_xl_that_a_jpeg_was_packed_into_stands_upright(orientation, place):
    pixels = np.full((64, 96, 3), RED, np.uint8)
    pixels[:16, :16] = BLUE
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = encoded(Image.fromarray(pixels), "JPEG", quality=98, exif=exif)
    (frame,) = read_frames(pylibjxl.jpeg_to_jxl(jpeg))
    found = np.asarray(frame.image)
    assert found.shape == ((64, 96, 3) if orientation in (1, 3) else (96, 64, 3))
    np.testing.assert_allclose(found[-8 if place[0] else 7, -8 if place[1] else 7], BLUE, atol=12)
    np.testing.assert_allclose(found[32, 32], RED, atol=6)


JXL = pylibjxl.encode(gradient(3))


@pytest.mark.parametrize(
    "content, limits, fault",
    [
        (JXL[: len(JXL) // 2], {}, "damaged or cut short"),
        (JXL[:20], {}, "damaged or cut short"),
        (JXL, {"max_pixels": 96 * 64 - 1}, "96 x 64"),
        (JXL, {"max_aspect": 1.4}, "too narrow"),
    ],
)
def test_jpeg_xl_that_is_refused_gets_one_sentence(content, limits, fault):
    with pytest.raises(ImageError, match=fault):
        load_frames(content, limits=ImageLimits(**limits))


def test_animated_jpeg_xl_is_refused(monkeypatch):
    head = pylibjxl.probe(JXL)
    monkeypatch.setattr(pylibjxl, "probe", lambda _: head | {"have_animation": True})
    with pytest.raises(ImageError, match="animated JPEG XL"):
        load_frames(JXL)


def test_without_its_reader_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(jxl, "find_spec", lambda _: None)
    with pytest.raises(ImageError, match="pip install pylibjxl"):
        load_frames(JXL)
