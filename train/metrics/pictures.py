"""Metrics of generated pictures: their inputs, a score, and the format of their column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

#: From pictures (B, 3, H, W) in [-1, 1] to a row for each, (B, D), on the CPU.
PictureFunction = Callable[[torch.Tensor], torch.Tensor]
#: From pictures (B, 3, H, W) in [-1, 1] to feature maps (B, C_l, H_l, W_l) of the levels l of a network.
Levels = Callable[[torch.Tensor], Sequence[torch.Tensor]]


@dataclass(frozen=True)
class Instruments:
    """The networks that pictures (B, 3, H, W) in [-1, 1] are measured with; what they return is on the CPU.

    Args:
        key: names all of them; a result that was measured with others is measured again.
        emotions: those that `judge` knows, in order.
        judge: probabilities (B, K) of the emotions, for Emo-A.
        scenes, objects: probabilities (B, S) and (B, O), for Sem-C.
        embeddings: of CLIP, (B, D), for Sem-D.
        features: (B, D), for FID.
        levels: feature maps, for LPIPS.
    """

    key: str
    emotions: tuple[str, ...]
    judge: PictureFunction
    scenes: PictureFunction
    objects: PictureFunction
    embeddings: PictureFunction
    features: PictureFunction
    levels: Levels


class Sample:
    """Pictures that were made for emotions, and what the instruments make of them."""

    def __init__(
        self, batches: Sequence[torch.Tensor], intended: torch.Tensor, instruments: Instruments, reference: torch.Tensor
    ) -> None:
        """
        Args:
            batches: pictures (B, 3, H, W) in [-1, 1], N in all.
            intended: indices (N,) of the emotions asked for.
            instruments: the networks.
            reference: `instruments.features` (M, D) of the real pictures that FID compares with.
        """
        self.batches, self.intended, self.instruments, self.reference = batches, intended, instruments, reference
        self._outputs: dict[str, torch.Tensor] = {}

    def __len__(self) -> int:
        return len(self.intended)

    def output(self, network: str) -> torch.Tensor:
        """Rows (N, D) of one of the instruments, by its name; computed once."""
        if network not in self._outputs:
            measure = getattr(self.instruments, network)
            self._outputs[network] = torch.cat([measure(batch) for batch in self.batches])
        return self._outputs[network]

    @classmethod
    def pooled(cls, samples: Sequence[Sample], networks: Sequence[str]) -> Sample:
        """All pictures of several samples, of which only the outputs of `networks` are kept."""
        first = samples[0]
        intended = torch.cat([sample.intended for sample in samples])
        whole = cls((), intended, first.instruments, first.reference)
        whole._outputs = {name: torch.cat([sample.output(name) for sample in samples]) for name in networks}
        return whole


@dataclass(frozen=True)
class Column:
    """How a number stands in a table.

    Args:
        heading: of the column; an arrow says which way is better.
        percent: the number is a share, written in per cent with one digit (in print, with two).
        digits: after the point, of a number that is no share.
    """

    heading: str
    percent: bool = False
    digits: int = 2

    def measured(self, value: float | None) -> str:
        """A number of ours as text; None is a dash."""
        if value is None:
            return "-"
        return f"{100 * value:.1f}" if self.percent else f"{value:.{self.digits}f}"

    def printed(self, value: float) -> str:
        """A number of a paper as text; its shares are in per cent already."""
        return f"{value:.{2 if self.percent else self.digits}f}"


@dataclass(frozen=True)
class PictureMetric:
    """A metric of generated pictures.

    Args:
        name: key in results.
        column: in tables.
        score: of the pictures of one emotion; a result is the mean over the emotions.
        pooled: where the score is of the pictures of all emotions together, the instruments that it reads.
    """

    name: str
    column: Column
    score: Callable[[Sample], float]
    pooled: tuple[str, ...] = ()


def scores(
    metrics: Sequence[PictureMetric], samples: Sequence[Callable[[], Sample]]
) -> tuple[dict[str, float], list[dict[str, Any]], Sample]:
    """Every metric of pictures of several emotions, of which those of one are in memory at a time.

    Args:
        metrics: what is measured.
        samples: makes the pictures of each emotion.

    Returns the scores by metric, those of each emotion (`pictures`, and metrics that are not pooled), and all
    pictures together with the outputs of the judge.
    """
    pooled = sorted({name for metric in metrics for name in metric.pooled} | {"judge"})
    rows, kept = [], []
    for make in samples:
        sample = make()
        rows.append(
            {"pictures": len(sample), **{metric.name: metric.score(sample) for metric in metrics if not metric.pooled}}
        )
        kept.append(Sample.pooled([sample], pooled))
    whole = Sample.pooled(kept, pooled)
    totals = {
        metric.name: metric.score(whole) if metric.pooled else sum(row[metric.name] for row in rows) / len(rows)
        for metric in metrics
    }
    return totals, rows, whole
