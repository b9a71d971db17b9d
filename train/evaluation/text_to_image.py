"""Text to image by a run's foundation alone, before any emotion."""

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
def sample_latents(
    foundation: Foundation,
    scheduler: SchedulerMixin,
    condition: Condition,
    seeds: Sequence[int],
    steps: int = 30,
    guidance: Guidance = GUIDANCE,
) -> torch.Tensor:
    """Scaled latents (B, C, h, w) that the foundation's denoiser makes of B conditions and seeds, in `steps` of DDIM.

    `scheduler` says which noise it predicts. A seed's noise is the same under every condition.
    """
    return denoise(
        foundation.unet,
        DDIMScheduler.from_config(scheduler.config),
        condition,
        seeds,
        steps,
        lambda number, timestep, latents: latents,
        foundation.prompts.nothing(),
        guidance,
    )


@torch.no_grad()
def decode(foundation: Foundation, latents: torch.Tensor) -> list[Image.Image]:
    """B pictures of scaled latents (B, C, h, w)."""
    vae = foundation.vae
    return to_pictures(vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor).sample)
