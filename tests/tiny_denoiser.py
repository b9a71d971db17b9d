"""A denoiser around a UNet of three levels, what trains it, and how what it reports is compared."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel

from kcdp.perception.denoiser import Denoiser, Perception

#: Of a token's state, and how many tokens a condition has.
WIDTH, TOKENS = 16, 6


def build(unet: UNet2DConditionModel, **options: object) -> Denoiser:
    return Denoiser(unet, **{"attention_levels": (0, 1), **options})


def objective(seen: Perception) -> torch.Tensor:
    """Anything that depends on every feature and every map."""
    return sum(f.square().mean() for f in seen.features) + sum((10 * m[:, 0]).square().mean() for m in seen.attention)


def train_a_step(denoiser: Denoiser, latents: torch.Tensor, states: torch.Tensor) -> None:
    optimizer = torch.optim.Adam(denoiser.trainable_parameters(), lr=0.05)
    for _ in range(2):
        optimizer.zero_grad()
        objective(denoiser(latents, states)).backward()
        optimizer.step()


def assert_same(one: Perception, other: Perception, **tolerance: float) -> None:
    torch.testing.assert_close(one.features, other.features, **tolerance)
    torch.testing.assert_close(one.attention, other.attention, **tolerance)
