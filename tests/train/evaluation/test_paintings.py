from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from PIL import Image

from kcdp.imaging import to_pictures
from train.evaluation.paintings import paint, painter, sheet
from train.foundation import Foundation
from train.stages.unet import build_scheduler


@pytest.fixture
def pipeline(foundation: Foundation) -> StableDiffusionPipeline:
    return painter(foundation, build_scheduler())


@torch.no_grad()
def test_a_picture_is_what_guided_denoising_by_hand_makes(
    pipeline: StableDiffusionPipeline, foundation: Foundation
) -> None:
    (found,) = paint(pipeline, ["a red face"], [3], steps=2, guidance=2.0)
    scheduler = DDIMScheduler.from_config(build_scheduler().config)
    scheduler.set_timesteps(2)
    latents = torch.randn((1, 6, 4, 4), generator=torch.Generator().manual_seed(3))
    states = [
        foundation.text_encoder(
            foundation.tokenizer([text], padding="max_length", return_tensors="pt").input_ids
        ).last_hidden_state
        for text in ("", "a red face")
    ]
    for step in scheduler.timesteps:
        without, said = (foundation.unet(latents, step, encoder_hidden_states=some).sample for some in states)
        latents = scheduler.step(without + 2.0 * (said - without), step, latents).prev_sample
    (expected,) = to_pictures(foundation.vae.decode(latents / foundation.vae.config.scaling_factor).sample.clamp(-1, 1))
    assert np.abs(np.asarray(found, dtype=int) - np.asarray(expected, dtype=int)).max() <= 1


def test_a_seed_gives_the_same_picture_alone_and_among_others(pipeline: StableDiffusionPipeline) -> None:
    several = paint(pipeline, ["a face", "a heart"], [1, 2], steps=2)
    assert len(several) == 4
    (alone,) = paint(pipeline, ["a heart"], [2], steps=2)
    assert np.abs(np.asarray(alone, dtype=int) - np.asarray(several[3], dtype=int)).max() <= 1


def test_a_sheet_has_rows() -> None:
    colours = ["red", "green", "blue"]
    page = sheet([Image.new("RGB", (4, 4), colour) for colour in colours], columns=2)
    assert page.size == (8, 8)
    assert [page.getpixel(place) for place in ((1, 1), (5, 1), (1, 5), (5, 5))] == [
        (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)
    ]  # fmt: skip
