import numpy as np
import pytest
import torch
from scipy.special import softmax
from torchmetrics.functional.classification import multiclass_calibration_error

from kcdp.verdict import Verdict
from train.evaluation.calibration import (
    calibration_error,
    fit_temperature,
    fit_threshold,
    fit_verdict,
    negative_log_likelihood,
)
from train.evaluation.measures.verdict import part_figures

NAMES = ("joy", "fear", "anger", "awe")


def readings_of(temperature: float, seed: int, count: int = 4000, strength: float = 1.0):
    """Labels drawn from what a calibrated reading says, and that reading made too sure (or unsure) by a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, strength, (count, len(NAMES)))
    honest = softmax(logits, axis=1)
    labels = (honest.cumsum(1) > rng.random((count, 1))).argmax(1)
    return softmax(logits * temperature, axis=1), labels, logits


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_is_found_again(temperature):
    probabilities, labels, _ = readings_of(temperature, 0)
    assert fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=0.1)


def test_calibration_error_is_that_of_torchmetrics():
    probabilities, labels, _ = readings_of(2.0, 1)
    expected = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(labels), num_classes=4, n_bins=10, norm="l1"
    )
    assert calibration_error(probabilities, labels) == pytest.approx(float(expected), abs=1e-6)
    assert calibration_error(probabilities, labels) > 0.1 > 0.03 > calibration_error(readings_of(1.0, 1)[0], labels)


def test_two_readings_together_are_better_than_each_and_calibrated():
    """Two looks at one truth, each with an error of its own, one of them much too sure."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 4, 6000)
    evidence = np.eye(4)[truth] * 2
    one = softmax((evidence + rng.normal(0, 1.2, evidence.shape)) * 4, axis=1)
    two = softmax(evidence + rng.normal(0, 1.6, evidence.shape), axis=1)
    half = slice(0, 3000), slice(3000, None)
    fitted = fit_verdict({"kcdp": one[half[0]], "uniemo": two[half[0]]}, truth[half[0]], NAMES)
    unseen = fitted.combine({"kcdp": one[half[1]], "uniemo": two[half[1]]})
    labels = truth[half[1]]
    for alone in (one[half[1]], two[half[1]]):
        assert negative_log_likelihood(unseen, labels) < negative_log_likelihood(alone, labels)
        assert (unseen.argmax(1) == labels).mean() > (alone.argmax(1) == labels).mean()
    assert calibration_error(unseen, labels) < 0.03 < calibration_error(one[half[1]], labels)
    assert fitted.temperatures["kcdp"] > 2 > fitted.temperatures["uniemo"]
    assert fitted.weights["kcdp"] > fitted.weights["uniemo"]


def test_the_threshold_is_where_right_and_wrong_are_even():
    probabilities, labels, _ = readings_of(1.0, 3, strength=1.5)
    # Calibrated, the confidence itself says how often it is right.
    assert fit_threshold(probabilities, labels) == pytest.approx(0.5, abs=0.06)
    # One that is too sure of itself is even at a higher one.
    assert fit_threshold(readings_of(2.0, 3, strength=1.5)[0], labels) > 0.6
    sure = np.array([[0.9, 0.1], [0.8, 0.2]])
    assert fit_threshold(sure, np.array([0, 0])) == 0.0 and fit_threshold(sure, np.array([1, 1])) == 1.0
    # Surer where it is wrong.
    assert fit_threshold(np.array([[0.9, 0.1], [0.6, 0.4]] * 9), np.array([1, 0] * 9)) == 1.0


def test_nothing_to_fit_on_is_one_sentence():
    with pytest.raises(ValueError, match="no picture with a label"):
        fit_verdict({"kcdp": np.zeros((0, 4))}, np.zeros(0, dtype=int), NAMES)


def test_the_figures_of_a_part_are_those_counted_by_hand():
    readings = np.array([[0.95, 0.05], [0.9, 0.1], [0.3, 0.7], [0.55, 0.45]])
    figures = part_figures(
        Verdict(("awe", "fear"), threshold=0.6), {"kcdp": readings}, np.array([0, 1, 1, 1]), seen=True
    )
    assert (figures.pictures, figures.accuracy, figures.told, figures.clear) == (4, 0.5, 0.75, 0.5)
    assert figures.right_when_told == pytest.approx(2 / 3) and figures.right_when_clear == 0.5 and figures.seen
    unsure = part_figures(Verdict(("awe", "fear")), {"kcdp": readings[3:]}, np.array([0]), seen=False)
    assert unsure.right_when_clear is None and unsure.right_when_told == 1 and not unsure.seen
