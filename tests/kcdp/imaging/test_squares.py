"""The ground under pictures, and squares whose hidden colours stay hidden."""

from __future__ import annotations

import numpy as np
from PIL import Image

from kcdp.imaging import clear_square
from kcdp.imaging.squares import fit_square, flatten


def test_what_is_clear_lies_on_a_light_grey_that_is_not_white() -> None:
    clear = Image.new("RGBA", (8, 8))
    assert flatten(clear).getpixel((3, 3)) == (245, 245, 245)
    wide = fit_square(Image.new("RGB", (16, 8), "blue"), 8)
    assert (wide.getpixel((4, 0)), wide.getpixel((4, 4))) == ((245, 245, 245), (0, 0, 255))


def test_no_colour_under_clear_pixels_bleeds_into_the_rim() -> None:
    picture = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (30, 0, 64, 64))
    small = np.asarray(clear_square(picture, 16)).astype(int)
    # What is hidden is resized as if it were not there: a rim is as blue as the rest, and partly clear.
    seen = small[small[..., 3] > 16]
    assert seen[:, 0].max() <= 2 and seen[:, 2].min() >= 253
    assert (np.unique(small[..., 3]).size > 2) and small[8, 15].tolist() == [0, 0, 255, 255]
