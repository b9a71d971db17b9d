"""What the denoiser paints from words alone, before any emotion is asked of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import DDIMScheduler, SchedulerMixin
from PIL import Image

from kcdp.imaging import to_pictures
from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import Guidance, denoise
from train.core.foundation import Foundation

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

GUIDANCE = Guidance(4.0)


@torch.no_grad()
def paint_latents(
    foundation: Foundation,
    scheduler: SchedulerMixin,
    told: Condition,
    seeds: Sequence[int],
    steps: int = 30,
    guidance: Guidance = GUIDANCE,
) -> torch.Tensor:
    """Scaled latents (B, C, h, w) that the foundation's denoiser makes of B conditions and seeds, in DDIM's steps.

    `scheduler` says which noise it predicts. A seed's noise is the same whatever is told.
    """
    return denoise(
        foundation.unet,
        DDIMScheduler.from_config(scheduler.config),
        told,
        seeds,
        steps,
        lambda number, timestep, latents: latents,
        foundation.prompts.nothing(),
        guidance,
    )


@torch.no_grad()
def decoded(foundation: Foundation, latents: torch.Tensor) -> list[Image.Image]:
    """B pictures of scaled latents (B, C, h, w)."""
    vae = foundation.vae
    return to_pictures(vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor).sample)


def sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size in rows of `columns`."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * width, rows * height), "white")
    for index, picture in enumerate(pictures):
        page.paste(picture, (index % columns * width, index // columns * height))
    return page
