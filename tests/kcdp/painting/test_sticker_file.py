"""Sticker files: the square, the cut, the rim and the bytes."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kcdp.painting.sticker_file import sticker_file, sticker_picture


def disc(size=128, box=(30, 50, 69, 69)):
    """An ellipse of 40 x 20 pixels on a clear ground whose colour must never be seen."""
    image = Image.new("RGBA", (size, size), (255, 0, 255, 0))
    ImageDraw.Draw(image).ellipse(box, fill=(20, 130, 70, 255))
    return image


def opened(data):
    image = Image.open(BytesIO(data))
    image.load()
    return image


def test_the_sticker_fills_the_square_but_for_the_margin():
    found = sticker_picture(disc())
    assert (found.mode, found.size) == ("RGBA", (512, 512))
    left, top, right, bottom = found.getchannel("A").point(lambda level: 255 * (level > 127)).getbbox()
    assert (left, right) == pytest.approx((16, 496), abs=3)
    assert (top, bottom) == pytest.approx((136, 376), abs=3)


def test_nothing_of_the_clear_grounds_colour_comes_in():
    found = np.asarray(sticker_picture(disc())).astype(int)
    # What is nearly clear has a colour of few levels only.
    seen = found[found[..., 3] > 100]
    assert abs(seen[:, :3] - [20, 130, 70]).max() <= 8


def test_an_edge_is_white_around_the_sticker_and_as_wide_as_asked_for():
    plain, edged = (np.asarray(sticker_picture(disc(), margin=8, edge=edge)).astype(int) for edge in (0, 12))
    assert edged[256, 256].tolist() == plain[256, 256].tolist() == [20, 130, 70, 255]
    row = edged[256]
    white = np.flatnonzero((row[:, :3] > 240).all(axis=1) & (row[:, 3] > 127))
    opaque = np.flatnonzero(row[:, 3] > 127)
    assert opaque[0] == white[0] and opaque[-1] == white[-1]
    assert 8 <= (white < 256).sum() <= 16
    assert opaque[0] >= 6
    assert edged[2, 2, 3] == 0


def test_a_file_opens_as_the_picture_that_it_was_made_of():
    picture = sticker_picture(disc())
    for kind, name in (("png", "PNG"), ("webp", "WEBP")):
        found = opened(sticker_file(picture, kind))
        assert found.format == name
        shown = np.asarray(picture)[..., 3] > 0
        assert (np.asarray(found.convert("RGBA"))[shown] == np.asarray(picture)[shown]).all()


def test_a_webp_file_stays_within_its_bytes():
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 4), dtype=np.uint8)
    picture = Image.fromarray(noise, "RGBA")
    small = sticker_file(picture, most_bytes=100_000)
    assert len(small) <= 100_000 < len(sticker_file(picture, "png"))
    assert opened(small).size == (256, 256)
    with pytest.raises(ValueError, match="does not fit into 100 bytes"):
        sticker_file(picture, most_bytes=100)


def test_what_came_with_a_picture_stays_out_of_the_file():
    picture = sticker_picture(disc())
    picture.info["exif"] = b"Exif\x00\x00somewhere"
    picture.info["icc_profile"] = b"somebody's screen"
    for kind in ("png", "webp"):
        data = sticker_file(picture, kind)
        assert b"somewhere" not in data
        assert b"somebody" not in data


@pytest.mark.parametrize(
    ("image", "options", "sentence"),
    [
        (Image.new("RGB", (8, 8)), {}, "RGBA picture, not RGB"),
        (Image.new("RGBA", (8, 8)), {}, "nothing to be seen"),
        (disc(), {"side": 20, "margin": 10}, "leave no room in 20 pixels"),
    ],
)
def test_what_is_no_sticker_is_one_sentence(image, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        sticker_picture(image, **options)


def test_other_kinds_of_files_are_refused():
    with pytest.raises(ValueError, match="'gif' is no kind"):
        sticker_file(disc(), "gif")
