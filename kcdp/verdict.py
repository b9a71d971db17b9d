"""One verdict from both readings: each calibrated, both combined, with "cannot tell" as an answer.

A network is surer of a picture in a new style than it is right. Temperature scaling (Guo et al. 2017) makes its confidence
mean something, a logarithmic opinion pool (Genest & Zidek 1986) combines two such readings, and below a confidence at
which the verdict is wrong more often than right, none is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from diffusers import ConfigMixin
from diffusers.configuration_utils import register_to_config
from PIL import Image

#: Pictures are looked at in this size, and in squares of `_SQUARE` pixels.
_SIDE, _SQUARE = 128, 8
#: Standard deviation, in levels of 255, of what remains beside an even slope of colour: below it a picture is flat. A photo
#: of a plain wall has 7.
_FLAT = 3.0
#: Share of the variance that is left when squares are averaged: 1/64 of noise in pixels, 1/16 of noise in blocks of two; of
#: pictures .2 or more, of dry soil .13.
_NOISE = 0.08
#: Probabilities below this count as this: no reading is so sure that another could not change its mind.
_LEAST = 1e-6


@cache
def _slopes() -> np.ndarray:
    """Even slopes of one colour over a picture, as an orthonormal basis (pixels, 3): level, down, and across."""
    rows, columns = np.mgrid[0 : 1 : _SIDE * 1j, 0 : 1 : _SIDE * 1j]
    basis, _ = np.linalg.qr(np.stack([np.ones(_SIDE**2), rows.ravel(), columns.ravel()], axis=1))
    return basis


def nothing_to_read(picture: Image.Image) -> bool:
    """Whether a picture is blank, of one colour or an even slope of colours, or noise.

    >>> nothing_to_read(Image.new("RGB", (64, 64), "navy"))
    True
    """
    pixels = np.asarray(picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)
    colours, slopes = pixels.reshape(-1, 3), _slopes()
    rest = colours - slopes @ (slopes.T @ colours)
    variance = np.square(rest).mean()
    if variance < _FLAT**2:
        return True
    squares = rest.reshape(_SIDE // _SQUARE, _SQUARE, _SIDE // _SQUARE, _SQUARE, 3).mean(axis=(1, 3))
    return bool(np.square(squares).mean() < _NOISE * variance)


class Verdict(ConfigMixin):
    """How readings are calibrated and combined; saved as JSON beside a bundle's networks.

    Args:
        labels: the label space's labels, in order.
        temperatures: by reading, T that its log-probabilities are divided by; above 1 where it is too sure. Readings that
            are not named keep 1.
        weights: by reading, what its calibrated log-probabilities count for in the pool. They need not sum to 1: two
            readings that agree are surer than one.
        threshold: confidence (0 to 1) below which there is no verdict.

    Raises ValueError when a temperature or weight is not positive, or the threshold is outside of 0 to 1.
    """

    config_name = "verdict.json"

    @register_to_config
    def __init__(
        self,
        labels: Sequence[str],
        temperatures: Mapping[str, float] | None = None,
        weights: Mapping[str, float] | None = None,
        threshold: float = 0.0,
    ) -> None:
        self.labels = tuple(labels)
        self.temperatures, self.weights = dict(temperatures or {}), dict(weights or {})
        self.threshold = threshold
        for kind, values in (("temperature", self.temperatures), ("weight", self.weights)):
            for reading, value in values.items():
                if not value > 0:
                    raise ValueError(f"The {kind} of '{reading}' is {value}; it must be positive.")
        if not 0 <= threshold <= 1:
            raise ValueError(f"The threshold is {threshold}; it must be between 0 and 1.")

    def calibrated(self, reading: str, probabilities: np.ndarray) -> np.ndarray:
        """One reading (..., K), scaled by its temperature; rows sum to 1."""
        return _normalised(np.log(np.maximum(probabilities, _LEAST)) / self.temperatures.get(reading, 1.0))

    def combine(self, readings: Mapping[str, np.ndarray]) -> np.ndarray:
        """Readings (..., K) by name -> the verdict's probabilities (..., K), rows sum to 1.

        p is proportional to the product of the calibrated readings, each to the power of its weight; a reading that is
        alone is itself. Raises ValueError when there is none, or one has another number of labels.
        """
        if not readings:
            raise ValueError("There is no reading to make a verdict of; give at least one.")
        for name, probabilities in readings.items():
            if probabilities.shape[-1] != len(self.labels):
                raise ValueError(
                    f"The reading '{name}' has {probabilities.shape[-1]} labels and the verdict {len(self.labels)}; "
                    "use a verdict made for this bundle."
                )
        if len(readings) == 1:
            [(name, probabilities)] = readings.items()
            return self.calibrated(name, probabilities)
        logs = [
            self.weights.get(name, 1 / len(readings)) * np.log(self.calibrated(name, probabilities))
            for name, probabilities in readings.items()
        ]
        return _normalised(np.sum(logs, axis=0))

    def decide(self, probabilities: np.ndarray) -> tuple[str | None, str]:
        """Probabilities (K,) -> the emotion, None where it cannot be told, and what the picture leans to."""
        best = int(probabilities.argmax())
        leaning = self.labels[best]
        return (leaning if probabilities[best] >= self.threshold else None), leaning


def _normalised(logs: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    shifted = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
