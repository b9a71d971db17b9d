"""Results as Markdown: a table a question, numbers in per cent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from statistics import mean, stdev
from typing import Any

from train.evaluation.published import PublishedTable
from train.metrics.recognition import RECOGNITION_METRICS


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str | int | float | None]]) -> str:
    """A Markdown table; the first column is text, the others are numbers: a float is a share, written in per cent."""

    def cell(value: str | int | float | None) -> str:
        return str(value) if isinstance(value, str | int) else percent(value)

    lines = [head, ["---", *["---:"] * (len(head) - 1)], *(list(map(cell, row)) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def percent(share: float | None) -> str:
    """0.4267 as "42.7", a dash for None."""
    return "-" if share is None else f"{100 * share:.1f}"


def spread(shares: Sequence[float]) -> str:
    """Mean and, of several, sample standard deviation in per cent: "42.7 ± 1.3"."""
    around = f" ± {100 * stdev(shares):.1f}" if len(shares) > 1 else ""
    return percent(mean(shares)) + around


#: Under a table that has rows of a paper.
PUBLISHED = (
    "Rows that begin with a paper's name are its own figures in the same label space ({space}), from its own splits and "
    "training; a dash is where it has none."
)


def with_published(
    rows: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    tables: Sequence[PublishedTable],
    written: Callable[[str, float], str] = lambda column, value: f"{value:.2f}",
) -> list[list[str]]:
    """Rows of a Markdown table: each of ours, what a paper says of the same method right under it, and the others last.

    Args:
        rows: cells of ours by name, the title first; one cell for each of `columns` at the end, others before them.
        columns: what those cells are, as the printed tables call them.
        tables: what is printed.
        written: a number of a column as text.
    """
    # A method may be in several printed tables, or in one table that is several here.
    merged: dict[tuple[str, str], tuple[dict[str, float], set[str]]] = {}
    for table in tables:
        for row in table.rows:
            values, ours = merged.setdefault((table.name, row.title), ({}, set()))
            # An average over other columns is not comparable.
            whole = set(row.values) - {"mean"} == set(columns) - {"mean"}
            values.update({name: value for name, value in row.values.items() if name != "mean" or whole})
            ours.update(row.ours)
    printed: dict[tuple[str, str], list[str]] = {}
    for (name, title), (values, _) in merged.items():
        cells = [written(column, values[column]) if column in values else "-" for column in columns]
        if set(cells) != {"-"}:
            between = len(next(iter(rows.values()))) - len(columns) - 1
            printed[name, title] = [f"{name}: {title}", *["-"] * between, *cells]
    lines = []
    for name, cells in rows.items():
        lines.append(list(cells))
        lines += [printed.pop(key) for key, (_, ours) in merged.items() if name in ours and key in printed]
    return [*lines, *printed.values()]


def adaptation_report(
    title: str,
    table: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]],
    titles: Mapping[str, str],
    note: str,
    column: str = "pair",
    published: Sequence[PublishedTable] = (),
    printed: Mapping[str, str] | None = None,
) -> str:
    """Methods by pairs, with the mean over the pairs in the last column, and the rows of papers that measure the same.

    Every metric of `RECOGNITION_METRICS` on the target, and where a result has it under `source`, accuracy on the
    source's own test.

    Args:
        table: results of runs by method and pair.
        titles: of the methods.
        note: under the heading.
        column: what the columns are, where they are no pairs.
        published: printed tables that may stand beside ours.
        printed: what those call our columns, where it is another name.
    """
    first = next(iter(table.values()))
    scores: list[tuple[str, str, Callable[[Mapping[str, Any]], float]]] = [
        (name, metric.heading[0].upper() + metric.heading[1:], itemgetter(name))
        for name, metric in RECOGNITION_METRICS.items()
    ]
    if all("source" in run for run in next(iter(first.values()))):
        scores.append(("source_accuracy", "Accuracy on the source's own test pictures", itemgetter("source")))
    sections = [f"## {title}", note]
    if published:
        sections.append(PUBLISHED.format(space=published[0].space))
    called = printed or {}
    for score, name, share in scores:
        rows = {}
        for method, results in table.items():
            shares = [[share(run) for run in runs] for runs in results.values()]
            average = percent(mean(mean(some) for some in shares))
            rows[method] = [titles[method], *map(spread, shares), average]
        columns = [*(called.get(pair, pair) for pair in first), "mean"]
        lines = with_published(rows, columns, [table for table in published if table.score == score])
        sections += [f"{name}, per cent:", markdown_table(["method", *first, "mean"], lines)]
    rows = [
        [pair, sum(runs[0]["counts"].values()), runs[0]["chance"], runs[0]["majority"]] for pair, runs in first.items()
    ]
    return "\n\n".join([*sections, "The tests:", markdown_table([column, "pictures", "chance", "majority"], rows)])
