"""The two pieces that our convolutional parts are made of.

Batch normalisation, not group normalisation: on 3,000 cartoons the same network of each kind was at 33 % and at chance.
"""

import torch
from torch import nn
from torch.nn import functional as F


def conv_norm(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch normalisation, ReLU: (B, inside, H, W) -> (B, outside, H / stride, W / stride)."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()
    )


class ResidualBlock(nn.Module):
    """ResNet's basic block (He et al. 2016) without a change of shape."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_norm(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.layers(x))
