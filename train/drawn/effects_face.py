"""Tears, sweat, blush, steam and gloom: cues of a mood on and near the face, drawn in the face frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .palette import shade
from .proportions import Proportions
from .svg import Pen, drop, n, ring, smooth


@dataclass(frozen=True)
class Place:
    """Where effects go: the face's proportions and ink, and the head's half-extents around the face's centre."""

    face: Proportions
    ink: str
    skin: str
    rx: float
    ry: float


WATER = ("#5cc3f5", "#7fd3ff", "#4aa8ee", "#8fdcf5")


def _tear_fill(pen: Pen) -> str:
    return pen.rng.choice(WATER)


def tear(pen: Pen, at: Place) -> None:
    """One drop under one eye, or one under each."""
    fill, face = _tear_fill(pen), at.face
    sides = pen.rng.choice(((-1,), (1,), (-1, 1)))
    r = pen.rng.uniform(3.2, 5.2)
    y = face.eye_y + face.eye + r * 2 + pen.rng.uniform(-1, 4)
    for side in sides:
        x = side * (face.eye_x + pen.rng.uniform(0, 4))
        pen.path(drop(x, y, r), fill, shade(fill, -0.35), face.line * 0.4)
        pen.ellipse(x - r * 0.3, y, r * 0.25, r * 0.4, "#ffffff", 0.85)


def tear_streams(pen: Pen, at: Place) -> None:
    """Two rivers down the cheeks."""
    fill, face = _tear_fill(pen), at.face
    w = max(face.eye * pen.rng.uniform(0.5, 0.8), 4)
    end = at.ry * pen.rng.uniform(0.7, 1.0)
    for side in (-1, 1):
        x = side * face.eye_x
        points = [
            (x - w, face.eye_y + face.eye * 0.35),
            (x + w, face.eye_y + face.eye * 0.35),
            (x + w * 1.05 + side, end * 0.6),
        ]
        points += [
            (x + w + side * 2, end),
            (x + side * 2, end + 3),
            (x - w + side * 2, end),
            (x - w * 1.05 + side, end * 0.6),
        ]
        pen.path(smooth(points), fill, shade(fill, -0.3), face.line * 0.4, 0.92)
        pen.line([(x - w * 0.2, face.eye_y + face.eye), (x, end * 0.8)], "#ffffff", w * 0.3, 0.7)


def tear_jets(pen: Pen, at: Place) -> None:
    """Tears that spurt sideways in arcs."""
    fill, face = _tear_fill(pen), at.face
    for side in (-1, 1):
        x, y = side * (face.eye_x + face.eye * 0.8), face.eye_y
        for rise, far in ((9, 20), (4, 15)):
            pen.limb(
                [(x, y), (x + side * far * 0.55, y - rise), (x + side * far, y + 6)], fill, pen.rng.uniform(2.4, 3.8)
            )
        pen.path(drop(x + side * 22, y + 14, 3), fill)


def laughing_tears(pen: Pen, at: Place) -> None:
    """Tears of joy, at the outer corners of the eyes."""
    fill, face = _tear_fill(pen), at.face
    for side in (-1, 1):
        x, y = side * (face.eye_x + face.eye + 3), face.eye_y + pen.rng.uniform(1, 5)
        with pen.group(f"rotate({n(-side * pen.rng.uniform(25, 60))} {n(x)} {n(y)})"):
            pen.path(drop(x, y + 3, pen.rng.uniform(3.4, 5.2)), fill, shade(fill, -0.35), face.line * 0.4)


def puddle(pen: Pen, at: Place) -> None:
    """A puddle of tears below the face."""
    fill = _tear_fill(pen)
    pen.shape(ring(0, at.ry + 1, at.rx * 1.05, 6, 10), fill, outline=False)


def blush(pen: Pen, at: Place) -> None:
    """Pink cheeks: spots, soft or hatched."""
    face, colour = at.face, pen.rng.choice(("#ff7f9a", "#ff9a8a", "#ff6f7f", "#f58fb8"))
    r, kind = pen.rng.uniform(4, 7.5), pen.rng.random()
    for side in (-1, 1):
        x, y = side * min(face.eye_x + face.eye * 0.7 + 2, at.rx * 0.78), face.eye_y + face.eye + r * 0.9
        if kind < 0.7:
            pen.ellipse(x, y, r, r * 0.62, colour, pen.rng.uniform(0.5, 0.85))
        else:
            for step in (-1, 0, 1):
                pen.line([(x + step * 3 - 1, y + 2.4), (x + step * 3 + 1, y - 2.4)], colour, 1.4)


