"""Explicit feedback: which generated pictures are fit to learn from (section III-C, algorithm 1)."""

from __future__ import annotations

from typing import Literal, get_args

import torch

#: What pictures are ranked by (table VI).
Criterion = Literal["both", "emotion", "clarity"]


def band(scores: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Which of N pictures lie between two ranks: (N,) bool.

    Ranks ascend with the score, as the algorithm's argsort does: `low` of the pictures are below the band, 1 - `high`
    above it. Of equal scores the earlier picture ranks lower.

    Args:
        scores: (N,).
        low, high: shares of N (eta and delta), rounded to whole pictures.

    Raises ValueError unless 0 <= low < high <= 1.
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"The band must lie between 0 and 1, its beginning before its end; it is {low} to {high}.")
    count = len(scores)
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[scores.cpu().argsort(stable=True)[round(low * count) : round(high * count)]] = True
    return chosen


def select_pictures(
    emotion: torch.Tensor, clarity: torch.Tensor, low: float = 0.2, high: float = 0.8, by: Criterion = "both"
) -> torch.Tensor:
    """Indices, ascending int64, of the pictures that algorithm 1 lets through: in the band of both rankings.

    Those below show neither emotion nor thing; those above are what the model can do already, much alike.

    Args:
        emotion: (N,), the probability of the emotion that was asked for.
        clarity: (N,), how clearly something is seen (`train.metrics.semantics.clarities`).
        low, high: as for `band`.
        by: both, or one of them alone.

    Raises ValueError as `band` does, when the scores differ in number, and for an unknown criterion.
    """
    if len(emotion) != len(clarity):
        raise ValueError(f"There are {len(emotion)} scores of emotion and {len(clarity)} of clarity; give one of each.")
    if by not in get_args(Criterion):
        raise ValueError(f"Unknown criterion '{by}'; choose one of {', '.join(get_args(Criterion))}.")
    rankings = {"emotion": emotion, "clarity": clarity}
    bands = [band(scores, low, high) for name, scores in rankings.items() if by in (name, "both")]
    return torch.stack(bands).all(dim=0).nonzero().flatten()
