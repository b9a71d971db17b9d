"""How well emotions are recognised: accuracy, macro-F1, recall and confusion, beside chance and the majority class.

A metric of predictions is a function and a line in `RECOGNITION_METRICS`; every report of recognition shows all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score


@dataclass(frozen=True)
class RecognitionMetric:
    """A metric of predicted emotions: heading of its column, and a share (0 to 1) of labels (N,) and predictions (N,)."""

    heading: str
    score: Callable[[np.ndarray, np.ndarray], float]


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Share of the N pictures whose prediction is their label."""
    return float(accuracy_score(labels, predictions))


def macro_f1(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Mean F1 of the emotions that occur among the labels.

    An emotion that does not has no recall; predictions of it count as errors of the emotions that the pictures have.
    """
    return float(f1_score(labels, predictions, labels=np.unique(labels), average="macro", zero_division=0))


#: By name in results.
RECOGNITION_METRICS: dict[str, RecognitionMetric] = {
    "accuracy": RecognitionMetric("accuracy", accuracy),
    "macro_f1": RecognitionMetric("macro-F1", macro_f1),
}


@dataclass(frozen=True)
class RecognitionScores:
    """Scores of K emotions on N pictures; every share is from 0 to 1.

    `metrics` are those of `RECOGNITION_METRICS` by name.
    `counts` and `recall` are of each emotion; `recall` is None where there is nothing to find.
    `chance` is 1 / K, `majority` what always naming the most frequent emotion of the test would reach.
    `confusion[i][j]` counts pictures of emotion i that were called j.
    """

    metrics: Mapping[str, float]
    counts: dict[str, int]
    recall: dict[str, float | None]
    chance: float
    majority: float
    confusion: tuple[tuple[int, ...], ...]

    @property
    def accuracy(self) -> float:
        """Share of right predictions."""
        return self.metrics["accuracy"]

    @property
    def macro_f1(self) -> float:
        """See `macro_f1`."""
        return self.metrics["macro_f1"]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`, each metric under its own name."""
        rest = {name: value for name, value in vars(self).items() if name != "metrics"}
        return {**self.metrics, **rest, "confusion": [list(row) for row in self.confusion]}


def recognition_scores(labels: Sequence[int], predictions: Sequence[int], names: Sequence[str]) -> RecognitionScores:
    """Scores of predictions (N,) against labels (N,), both indices into the K emotions `names`.

    Raises ValueError when there is nothing to score, the two differ in length, or an index is not that of an emotion.
    """
    truth, predicted = np.asarray(labels, dtype=np.int64), np.asarray(predictions, dtype=np.int64)
    if len(truth) == 0 or len(truth) != len(predicted):
        raise ValueError(
            f"There are {len(truth)} labels and {len(predicted)} predictions; give as many of both, at least one."
        )
    wrong = [int(index) for index in np.concatenate([truth, predicted]) if not 0 <= index < len(names)]
    if wrong:
        raise ValueError(f"{wrong[0]} is not the index of an emotion; there are {len(names)}, counted from 0.")
    confusion = confusion_matrix(truth, predicted, labels=range(len(names)))
    totals, hits = confusion.sum(1), confusion.diagonal()
    return RecognitionScores(
        metrics={name: metric.score(truth, predicted) for name, metric in RECOGNITION_METRICS.items()},
        counts=dict(zip(names, totals.tolist(), strict=True)),
        recall={
            name: float(hit / total) if total else None for name, hit, total in zip(names, hits, totals, strict=True)
        },
        chance=1 / len(names),
        majority=float(totals.max() / len(truth)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
