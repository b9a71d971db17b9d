"""Comparing decoded pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image


def levels(picture: Image.Image) -> np.ndarray:
    """Values from 0 to 255 as float32, (H, W, C)."""
    return np.asarray(picture, dtype=np.float32)


def distance(first: Image.Image, second: Image.Image) -> float:
    """Mean absolute difference of two pictures, in levels of 0 to 255."""
    return float(np.abs(levels(first) - levels(second)).mean())


def same(first: Image.Image, second: Image.Image) -> bool:
    """Whether two pictures are equal to one level, which the order of floating-point sums may change."""
    return first.size == second.size and np.abs(levels(first) - levels(second)).max() <= 1
