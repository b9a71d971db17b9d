"""Faces: brows, eyes and mouths that combine freely, drawn in a frame of about -40..40 around the face's centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .eyes import EYES, eye_height
from .mouths import MOUTHS
from .proportions import Proportions
from .svg import Pen


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
