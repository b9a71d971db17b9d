"""FID: how far the distribution of generated pictures is from that of real ones (Heusel et al. 2017, equation 6).

The only measure that needs torchmetrics, which training installs and the app does not.
"""

from __future__ import annotations

import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from train.metrics.pictures import Column, PictureMetric


class _Features(nn.Identity):
    """In the place of torchmetrics' network: what comes is features already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features


def frechet_distance(real: torch.Tensor, generated: torch.Tensor) -> float:
    """||m - m'||^2 + tr(S + S' - 2 (S S')^(1/2)) of the means m and covariances S of two sets of features.

    The features decide what is compared: the papers' are Inception's (D = 2048, tens of thousands of pictures), and only
    numbers of one network are comparable. With few pictures the distance is too large, more so the fewer there are: so
    compare sets of one size, and with what as many other real pictures reach.

    Args:
        real: features (N, D) of real pictures, N > 1.
        generated: features (M, D) of generated pictures, M > 1.

    Raises ValueError when a set has fewer than two pictures or the two differ in D.
    """
    if min(len(real), len(generated)) < 2 or real.shape[1:] != generated.shape[1:]:
        raise ValueError(
            f"Features are {tuple(real.shape)} and {tuple(generated.shape)}; give two pictures or more of each, "
            "through the same network."
        )
    # Every process of a run has all pictures; put together, they would count twice.
    distance = FrechetInceptionDistance(_Features(real.shape[1]), sync_on_compute=False)
    distance.update(real.double(), real=True)
    distance.update(generated.double(), real=False)
    return float(distance.compute())


METRIC = PictureMetric(
    "fid",
    Column("FID ↓"),
    lambda sample: frechet_distance(sample.reference, sample.output("features")),
    pooled=("features",),
)
