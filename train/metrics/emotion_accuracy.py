"""Emo-A: whether a judge sees in a generated picture the emotion that was asked for (UniEmo, section IV-A, metric 3)."""

from __future__ import annotations

import torch

from train.metrics.pictures import Column, PictureMetric


def check_emotions(probabilities: torch.Tensor, intended: torch.Tensor) -> None:
    """Raises ValueError unless `intended` (N,) has an emotion of `probabilities` (N, K) for each of N > 0 pictures."""
    if len(probabilities) == 0 or len(probabilities) != len(intended):
        raise ValueError(
            f"There are {len(probabilities)} pictures and {len(intended)} emotions; give as many of both, at least one."
        )
    lowest, highest = int(intended.min()), int(intended.max())
    if lowest < 0 or highest >= probabilities.shape[1]:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"{wrong} is not the index of an emotion; there are {probabilities.shape[1]}, counted from 0.")


def emotion_accuracy(probabilities: torch.Tensor, intended: torch.Tensor) -> float:
    """Share (0 to 1) of N pictures whose most probable emotion is the intended one.

    Args:
        probabilities: of K emotions, (N, K), from a classifier that had no part in making the pictures.
        intended: indices of the emotions asked for, (N,).

    Raises ValueError when there is nothing to judge, the two differ in length, or an index is not that of an emotion.

    >>> emotion_accuracy(torch.tensor([[0.9, 0.1], [0.6, 0.4]]), torch.tensor([0, 1]))
    0.5
    """
    check_emotions(probabilities, intended)
    return float((probabilities.argmax(1) == intended).double().mean())


METRIC = PictureMetric(
    "emo_a",
    Column("Emo-A ↑", percent=True),
    lambda sample: emotion_accuracy(sample.output("judge"), sample.intended),
)
