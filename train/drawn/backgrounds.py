"""What lies behind a sticker when it is not transparent, and the white cut-out edge around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from . import elements as e
from .palette import CLOTHES, NAMED, jitter, mix
from .svg import Pen, angular, heart, n, star

#: Filters: a white edge with a soft shadow around whatever is inside, and the shadow alone.
EDGE = (
    '<filter id="edge" x="-10%" y="-10%" width="120%" height="120%">'
    '<feGaussianBlur in="SourceAlpha" stdDeviation="1.7" result="b"/>'
    '<feComponentTransfer in="b" result="w"><feFuncA type="linear" slope="14" intercept="-0.6"/>'
    '<feFuncR type="linear" slope="0" intercept="1"/><feFuncG type="linear" slope="0" intercept="1"/>'
    '<feFuncB type="linear" slope="0" intercept="1"/></feComponentTransfer>'
    '<feComponentTransfer in="b" result="t"><feFuncA type="linear" slope="0.9"/></feComponentTransfer>'
    '<feOffset in="t" dy="2.2" result="o"/>'
    '<feMerge><feMergeNode in="o"/><feMergeNode in="w"/><feMergeNode in="SourceGraphic"/></feMerge></filter>'
)
#: Clip contours of a round card and of one with rounded corners.
ROUND = "M50 1A49 49 0 0 1 50 99A49 49 0 0 1 50 1Z"
CARD = "M18 2H82A16 16 0 0 1 98 18V82A16 16 0 0 1 82 98H18A16 16 0 0 1 2 82V18A16 16 0 0 1 18 2Z"

#: Colours that suit a mood; used now and then, so that a background hints without deciding.
MOOD_COLOURS: dict[str, tuple[str, ...]] = {
    "amusement": ("#ffe27a", "#ffc08a", "#b8f0d8"),
    "awe": ("#3a3f8f", "#7a5fd0", "#8fd0f5"),
    "contentment": ("#dff0c8", "#ffe8d8", "#f5d0dc"),
    "excitement": ("#ff9a5a", "#ffd23f", "#f57fb0"),
    "anger": ("#c9302a", "#5a1a1a", "#ff7a3a"),
    "disgust": ("#a8b85a", "#8a9a4a", "#c8c88a"),
    "fear": ("#2a2440", "#3a4a6a", "#5a4a7a"),
    "sadness": ("#7a94b8", "#a8b8c8", "#5a6a8a"),
}


def _colour(rng: Random, emotion: str) -> str:
    if rng.random() < 0.3:
        return jitter(rng, rng.choice(MOOD_COLOURS[emotion]))
    base = jitter(rng, rng.choice((*NAMED.values(), *CLOTHES)), 0.2)
    return mix(base, rng.choice(("#ffffff", "#ffffff", "#20203a")), rng.uniform(0.1, 0.7))


def _flat(pen: Pen, colour: str) -> None:
    pen.rect(-20, -20, 140, 140, colour)


def _gradient(pen: Pen, colour: str) -> None:
    other = mix(jitter(pen.rng, colour, 0.3), "#ffffff", pen.rng.uniform(0.1, 0.6))
    angle = pen.rng.uniform(0, 180)
    pen.rect(-20, -20, 140, 140, pen.gradient((0, colour, 1), (1, other, 1), angle=angle))


def _dots(pen: Pen, colour: str) -> None:
    _flat(pen, colour)
    step, spot = pen.rng.uniform(11, 20), mix(colour, pen.rng.choice(("#ffffff", "#2a2440")), 0.25)
    figure = pen.rng.choice(("dot", "heart", "star"))
    for row in range(int(110 / step) + 1):
        for column in range(int(110 / step) + 1):
            x, y = column * step + (step / 2 if row % 2 else 0), row * step
            if figure == "dot":
                pen.ellipse(x, y, step * 0.2, step * 0.2, spot)
            else:
                pen.path(
                    heart(x, y, step * 0.22) if figure == "heart" else angular(star(x, y, step * 0.3, step * 0.13)),
                    spot,
                )


def _stripes(pen: Pen, colour: str) -> None:
    _flat(pen, colour)
    step, stripe = pen.rng.uniform(8, 18), mix(colour, pen.rng.choice(("#ffffff", "#2a2440")), 0.2)
    with pen.group(f"rotate({n(pen.rng.choice((0, 45, 90, -45, pen.rng.uniform(0, 180))))} 50 50)"):
        for i in range(int(200 / step)):
            pen.rect(-50 + i * step, -50, step / 2, 200, stripe)


def _rays(pen: Pen, colour: str) -> None:
    _flat(pen, colour)
    count, ray = pen.rng.randint(8, 18), mix(colour, "#ffffff", 0.3)
    for i in range(count):
        a, half = 2 * math.pi * i / count, math.pi / count / 2
        pen.path(
            angular([(50, 50), *((50 + 90 * math.cos(a + d), 50 + 90 * math.sin(a + d)) for d in (-half, half))]), ray
        )


def _speed(pen: Pen, colour: str) -> None:
    _flat(pen, colour)
    line = mix(colour, pen.rng.choice(("#ffffff", "#14101f")), 0.5)
    for _ in range(pen.rng.randint(24, 46)):
        a, near, half = pen.rng.uniform(0, 6.29), pen.rng.uniform(40, 54), pen.rng.uniform(0.008, 0.03)
        points = [(50 + near * math.cos(a), 50 + near * math.sin(a))]
        points += [(50 + 95 * math.cos(a + d), 50 + 95 * math.sin(a + d)) for d in (-half, half)]
        pen.path(angular(points), line)


def _card(pen: Pen, colour: str) -> None:
    """A round or square card with transparent corners."""
    pen.path(pen.rng.choice((ROUND, CARD)), colour)


def _scenery(pen: Pen, colour: str) -> None:
    kind = pen.rng.choice(("day", "sunset", "night", "gray", "candy", "cozy"))
    e.sky(pen, kind)
    if kind == "night":
        e.stars(pen, 16)
    elif kind == "day":
        e.clouds(pen)
    if kind != "cozy" and pen.rng.random() < 0.7:
        e.ground(pen, pen.rng.choice(("#8fc46a", "#c9a86a", "#7f9ab0", "#e8dcc0")), 78)


BACKGROUNDS: dict[str, tuple[Callable[[Pen, str], None], float]] = {
    "flat": (_flat, 2.4), "gradient": (_gradient, 1.6), "dots": (_dots, 0.9), "stripes": (_stripes, 0.8),
    "rays": (_rays, 0.8), "speed lines": (_speed, 0.5), "card": (_card, 1.4), "scenery": (_scenery, 1.2),
}  # fmt: skip


def paint(pen: Pen, emotion: str) -> str:
    """Paints a random background and returns its kind."""
    kind = pen.rng.choices(list(BACKGROUNDS), [weight for _, weight in BACKGROUNDS.values()])[0]
    BACKGROUNDS[kind][0](pen, _colour(pen.rng, emotion))
    return kind
