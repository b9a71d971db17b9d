from __future__ import annotations

from typing import Any

from kcdp.metrics.recognition import recognition_scores
from train.evaluation import tables

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
    lines = tables.recognition_report(parts).splitlines()
    assert "| test-emoji | 3 | 66.7 | 66.7 | 100.0 | 0.0 | 50.0 | 66.7 |" in lines
    assert "| joy | 50.0 (2) | 100.0 (1) |" in lines
    assert "| fear | 100.0 (1) | - |" in lines


def test_tables_are_markdown() -> None:
    assert tables.markdown_table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
    caption = {"pictures": 4, "named": 0.5, "majority": 0.25, "different": 3}
    assert tables.captions_report(caption).endswith("| 4 | 50.0 | 25.0 | 3 |")
    decibels = {"pictures": 4, "mean": 28.04, "median": 28.0, "worst_twentieth": 20.0}
    assert tables.reconstruction_report(decibels).endswith("| 4 | 28.0 | 28.0 | 20.0 |")
