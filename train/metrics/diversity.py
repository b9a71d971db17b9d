"""LPIPS: how different pictures look (Zhang et al. 2018, equation 1; UniEmo, section IV-A, metric 5).

The published formula in our own words, because torchmetrics' version brings its network along (torchvision's AlexNet, to
be downloaded) and takes no other: here the network is whatever gives feature maps, such as the levels of a classifier.
Numbers of different networks are not comparable; the papers' are of AlexNet with learned channel weights.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from train.metrics.pictures import Column, Levels, PictureMetric

_EPSILON = 1e-8


def _unit(maps: torch.Tensor) -> torch.Tensor:
    """Maps (B, C, h, w) with the channels of every position scaled to unit length, float64."""
    maps = maps.double()
    return maps / (maps.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()


def lpips_diversity(batches: Iterable[torch.Tensor], levels: Levels) -> float:
    """Mean distance over all pairs of pictures of one emotion; the paper's number is the mean over the emotions.

    The distance of two pictures is the squared difference of their unit maps, summed over channels, averaged over positions
    and added over the levels; all weights of channels are 1. The paper draws pairs at random. All of them cost less: the mean
    squared difference over the pairs of n values is twice their unbiased variance, so every picture goes through the network
    once and none is kept.

    Args:
        batches: pictures (B, 3, H, W) of the emotion, together two or more.
        levels: the network; it also does whatever scaling it wants of values in [-1, 1].

    Raises ValueError when there are fewer than two pictures.
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
    variances = ((square - one.square() / count) / (count - 1) for one, square in zip(sums, squares, strict=True))
    return float(sum(2 * variance.sum(dim=0).mean() for variance in variances))


METRIC = PictureMetric(
    "lpips",
    Column("LPIPS ↑", digits=3),
    lambda sample: lpips_diversity(sample.batches, sample.instruments.levels),
)
