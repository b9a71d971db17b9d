"""Fitting a bundle's verdict on pictures that its readings have not been trained on, and measuring calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from sklearn.linear_model import LogisticRegression

from kcdp.verdict import Verdict

#: No confidence counts as further from 0 and 1 than this.
_EDGE = 1e-6


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -log p of the right label; probabilities (N, K), labels (N,)."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature under which a reading (N, K) is likeliest (Guo et al. 2017), .05 to 20."""

    def loss(log_temperature: float) -> float:
        verdict = Verdict(range(probabilities.shape[1]), {"one": float(np.exp(log_temperature))})
        return negative_log_likelihood(verdict.calibrated("one", probabilities), labels)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def fit_threshold(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The confidence from which on a verdict (N, K) is right more often than wrong, 0 to 1.

    Where a logistic regression of being right on the log odds of the confidence (Platt 1999) crosses one half; 0 where it is
    never wrong, and 1 where it is never right or its confidence says nothing.
    """
    confidence = np.clip(probabilities.max(axis=1), _EDGE, 1 - _EDGE)
    right = probabilities.argmax(axis=1) == labels
    if right.all() or not right.any():
        return 0.0 if right.all() else 1.0
    odds = np.log(confidence / (1 - confidence))[:, None]
    fitted = LogisticRegression(C=np.inf).fit(odds, right)
    slope, start = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return float(1 / (1 + np.exp(start / slope))) if slope > 0 else 1.0


def fit_verdict(readings: Mapping[str, np.ndarray], labels: np.ndarray, names: Sequence[str]) -> Verdict:
    """Temperatures, weights and threshold for readings (N, K) by name, from pictures with `labels` (N,), indices of `names`.

    Each reading is calibrated by itself, then the weights are those under which the pool is likeliest.
    Raises ValueError when there is no picture.
    """
    if not len(labels):
        raise ValueError(
            "There is no picture with a label to fit a verdict on; give some that no model was trained on."
        )
    temperatures = {name: fit_temperature(probabilities, labels) for name, probabilities in readings.items()}

    def pooled(logs: np.ndarray) -> Verdict:
        return Verdict(list(names), temperatures, dict(zip(readings, np.exp(logs).tolist(), strict=True)))

    start = np.full(len(readings), -np.log(len(readings)))
    found = minimize(
        lambda logs: negative_log_likelihood(pooled(logs).combine(readings), labels),
        start,
        method="Nelder-Mead",
        bounds=[(np.log(1e-3), np.log(10))] * len(readings),
    )
    verdict = pooled(found.x)
    threshold = fit_threshold(verdict.combine(readings), labels)
    return Verdict(list(names), temperatures, verdict.weights, threshold)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of (N, K): mean of |right - confident| over equal bins of confidence, by their pictures."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs((right - confidence)[places == place].sum()) for place in range(bins)]
    return float(sum(gaps) / len(labels))
