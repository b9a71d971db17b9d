"""A file beside weights that names the records they were trained and chosen on, so that evaluations mark seen pictures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset
from pydantic import TypeAdapter, ValidationError

from train.data.records import Coded
from train.data.splits import Rule, rules, within
from train.files import write_json

#: Its name in a bundle's folder.
FILE = "training.json"


@dataclass(frozen=True)
class Exposure:
    """How many of some pictures weights know.

    Args:
        pictures: how many there are.
        trained: of these, learned from.
        validated: of these, chosen by: checkpoints were picked on them.
        related: of these, neither, but of a group (an emoji by another vendor, a theme) that was learned from.
    """

    pictures: int
    trained: int
    validated: int
    related: int

    @property
    def seen(self) -> bool:
        """Whether any of these very pictures are known; other pictures of their subjects do not count."""
        return self.trained + self.validated > 0

    def __str__(self) -> str:
        """For a table: "seen in training", "12 of 59 seen in training", or nothing."""
        named = (
            (self.trained, "seen in training"),
            (self.validated, "chose the weights"),
            (self.related, "same subjects seen in training"),
        )
        return "; ".join(
            text if count == self.pictures else f"{count} of {self.pictures} {text}" for count, text in named if count
        )


@dataclass(frozen=True)
class TrainingRecord:
    """Which records weights have learned from, and which chose their checkpoints.

    `label_free` says whether no caption named an emotion.
    """

    protocol: str
    trained: tuple[Rule, ...]
    validated: tuple[Rule, ...]
    label_free: bool = False

    @classmethod
    def of(cls, protocol: str, domains: Collection[str], label_free: bool = False) -> TrainingRecord:
        """Of a run under a protocol with pictures of these domains. Raises ValueError for an unknown protocol."""
        trained, validated = (
            tuple(rule for rule in rules(protocol, part) if rule.domain in domains) for part in ("train", "val")
        )
        return cls(protocol, trained, validated, label_free)

    @classmethod
    def union(cls, records: Sequence[TrainingRecord]) -> TrainingRecord:
        """Of weights that stand on one another; one record at least."""

        def each(rules: Iterable[Rule]) -> tuple[Rule, ...]:
            return tuple(dict.fromkeys(rules))

        return cls(
            " and ".join(dict.fromkeys(record.protocol for record in records)),
            each(rule for record in records for rule in record.trained),
            each(rule for record in records for rule in record.validated),
            all(record.label_free for record in records),
        )

    def exposure(self, records: Dataset, known: Dataset) -> Exposure:
        """How many of `records` were learned from; `known` are all records, whose groups tell what is related."""
        trained, validated = within(records, self.trained), within(records, self.validated)
        learned = known.select(np.flatnonzero(within(known, self.trained)))
        groups = Coded.of(records, "group").within(set(Coded.of(learned, "group").names))
        related = groups & ~trained & ~validated
        return Exposure(len(records), *(int(rows.sum()) for rows in (trained, validated & ~trained, related)))

    def write(self, folder: Path) -> None:
        """Write `training.json` into the folder of a bundle or a stage."""
        write_json(folder / FILE, _JSON.dump_python(self, mode="json", exclude_none=True))

    def add_to(self, folder: Path) -> None:
        """`write`, with what is there already: weights that go on learning keep what they have learned."""
        known = TrainingRecord.read(folder)
        (self if known is None else TrainingRecord.union([known, self])).write(folder)

    @classmethod
    def read(cls, folder: Path) -> TrainingRecord | None:
        """What `write` left; None where there is none. Raises ValueError with one sentence when it cannot be read."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            return _JSON.validate_json(path.read_bytes())
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise ValueError(f"{path} is not what training writes there ({reason}); copy the bundle again.") from error


_JSON = TypeAdapter(TrainingRecord)
