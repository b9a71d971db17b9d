"""Stickers four times as large, drawn and not blurred: what a renderer that knows every size has taught."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from PIL import Image
from torch import nn
from torch.nn import functional as F

from kcdp.painting.opacity import cut_out


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + self.layers(maps)


class StickerUpscaler(ModelMixin, ConfigMixin):
    """Adds what a bicubic enlargement lacks (the residual network of Lim et al. 2017, small): sharp outlines and flat colours.

    Pixels are (B, 4, H, W) in [-1, 1], colours laid on white and opacity. It begins as the bicubic enlargement.

    Args:
        factor: how many times as large.
        width: channels inside.
        blocks: residual blocks, all at the small size.
    """

    @register_to_config
    def __init__(self, factor: int = 4, width: int = 32, blocks: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, width, 3, padding=1)
        self.body = nn.Sequential(*(_Residual(width) for _ in range(blocks)))
        self.last = nn.Conv2d(width, 4 * factor**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 4, H, W) -> (B, 4, factor H, factor W)."""
        factor = self.config.factor
        plain = F.interpolate(pixels, scale_factor=factor, mode="bicubic")
        return plain + F.pixel_shuffle(self.last(self.body(self.first(pixels))), factor)

    @torch.no_grad()
    def enlarge(self, stickers: Sequence[Image.Image]) -> list[Image.Image]:
        """RGBA pictures of one size, `factor` times as large. An empty list gives an empty one.

        Raises ValueError for pictures without opacity, or of several sizes.
        """
        if not stickers:
            return []
        if {one.mode for one in stickers} != {"RGBA"} or len({one.size for one in stickers}) > 1:
            raise ValueError("Stickers that are enlarged must all be RGBA and of one size.")
        return cut_out(self(laid_on_white(stickers).to(self.device, self.dtype)))


def laid_on_white(stickers: Sequence[Image.Image]) -> torch.Tensor:
    """RGBA pictures of one size as pixels (B, 4, H, W) in [-1, 1]: colours laid on white, and opacity."""
    levels = np.stack([np.asarray(one, dtype=np.float32) for one in stickers]) / 255
    colours, opacity = levels[..., :3], levels[..., 3:]
    laid = np.concatenate([colours * opacity + 1 - opacity, opacity], axis=-1)
    return torch.from_numpy(laid * 2 - 1).permute(0, 3, 1, 2).contiguous()
