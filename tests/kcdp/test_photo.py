"""A photo is told from a drawing by its noise and shades."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kcdp.paths import ASSETS
from kcdp.photo import is_photo


def shaded(noise: float) -> Image.Image:
    """Hills in a haze, by waves of light, with a camera's `noise` in levels."""
    rows, columns = np.mgrid[0:256, 0:320] / 40
    light = 120 + 60 * np.sin(columns + np.cos(rows)) + 40 * np.cos(3 * rows + columns)
    colours = light[..., None] * (1.0, 0.9, 0.7) + np.random.default_rng(0).normal(0, noise, (256, 320, 3))
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("noise", [3.0, 8.0])
def test_shades_and_noise_are_a_photo(noise: float) -> None:
    assert is_photo(shaded(noise))


def test_a_cut_out_photo_on_an_even_ground_is_a_sticker() -> None:
    ground = Image.new("RGB", (512, 512), "white")
    ground.paste(shaded(4.0).resize((180, 180)), (166, 166))
    assert not is_photo(ground)


def test_a_drawing_in_flat_colours_is_none() -> None:
    picture = Image.new("RGB", (200, 200), "skyblue")
    draw = ImageDraw.Draw(picture)
    for number in range(12):
        draw.ellipse(
            (8 * number, 9 * number, 8 * number + 70, 9 * number + 60), fill=(20 * number, 90, 255 - 20 * number)
        )
    assert not is_photo(picture)


def test_examples_are_none() -> None:
    assert not [path.name for path in ASSETS.glob("examples/*.png") if is_photo(Image.open(path))]
