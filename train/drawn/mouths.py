"""Mouths of every mood, drawn in the face frame."""

from __future__ import annotations

from collections.abc import Callable

from .palette import light, shade
from .proportions import Proportions
from .svg import Pen, n, ring, smooth

Mouth = Callable[[Pen, "Proportions", str, str], None]

INSIDE = ("#7a1f2e", "#5a1626", "#8f2a35", "#3a1420", "#6d2140")
TONGUE = ("#f27a86", "#ef6f8e", "#e85d6a")
VOMIT = ("#9ccc3c", "#b5cf45", "#7fb83a")


def _curve(bend: float, width: float = 1.0) -> Mouth:
    """A line: positive `bend` smiles, negative frowns."""

    def draw(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        w, y = face.mouth * width * pen.rng.uniform(0.9, 1.1), face.mouth_y
        b = bend * w * pen.rng.uniform(0.8, 1.2)
        pen.line(
            [(-w, y - b / 2), (-w * 0.5, y + b * 0.2), (0, y + b / 2), (w * 0.5, y + b * 0.2), (w, y - b / 2)],
            ink,
            face.line * 1.1,
        )
        if bend > 0 and pen.rng.random() < 0.2:
            for side in (-1, 1):
                pen.line([(side * (w - 1), y - b / 2 - 1.6), (side * (w + 1.4), y - b / 2 + 0.8)], ink, face.line * 0.8)

    return draw


def _open(w: float, top: float, bottom: float) -> Callable[[Proportions, float], str]:
    """Path of an open mouth of half-width `w`: how far (in widths) the upper and the lower lip bow down."""

    def path(face: Proportions, grow: float) -> str:
        half, y = face.mouth * w * grow, face.mouth_y - face.mouth * (top + bottom) * 0.12
        return (
            f"M{n(-half)} {n(y)}C{n(-half * 0.5)} {n(y + half * top)} {n(half * 0.5)} {n(y + half * top)} {n(half)} {n(y)}"
            f"C{n(half * 0.95)} {n(y + half * bottom * 1.3)} {n(-half * 0.95)} {n(y + half * bottom * 1.3)} {n(-half)} {n(y)}Z"
        )

    return path


def _laugh(w: float, top: float, bottom: float, teeth: float, tongue: float) -> Mouth:
    """An open laugh; `teeth` and `tongue` are how likely each shows."""
    contour = _open(w, top, bottom)

    def draw(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        data = contour(face, pen.rng.uniform(0.92, 1.15))
        half, y = face.mouth * w, face.mouth_y
        pen.path(data, pen.rng.choice(INSIDE))
        with pen.group(clip=data):
            if pen.rng.random() < tongue:
                pen.ellipse(0, y + half * bottom * 0.95, half * 0.62, half * bottom * 0.5, pen.rng.choice(TONGUE))
            if pen.rng.random() < teeth:
                pen.rect(-half * 1.2, y - half, half * 2.4, half * (1 + top * 0.75 + 0.08), "#ffffff")
        pen.path(data, "none", ink if light(ink) < 0.5 else "#2a2430", face.line * 0.75)

    return draw


def _hole(rx: float, ry: float, tongue: float = 0.0) -> Mouth:
    """A round or oval open mouth."""

    def draw(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        a, b = face.mouth * rx * pen.rng.uniform(0.88, 1.12), face.mouth * ry * pen.rng.uniform(0.88, 1.12)
        y = face.mouth_y + b * 0.25
        data = smooth(ring(0, y, a, b, 10))
        pen.path(data, pen.rng.choice(INSIDE), ink if light(ink) < 0.5 else "#2a2430", face.line * 0.8)
        if pen.rng.random() < tongue:
            with pen.group(clip=data):
                pen.ellipse(0, y + b * 0.75, a * 0.8, b * 0.45, pen.rng.choice(TONGUE))

    return draw


def _wail(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Crying mouth: wide below, the upper lip arched, corners pulled down."""
    w, h, y = face.mouth * pen.rng.uniform(0.9, 1.25), face.mouth * pen.rng.uniform(0.9, 1.3), face.mouth_y + 2
    points = [
        (-w, y + h * 0.6),
        (-w * 0.62, y - h * 0.25),
        (0, y - h * 0.5),
        (w * 0.62, y - h * 0.25),
        (w, y + h * 0.6),
    ]
    points += [(w * 0.5, y + h * pen.rng.uniform(0.55, 0.8)), (-w * 0.5, y + h * pen.rng.uniform(0.55, 0.8))]
    data = smooth(points)
    pen.path(data, pen.rng.choice(INSIDE), ink if light(ink) < 0.5 else "#2a2430", face.line * 0.8)
    with pen.group(clip=data):
        pen.ellipse(0, y + h * 0.75, w * 0.55, h * 0.4, pen.rng.choice(TONGUE))
        if pen.rng.random() < 0.3:
            pen.rect(-w, y - h * 0.6, 2 * w, h * 0.32, "#ffffff")


def _wave(amplitude: float, count: int, sharp: bool = False) -> Mouth:
    """A trembling (smooth) or zigzag (sharp) line."""

    def draw(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        w, sign = face.mouth * pen.rng.uniform(0.9, 1.15), pen.rng.choice((-1, 1))
        points = [
            (
                -w + 2 * w * i / count,
                face.mouth_y + sign * (1 if i % 2 else -1) * amplitude * w * pen.rng.uniform(0.7, 1.1),
            )
            for i in range(count + 1)
        ]
        if sharp:
            pen.path("M" + "L".join(f"{n(x)} {n(y)}" for x, y in points), "none", ink, face.line * 1.1)
        else:
            pen.line(points, ink, face.line * 1.1)

    return draw


def _clench(bend: float, height: float) -> Mouth:
    """Bared teeth; `bend` positive grins, negative snarls."""

    def draw(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        w, h, y = (
            face.mouth * pen.rng.uniform(0.95, 1.25),
            face.mouth * height * pen.rng.uniform(0.85, 1.2),
            face.mouth_y,
        )
        b = bend * w
        top = [(-w, y - h * 0.6 - b / 2), (0, y - h + b / 2), (w, y - h * 0.6 - b / 2)]
        bottom = [(w * 1.02, y + h * 0.6 - b / 2), (0, y + h + b / 2), (-w * 1.02, y + h * 0.6 - b / 2)]
        data = smooth([*top, *bottom])
        dark = ink if light(ink) < 0.5 else "#2a2430"
        pen.path(data, "#ffffff")
        with pen.group(clip=data):
            pen.line([(-w, y - b / 2), (0, y + b / 2), (w, y - b / 2)], dark, face.line * 0.5)
            for i in range(-2, 3):
                pen.line([(i * w * 0.38, y - 2 * h - w), (i * w * 0.38, y + 2 * h + w)], dark, face.line * 0.5)
        pen.path(data, "none", dark, face.line * 0.9)

    return draw


def _chatter(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Teeth that chatter: a wavy band."""
    w, h, y = face.mouth * pen.rng.uniform(1, 1.2), face.mouth * 0.42, face.mouth_y
    top = [(-w + w * i / 3, y - h + (1.3 if i % 2 else -1.3)) for i in range(7)]
    data = smooth([*top, *[(x, y2 + 2 * h) for x, y2 in reversed(top)]])
    dark = ink if light(ink) < 0.5 else "#2a2430"
    pen.path(data, "#ffffff", dark, face.line * 0.8)
    pen.line([(x, y2 + h) for x, y2 in top], dark, face.line * 0.6)
    with pen.group(clip=data):
        for i in range(1, 6):
            pen.line([(-w + w * i / 3, y - 2 * h), (-w + w * i / 3, y + 2 * h)], dark, face.line * 0.45)


def _snarl(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """A shouting square mouth with fangs."""
    w, h, y = face.mouth * pen.rng.uniform(0.95, 1.2), face.mouth * pen.rng.uniform(0.55, 0.9), face.mouth_y
    data = smooth(
        [
            (-w * 0.85, y - h * 0.5),
            (0, y - h * 0.85),
            (w * 0.85, y - h * 0.5),
            (w * 1.05, y + h * 0.9),
            (0, y + h * 0.7),
            (-w * 1.05, y + h * 0.9),
        ]
    )
    pen.path(data, pen.rng.choice(INSIDE))
    with pen.group(clip=data):
        pen.ellipse(0, y + h, w * 0.6, h * 0.45, pen.rng.choice(TONGUE))
        style = pen.rng.random()
        if style < 0.55:
            for side in (-1, 1):
                for dy, up in ((-h * 0.85, 1), (h * 0.95, -1)):
                    x = side * w * (0.52 if up > 0 else 0.66)
                    pen.path(
                        f"M{n(x - w * 0.17)} {n(y + dy)}L{n(x)} {n(y + dy + up * h * 0.85)}L{n(x + w * 0.17)} {n(y + dy)}Z",
                        "#ffffff",
                    )
        elif style < 0.85:
            pen.rect(-w * 1.2, y - h, 2.4 * w, h * 0.62, "#ffffff")
    pen.path(data, "none", ink if light(ink) < 0.5 else "#2a2430", face.line * 0.9)


def _tongue_tip(pen: Pen, face: Proportions, x: float, y: float, r: float, ink: str) -> None:
    data = f"M{n(x - r)} {n(y)}V{n(y + r * 1.1)}A{n(r)} {n(r)} 0 0 0 {n(x + r)} {n(y + r * 1.1)}V{n(y)}Z"
    pen.path(data, pen.rng.choice(TONGUE), ink if light(ink) < 0.5 else "#2a2430", face.line * 0.6)
    pen.line([(x, y + 0.5), (x, y + r * 1.1)], "#b8455a", face.line * 0.5)


def _cheeky(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """A smile with the tongue out."""
    w, y = face.mouth, face.mouth_y - 1
    x = pen.rng.choice((-0.35, 0.0, 0.35)) * w
    if pen.rng.random() < 0.5:
        _laugh(0.95, 0.15, 0.75, 0.6, 0.0)(pen, face, ink, skin)
        _tongue_tip(pen, face, x, y + w * 0.35, w * 0.4, ink)
    else:
        _tongue_tip(pen, face, x, y + w * 0.15, w * 0.38, ink)
        pen.line([(-w, y - w * 0.15), (0, y + w * 0.25), (w, y - w * 0.15)], ink, face.line * 1.1)


def _bleh(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """A disgusted tongue: out, below a wavering or frowning lip."""
    w, y = face.mouth, face.mouth_y
    _tongue_tip(pen, face, 0, y - w * 0.2, w * pen.rng.uniform(0.48, 0.65), ink)
    dip = pen.rng.uniform(0.2, 0.4)
    pen.line(
        [(-w, y + w * dip), (-w * 0.5, y - w * 0.25), (0, y - w * 0.05), (w * 0.5, y - w * 0.25), (w, y + w * dip)],
        ink,
        face.line * 1.1,
    )


def _vomit(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """A gush from an open mouth."""
    w, y = max(face.mouth, 11.0), face.mouth_y - 2
    sick = pen.rng.choice(VOMIT)
    mouth = smooth(ring(0, y, w, w * 0.66, 10))
    pen.path(mouth, pen.rng.choice(INSIDE), ink if light(ink) < 0.5 else "#2a2430", face.line * 0.8)
    end = pen.rng.uniform(38, 50)
    left, right = [(-0.72, -0.1), (-0.78, 0.6), (-1.05, 0.9)], [(1.0, 0.95), (0.78, 0.6), (0.72, -0.1)]
    bottom = [(-0.5, pen.rng.uniform(0.95, 1.15)), (0.1, pen.rng.uniform(0.9, 1.05)), (0.6, pen.rng.uniform(1.0, 1.15))]
    flow = [(w * x, y + (end - y) * t) for x, t in (*left, *bottom, *right)]
    pen.path(smooth(flow), sick, pen.outline_of(sick) or "#5f8a24", face.line * 0.5)
    for x in (-0.35, 0.0, 0.3):
        pen.line([(w * x, y + 2), (w * x * 1.3, end - pen.rng.uniform(6, 14))], "#d6ec8a", face.line * 0.8, 0.8)
    for _ in range(2):
        r = pen.rng.uniform(1.2, 2.4)
        pen.ellipse(pen.rng.uniform(-0.6, 0.6) * w, pen.rng.uniform(y + 8, end - 2), r, r, shade(sick, -0.25))


def _drool(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """A sick wavy mouth that drips green."""
    w, y, sick = face.mouth, face.mouth_y, pen.rng.choice(VOMIT)
    side = pen.rng.choice((-1, 1))
    pen.limb(
        [(side * w * 0.55, y), (side * w * 0.6, y + w * 0.6), (side * w * 0.55, y + w * pen.rng.uniform(0.9, 1.4))],
        sick,
        w * 0.28,
    )
    _wave(0.2, 4)(pen, face, ink, skin)


def _lip_curl(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """One corner of the upper lip lifted off the teeth."""
    w, y, side = face.mouth, face.mouth_y, pen.rng.choice((-1, 1))
    data = smooth(
        [
            (-side * w, y + w * 0.3),
            (side * w * 0.2, y),
            (side * w, y - w * 0.35),
            (side * w * 0.85, y + w * 0.25),
            (0, y + w * 0.3),
        ]
    )
    pen.path(data, "#ffffff", ink if light(ink) < 0.5 else "#2a2430", face.line)
    pen.line(
        [(side * w * 1.25, y - w * 0.75), (side * w * 1.35, y - w * 0.2), (side * w * 1.2, y + w * 0.2)],
        ink,
        face.line * 0.7,
    )


def _cat(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """:3"""
    w, y = face.mouth * 0.75, face.mouth_y
    pen.line(
        [(-w, y - w * 0.3), (-w * 0.5, y + w * 0.22), (0, y - w * 0.25), (w * 0.5, y + w * 0.22), (w, y - w * 0.3)],
        ink,
        face.line,
    )


def _smirk(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    w, y, side = face.mouth, face.mouth_y, pen.rng.choice((-1, 1))
    pen.line(
        [(-side * w * 0.8, y + w * 0.12), (0, y + w * 0.18), (side * w * 0.7, y - w * 0.15), (side * w, y - w * 0.45)],
        ink,
        face.line * 1.1,
    )


def _puff(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Cheeks full, about to be sick: a pressed wave."""
    w = face.mouth * 0.6
    pen.line(
        [(-w, face.mouth_y + 1), (-w / 3, face.mouth_y - 1.5), (w / 3, face.mouth_y + 1.5), (w, face.mouth_y - 1)],
        ink,
        face.line * 1.2,
    )
    for side in (-1, 1):
        x = side * face.mouth * 1.5
        pen.line([(x, face.mouth_y - 6), (x + side * 3, face.mouth_y), (x, face.mouth_y + 5)], ink, face.line * 0.7)


MOUTHS: dict[str, Mouth] = {
    "smile": _curve(0.55),
    "small smile": _curve(0.5, 0.6),
    "broad smile": _curve(0.75, 1.25),
    "cat smile": _cat,
    "smirk": _smirk,
    "grin": _clench(0.45, 0.32),
    "open smile": _laugh(0.85, 0.12, 0.75, 0.25, 0.7),
    "big laugh": _laugh(1.3, 0.1, 0.9, 0.6, 0.8),
    "huge laugh": _laugh(1.5, 0.05, 1.05, 0.7, 0.9),
    "tongue out": _cheeky,
    "frown": _curve(-0.55),
    "small frown": _curve(-0.55, 0.6),
    "deep frown": _curve(-0.85, 1.1),
    "flat": _curve(0.02, 0.9),
    "pout": _curve(-0.9, 0.38),
    "wobbly": _wave(0.16, 5),
    "zigzag": _wave(0.22, 6, sharp=True),
    "wail": _wail,
    "small o": _hole(0.32, 0.38),
    "open o": _hole(0.55, 0.72, 0.4),
    "big o": _hole(0.8, 1.0, 0.5),
    "scream": _hole(0.72, 1.35, 0.5),
    "clenched teeth": _clench(-0.2, 0.4),
    "chattering teeth": _chatter,
    "snarl": _snarl,
    "lip curl": _lip_curl,
    "disgusted tongue": _bleh,
    "vomit": _vomit,
    "drool": _drool,
    "puffed": _puff,
}
