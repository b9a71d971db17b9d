"""Perceptual distance: differences of pictures in the features of a frozen ImageNet network."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from kcdp.vision.efficientnet import EfficientNetLite, normalized


class PerceptualLoss(nn.Module):
    """Distance of two pictures in the features of a frozen trunk (Zhang et al. 2018, equation 1, with all weights 1).

    At every position of a map the features of both pictures are brought to unit length and their squared difference summed;
    the means over positions are added over the maps of the trunk's first `depth` stages, of strides 2, 4 and 8 for three.

    Args:
        trunk: with ImageNet's weights; it is frozen here.
        depth: how many of its stages are compared.
    """

    def __init__(self, trunk: EfficientNetLite, depth: int = 3) -> None:
        super().__init__()
        self.trunk, self.depth = trunk.requires_grad_(False).eval(), depth

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Unit features of pictures (B, 3, H, W) in [-1, 1], sides multiples of 32."""
        maps, found = self.trunk.stem(normalized(pictures)), []
        for stage in self.trunk.stages[: self.depth]:
            maps = stage(maps)
            found.append(F.normalize(maps.float(), dim=1))
        return found

    def forward(self, pictures: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Distances (B,) of pictures from targets, both (B, 3, H, W) in [-1, 1]; gradients reach the pictures."""
        with torch.no_grad():
            expected = self.features(targets)
        distances = [
            (one - other).square().sum(dim=1).mean(dim=(1, 2))
            for one, other in zip(self.features(pictures), expected, strict=True)
        ]
        return torch.stack(distances).sum(dim=0)
