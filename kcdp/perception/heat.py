"""Heat maps: cross-attention of the denoiser, or of a query, resized to lay over the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F


def heat_map(attention: Sequence[torch.Tensor], token_indices: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """The map (H, W) of one group of tokens; arguments, range and errors as those of `heat_maps`."""
    return heat_maps(attention, [token_indices], size)[0]


@torch.no_grad()
def heat_maps(
    attention: Sequence[torch.Tensor], groups: Sequence[Sequence[int]], size: tuple[int, int]
) -> list[np.ndarray]:
    """The attention of one picture's denoiser to each group of tokens: float32 (H, W) in [0, 1].

    Mean over the tokens and over the levels, each brought to `size` bilinearly, then stretched so that the least
    attended place is 0 and the most attended 1; all zeros where attention is the same everywhere.

    Args:
        attention: (T, H_i, W_i) a level, from `Perception.attention_of`.
        groups: for each map the positions of its tokens in the condition, at least one, each below T.
        size: (H, W) of the result, in pixels.

    Raises ValueError without a level or a token, or for a token that is not there.
    """
    if not groups:
        return []
    if not len(attention):
        raise ValueError("There is no attention map; the UNet needs a level with cross-attention.")
    tokens = len(attention[0])
    for indices in groups:
        wrong = [index for index in indices if not 0 <= index < tokens]
        if wrong or not len(indices):
            raise ValueError(f"Choose at least one token from 0 to {tokens - 1}, not {list(indices)}.")
    device = attention[0].device
    shares = torch.from_numpy(_shares(groups, tokens)).to(device)
    # A bilinear resize is a matrix product an axis, and a sum over levels one product of what stands side by side: a fifth of
    # the time that resizing every map of every level takes.
    rows = torch.cat([_resize(level.shape[1], size[0]) for level in attention]).T.to(device) / len(attention)
    means = [(shares @ level.float().flatten(1)).view(-1, *level.shape[1:]) for level in attention]
    columns = torch.cat([mean @ _resize(mean.shape[2], size[1]).to(device) for mean in means], dim=1)
    heat = rows @ columns
    low, high = (limit.unflatten(0, (-1, 1, 1)) for limit in torch.aminmax(heat.flatten(1), dim=1))
    # Below this share of its mean a map's relief is rounding noise.
    flat = high - low <= 1e-5 * high
    return list(heat.sub_(low).div_(high - low).masked_fill_(flat, 0).cpu().numpy())


def _shares(groups: Sequence[Sequence[int]], tokens: int) -> np.ndarray:
    """(G, T) float32: what each token counts in the mean of each group."""
    shares = np.zeros((len(groups), tokens), dtype=np.float32)
    for row, indices in zip(shares, groups, strict=True):
        for index in indices:
            row[index] += 1 / len(indices)
    return shares


@lru_cache(maxsize=32)
def _resize(length: int, size: int) -> torch.Tensor:
    """(length, size): what a linear resize of `length` numbers to `size` takes of each."""
    return F.interpolate(torch.eye(length)[None], size=size, mode="linear", align_corners=False)[0]
