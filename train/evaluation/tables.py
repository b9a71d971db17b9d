"""Results as Markdown: a table a question, numbers in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def percent(share: float | None) -> str:
    """0.4267 as "42.7", a dash for None."""
    return "-" if share is None else f"{100 * share:.1f}"


def spread(shares: Sequence[float]) -> str:
    """Mean and, of several, sample standard deviation in per cent: "42.7 ± 1.3"."""
    around = f" ± {100 * stdev(shares):.1f}" if len(shares) > 1 else ""
    return percent(mean(shares)) + around


def recognition_report(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """What `shipped.recognise` says of each test part, as one table of scores and one of every emotion's recall."""
    columns = ("accuracy", "macro-F1", "CLIEA", "without knowledge", "chance", "majority")
    rows = []
    for part, result in parts.items():
        scores = result["scores"]
        shares = (
            scores["accuracy"],
            scores["macro_f1"],
            result["cliea"]["accuracy"],
            result["no_knowledge"]["accuracy"],
            scores["chance"],
            scores["majority"],
        )
        rows.append([part, str(result["pictures"]), *map(percent, shares)])
    labels = list(next(iter(parts.values()))["scores"]["counts"])
    recalls = []
    for label in labels:
        cells = []
        for result in parts.values():
            scores = result["scores"]
            count = scores["counts"][label]
            cells.append(f"{percent(scores['recall'][label])} ({count})" if count else "-")
        recalls.append([label, *cells])
    return "\n\n".join(
        [
            "## Recognition",
            "Per cent. CLIEA: accuracy of its pseudo-label. Without knowledge: accuracy with an empty caption. "
            "Macro-F1 is over the emotions that occur.",
            markdown_table(["test", "pictures", *columns], rows),
            "Recall of each emotion, with the number of its pictures:",
            markdown_table(["emotion", *parts], recalls),
        ]
    )


def adaptation_report(
    title: str,
    table: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]],
    titles: Mapping[str, str],
    note: str,
    column: str = "pair",
) -> str:
    """Methods by pairs, accuracy and macro-F1, with the mean over the pairs in the last column.

    `column` is what the columns are, where they are no pairs.
    """
    sections = [f"## {title}", note]
    for measure, name in (("accuracy", "Accuracy"), ("macro_f1", "Macro-F1")):
        rows, pairs = [], []
        for method, results in table.items():
            pairs = list(results)
            shares = [[run[measure] for run in runs] for runs in results.values()]
            average = percent(mean(mean(some) for some in shares))
            rows.append([titles[method], *map(spread, shares), average])
        sections += [f"{name}, per cent:", markdown_table(["method", *pairs, "mean"], rows)]
    first = next(iter(table.values()))
    tests = [[pair, runs[0]] for pair, runs in first.items()]
    rows = [
        [pair, str(sum(run["counts"].values())), percent(run["chance"]), percent(run["majority"])]
        for pair, run in tests
    ]
    return "\n\n".join([*sections, "The tests:", markdown_table([column, "pictures", "chance", "majority"], rows)])


def captions_report(result: Mapping[str, Any]) -> str:
    """What `shipped.describe` says."""
    row = [
        str(result["pictures"]), percent(result["named"]), percent(result["majority"]), str(result["different"])
    ]  # fmt: skip
    head = ["pictures", "head noun named", "always the most frequent noun", "different captions"]
    return f"## Captions\n\nOf validation emoji, per cent.\n\n{markdown_table(head, [row])}"


def reconstruction_report(result: Mapping[str, Any]) -> str:
    """What `shipped.reconstruct` says."""
    row = [str(result["pictures"]), *(f"{result[name]:.1f}" for name in ("mean", "median", "worst_twentieth"))]
    head = ["pictures", "mean", "median", "worst twentieth"]
    return f"## Reconstruction\n\nPSNR of validation emoji, dB.\n\n{markdown_table(head, [row])}"
