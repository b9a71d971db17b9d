"""Painting: a bundle's pictures beside Stable Diffusion's own pipeline with the same parts at the same settings."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import StableDiffusionPipeline

from kcdp.painting.sampling import edits, of_flow
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.uniemo.query_chain import tower_pixels
from train.benchmarks.timing import Row, Stopwatch


def measure_painting(pipeline: UniEmoPipeline, count: int, steps: int, stopwatch: Stopwatch) -> list[Row]:
    """One painted picture, and a batch of them."""
    emotion = pipeline.labels[0]

    def painted(seeds: list[int]) -> None:
        pipeline(emotion, seed=seeds, num_inference_steps=steps)

    seeds = list(range(count))
    name, plain = (
        ("Stable Diffusion's pipeline and the networks of a reading", library_painting(pipeline, emotion, steps))
        if fits_library(pipeline)
        else ("its networks' bare calls", bare_painting(pipeline, emotion, steps))
    )
    return [
        stopwatch.row(
            f"one picture of {steps} steps and what it is read as, beside {name}",
            lambda: painted([0]),
            plain,
            1,
        ),
        stopwatch.row(
            f"{count} pictures painted in a batch, beside one by one",
            lambda: painted(seeds),
            lambda: [painted([seed]) for seed in seeds],
            count,
        ),
    ]


def fits_library(pipeline: UniEmoPipeline) -> bool:
    """Whether Stable Diffusion's own pipeline takes its parts."""
    own_kind = isinstance(pipeline.vae, StickerAutoencoder) or edits(pipeline.unet) or of_flow(pipeline.scheduler)
    return pipeline.text_encoder_2 is None and not own_kind


@torch.no_grad()
def bare_painting(pipeline: UniEmoPipeline, prompt: str, steps: int) -> Callable[[], object]:
    """The networks of a painting and of the reading of its picture, called as often as they are in it, and nothing between them.

    Conditions of guidance are encoded beforehand.
    """
    unet, vae, device = pipeline.unet, pipeline.vae, pipeline.device
    guided = pipeline.config.guidance_scale > 1
    copies = 1 + guided + (guided and pipeline.config.emotion_guidance != 1)
    size = unet.config.sample_size
    noise = torch.randn(copies, unet.config.in_channels, size, size, device=device, dtype=unet.dtype)
    latents = torch.randn(1, unet.config.out_channels, size, size, device=device, dtype=vae.dtype)
    condition = pipeline.prompts.plain([prompt])
    states, added = condition.states.expand(copies, -1, -1), condition.repeated(copies).added
    timesteps = pipeline.scheduler.timesteps[torch.linspace(0, len(pipeline.scheduler.timesteps) - 1, steps).long()]
    pixels = tower_pixels(pipeline.vision, torch.zeros(1, 3, pipeline.size, pipeline.size, device=device))

    @torch.no_grad()
    def calls() -> None:
        pipeline.prompts.plain([prompt])
        for timestep in timesteps:
            unet(noise, timestep, encoder_hidden_states=states, added_cond_kwargs=added, return_dict=False)
        vae.decode(latents, return_dict=False)
        pipeline.chain(pipeline.vision, pixels, attention=False)

    return calls


def library_painting(pipeline: UniEmoPipeline, prompt: str, steps: int) -> Callable[[], object]:
    """A call of Stable Diffusion's own pipeline with the same scheduler, and one of the networks that ours then reads its picture with."""
    names = ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
    library = StableDiffusionPipeline(
        **{name: getattr(pipeline, name) for name in names},
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    library.set_progress_bar_config(disable=True)
    config = pipeline.unet.config
    # Given, because it would reckon their size from an autoencoder without patches.
    shape = (1, config.in_channels, config.sample_size, config.sample_size)
    noise = torch.randn(shape, device=pipeline.device, dtype=pipeline.unet.dtype)
    guidance = ("guidance_scale", "guidance_rescale")
    settings = {"num_inference_steps": steps, **{name: pipeline.config[name] for name in guidance}}
    size = {"height": pipeline.size, "width": pipeline.size}
    pixels = tower_pixels(pipeline.vision, torch.zeros(1, 3, pipeline.size, pipeline.size, device=pipeline.device))

    @torch.no_grad()
    def calls() -> None:
        library(prompt, latents=noise, **size, **settings)
        pipeline.chain(pipeline.vision, pixels, attention=False)

    return calls
