"""Faces: brows, eyes and mouths that combine freely, drawn in a frame of about -40..40 around the face's centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from .eyes import EYES, eye_height
from .mouths import MOUTHS
from .svg import Pen


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


def draw_brows(pen: Pen, kind: str, eyes: str, face: Proportions, ink: str) -> None:
    """Both brows above eyes of a kind; positive tilt lowers the inner ends. `kind` is one of `BROWS`."""
    left, right = BROWS[kind](pen.rng)
    width = face.line * pen.rng.uniform(0.9, 1.9)
    reach = max(face.eye * 0.95, 6.0) * pen.rng.uniform(0.85, 1.15)
    for side, (tilt, lift, bend) in ((-1, left), (1, right)):
        y = face.eye_y - eye_height(eyes, face) - face.brow_gap - lift
        x = side * face.eye_x
        pen.line([(x - side * reach, y + tilt), (x, y - bend), (x + side * reach, y - tilt)], ink, width)


def _both(
    tilt: tuple[float, float], lift: tuple[float, float], bend: tuple[float, float]
) -> Callable[[Random], tuple[tuple[float, float, float], ...]]:
    def sample(rng: Random) -> tuple[tuple[float, float, float], ...]:
        brow = (rng.uniform(*tilt), rng.uniform(*lift), rng.uniform(*bend))
        return brow, brow

    return sample


def _one_raised(rng: Random) -> tuple[tuple[float, float, float], ...]:
    pair = [(rng.uniform(2, 4), rng.uniform(-3, -2), 0.0), (rng.uniform(-3, 0), rng.uniform(2, 5), rng.uniform(2, 4))]
    rng.shuffle(pair)
    return tuple(pair)


BROWS: dict[str, Callable[[Random], tuple[tuple[float, float, float], ...]]] = {
    "none": lambda rng: (),
    "raised": _both((-1.0, 0.5), (1.5, 4.5), (2.5, 4.5)),
    "worried": _both((-5.0, -2.8), (-0.5, 2.5), (0.0, 1.8)),
    "angry": _both((3.0, 5.5), (-4.5, -2.0), (-1.2, 0.8)),
    "flat": _both((-0.4, 0.6), (-1.5, 0.5), (0.0, 0.8)),
    "soft": _both((-1.8, 0.2), (0.0, 2.0), (1.2, 2.8)),
    "one raised": _one_raised,
}


@dataclass(frozen=True)
class Face:
    """Which parts a face has."""

    brows: str
    eyes: str
    mouth: str


def draw_face(pen: Pen, face: Face, size: Proportions, ink: str, skin: str) -> None:
    """The face in the pen's current frame, on something coloured `skin`, with lines coloured `ink`."""
    EYES[face.eyes](pen, size, ink, skin)
    if face.brows != "none":
        draw_brows(pen, face.brows, face.eyes, size, ink)
    MOUTHS[face.mouth](pen, size, ink, skin)
