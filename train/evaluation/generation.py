"""Pictures that methods make for emotions, measured as the paper's tables IV to VII are, and real pictures beside them.

Every method makes as many pictures of every emotion; they stay on disk, so that what is there is never made again and
anyone can look. Real pictures go through the same measures: theirs say what a number is worth here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from train.core.generated_pictures import Request, generate, read_pictures
from train.data.cache import content_key
from train.data.dataset import PictureDataset
from train.evaluation.published import PublishedTable
from train.evaluation.result_cache import ResultCache
from train.evaluation.tables import PUBLISHED, markdown_table, with_published
from train.metrics.pictures import Column, Instruments, Sample, scores
from train.metrics.recognition import recognition_scores
from train.metrics.registry import PICTURE_METRICS

#: From an emotion and seeds to pictures, one of each seed.
Generate = Callable[[str, list[int]], list[Image.Image]]

#: The row of real pictures, beside the methods'.
REAL = "real"
#: Seeds of two emotions are this far apart, so that no picture shares its noise with another of the same method.
_SEEDS = 1_000_000


@dataclass(frozen=True)
class GenerationMethod:
    """A row of a table: how pictures are made, and (JSON-like) all that they depend on, weights included."""

    title: str
    generate: Generate
    settings: Mapping[str, Any] = field(default_factory=dict)


def real_rows(dataset: PictureDataset, count: int, seed: int = 0) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Rows of real pictures: up to `count` of each emotion for the row of real ones, as many for FID to compare with.

    No group has pictures in both (one emoji as two vendors draw it is no independent picture).

    Raises ValueError when an emotion has fewer than two pictures for the first or none for the second.
    """
    generator = torch.Generator().manual_seed(seed)
    groups = dataset.records["group"][:]
    side: dict[str, int] = {}
    for label in range(len(dataset.emotions)):
        # Each emotion's groups go to the two sides in turns, so that neither runs out of it.
        new = sorted({groups[row] for row in (dataset.labels == label).nonzero().flatten().tolist()} - side.keys())
        order = torch.randperm(len(new), generator=generator).tolist()
        side |= {new[index]: place % 2 for place, index in enumerate(order)}
    sides = torch.tensor([side.get(group, -1) for group in groups])
    shown, compared = {}, []
    for label, emotion in enumerate(dataset.emotions):
        halves = []
        for which in (0, 1):
            rows = ((dataset.labels == label) & (sides == which)).nonzero().flatten()
            halves.append(rows[torch.randperm(len(rows), generator=generator)][:count].sort().values)
        if len(halves[0]) < 2 or len(halves[1]) < 1:
            raise ValueError(
                f"There are too few real pictures of {emotion} to compare with; four of different groups do."
            )
        shown[emotion] = halves[0]
        compared.append(halves[1])
    return shown, torch.cat(compared)


def measure(
    pictures: Callable[[str], torch.Tensor],
    instruments: Instruments,
    reference: torch.Tensor,
    batch_size: int = 16,
) -> dict[str, Any]:
    """Every metric of `PICTURE_METRICS`, of pictures that were made for every emotion.

    Args:
        pictures: of an emotion, (n, 3, H, W) in [-1, 1], n > 1.
        instruments: the networks to measure with, and which emotions there are.
        reference: `instruments.features` (N, D) of the real pictures that FID compares with.
        batch_size: pictures that an instrument sees at once; the fine levels of large pictures take much memory.

    Returns `pictures`, their number; each metric by name; `emotions` with those of each emotion (FID is of all pictures
    alone); and `judged`, what the judge called them (`RecognitionScores.to_dict`; the label is the emotion asked for).
    """

    def sample(label: int, emotion: str) -> Sample:
        batches = pictures(emotion).split(batch_size)
        intended = torch.full((sum(map(len, batches)),), label)
        return Sample(batches, intended, instruments, reference)

    emotions = instruments.emotions
    totals, rows, whole = scores(
        list(PICTURE_METRICS.values()), [partial(sample, *place) for place in enumerate(emotions)]
    )
    judged = recognition_scores(whole.intended.tolist(), whole.output("judge").argmax(1).tolist(), emotions)
    return {
        "pictures": len(whole),
        **totals,
        "emotions": dict(zip(emotions, rows, strict=True)),
        "judged": judged.to_dict(),
    }


