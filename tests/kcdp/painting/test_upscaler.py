"""The upscaler: begins as bicubic enlargement, and keeps what a sticker is."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

from kcdp.painting.upscaler import StickerUpscaler, laid_on_white


def disc(size=16, colour=(200, 40, 60, 255)):
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((3, 3, size - 4, size - 4), fill=colour)
    return image


@torch.no_grad()
def test_it_begins_as_bicubic_enlargement():
    pixels = torch.rand(2, 4, 8, 10) * 2 - 1
    found = StickerUpscaler(factor=3, width=8, blocks=1)(pixels)
    torch.testing.assert_close(found, F.interpolate(pixels, scale_factor=3, mode="bicubic"))


@torch.no_grad()
def test_what_it_adds_stands_where_it_belongs():
    """Of factor² numbers a place, the one in row r and column c is that pixel's."""
    upscaler = StickerUpscaler(factor=2, width=8, blocks=1)
    upscaler.last.bias.copy_(torch.arange(16.0))
    added = upscaler(torch.zeros(1, 4, 3, 3))[0]
    for channel in range(4):
        assert added[channel, :2, :2].tolist() == [[4 * channel, 4 * channel + 1], [4 * channel + 2, 4 * channel + 3]]


def test_stickers_stay_stickers():
    (large,) = StickerUpscaler().enlarge([disc()])
    assert (large.mode, large.size) == ("RGBA", (64, 64))
    assert large.getpixel((1, 1))[3] == 0
    assert large.getpixel((32, 32)) == (200, 40, 60, 255)
    assert StickerUpscaler().enlarge([]) == []


def test_pixels_are_laid_on_white():
    (pixels,) = laid_on_white([disc(colour=(0, 0, 0, 128))])
    assert pixels[:, 0, 0].tolist() == [1, 1, 1, -1]
    share = 128 / 255
    np.testing.assert_allclose(pixels[:, 8, 8], [1 - 2 * share] * 3 + [2 * share - 1], atol=1e-6)


@pytest.mark.parametrize("stickers", [[Image.new("RGB", (8, 8))], [disc(16), disc(20)]])
def test_what_is_no_sticker_is_refused(stickers):
    with pytest.raises(ValueError, match="RGBA and of one size"):
        StickerUpscaler().enlarge(stickers)
