"""Pictures with a clear ground, as a painter with a fourth channel makes them: colours laid on white, and opacity.

Laid on white the colours alone are the picture that is shown, and opacity is wanted only where a sticker is exported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

#: How far from white, in levels of 255, a ground may be that is taken for clear: one of a file, and one that was painted.
NEARLY_WHITE, PAINTED_WHITE = 12, 40


def has_opacity(pixels: torch.Tensor) -> bool:
    """Whether pixels (B, C, H, W) have a channel of opacity behind their three colours."""
    return pixels.shape[1] == 4


def on_white(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels (B, 3 or 4, H, W) as they look on white: (B, 3, H, W)."""
    return pixels[:, :3]


def cut_out(pixels: torch.Tensor) -> list[Image.Image]:
    """RGBA pictures of pixels (B, 4, H, W) in about [-1, 1], their colours freed of the white that shows through.

    Of c = a s + (1 - a) with opacity a, s is the colour of the sticker. Where next to nothing is opaque it is anything, and
    kept white, so that pictures that are shrunk later have no dark rims.
    Raises ValueError for pixels without opacity.
    """
    if not has_opacity(pixels):
        raise ValueError("These pictures have no opacity, so nothing can be cut out; paint with a bundle that has.")
    colours, opacity = ((pixels.float() + 1) / 2).clamp(0, 1).split([3, 1], dim=1)
    # What is nearly clear or nearly opaque is meant to be so.
    opacity = ((opacity - 0.02) / 0.96).clamp(0, 1)
    freed = ((colours - (1 - opacity)) / opacity.clamp(min=1 / 255)).clamp(0, 1)
    freed = torch.where(opacity > 0.02, freed, torch.ones_like(freed))
    levels = (torch.cat([freed, opacity], dim=1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(picture, "RGBA") for picture in levels]


def add_opacity(pixels: torch.Tensor, nearly_white: int = NEARLY_WHITE) -> torch.Tensor:
    """Pixels (B, 3, H, W) in [-1, 1] with opacity: (B, 4, H, W), clear where white reaches in from the rim.

    Next to what is clear a pixel is as opaque as it is darker than white, in parts of its darkest neighbour: an outline that was
    drawn smooth stays so. A picture without any white at its rim is opaque everywhere. White is what no channel keeps from
    255 by more than `nearly_white`.
    """
    clear = torch.from_numpy(np.stack([_white_from_the_rim(picture, nearly_white) for picture in _levels(pixels)])).to(
        pixels.device
    )
    darkness = (1 - pixels.float().amin(dim=1, keepdim=True)).clamp(0, 2) / 2
    darkest = F.max_pool2d(darkness, 3, 1, 1)
    near_clear = F.max_pool2d(clear[:, None].float(), 3, 1, 1) > 0
    opacity = torch.where(near_clear, darkness / darkest.clamp(min=1e-3), 1.0).masked_fill(clear[:, None], 0)
    return torch.cat([pixels, (2 * opacity - 1).clamp(-1, 1).to(pixels)], dim=1)


def _levels(pixels: torch.Tensor) -> Sequence[np.ndarray]:
    """Pixels (B, 3, H, W) in [-1, 1] as levels (H, W, 3) uint8."""
    return list(((pixels.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())


def _white_from_the_rim(picture: np.ndarray, nearly_white: int) -> np.ndarray:
    """(H, W) bool: what is nearly white and connected, over such pixels, to the rim of levels (H, W, 3)."""
    white = (picture >= 255 - nearly_white).all(axis=2)
    # A margin of white all around joins what touches the rim, wherever it does.
    mask = Image.fromarray(np.pad(white, 1, constant_values=True).astype(np.uint8)).copy()
    ImageDraw.floodfill(mask, (0, 0), 2)
    return np.asarray(mask)[1:-1, 1:-1] == 2
