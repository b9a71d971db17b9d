from __future__ import annotations

from typing import Any

from train.evaluation import tables
from train.evaluation.measures.captions import captions_report
from train.evaluation.measures.recognition import recognition_report
from train.evaluation.measures.reconstruction import reconstruction_report
from train.evaluation.published import PublishedRow, PublishedTable
from train.metrics.recognition import recognition_scores

NAMES = ("joy", "fear")


def scores(labels: list[int], guesses: list[int]) -> dict[str, Any]:
    return recognition_scores(labels, guesses, NAMES).to_dict()


def test_spread_is_mean_and_sample_deviation() -> None:
    # Deviations -10, 0 and 10 points: variance 200 / 2.
    assert tables.spread([0.4, 0.5, 0.6]) == "50.0 ± 10.0"
    assert tables.spread([0.4267]) == "42.7"


def test_methods_by_pairs_with_the_mean_over_pairs() -> None:
    good, bad = scores([0, 1], [0, 1]), scores([0, 1], [0, 0])
    table = {"kcdp": {"a → b": [good, bad], "b → a": [bad, bad]}, "zero": {"a → b": [bad], "b → a": [good]}}
    report = tables.adaptation_report("Adaptation", table, {"kcdp": "KCDP", "zero": "CLIP"}, "note")
    lines = report.splitlines()
    assert "| method | a → b | b → a | mean |" in lines
    # (100 + 50) / 2 and 50 on average 62.5; deviation of 100 and 50 is 35.4.
    assert "| KCDP | 75.0 ± 35.4 | 50.0 ± 0.0 | 62.5 |" in lines
    assert "| CLIP | 50.0 | 100.0 | 75.0 |" in lines
    assert "| a → b | 2 | 50.0 | 50.0 |" in lines


def printed(*rows: PublishedRow, score: str = "accuracy") -> PublishedTable:
    return PublishedTable("Paper", "1", "adaptation", "KCDP-6", rows, score)


def test_what_is_printed_stands_under_the_same_method_and_the_rest_last() -> None:
    table = {"da": {"a → b": [scores([0, 1], [0, 1])], "b → a": [scores([0, 1], [0, 0])]}}
    table["uc"] = table["da"]
    beside = printed(
        PublishedRow("Others", {"a → b": 20.25}),
        PublishedRow("Elsewhere", {"a → c": 99.0}),
        PublishedRow("Theirs", {"a → b": 62.78, "b → a": 40.0, "mean": 51.39}, ("da",)),
    )
    report = tables.adaptation_report("T", table, {"da": "DA", "uc": "UC"}, "note", published=[beside])
    lines = report.splitlines()
    start = lines.index("| DA | 100.0 | 50.0 | 75.0 |")
    assert lines[start + 1 : start + 4] == [
        "| Paper, table 1: Theirs | 62.78 | 40.00 | 51.39 |",
        "| UC | 100.0 | 50.0 | 75.0 |",
        "| Paper, table 1: Others | 20.25 | - | - |",
    ]
    assert "Elsewhere" not in report and "own figures in the same label space (KCDP-6)" in report
    # Macro-F1 is not what the paper prints.
    assert report.count("Theirs") == 1


def test_an_average_over_other_columns_is_left_out() -> None:
    table = {"da": {"a → b": [scores([0, 1], [0, 1])]}}
    beside = printed(PublishedRow("Theirs", {"a → b": 62.78, "b → a": 40.0, "mean": 51.39}, ("da",)))
    report = tables.adaptation_report("T", table, {"da": "DA"}, "note", published=[beside])
    assert "| Paper, table 1: Theirs | 62.78 | - |" in report.splitlines()


def test_accuracy_on_the_source_has_its_own_table_and_rows_of_papers() -> None:
    run = {**scores([0, 1], [0, 0]), "source": 0.9}
    beside = [
        printed(PublishedRow("Theirs", {"a → b": value}, ("da",)), score=score)
        for score, value in (("accuracy", 37.77), ("source_accuracy", 72.84))
    ]
    report = tables.adaptation_report("T", {"da": {"a → b": [run]}}, {"da": "DA"}, "note", published=beside)
    target, source = report.split("Accuracy on the source's own test pictures")
    assert "| Paper, table 1: Theirs | 37.77 | - |" in target and "37.77" not in source
    assert "| DA | 90.0 | 90.0 |\n| Paper, table 1: Theirs | 72.84 | - |" in source


def test_columns_that_are_called_otherwise_in_print() -> None:
    table = {"da": {"test-b": [scores([0, 1], [0, 1])]}}
    beside = printed(PublishedRow("Theirs", {"a → b": 62.78}, ("da",)))
    report = tables.adaptation_report(
        "T", table, {"da": "DA"}, "note", column="test", published=[beside], printed={"test-b": "a → b"}
    )
    assert "| method | test-b | mean |" in report and "| Paper, table 1: Theirs | 62.78 | - |" in report


def test_recognition_shows_every_part_and_every_emotions_recall() -> None:
    parts = {
        "test-emoji": {
            "pictures": 3,
            "scores": scores([0, 0, 1], [0, 1, 1]),
            "cliea": scores([0, 0, 1], [0, 0, 1]),
            "no_knowledge": scores([0, 0, 1], [1, 1, 0]),
        },
        "test-photos": {
            "pictures": 1,
            "scores": scores([0], [0]),
            "cliea": scores([0], [0]),
            "no_knowledge": scores([0], [0]),
        },
    }
    lines = recognition_report(parts).splitlines()
    assert "| test-emoji | 3 | 66.7 | 66.7 | 100.0 | 0.0 | 50.0 | 66.7 |" in lines
    assert "| joy | 50.0 (2) | 100.0 (1) |" in lines
    assert "| fear | 100.0 (1) | - |" in lines


def test_tables_are_markdown() -> None:
    assert tables.markdown_table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
    nouns = {"pictures": 4, "named": 0.5, "learned": 2, "named_learned": None, "majority": 0.25, "different": 3}
    report = captions_report({"emoji": nouns}, {"kinds": {"pictures": 5, "right": 0.5, "found": 0.2}}).splitlines()
    assert "| emoji | 4 | 50.0 | 2 | - | 25.0 | 3 |" in report
    assert "| kinds | 5 | 50.0 | 20.0 |" in report
    decibels = {"pictures": 4, "mean": 28.04, "median": 28.0, "worst_twentieth": 20.0, "disturbed": 27.0}
    assert reconstruction_report(decibels).endswith("| 4 | 28.0 | 28.0 | 20.0 | 27.0 |")
