"""A small residual network over latents, whose levels the feature pyramid and the mini vision tower read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from kcdp.perception.convolution import ResidualBlock, conv_norm


class LatentEncoder(ModelMixin, ConfigMixin):
    """A residual network over latents (B, C, H, W): one map (B, widths[i], H / 2^i, W / 2^i) a level."""

    @register_to_config
    def __init__(self, latent_channels: int = 4, widths: Sequence[int] = (64, 128, 192)) -> None:
        super().__init__()
        pairs = itertools.pairwise((latent_channels, *widths))
        self.levels = nn.ModuleList(
            nn.Sequential(conv_norm(inside, width, 2 if level else 1), ResidualBlock(width), ResidualBlock(width))
            for level, (inside, width) in enumerate(pairs)
        )

    def forward(self, latents: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of each level for latents (B, C, H, W), high resolution first."""
        maps = []
        for level in self.levels:
            latents = level(latents)
            maps.append(latents)
        return maps
