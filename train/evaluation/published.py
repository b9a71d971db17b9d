"""The figures that the papers report (`published.yaml`), to stand beside what is measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

Denoiser = Literal["SD 1.5", "SD XL"]
Report = Literal["adaptation", "ablations", "understanding", "generation", "variants"]


def pair_name(source: str, target: str) -> str:
    """How a column from one domain to another is headed."""
    return f"{source} → {target}"


@dataclass(frozen=True)
class PublishedRow:
    """A printed row: `values` by our names of the columns; `ours` are the rows here that measure the same method."""

    title: str
    values: Mapping[str, float]
    ours: tuple[str, ...] = ()


@dataclass(frozen=True)
class PublishedTable:
    """A printed table.

    `report` is the report here that it stands beside, `space` the label space that it is measured in, `score` what its
    numbers are where a report has several, `denoiser` whose denoiser its methods have, where that is of the table.
    """

    paper: str
    number: str
    report: Report
    space: str
    rows: tuple[PublishedRow, ...]
    score: str = "accuracy"
    denoiser: Denoiser | None = None

    @property
    def name(self) -> str:
        """How it is cited: "KCDP, table 1"."""
        return f"{self.paper}, table {self.number}"


def published_beside(
    report: Report, space: str, chosen: Iterable[str], columns: Iterable[str], denoiser: Denoiser = "SD 1.5"
) -> tuple[PublishedTable, ...]:
    """The printed tables that measure, in the label space, some of these rows of a report in some of these columns.

    Where a table is of one denoiser, the one that is nearer to ours, `denoiser`, counts.
    """
    rows, heads = set(chosen), set(columns)
    return tuple(
        table
        for table in TABLES
        if (table.report, table.space) == (report, space)
        and table.denoiser in (None, denoiser)
        and any(rows.intersection(row.ours) and heads.intersection(row.values) for row in table.rows)
    )


def _table(columns: list[str], rows: list[tuple[str, list[float | None], list[str]]], **facts: Any) -> PublishedTable:
    """A table of the file."""
    printed = tuple(
        PublishedRow(
            title,
            {name: value for name, value in zip(columns, values, strict=True) if value is not None},
            tuple(ours),
        )
        for title, values, ours in rows
    )
    return PublishedTable(rows=printed, **facts)


TABLES: tuple[PublishedTable, ...] = tuple(
    _table(**facts) for facts in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
)
