"""LPIPS: how different pictures look (Zhang et al. 2018, equation 1; UniEmo, section IV-A, metric 5).

The published formula in our own words, because torchmetrics' version brings its network along (torchvision's AlexNet, to
be downloaded) and takes no other: here the network is whatever gives feature maps, such as the levels of a classifier.
Numbers of different networks are not comparable; the papers' are of AlexNet with learned channel weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from train.metrics.pictures import Column, Levels, PictureMetric

_EPSILON = 1e-8


def _unit(maps: torch.Tensor) -> torch.Tensor:
    """Maps (B, C, h, w) with the channels of every position scaled to unit length, float64."""
    maps = maps.double()
    return maps / (maps.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()


def _distance(squares: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """Squared differences (B, C, h, w) of one level, weighted, summed over channels and averaged over positions, (B,)."""
    if weight is not None:
        squares = squares * weight.to(squares).view(1, -1, 1, 1)
    return squares.sum(dim=1).mean(dim=(1, 2))


def _weights(weights: Sequence[torch.Tensor] | None, count: int) -> Sequence[torch.Tensor | None]:
    if weights is not None and len(weights) != count:
        raise ValueError(f"There are weights of {len(weights)} levels and maps of {count}; give weights for each.")
    return weights or [None] * count


def lpips(
    first: torch.Tensor, second: torch.Tensor, levels: Levels, weights: Sequence[torch.Tensor] | None = None
) -> torch.Tensor:
    """Distance of each picture of `first` (B, 3, H, W) from its counterpart in `second`, (B,), 0 for the same picture.

    Args:
        levels: the network; it also does whatever scaling it wants of values in [-1, 1].
        weights: of the channels, (C_l,) for each level, not negative; all 1 if not given.

    Raises ValueError when there are weights of another number of levels than the network has.
    """
    pairs = list(zip(levels(first), levels(second), strict=True))
    parts = [
        _distance((_unit(one) - _unit(other)).square(), weight)
        for (one, other), weight in zip(pairs, _weights(weights, len(pairs)), strict=True)
    ]
    return torch.stack(parts).sum(dim=0)


def lpips_diversity(
    batches: Iterable[torch.Tensor], levels: Levels, weights: Sequence[torch.Tensor] | None = None
) -> float:
    """Mean `lpips` over all pairs of pictures of one emotion; the paper's number is the mean over the emotions.

    The paper draws pairs at random. All of them cost less: the mean squared difference over the pairs of n values is
    twice their unbiased variance, so every picture goes through the network once and none is kept.

    Args:
        batches: pictures (B, 3, H, W) of the emotion, together two or more.
        levels, weights: as for `lpips`.

    Raises ValueError when there are fewer than two pictures, or weights of another number of levels.
    """
    count, sums, squares = 0, [], []
    for batch in batches:
        for index, maps in enumerate(map(_unit, levels(batch))):
            if count == 0:
                sums.append(torch.zeros_like(maps[0]))
                squares.append(torch.zeros_like(maps[0]))
            sums[index] += maps.sum(dim=0)
            squares[index] += maps.square().sum(dim=0)
        count += len(batch)
    if count < 2:
        raise ValueError(f"Diversity is of two pictures or more; there is {count}.")
    total = 0.0
    for one, square, weight in zip(sums, squares, _weights(weights, len(sums)), strict=True):
        variance = (square - one.square() / count) / (count - 1)
        total += float(_distance(2 * variance[None], weight))
    return total


METRIC = PictureMetric(
    "lpips",
    Column("LPIPS ↑", digits=3),
    lambda sample: lpips_diversity(sample.batches, sample.instruments.levels),
)
