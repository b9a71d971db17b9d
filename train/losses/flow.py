"""Losses of painters by rectified flow: latents at time t are (1 - t) x + t e, and the denoiser predicts the velocity e - x.

Times run from 0, the picture x, to 1, noise e alone; a denoiser's timestep is 1000 t, as with diffusers' schedulers.
"""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import edits


def mixed(latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """Latents and noise (B, C, h, w) at times (B,): (1 - t) x + t e (Liu et al. 2023, equation 1, with t turned around)."""
    share = times.reshape(-1, 1, 1, 1)
    return (1 - share) * latents + share * noise


def logit_normal_times(count: int, mean: float, std: float, generator: torch.Generator) -> torch.Tensor:
    """Times (count,) whose logit is normal: the middle comes most often (Esser et al. 2024, section 3.1)."""
    return torch.sigmoid(mean + std * torch.randn(count, generator=generator))


def velocity(
    unet: UNet2DConditionModel,
    noisy: torch.Tensor,
    times: torch.Tensor,
    condition: Condition,
    source: torch.Tensor | None = None,
) -> torch.Tensor:
    """The denoiser's prediction for noisy latents (B, C, h, w) at times (B,), in 32 bits.

    One that edits sees the latents `source` (B, C, h, w) beside them, or zeros.
    """
    inputs = noisy
    if edits(unet):
        inputs = torch.cat([noisy, torch.zeros_like(noisy) if source is None else source], dim=1)
    condition = condition.to(unet.dtype)
    predicted = unet(inputs.to(unet.dtype), 1000 * times, condition.states, added_cond_kwargs=condition.added).sample
    return predicted.float()


def flow_loss(
    unet: UNet2DConditionModel,
    latents: torch.Tensor,
    noise: torch.Tensor,
    times: torch.Tensor,
    condition: Condition,
    source: torch.Tensor | None = None,
) -> torch.Tensor:
    """Squared error of the velocity: a scalar."""
    predicted = velocity(unet, mixed(latents, noise, times), times, condition, source)
    return (predicted - (noise - latents)).square().mean()
