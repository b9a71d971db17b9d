"""Emo-S: how far an edit carries a picture towards the emotion that was asked for."""

from __future__ import annotations

import torch

from train.metrics.emotion_accuracy import check_emotions


def emotion_shift(original: torch.Tensor, edited: torch.Tensor, target: torch.Tensor) -> float:
    """Mean of p(target | edited) - p(target | original) over N pictures; from -1 to 1, 0 where nothing has changed.

    Args:
        original: a judge's probabilities (N, K) of the pictures before the edit.
        edited: those after it, (N, K), in the same order.
        target: indices of the emotions asked for, (N,).

    Raises ValueError when there is nothing to judge, the lengths differ, or an index is not that of an emotion.

    >>> emotion_shift(torch.tensor([[0.75, 0.25]]), torch.tensor([[0.25, 0.75]]), torch.tensor([1]))
    0.5
    """
    if original.shape != edited.shape:
        raise ValueError(
            f"Probabilities before the edit are {tuple(original.shape)}, those after it {tuple(edited.shape)}; "
            "give both of the same pictures."
        )
    check_emotions(edited, target)
    gain = (edited.double() - original.double()).gather(1, target[:, None].long())
    return float(gain.mean())
