"""A bundle that answers at once with a plausible result, for tests of what stands around the models."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from kcdp.emotions import MIKELS_8
from kcdp.imaging import load_frames
from kcdp.results import AttentionMap, ExpertWeight, KCDPOutput, Triplet

CAPTION = "a round yellow face hugs a small red heart with closed eyes"
TRIPLETS = (Triplet("round yellow face", "hugs", "small red heart"), Triplet("round yellow face", "has", "closed eyes"))


def spot(x: float, y: float, size: int = 32) -> np.ndarray:
    """A bump of heat (size, size) around (x, y), both in [0, 1]."""
    grid = (np.arange(size) + 0.5) / size
    return np.exp(-((grid[None] - x) ** 2 + (grid[:, None] - y) ** 2) / 0.03).astype(np.float32)


def fake_output(emotion: str = "contentment", pseudo_label: str | None = None, frames: int = 1) -> KCDPOutput:
    """A result for `emotion` in Mikels-8 with everything that the page shows."""
    rest = [label for label in MIKELS_8.labels if label != emotion]
    shares = dict(zip(rest, (0.21, 0.09, 0.06, 0.04, 0.02, 0.008, 0.002), strict=True)) | {emotion: 0.57}
    nearest = pseudo_label or emotion
    similarities = {label: round(0.42 * shares[label] - 0.05, 4) for label in MIKELS_8.labels} | {nearest: 0.31}
    effects = {label: round(1.1 * similarities[label] - 0.06, 4) for label in MIKELS_8.labels}
    words = CAPTION.split()
    attention = [
        AttentionMap(word, "word", spot(0.1 + 0.8 * index / len(words), 0.35 + 0.3 * (index % 2)))
        for index, word in enumerate(words)
    ]
    attention += [AttentionMap(str(item), "triplet", spot(0.5, 0.3 + 0.3 * rank)) for rank, item in enumerate(TRIPLETS)]
    return KCDPOutput(
        emotion=emotion,
        probabilities={label: shares[label] for label in MIKELS_8.labels},
        caption=CAPTION,
        triplets=TRIPLETS,
        experts=tuple(
            ExpertWeight(index, weight, index in (0, 2)) for index, weight in enumerate((0.44, 0.16, 0.29, 0.11))
        ),
        similarities=similarities,
        effects=effects,
        pseudo_label=nearest,
        attention=tuple(attention),
        label_space=MIKELS_8.name,
        frames=frames,
    )


def fake_pipeline(image: str | Path) -> KCDPOutput:
    """Reads the picture as the real pipeline does, errors included, and then tells the same about all of them."""
    return fake_output(frames=len(load_frames(image)))


def fake_bundle() -> Future:
    """A bundle that has finished loading."""
    bundle: Future = Future()
    bundle.set_result(SimpleNamespace(kcdp=fake_pipeline))
    return bundle
