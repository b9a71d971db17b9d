"""Opacity, against pictures that are laid on white by the formula."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from kcdp.imaging import flatten
from kcdp.painting.opacity import PAINTED_WHITE, add_opacity, cut_out, on_white


def sticker(size=32):
    """A half-clear ring around an opaque disc."""
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, size - 5, size - 5), fill=(200, 40, 90, 128))
    draw.ellipse((9, 9, size - 10, size - 10), fill=(20, 160, 220, 255))
    return image


def laid(image):
    """(1, 4, H, W) in [-1, 1]: on white, with opacity."""
    levels = torch.from_numpy(np.asarray(image, dtype=np.float32)).permute(2, 0, 1)[None] / 255
    colours, opacity = levels.split([3, 1], dim=1)
    return torch.cat([colours * opacity + 1 - opacity, opacity], dim=1) * 2 - 1


def test_what_was_laid_on_white_is_cut_out_again():
    image = sticker()
    (found,) = cut_out(laid(image))
    assert found.mode == "RGBA"
    before, after = np.asarray(image).astype(int), np.asarray(found).astype(int)
    seen = before[..., 3] > 0
    assert abs(before - after)[seen].max() <= 4
    assert (after[~seen] == [255, 255, 255, 0]).all()


def test_on_any_ground_the_cut_out_looks_as_the_sticker_does():
    image, (found,) = sticker(), cut_out(laid(sticker()))
    for ground in ((255, 255, 255), (0, 0, 0), (30, 200, 90)):
        one, other = (np.asarray(flatten(picture, ground), dtype=int) for picture in (image, found))
        assert abs(one - other).max() <= 4


def test_numbers_outside_the_range_are_no_other_colours():
    pixels = torch.full((1, 4, 2, 2), 1.7)
    pixels[0, 3, 0, 0] = -1.3
    (found,) = cut_out(pixels)
    assert found.getpixel((1, 1)) == (255, 255, 255, 255)
    assert found.getpixel((0, 0))[3] == 0


def test_pictures_without_opacity_cannot_be_cut_out():
    with pytest.raises(ValueError, match="no opacity"):
        cut_out(torch.zeros(1, 3, 2, 2))


def test_white_is_clear_where_it_reaches_in_from_the_rim():
    picture = Image.new("RGB", (40, 40), "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 8, 31, 31), fill=(250, 200, 40), outline=(0, 0, 0))
    draw.ellipse((16, 16, 22, 22), fill="white")  # the white of an eye
    pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    found = add_opacity(pixels)
    assert torch.equal(on_white(found), pixels)
    opacity = found[0, 3]
    assert opacity[0, 0] == opacity[39, 20] == -1
    assert opacity[19, 19] == opacity[12, 20] == 1
    painted = (pixels - 0.2).clamp(-1, 1)  # no ground of a file, but one that a painter meant to be white
    assert (add_opacity(painted)[0, 3] == 1).all()
    assert add_opacity(painted, PAINTED_WHITE)[0, 3, 0, 0] == -1


def test_a_smooth_outline_on_white_stays_smooth():
    """Of a disc that was laid on white, the opacity that it had is found again."""
    large = Image.new("L", (320, 320))
    ImageDraw.Draw(large).ellipse((60, 60, 259, 259), fill=255)
    opacity = large.resize((40, 40), Image.Resampling.BOX)
    picture = Image.new("RGBA", (40, 40), (30, 90, 160, 255))
    picture.putalpha(opacity)
    found = (add_opacity(laid(picture)[:, :3])[0, 3] + 1) * 127.5
    wanted = torch.from_numpy(np.asarray(opacity, dtype=np.float32))
    rim = (wanted > 0) & (wanted < 255)
    assert rim.sum() > 40
    assert (found - wanted)[~rim].abs().max() < 1
    # Nothing but white and colour at the rim would be wrong by a half of each pixel.
    assert (found - wanted)[rim].abs().mean() < 16


def test_a_picture_without_white_at_its_rim_is_opaque():
    pixels = torch.zeros(2, 3, 8, 8)
    pixels[:, :, 3:5, 3:5] = 1
    assert (add_opacity(pixels)[:, 3] == 1).all()
