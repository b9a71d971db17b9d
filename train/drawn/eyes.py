"""Eyes of every mood; each function draws the pair."""

from __future__ import annotations

import math
from collections.abc import Callable

from .palette import light, shade
from .proportions import Proportions
from .svg import Pen, heart, n, ring, smooth, star

EyePair = Callable[[Pen, "Proportions", str, str], None]
OneEye = Callable[[Pen, float, float, float, float, str, str, int], None]

IRISES = ("#6b3f24", "#3f7fbf", "#3f8f5a", "#7a4fa8", "#b5483f", "#c98a2b", "#2f9e9a", "#3a3340")


def _pair(draw: OneEye) -> EyePair:
    """Draw(pen, x, y, size, line, ink, skin, side) for the left (-1) and the right (1) eye."""

    def both(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        for side in (-1, 1):
            draw(pen, side * face.eye_x, face.eye_y, face.eye, face.line, ink, skin, side)

    return both


def _dark(ink: str) -> str:
    return ink if light(ink) < 0.5 else "#2a2430"


def _dots(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    rx = face.eye * pen.rng.uniform(0.42, 0.62)
    ry = rx * pen.rng.uniform(1.0, 1.7)
    glint = pen.rng.random() < 0.5
    for side in (-1, 1):
        pen.ellipse(side * face.eye_x, face.eye_y, rx, ry, ink)
        if glint:
            pen.ellipse(side * face.eye_x - rx * 0.3, face.eye_y - ry * 0.4, rx * 0.32, rx * 0.32, skin)


def _ball(
    pen: Pen, x: float, y: float, e: float, line: float, ink: str, pupil: float, dx: float = 0.0, dy: float = 0.0
) -> str:
    """A white eyeball with a pupil of relative size `pupil` moved by (dx, dy) of the free way; its path data."""
    data = smooth(ring(x, y, e * 0.92, e, 8))
    pen.path(data, "#ffffff", _dark(ink), line * 0.7)
    r = e * pupil
    px, py = x + dx * (e - r) * 0.8, y + dy * (e - r) * 0.8
    pen.ellipse(px, py, r, r, _dark(ink))
    pen.ellipse(px - r * 0.3, py - r * 0.35, r * 0.3, r * 0.3, "#ffffff")
    return data


def _round(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    pupil, dx, dy = pen.rng.uniform(0.45, 0.72), pen.rng.uniform(-0.4, 0.4), pen.rng.uniform(-0.2, 0.3)
    for side in (-1, 1):
        _ball(pen, side * face.eye_x, face.eye_y, face.eye, face.line, ink, pupil, dx, dy)


def _wide(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Huge whites, tiny pupils."""
    pupil, e = pen.rng.uniform(0.14, 0.3), max(face.eye * 1.12, 8.5)
    dx, dy = pen.rng.uniform(-0.25, 0.25), pen.rng.uniform(-0.2, 0.2)
    for side in (-1, 1):
        _ball(pen, side * max(face.eye_x, e + 1), face.eye_y, e, face.line, ink, pupil, dx, dy)


def _up(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Looking up."""
    dx = pen.rng.uniform(-0.5, 0.5)
    for side in (-1, 1):
        _ball(pen, side * face.eye_x, face.eye_y, max(face.eye, 7), face.line, ink, 0.5, dx, -0.9)


def _down(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Looking down under heavy lids."""
    for side in (-1, 1):
        _lidded(pen, side * face.eye_x, face.eye_y, max(face.eye, 6.5), face.line, ink, skin, 0.25, 0.2 * side, 0.75)


def _lidded(
    pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, lid: float, slant: float, dy: float,
    dx: float = 0.0,
) -> None:  # fmt: skip
    """An eyeball under a lid that covers it down to `lid` (-1 top .. 1 bottom); `slant` raises the right end."""
    data = smooth(ring(x, y, e * 0.95, e * 0.95, 8))
    pen.path(data, "#ffffff")
    with pen.group(clip=data):
        r = e * 0.5
        pen.ellipse(x + dx * e, y + dy * (e - r), r, r, _dark(ink))
        left, right = y + e * (lid + slant), y + e * (lid - slant)
        cover = f"M{n(x - 2 * e)} {n(y - 2 * e)}H{n(x + 2 * e)}L{n(x + e)} {n(right)}L{n(x - e)} {n(left)}Z"
        pen.path(cover, shade(skin, -0.08) if skin.startswith("#") else skin)
        pen.path(f"M{n(x - e)} {n(left)}L{n(x + e)} {n(right)}", "none", ink, line * 1.5)
    pen.path(data, "none", _dark(ink), line * 0.55)


def _half(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    lid, dx = pen.rng.uniform(-0.25, 0.15), pen.rng.uniform(-0.3, 0.3)
    for side in (-1, 1):
        _lidded(pen, side * face.eye_x, face.eye_y, max(face.eye, 6), face.line, ink, skin, lid, 0, 0.3, dx)


def _glare(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    lid = pen.rng.uniform(-0.4, -0.15)
    for side in (-1, 1):
        _lidded(pen, side * face.eye_x, face.eye_y, max(face.eye, 6.5), face.line, ink, skin, lid, 0.42 * side, 0.2)


def _droopy(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    lid = pen.rng.uniform(-0.35, -0.05)
    for side in (-1, 1):
        _lidded(pen, side * face.eye_x, face.eye_y, max(face.eye, 6.5), face.line, ink, skin, lid, -0.32 * side, 0.6)


def _side(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Half-lidded, looking aside."""
    dx, lid = pen.rng.choice((-0.45, 0.45)), pen.rng.uniform(-0.4, -0.1)
    for side in (-1, 1):
        _lidded(pen, side * face.eye_x, face.eye_y, max(face.eye, 6), face.line, ink, skin, lid, 0, 0.1, dx)


def _anime(pen: Pen, face: Proportions, ink: str, skin: str, sparkle: bool = False, water: bool = False) -> None:
    e, iris = max(face.eye * 1.15, 8), pen.rng.choice(IRISES)
    rx, ry = e * pen.rng.uniform(0.68, 0.9), e * pen.rng.uniform(1.0, 1.2)
    white = pen.rng.random() < 0.45 or light(ink) > 0.5
    wobble = pen.rng.uniform(-0.8, 0.8)
    fill = pen.gradient((0, shade(iris, -0.7), 1), (1, shade(iris, 0.35), 1))
    for side in (-1, 1):
        x, y = side * max(face.eye_x, rx + 2), face.eye_y
        if white:
            pen.path(smooth(ring(x, y, rx * 1.2, ry * 1.04, 10)), "#ffffff", _dark(ink), face.line * 0.5)
        pen.ellipse(x, y, rx, ry, fill)
        pen.ellipse(x, y + ry * 0.1, rx * 0.5, ry * 0.5, shade(iris, -0.8))
        if sparkle:
            pen.path(
                "M"
                + "L".join(f"{n(a)} {n(b)}" for a, b in star(x - rx * 0.2, y - ry * 0.25, e * 0.55, e * 0.18, 4))
                + "Z",
                "#ffffff",
            )
        else:
            pen.ellipse(x - rx * 0.32, y - ry * 0.38, rx * 0.36, ry * 0.32, "#ffffff")
        pen.ellipse(x + rx * 0.36, y + ry * 0.4, rx * 0.2, ry * 0.18, "#ffffff", 0.9)
        if water:
            tear_line = [
                (x - rx, y + ry * 0.5),
                (x - rx * 0.3, y + ry * 0.4 + wobble),
                (x + rx * 0.4, y + ry * 0.58),
                (x + rx, y + ry * 0.45),
            ]
            pen.path(
                smooth([*tear_line, (x + rx * 0.7, y + ry * 1.1), (x - rx * 0.7, y + ry * 1.1)]),
                "#bfe6ff",
                opacity=0.85,
            )
            pen.ellipse(x - rx * 0.1, y + ry * 0.72, rx * 0.26, ry * 0.16, "#ffffff")
        lash = [(-1.02, -0.5), (-0.62, -0.86), (0, -1.03), (0.62, -0.86), (1.02, -0.5)]
        pen.line([(x + rx * a, y + ry * b) for a, b in lash], _dark(ink), face.line)


def _arc(bend: float) -> EyePair:
    """Closed eyes: a positive bend is a happy arch, a negative one a resting lid."""

    def both(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
        e = max(face.eye, 5.5)
        lashes = bend < 0 and pen.rng.random() < 0.3
        for side in (-1, 1):
            x, y = side * face.eye_x, face.eye_y + bend * e * 0.3
            pen.line(
                [
                    (x - e, y),
                    (x - e * 0.6, y - bend * e * 0.55),
                    (x, y - bend * e * 0.8),
                    (x + e * 0.6, y - bend * e * 0.55),
                    (x + e, y),
                ],
                ink,
                face.line * 1.1,
            )
            if lashes:
                for step in (0.35, 0.85):
                    pen.line(
                        [(x + side * e * step, y + e * 0.6), (x + side * e * (step + 0.25), y + e)],
                        ink,
                        face.line * 0.7,
                    )

    return both


def _caret(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """Angular ^ ^."""
    e = max(face.eye, 5.5)
    for side in (-1, 1):
        x, y = side * face.eye_x, face.eye_y
        pen.path(
            f"M{n(x - e)} {n(y + e * 0.45)}L{n(x)} {n(y - e * 0.55)}L{n(x + e)} {n(y + e * 0.45)}",
            "none",
            ink,
            face.line * 1.15,
        )


def _squeeze_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    """Squeezed shut: > on the left, < on the right."""
    e = max(e, 5.5)
    pen.path(
        f"M{n(x + side * e)} {n(y - e * 0.6)}L{n(x - side * e * 0.7)} {n(y)}L{n(x + side * e)} {n(y + e * 0.6)}",
        "none",
        ink,
        line * 1.15,
    )


def _slit_one(slant: float) -> OneEye:
    """Shut and slanted like \\ / (positive) or / \\ (negative)."""

    def one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
        e = max(e, 5.5)
        pen.line([(x - side * e, y + slant * e), (x, y + 0.12 * e), (x + side * e, y - slant * e)], ink, line * 1.2)

    return one


def _line_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    pen.line([(x - max(e, 5.5), y), (x + max(e, 5.5), y)], ink, line * 1.2)


def _cross_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    e = max(e, 5.5) * 0.75
    pen.path(
        f"M{n(x - e)} {n(y - e)}L{n(x + e)} {n(y + e)}M{n(x - e)} {n(y + e)}L{n(x + e)} {n(y - e)}",
        "none",
        ink,
        line * 1.2,
    )


def _heart_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    e = max(e * 1.1, 7.5)
    pen.path(heart(x, y, e), "#ee3f5f", pen.outline_of("#ee3f5f"), line * 0.4)
    pen.ellipse(x - e * 0.4, y - e * 0.35, e * 0.18, e * 0.14, "#ffffff", 0.9)


def _star_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    e = max(e * 1.25, 9)
    gold = "#ffc21a" if light(skin) < 0.55 or not _yellowish(skin) else "#ff8a1f"
    pen.path(
        "M" + "L".join(f"{n(a)} {n(b)}" for a, b in star(x, y, e, e * 0.45)) + "Z", gold, shade(gold, -0.45), line * 0.4
    )


def _yellowish(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red > 200 and green > 160 and blue < 130


def _spiral_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    e = max(e * 1.1, 7)
    points = [(x + e * t / 17 * math.cos(t * 0.78), y + e * t / 17 * math.sin(t * 0.78)) for t in range(1, 18)]
    pen.line(points, ink, line * 0.75)


def _blank_one(pen: Pen, x: float, y: float, e: float, line: float, ink: str, skin: str, side: int) -> None:
    """White, no pupil: frozen with horror."""
    e = max(e * 1.1, 8)
    pen.path(smooth(ring(x, y, e * 0.9, e, 8)), "#ffffff", _dark(ink), line)


def _wink(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    shut = pen.rng.choice((-1, 1))
    e = max(face.eye, 6)
    open_kind = pen.rng.random()
    x, y = -shut * face.eye_x, face.eye_y
    if open_kind < 0.5 or light(ink) > 0.5:
        _ball(pen, x, y, e, face.line, ink, 0.55)
    else:
        pen.ellipse(x, y, e * 0.55, e * 0.75, ink)
    x = shut * face.eye_x
    if pen.rng.random() < 0.5:
        pen.line([(x - e, y + e * 0.2), (x, y - e * 0.5), (x + e, y + e * 0.2)], ink, face.line * 1.15)
    else:
        _squeeze_one(pen, x, y, face.eye, face.line, ink, skin, shut)


def _uneven(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """One big, one small: silly."""
    big = pen.rng.choice((-1, 1))
    e = max(face.eye, 7.5)
    _ball(pen, big * face.eye_x, face.eye_y, e * 1.2, face.line, ink, 0.32, -0.3 * big, 0.2)
    _ball(pen, -big * face.eye_x, face.eye_y + 1, e * 0.75, face.line, ink, 0.42, 0.3 * big, -0.2)


def _twitch(pen: Pen, face: Proportions, ink: str, skin: str) -> None:
    """One eye narrowed by its lower lid, as at a bad smell."""
    tight = pen.rng.choice((-1, 1))
    for side in (-1, 1):
        x, e = side * face.eye_x, max(face.eye, 6.5)
        if side == tight:
            _squeeze_one(pen, x, face.eye_y, e, face.line, ink, skin, side)
            pen.line([(x - e * 0.8, face.eye_y + e * 0.9), (x + e * 0.8, face.eye_y + e * 0.8)], ink, face.line * 0.6)
        else:
            _lidded(pen, x, face.eye_y, e, face.line, ink, skin, -0.15, 0.1 * side, 0.2)


EYES: dict[str, EyePair] = {
    "dots": _dots,
    "round": _round,
    "wide": _wide,
    "looking up": _up,
    "looking down": _down,
    "half-lidded": _half,
    "glaring": _glare,
    "droopy": _droopy,
    "sidelong": _side,
    "anime": _anime,
    "sparkling": lambda pen, face, ink, skin: _anime(pen, face, ink, skin, sparkle=True),
    "watery": lambda pen, face, ink, skin: _anime(pen, face, ink, skin, water=True),
    "happy arcs": _arc(1.0),
    "resting": _arc(-1.0),
    "carets": _caret,
    "squeezed": _pair(_squeeze_one),
    "angry slits": _pair(_slit_one(-0.45)),
    "sad slits": _pair(_slit_one(0.4)),
    "lines": _pair(_line_one),
    "crosses": _pair(_cross_one),
    "hearts": _pair(_heart_one),
    "stars": _pair(_star_one),
    "spirals": _pair(_spiral_one),
    "blank": _pair(_blank_one),
    "winking": _wink,
    "uneven": _uneven,
    "twitching": _twitch,
}

#: Eyes drawn taller or flatter than the face's eye size: (at least, factor).
_HEIGHTS = {
    "anime": (9.5, 1.3), "sparkling": (9.5, 1.3), "watery": (9.5, 1.3), "wide": (8.5, 1.12), "hearts": (7.5, 1.0),
    "stars": (9.0, 1.1), "blank": (8.0, 1.1), "uneven": (8.0, 1.1), "resting": (3.0, 0.5), "lines": (2.0, 0.3),
    "angry slits": (4.0, 0.6), "sad slits": (4.0, 0.6), "squeezed": (4.5, 0.75), "dots": (5.0, 0.8),
}  # fmt: skip


def eye_height(kind: str, face: Proportions) -> float:
    """How far eyes of a kind reach above their centre, in face units."""
    least, factor = _HEIGHTS.get(kind, (6.0, 1.0))
    return max(least, factor * face.eye)
