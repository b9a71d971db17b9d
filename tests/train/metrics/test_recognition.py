"""Scores against examples worked out by hand."""

from __future__ import annotations

import json

import pytest

from train.metrics.recognition import RECOGNITION_METRICS, recognition_scores

NAMES = ("joy", "fear", "anger")


def test_scores_of_an_example_worked_out_by_hand() -> None:
    # joy: 2 of 3 found, fear: 1 of 1, anger: does not occur and is said once.
    scores = recognition_scores([0, 0, 0, 1], [0, 0, 2, 1], NAMES)
    assert scores.accuracy == 0.75
    assert scores.counts == {"joy": 3, "fear": 1, "anger": 0}
    assert scores.recall == {"joy": pytest.approx(2 / 3), "fear": 1.0, "anger": None}
    # F1 of joy is 2 * 1 * (2/3) / (1 + 2/3) = 0.8, of fear 1; anger has nothing to find and stays out of the mean.
    assert scores.macro_f1 == pytest.approx(0.9)
    assert scores.confusion == ((2, 0, 1), (0, 1, 0), (0, 0, 0))
    assert scores.chance == pytest.approx(1 / 3)
    assert scores.majority == 0.75


def test_an_emotion_that_is_never_said_counts_as_missed() -> None:
    scores = recognition_scores([0, 1], [0, 0], NAMES)
    # joy: precision 1/2, recall 1, F1 2/3; fear: F1 0.
    assert scores.macro_f1 == pytest.approx(1 / 3)
    assert scores.recall["fear"] == 0.0


def test_scores_are_clean_as_json() -> None:
    scores = recognition_scores([0, 1, 2], [0, 1, 1], NAMES)
    assert json.loads(json.dumps(scores.to_dict())) == scores.to_dict()
    assert scores.to_dict().keys() == {*RECOGNITION_METRICS, "counts", "recall", "chance", "majority", "confusion"}


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([], [], "0 labels"),
        ([0, 1], [0], "2 labels and 1 predictions"),
        ([0], [3], "3 is not"),
        ([-1], [0], "-1 is not"),
    ],
)
def test_errors_say_what_is_wrong(labels: list[int], predictions: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recognition_scores(labels, predictions, NAMES)
