from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from train.core.validation import mean_losses, scores_by_domain
from train.metrics.recognition import recognition_scores

NAMES = ("awe", "fear", "anger")


def dataset(labels, domains):
    return SimpleNamespace(labels=torch.from_numpy(labels), domains=domains, emotions=NAMES)


def test_scores_are_of_labelled_pictures_and_macro_f1_is_that_of_reports():
    """Anger is predicted once and shown never: its F1 of 0 is no part of the mean."""
    labels = np.array([0, 0, 1, 1, -1, 0])
    predictions = np.array([0, 1, 1, 2, 0, 0])
    found = scores_by_domain(dataset(labels, ["a", "a", "b", "b", "b", "b"]), predictions)
    assert found == pytest.approx({"macro_f1": (4 / 5 + 1 / 2) / 2, "accuracy-a": 1 / 2, "accuracy-b": 2 / 3})
    known = labels >= 0
    assert found["macro_f1"] == recognition_scores(labels[known], predictions[known], NAMES).macro_f1


def test_without_a_label_there_is_nothing_to_score():
    assert scores_by_domain(dataset(np.array([-1]), ["a"]), np.array([0])) == {"macro_f1": 0.0}


class Squares(nn.Linear):
    """Its losses are those of each picture, averaged."""

    def forward(self, values, ignored):
        return {"loss": values.square().mean(), "sum": values.sum()}


def test_losses_are_averaged_over_pictures_not_batches():
    batches = [
        {"values": torch.tensor([1.0, 3.0]), "ignored": torch.zeros(1)},
        {"values": torch.tensor([4.0])} | {"ignored": torch.zeros(1)},
    ]
    assert mean_losses(Squares(1, 1), batches) == pytest.approx({"loss": (1 + 9 + 16) / 3, "sum": (2 * 4 + 4) / 3})
