"""Representation alignment: a denoiser's own features are led towards those of a network that has learned to see."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class AlignmentHead(nn.Module):
    """From a denoiser's feature map to a trunk's, position by position; part of the training alone (Yu et al. 2025, section 3.2).

    Args:
        channels: of the denoiser's map.
        features: of the trunk's.
        width: inside.
    """

    def __init__(self, channels: int, features: int, width: int = 512) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, features)
        )

    def forward(self, states: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """1 - cosine, averaged over pictures and positions: a scalar in [0, 2], in 32 bits.

        `states` (B, C, h, w) of the denoiser, `features` (B, h w, F) of the trunk on the clean pictures, at as many positions,
        row by row (for a U-Net its middle: Tian et al. 2025, U-REPA).
        Raises ValueError where they are at another number of positions.
        """
        led = self.layers(states.flatten(2).transpose(1, 2))
        if led.shape[1] != features.shape[1]:
            raise ValueError(
                f"The denoiser's middle has {led.shape[1]} positions, the features {features.shape[1]}: a code of 16 pixels a side "
                "and two levels, 32 pixels in all, fit the trunk; for others set alignment_weight to 0."
            )
        return 1 - F.cosine_similarity(led.float(), features.float(), dim=2).mean()