@dataclass
class Generation:
    """Makes and measures `count` pictures of every emotion by every method, each once.

    Args:
        real: labelled pictures that neither the judge nor a method has learned from; its size is that of all pictures.
        instruments: what is measured with; its emotions are those of `real`.
        cache: where results go; the pictures go beside them.
        count: pictures of each emotion, two or more.
        batch_size: pictures that a method is asked for at once.
    """

    real: PictureDataset
    instruments: Instruments
    cache: ResultCache
    count: int
    batch_size: int = 8

    def __post_init__(self) -> None:
        """Raises ValueError when `count` is below 2 or the judge knows other emotions."""
        if self.count < 2:
            raise ValueError(f"Diversity is of two pictures of an emotion or more, not {self.count}.")
        if self.instruments.emotions != self.real.emotions:
            raise ValueError(
                f"The judge says {', '.join(self.instruments.emotions)}, the pictures {', '.join(self.real.emotions)}."
            )

    @cached_property
    def _rows(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        return real_rows(self.real, self.count)

    @cached_property
    def _reference(self) -> torch.Tensor:
        parts = self._rows[1].split(16)
        return torch.cat([self.instruments.features(self.real.plain(rows)) for rows in parts])

    def folder(self, name: str, method: GenerationMethod) -> Path:
        """Where a method's pictures are, `<emotion>/<seed>.png`."""
        key = content_key(method.settings, self.real.size)[:8]
        return self.cache.folder / "pictures" / f"{name}-{key}"

    def seeds(self, emotion: str) -> list[int]:
        """The seeds of an emotion; those of a smaller `count` come first."""
        first = self.real.emotions.index(emotion) * _SEEDS
        return list(range(first, first + self.count))

    def generate(self, name: str, method: GenerationMethod) -> dict[str, list[Path]]:
        """The pictures of every emotion; those that are not there yet are made now, by all processes together.

        Raises ValueError when the method gives another number of pictures than it was asked for.
        """
        # Of all seeds, not of the missing ones: processes must agree on the requests while some are already painting.
        starts = range(0, self.count, self.batch_size)
        requests = [
            Request(emotion, self.seeds(emotion)[start : start + self.batch_size])
            for emotion in self.real.emotions
            for start in starts
        ]
        made = generate(
            self.folder(name, method), requests, lambda asked: method.generate(asked.emotion, asked.seeds), name
        )
        return {emotion: [one.path for one in made if one.emotion == emotion] for emotion in self.real.emotions}

    def _settings(self) -> dict[str, Any]:
        return {"instruments": self.instruments.key, "real": self.real.decoded.key, "count": self.count}

    def result(self, name: str, method: GenerationMethod) -> dict[str, Any]:
        """`measure` of one method, from disk where it is there already."""

        def compute() -> dict[str, Any]:
            paths = self.generate(name, method)
            return measure(
                lambda emotion: read_pictures(paths[emotion], self.real.size), self.instruments, self._reference
            )

        settings = {**self._settings(), "method": method.settings}
        return self.cache.get(f"generation/{name}", settings, compute, PICTURE_METRICS)

    def real_result(self) -> dict[str, Any]:
        """`measure` of real pictures; its FID is that between one half of them and the other."""

        def compute() -> dict[str, Any]:
            shown, _ = self._rows
            return measure(lambda emotion: self.real.plain(shown[emotion]), self.instruments, self._reference)

        return self.cache.get(f"generation/{REAL}", self._settings(), compute, PICTURE_METRICS)

    def table(self, methods: Mapping[str, GenerationMethod]) -> dict[str, dict[str, Any]]:
        """Results of all methods, those of real pictures first. Raises ValueError for a method that is named like them."""
        if REAL in methods:
            raise ValueError(f"'{REAL}' is the row of real pictures; give the method another name.")
        return {REAL: self.real_result()} | {name: self.result(name, method) for name, method in methods.items()}


def columns() -> dict[str, Column]:
    """The columns that a report can have, in their order; `understanding` is the accuracy of the method's own reading."""
    metrics = {name: metric.column for name, metric in PICTURE_METRICS.items()}
    return {"understanding": Column("accuracy ↑", percent=True), **metrics}


def generation_report(
    results: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
    note: str,
    title: str = "Generation",
    published: Sequence[PublishedTable] = (),
) -> str:
    """What `Generation.table` says as Markdown: a table of measures and one of every emotion's Emo-A.

    A result may have `understanding` as well; `published` are printed tables that may stand beside ours.
    """
    titles = {REAL: "Real pictures", **titles}
    shown = {name: column for name, column in columns().items() if any(name in one for one in results.values())}
    rows, accuracies = {}, []
    for name, result in results.items():
        cells = [column.measured(result.get(key)) for key, column in shown.items()]
        rows[name] = [titles[name], str(result["pictures"]), *cells]
        accuracies.append([titles[name], *(row["emo_a"] for row in result["emotions"].values())])
    head = ["method", "pictures", *(column.heading for column in shown.values())]
    emotions = list(next(iter(results.values()))["emotions"])
    return "\n\n".join(
        [
            f"## {title}",
            note,
            *([PUBLISHED.format(space=published[0].space)] if published else []),
            markdown_table(
                head, with_published(rows, list(shown), published, lambda key, value: shown[key].printed(value))
            ),
            "Emo-A of each emotion, per cent:",
            markdown_table(["method", *emotions], accuracies),
        ]
    )
