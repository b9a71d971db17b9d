import numpy as np
import pytest

from train.metrics.recognition import recognition_scores
from train.metrics.validation import scores_by_domain

NAMES = ("awe", "fear", "anger")


def test_scores_are_of_labelled_pictures_and_macro_f1_is_that_of_reports():
    """Anger is predicted once and shown never: its F1 of 0 is no part of the mean."""
    labels = np.array([0, 0, 1, 1, -1, 0])
    predictions = np.array([0, 1, 1, 2, 0, 0])
    domains = np.array(["a", "a", "b", "b", "b", "b"])
    found = scores_by_domain(labels, predictions, domains, NAMES)
    assert found == pytest.approx({"macro_f1": (4 / 5 + 1 / 2) / 2, "accuracy-a": 1 / 2, "accuracy-b": 2 / 3})
    known = labels >= 0
    assert found["macro_f1"] == recognition_scores(labels[known], predictions[known], NAMES).macro_f1


def test_without_a_label_there_is_nothing_to_score():
    assert scores_by_domain(np.array([-1]), np.array([0]), np.array(["a"]), NAMES) == {"macro_f1": 0.0}
