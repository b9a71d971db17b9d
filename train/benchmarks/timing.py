"""Two works taken in turn, and what a table says of their times.

A machine is never as fast as it was a minute ago: only works that are measured in turn, in one run, can be compared, and only
their ratio means anything elsewhere.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

#: "wall": what somebody waits; "cpu": what the process computes, on a machine where others compute as well.
Clock = Literal["wall", "cpu"]
CLOCKS: dict[Clock, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
#: Does something once and says how many seconds it took.
Timed = Callable[[], float]

HEADER = "| | ours, ms | plain, ms | ratio (quartiles) | pictures/s |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """One comparison: seconds of ours and of what it is compared with, if with anything, repeat by repeat, for some `pictures`.

    Where `unit` is "MB" these are no times.
    """

    name: str
    ours: list[float]
    plain: list[float] | None = None
    pictures: int | None = None
    unit: Literal["ms", "MB"] = "ms"

    @property
    def ratio(self) -> tuple[float, float, float] | None:
        """Median of the ratios of ours to the other, repeat by repeat, and their quartiles; None where there is no other."""
        if self.plain is None:
            return None
        ratios = [ours / plain for ours, plain in zip(self.ours, self.plain, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        return statistics.median(ratios), low, high

    def __str__(self) -> str:
        def shown(values: list[float] | None) -> str:
            if values is None:
                return ""
            median = statistics.median(values)
            return f"{1000 * median:.1f}" if self.unit == "ms" else f"{median:.0f} MB"

        rate = "" if self.pictures is None else f"{self.pictures / statistics.median(self.ours):.2f}"
        ratio = "" if self.ratio is None else "{:.2f} ({:.2f} to {:.2f})".format(*self.ratio)
        return f"| {self.name} | {shown(self.ours)} | {shown(self.plain)} | {ratio} | {rate} |"

    def to_dict(self) -> dict[str, Any]:
        """JSON-clean: all times, and the ratio with its quartiles."""
        return asdict(self) | {"ratio": self.ratio}


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    return "\n".join([HEADER, *map(str, rows)])


@dataclass(frozen=True)
class Stopwatch:
    """How works are timed: how often, by which clock, and whether each is done once before it counts."""

    repeats: int
    clock: Clock = "wall"
    warm_up: bool = True

    def timed(self, work: Callable[[], object]) -> Timed:
        """`work` as something that says how long it took, the device's queue drained."""

        def run() -> float:
            now = CLOCKS[self.clock]
            start = now()
            work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            return now() - start

        return run

    def in_turn(self, *works: Timed) -> list[list[float]]:
        """Seconds of each work, repeat by repeat, after any warm-up of each; who comes first changes with every repeat."""
        for work in works if self.warm_up else ():
            work()
        times: list[list[float]] = [[] for _ in works]
        for repeat in range(self.repeats):
            for turn in range(len(works)):
                place = (turn + repeat) % len(works)
                times[place].append(works[place]())
        return times

    def row(
        self,
        name: str,
        ours: Callable[[], object],
        plain: Callable[[], object] | None = None,
        pictures: int | None = None,
    ) -> Row:
        """The row of one comparison."""
        works = [self.timed(work) for work in (ours, plain) if work is not None]
        first, *others = self.in_turn(*works)
        return Row(name, first, others[0] if others else None, pictures)
