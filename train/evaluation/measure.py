"""What a measure of `train/evaluate.py` is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from train.evaluation.run import EvaluationRun


def _always(run: EvaluationRun) -> bool:
    return True


@dataclass(frozen=True)
class Measure:
    """One thing that can be asked for by `--what`.

    Args:
        run: measures it and reports it; raises SystemExit with one sentence when that cannot be.
        about: what it measures, for `--help`.
        methods: names of its rows that `--methods` can choose among.
        in_all: whether `--what all` means it too, given the run's weights.
    """

    run: Callable[[EvaluationRun], None]
    about: str
    methods: Collection[str] = ()
    in_all: Callable[[EvaluationRun], bool] = _always
