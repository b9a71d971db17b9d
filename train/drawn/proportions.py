"""Where the parts of a face sit: what eyes, brows, mouths and effects on faces go by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random


@dataclass(frozen=True)
class Proportions:
    """Where the parts of a face sit, in face units: half-distance and height of the eyes, sizes, mouth height."""

    eye_x: float
    eye_y: float
    eye: float
    mouth_y: float
    mouth: float
    line: float
    brow_gap: float


def random_proportions(rng: Random) -> Proportions:
    """From dot-eyed chibi faces with low features to wide cartoon faces with huge eyes."""
    eye = rng.choice((rng.uniform(5.5, 8), rng.uniform(7.5, 11), rng.uniform(10, 14)))
    eye_x = max(rng.uniform(11, 21), eye * 1.12 + 2)
    eye_y = rng.uniform(-11, -1)
    mouth = rng.uniform(8.5, 16)
    mouth_y = eye_y + eye + rng.uniform(6, 10) + mouth * 0.45
    return Proportions(eye_x, eye_y, eye, mouth_y, mouth, rng.uniform(1.9, 3.7), rng.uniform(3, 6.5))


def fitted(face: Proportions, nose: str) -> Proportions:
    """The proportions on a head with a nose: the eyes above it, the mouth below it, neither touching."""
    if nose == "none":
        return face
    eye = min(face.eye, 9.0)
    low = {"snout": 21.0, "beak": 19.0, "big": 21.0, "oval": 17.0}.get(nose, 16.0)
    return replace(
        face, eye=eye, eye_x=max(face.eye_x, 14.0 if nose != "snout" else 17.0), eye_y=min(face.eye_y, -5.0),
        mouth_y=max(min(face.mouth_y, 22.0), low), mouth=min(face.mouth, 12.5),
    )  # fmt: skip
