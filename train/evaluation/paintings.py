"""What the denoiser paints from words alone, before any emotion is asked of it."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionPipeline
from PIL import Image

from train.foundation import Foundation

#: Things, faces and scenes, of each of which a sheet has a row.
PROMPTS = (
    "a crying cat",
    "a cup of tea",
    "a red angry face",
    "a mountain",
    "a smiling yellow face",
    "a ghost",
    "a birthday cake",
    "a broken heart",
)


def painter(foundation: Foundation, scheduler: DDPMScheduler) -> StableDiffusionPipeline:
    """Text to image with the foundation's own parts and the noise that its denoiser has learned to predict."""
    pipeline = StableDiffusionPipeline(
        vae=foundation.vae,
        text_encoder=foundation.text_encoder,
        tokenizer=foundation.tokenizer,
        unet=foundation.unet,
        scheduler=DDIMScheduler.from_config(scheduler.config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def paint(
    pipeline: StableDiffusionPipeline, prompts: list[str], seeds: list[int], steps: int = 30, guidance: float = 4.0
) -> list[Image.Image]:
    """One picture of each prompt for each seed, prompt by prompt; a seed's noise is the same for every prompt."""
    config = pipeline.unet.config
    shape = (1, config.in_channels, config.sample_size, config.sample_size)
    noise = torch.cat([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    size = pipeline.vae.config.sample_size
    pictures = []
    for prompt in prompts:
        painted = pipeline(
            [prompt] * len(seeds),
            height=size,
            width=size,
            num_inference_steps=steps,
            guidance_scale=guidance,
            # Given, because the pipeline would reckon their size from an autoencoder without patches.
            latents=noise.to(pipeline.device, pipeline.dtype),
        )
        pictures += painted.images
    return pictures


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size in rows of `columns`."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * width, rows * height), "white")
    for index, picture in enumerate(pictures):
        page.paste(picture, (index % columns * width, index // columns * height))
    return page
