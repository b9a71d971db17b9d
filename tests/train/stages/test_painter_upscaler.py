"""The upscaler's stage."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from kcdp.painting.upscaler import StickerUpscaler
from tests.learning import losses_of_steps
from train.core.trainer import LoopConfig, run_stage
from train.data.stickers import HELD_OUT, sticker, sticker_pixels
from train.stages.painter_upscaler import UpscalerConfig, UpscalerStage, blurred

CONFIG = UpscalerConfig(width=8, blocks=1, crop=16, crops=2, held_out=2, blur=0.0, noise=0.0)
SIZE = 24


@pytest.fixture
def stage():
    return UpscalerStage(CONFIG, SIZE)


def test_blur_equals_scipys():
    pixels = torch.rand(2, 4, 12, 15, dtype=torch.double)
    found = blurred(pixels, 0.9)
    for row in range(2):
        for channel in range(4):
            expected = gaussian_filter(pixels[row, channel].numpy(), 0.9, mode="nearest", radius=3)
            np.testing.assert_allclose(found[row, channel], expected, atol=1e-6)
    assert blurred(pixels, 0.0) is pixels


def test_crops_show_the_same_place_at_both_sizes(stage):
    batch = stage.batch(6, torch.Generator().manual_seed(2))
    assert batch["small"].shape == (6, 4, 16, 16)
    assert batch["large"].shape == (6, 4, 64, 64)
    near = torch.nn.functional.avg_pool2d(batch["large"], 4)
    own = (near - batch["small"]).abs().mean()
    other = (near.roll(1, 0) - batch["small"]).abs().mean()
    assert own < 0.03
    assert other > 4 * own
    again = stage.batch(6, torch.Generator().manual_seed(2))
    assert all(torch.equal(batch[name], again[name]) for name in batch)


def test_it_learns_what_bicubic_enlargement_lacks(stage):
    torch.manual_seed(0)
    task = stage.build()
    losses = losses_of_steps(task, stage.batch(8, torch.Generator().manual_seed(0)), 70)
    assert losses[-1] < 0.99 * losses[0]


def test_validation_begins_at_no_gain_and_measures_held_out_stickers(stage):
    metrics = stage.validate(stage.build().eval())
    assert metrics["gain"] == pytest.approx(0, abs=1e-5)
    total = 0.0
    for number in range(2):
        small, large = (sticker_pixels([sticker(HELD_OUT + number, size)]) for size in (SIZE, 4 * SIZE))
        error = torch.nn.functional.interpolate(small, scale_factor=4, mode="bicubic").clamp(-1, 1) - large
        total += 10 * np.log10(4 / error.square().mean().item())
    assert metrics["bicubic"] == pytest.approx(total / 2, rel=1e-4)


def test_a_run_leaves_an_upscaler(stage, tmp_path):
    run_stage(stage, LoopConfig(steps=1, batch_size=2, warmup_steps=0, validate_every=1), tmp_path)
    assert StickerUpscaler.from_pretrained(tmp_path / "best" / "upscaler").config.width == 8
