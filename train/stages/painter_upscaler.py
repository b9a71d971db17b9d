"""Painter, beside the rest: stickers four times as large, taught by drawings that are rendered at both sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from kcdp.painting.upscaler import StickerUpscaler
from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import train_stage
from train.data.stickers import HELD_OUT, sticker, sticker_pixels
from train.stages.vae import edge_error, psnr


@dataclass
class UpscalerConfig:
    """The upscaler and what it is shown."""

    factor: int = setting(4, "How many times as large.", "times")
    width: int = setting(32, "Channels inside.", "channels")
    blocks: int = setting(4, "Residual blocks.", "blocks")
    crop: int = setting(32, "Side of the small pictures that it learns from.", "pixels")
    crops: int = setting(4, "Crops of every drawing.", "crops")
    edge_weight: float = setting(0.5, "Weight of the L1 distance of finite differences.")
    blur: float = setting(
        1.0, "Most blur of the small picture, a deviation: decoders draw softer than renderers.", "pixels"
    )
    noise: float = setting(0.05, "Most noise on the small picture, of its range of 2.")
    held_out: int = setting(16, "Stickers to validate with.", "pictures")


def blurred(pixels: torch.Tensor, deviation: float) -> torch.Tensor:
    """Pixels (B, C, H, W) under a Gaussian of a deviation in pixels, rims continued; as they are for next to none."""
    if deviation < 0.05:
        return pixels
    reach = max(1, round(3 * deviation))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=pixels.device) / deviation) ** 2)
    kernel = (kernel / kernel.sum()).to(pixels.dtype)
    channels = pixels.shape[1]
    across = kernel.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1)
    padded = F.pad(pixels, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, across, groups=channels), across.transpose(2, 3), groups=channels)


class UpscalerTask(nn.Module):
    """Absolute error and that of finite differences, of the small picture's enlargement."""

    def __init__(self, upscaler: StickerUpscaler, edge_weight: float) -> None:
        super().__init__()
        self.upscaler, self.edge_weight = upscaler, edge_weight

    def forward(self, small: torch.Tensor, large: torch.Tensor) -> dict[str, torch.Tensor]:
        """Pixels (B, 4, h, w) and (B, 4, factor h, factor w)."""
        error = self.upscaler(small) - large
        absolute = error.abs().mean()
        return {"loss": absolute + self.edge_weight * edge_error(error), "absolute": absolute.detach()}


class UpscalerStage:
    """Trains on crops of stickers that are drawn for every step at both sizes."""

    name = "painter_upscaler"
    selection = "gain"

    def __init__(self, config: UpscalerConfig, size: int) -> None:
        """`size` is that of the small pictures, in pixels."""
        self.config, self.size = config, size

    def _rendered(self, numbers: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Stickers at the small and at the large size."""
        sizes = (self.size, self.config.factor * self.size)
        small, large = (sticker_pixels([sticker(number, size) for number in numbers]) for size in sizes)
        return small, large

    def build(self) -> UpscalerTask:
        config = self.config
        return UpscalerTask(StickerUpscaler(config.factor, config.width, config.blocks), config.edge_weight)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        config, room = self.config, self.size - self.config.crop + 1
        drawings = -(-size // config.crops)
        small, large = self._rendered(torch.randint(HELD_OUT, (drawings,), generator=generator).tolist())
        deviation, noise = (torch.rand(2, generator=generator) * torch.tensor([config.blur, 2 * config.noise])).tolist()
        seen = blurred(small, deviation)
        seen = seen + noise * torch.randn(seen.shape, generator=generator)
        crops: dict[str, list[torch.Tensor]] = {"small": [], "large": []}
        for number in range(size):
            row, (top, left) = number // config.crops, torch.randint(room, (2,), generator=generator).tolist()
            for name, picture, scale in (("small", seen, 1), ("large", large, config.factor)):
                side = scale * config.crop
                crops[name].append(
                    picture[row, :, scale * top : scale * top + side, scale * left : scale * left + side]
                )
        return {name: torch.stack(parts) for name, parts in crops.items()}

    def validate(self, model: UpscalerTask) -> dict[str, float]:
        """PSNR of whole held-out stickers, and how much more that is than bicubic enlargement's."""
        scores = {"psnr": 0.0, "bicubic": 0.0}
        for number in range(self.config.held_out):
            small, large = (part.to(model.upscaler.device) for part in self._rendered([HELD_OUT + number]))
            plain = F.interpolate(small, scale_factor=self.config.factor, mode="bicubic")
            for name, found in (("psnr", model.upscaler(small)), ("bicubic", plain)):
                scores[name] += psnr(found, large).item() / self.config.held_out
        return {"gain": scores["psnr"] - scores["bicubic"], **scores}

    def export(self, model: UpscalerTask, folder: Path) -> None:
        model.upscaler.save_pretrained(folder / "upscaler")


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage; it needs no pictures but drawn ones."""
    config = recipe.stage_settings("painter_upscaler", UpscalerConfig).config
    return train_stage(recipe, UpscalerStage(config, recipe.size))


SPEC = StageSpec("painter_upscaler", UpscalerConfig, run)