def hot_cheeks(pen: Pen, at: Place) -> None:
    """Dark red cheeks of rage."""
    for side in (-1, 1):
        pen.ellipse(side * at.rx * 0.62, at.face.mouth_y - 4, 8, 5, "#d9302a", 0.55)


def sweat(pen: Pen, at: Place) -> None:
    """One big drop at the temple."""
    fill, side = _tear_fill(pen), pen.rng.choice((-1, 1))
    x, y, r = side * at.rx * 0.74, at.face.eye_y - 8, pen.rng.uniform(4, 6)
    pen.path(drop(x, y, r), fill, shade(fill, -0.35), at.face.line * 0.5)
    pen.ellipse(x - r * 0.3, y, r * 0.25, r * 0.4, "#ffffff", 0.9)


def cold_sweat(pen: Pen, at: Place) -> None:
    """Many drops on the brow and off the head."""
    fill = _tear_fill(pen)
    for _ in range(pen.rng.randint(3, 6)):
        angle = pen.rng.uniform(0.1, 0.9) * math.pi
        far = pen.rng.uniform(0.72, 1.15)
        x, y = at.rx * far * math.cos(angle), -at.ry * far * math.sin(angle) * 0.9
        with pen.group(f"rotate({n(pen.rng.uniform(10, 40) * (1 if x > 0 else -1))} {n(x)} {n(y)})"):
            pen.path(drop(x, y, pen.rng.uniform(2.2, 3.6)), fill, shade(fill, -0.35), 0.7)


def gloom(pen: Pen, at: Place) -> None:
    """Vertical lines of dread over the brow."""
    colour, side = pen.rng.choice(("#4a4f7a", "#3a3a5a", "#5a5f8a")), pen.rng.choice((-1, 1))
    count = pen.rng.randint(5, 8)
    for i in range(count):
        x = side * at.rx * (0.78 - 1.1 * i / count)
        top = -at.ry * math.sqrt(max(0.0, 1 - (x / at.rx) ** 2)) * 0.95
        pen.line([(x, top), (x, top + at.ry * pen.rng.uniform(0.3, 0.55))], colour, 1.6, 0.85)


def snot(pen: Pen, at: Place) -> None:
    """A bubble at the nose of a sleeper."""
    r = pen.rng.uniform(5, 8)
    y = (at.face.eye_y + at.face.mouth_y) / 2 + 2
    pen.ellipse(r + 2, y, r, r, "#bfe4ff", 0.8)
    pen.ellipse(r, y - r * 0.4, r * 0.25, r * 0.25, "#ffffff")


def nose_steam(pen: Pen, at: Place) -> None:
    """A snort to both sides of the nose."""
    for side in (-1, 1):
        y = at.face.mouth_y - at.face.mouth * 0.6
        _puff(pen, side * 13, y, pen.rng.uniform(3.4, 5), "#ffffff")


def _puff(pen: Pen, x: float, y: float, r: float, fill: str) -> None:
    side = 1 if x > 0 else -1
    for dx, dy, scale in ((0, 0, 0.75), (side * r * 0.95, -r * 0.45, 1.0), (side * r * 1.9, r * 0.1, 0.7)):
        pen.shape(ring(x + dx, y + dy, r * scale, r * scale * 0.9, 8), fill, shading=False)


def ear_steam(pen: Pen, at: Place) -> None:
    """Clouds from both ears."""
    fill = pen.rng.choice(("#ffffff", "#ffd9cf", "#e8eef5", "#ff9a80"))
    for side in (-1, 1):
        _puff(pen, side * at.rx * 1.02, -at.ry * pen.rng.uniform(0.3, 0.6), pen.rng.uniform(4, 6), fill)


def rain_cloud(pen: Pen, at: Place) -> None:
    """A little dark cloud that rains on the head."""
    y, fill = -at.ry - 6, pen.rng.choice(("#8a93a8", "#6f7a90", "#a5adbf"))
    for i in range(4):
        x = -12 + 8 * i
        pen.line([(x, y + 6), (x - 2, y + 13)], _tear_fill(pen), 1.7)
    cloud = [
        (-20, y + 4),
        (-18, y - 3),
        (-9, y - 5),
        (-2, y - 11),
        (8, y - 6),
        (17, y - 4),
        (20, y + 3),
        (8, y + 6),
        (-8, y + 6),
    ]
    pen.shape(cloud, fill)
