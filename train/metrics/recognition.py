"""How well emotions are recognised: accuracy, macro-F1, recall and confusion, beside what guessing would reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score


@dataclass(frozen=True)
class RecognitionScores:
    """Scores of K emotions on N pictures; every share is from 0 to 1.

    `macro_f1` is the mean F1 of the emotions that occur in the test: one that does not has no recall to be measured by,
    and what is wrongly called by its name is counted where it belongs.
    `counts` and `recall` are of each emotion; `recall` is None where there is nothing to find.
    `chance` is 1 / K, `majority` what always naming the most frequent emotion of the test would reach.
    `confusion[i][j]` counts pictures of emotion i that were called j.
    """

    accuracy: float
    macro_f1: float
    counts: dict[str, int]
    recall: dict[str, float | None]
    chance: float
    majority: float
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """The same, ready for `json.dumps`."""
        return asdict(self) | {"confusion": [list(row) for row in self.confusion]}


def recognition_scores(labels: Sequence[int], guesses: Sequence[int], names: Sequence[str]) -> RecognitionScores:
    """Scores of `guesses` (N,) against `labels` (N,), both indices into the K emotions `names`.

    Raises ValueError when there is nothing to score, the two differ in length, or an index is not that of an emotion.
    """
    truth, said = np.asarray(labels, dtype=np.int64), np.asarray(guesses, dtype=np.int64)
    if len(truth) == 0 or len(truth) != len(said):
        raise ValueError(f"There are {len(truth)} labels and {len(said)} guesses; give as many of both, at least one.")
    wrong = [int(index) for index in np.concatenate([truth, said]) if not 0 <= index < len(names)]
    if wrong:
        raise ValueError(f"{wrong[0]} is not the index of an emotion; there are {len(names)}, counted from 0.")
    confusion = confusion_matrix(truth, said, labels=range(len(names)))
    totals, hits = confusion.sum(1), confusion.diagonal()
    return RecognitionScores(
        accuracy=float(accuracy_score(truth, said)),
        macro_f1=float(f1_score(truth, said, labels=np.flatnonzero(totals), average="macro", zero_division=0)),
        counts=dict(zip(names, totals.tolist(), strict=True)),
        recall={
            name: float(hit / total) if total else None for name, hit, total in zip(names, hits, totals, strict=True)
        },
        chance=1 / len(names),
        majority=float(totals.max() / len(truth)),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
