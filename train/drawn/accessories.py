"""Hats, bows, glasses and other things a character wears."""

from __future__ import annotations

from collections.abc import Callable

from .bodies import Anchor
from .palette import CLOTHES, jitter, shade
from .svg import Pen, angular, n, smooth

Accessory = Callable[[Pen, Anchor, str], None]


def _bow(pen: Pen, at: Anchor, colour: str) -> None:
    x, y, k = at.cx + pen.rng.choice((-0.6, 0, 0.6)) * at.rx, at.top + at.ry * 0.14, at.rx * 0.26
    for side in (-1, 1):
        pen.shape([(x, y), (x + side * k * 1.3, y - k * 0.8), (x + side * k * 1.3, y + k * 0.8)], colour)
    pen.oval(x, y, k * 0.36, k * 0.4, shade(colour, -0.15))


def _party_hat(pen: Pen, at: Anchor, colour: str) -> None:
    y, w = at.top + at.ry * 0.2, at.rx * 0.42
    with pen.group(f"rotate({n(pen.rng.uniform(-18, 18))} {n(at.cx)} {n(at.cy)})"):
        pen.corners([(at.cx - w, y), (at.cx, y - w * 2), (at.cx + w, y)], colour)
        pen.path(
            angular([(at.cx - w * 0.72, y - w * 0.55), (at.cx + w * 0.55, y - w * 0.9)], False),
            "none",
            "#ffffff",
            w * 0.2,
        )
        pen.oval(at.cx, y - w * 2, w * 0.28, w * 0.28, "#ffffff")


def _crown(pen: Pen, at: Anchor, colour: str) -> None:
    y, w = at.top + at.ry * 0.16, at.rx * 0.5
    points = [(-1, 0), (-1.1, -1), (-0.5, -0.5), (0, -1.2), (0.5, -0.5), (1.1, -1), (1, 0)]
    pen.corners([(at.cx + a * w, y + b * w * 0.7) for a, b in points], "#ffc83a")
    for dx in (-0.5, 0, 0.5):
        pen.ellipse(at.cx + dx * w, y - w * 0.18, w * 0.1, w * 0.1, colour)


def _cap(pen: Pen, at: Anchor, colour: str) -> None:
    y, w, side = at.top + at.ry * 0.34, at.rx * 0.84, pen.rng.choice((-1, 1))
    pen.shape(
        f"M{n(at.cx - w)} {n(y)}C{n(at.cx - w)} {n(y - w * 0.95)} {n(at.cx + w)} {n(y - w * 0.95)} {n(at.cx + w)} {n(y)}Z",
        colour,
    )
    pen.limb([(at.cx + side * w * 0.3, y), (at.cx + side * w * 1.3, y + 1)], shade(colour, -0.2), w * 0.16)


def _beanie(pen: Pen, at: Anchor, colour: str) -> None:
    y, w = at.top + at.ry * 0.34, at.rx * 0.86
    pen.oval(at.cx, y - w * 0.82, w * 0.2, w * 0.2, "#ffffff")
    pen.shape(
        f"M{n(at.cx - w)} {n(y)}C{n(at.cx - w)} {n(y - w)} {n(at.cx + w)} {n(y - w)} {n(at.cx + w)} {n(y)}Z", colour
    )
    pen.limb([(at.cx - w * 0.95, y), (at.cx, y - 1.5), (at.cx + w * 0.95, y)], shade(colour, 0.25), w * 0.24)


def _top_hat(pen: Pen, at: Anchor, colour: str) -> None:
    y, w = at.top + at.ry * 0.18, at.rx * 0.45
    pen.corners(
        [(at.cx - w, y), (at.cx - w * 0.9, y - w * 1.3), (at.cx + w * 0.9, y - w * 1.3), (at.cx + w, y)], "#33303c"
    )
    pen.limb([(at.cx - w * 1.6, y), (at.cx + w * 1.6, y)], "#33303c", 3)
    pen.limb([(at.cx - w * 0.96, y - 4), (at.cx + w * 0.96, y - 4)], colour, 3)


def _flower(pen: Pen, at: Anchor, colour: str) -> None:
    x, y, k = at.cx + pen.rng.choice((-1, 1)) * at.rx * 0.6, at.top + at.ry * 0.28, at.rx * 0.14
    for i in range(5):
        with pen.group(f"rotate({72 * i} {n(x)} {n(y)})"):
            pen.oval(x, y - k * 1.1, k * 0.7, k, colour)
    pen.ellipse(x, y, k * 0.6, k * 0.6, "#ffc21a")


def _headphones(pen: Pen, at: Anchor, colour: str) -> None:
    pen.path(
        f"M{n(at.cx - at.rx)} {n(at.cy)}A{n(at.rx)} {n(at.cy - at.top + 2)} 0 0 1 {n(at.cx + at.rx)} {n(at.cy)}",
        "none",
        "#3a3a48",
        3.4,
    )
    for side in (-1, 1):
        pen.oval(at.cx + side * at.rx, at.cy + 1, at.rx * 0.15, at.ry * 0.26, colour)


def _leaf(pen: Pen, at: Anchor, colour: str) -> None:
    x, y = at.cx, at.top + 2
    pen.limb([(x, y + 3), (x + 1, y - 5)], "#5a9f4a", 2)
    pen.shape([(x + 1, y - 4), (x + 8, y - 11), (x + 15, y - 8), (x + 8, y - 3)], "#6fbf5a")


def _glasses(pen: Pen, at: Anchor, colour: str) -> None:
    r, y, dx = at.rx * 0.33, at.cy - at.ry * 0.12, at.rx * 0.4
    for side in (-1, 1):
        pen.path(
            smooth([(at.cx + side * dx + r * a, y + r * 0.9 * b) for a, b in ((-1, 0), (0, -1), (1, 0), (0, 1))]),
            "none",
            shade(colour, -0.45),
            1.8,
        )
    pen.path(f"M{n(at.cx - dx + r)} {n(y)}H{n(at.cx + dx - r)}", "none", shade(colour, -0.45), 1.8)


ACCESSORIES: dict[str, Accessory] = {
    "bow": _bow, "party hat": _party_hat, "crown": _crown, "cap": _cap, "beanie": _beanie, "top hat": _top_hat,
    "flower": _flower, "headphones": _headphones, "leaf": _leaf, "glasses": _glasses,
}  # fmt: skip


def decorate(pen: Pen, anchor: Anchor, emotion: str) -> str:
    """Now and then puts something on the character; returns its name, or an empty string."""
    if pen.rng.random() > 0.22 or anchor.attributes.get("hat"):
        return ""
    festive = emotion == "excitement" and pen.rng.random() < 0.5
    name = "party hat" if festive else pen.rng.choice(list(ACCESSORIES))
    ACCESSORIES[name](pen, anchor, jitter(pen.rng, pen.rng.choice(CLOTHES)))
    return name
