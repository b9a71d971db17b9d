from __future__ import annotations

import dataclasses

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionXLPipeline
from PIL import Image
from transformers import CLIPTokenizer

from kcdp.imaging import to_pictures
from kcdp.painting.sampling import Guidance
from tests.tiny_diffusion import SIZE, stable_diffusion_xl
from train.core.foundation import Foundation
from train.evaluation.text_to_image import GUIDANCE, decode, sample_latents
from train.stages.unet import build_scheduler


def painted(
    foundation: Foundation, prompts: list[str], seeds: list[int], guidance: Guidance = GUIDANCE
) -> list[Image.Image]:
    told = foundation.prompts.plain(prompts)
    return decode(foundation, sample_latents(foundation, build_scheduler(), told, seeds, 2, guidance))


@torch.no_grad()
def test_a_picture_is_what_guided_denoising_by_hand_makes(foundation: Foundation) -> None:
    (found,) = painted(foundation, ["a red face"], [3], guidance=Guidance(2.0))
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


def test_on_two_text_encoders_a_picture_is_what_the_library_makes(
    foundation: Foundation, tiny_tokenizer: CLIPTokenizer
) -> None:
    parts = stable_diffusion_xl(tiny_tokenizer)
    networks = {name: part for name, part in parts.items() if name != "scheduler"}
    foundation = dataclasses.replace(foundation, **networks)
    scheduler = DDPMScheduler.from_config(parts["scheduler"].config, clip_sample=False)
    told = foundation.prompts.plain(["a red sofa", "a cat"])
    found = decode(
        foundation, sample_latents(foundation, scheduler, told, [3, 4], steps=2, guidance=Guidance(3.0, 0.5))
    )
    noise = [torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(seed)) for seed in (3, 4)]
    library = StableDiffusionXLPipeline(
        **networks, scheduler=DDIMScheduler.from_config(scheduler.config), add_watermarker=False
    )
    expected = library(
        ["a red sofa", "a cat"],
        height=SIZE,
        width=SIZE,
        num_inference_steps=2,
        guidance_scale=3.0,
        guidance_rescale=0.5,
        latents=torch.cat(noise),
    ).images
    for one, other in zip(found, expected, strict=True):
        assert np.asarray(one).std() > 1
        assert np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max() <= 1


def test_a_seed_gives_the_same_picture_alone_and_among_others(foundation: Foundation) -> None:
    several = painted(foundation, ["a face", "a heart"], [1, 2])
    assert len(several) == 2
    (alone,) = painted(foundation, ["a heart"], [2])
    assert np.abs(np.asarray(alone, dtype=int) - np.asarray(several[1], dtype=int)).max() <= 1
