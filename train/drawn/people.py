"""People: heads with many kinds of hair, and small figures with clothes and arms."""

from __future__ import annotations

from random import Random

from .bodies import Anchor, anchored
from .gestures import arms
from .palette import CLOTHES, DYED_HAIR, HAIR, SKIN, jitter, mix, shade
from .svg import Pen, n, ring

#: Who: (noun, hair styles, may have a beard, gray hair).
WHO: tuple[tuple[str, tuple[str, ...], float, bool], ...] = (
    ("man", ("short", "side", "bald", "spiky", "curly", "fringe"), 0.35, False),
    ("woman", ("long", "bob", "bun", "ponytail", "curly", "pigtails", "fringe long"), 0.0, False),
    ("boy", ("short", "spiky", "side", "bowl", "curly"), 0.0, False),
    ("girl", ("pigtails", "bob", "long", "bun", "ponytail", "fringe long"), 0.0, False),
    ("person", ("short", "bob", "bowl", "curly", "fringe", "hood"), 0.0, False),
    ("grandfather", ("bald", "side", "fluffy sides"), 0.6, True),
    ("grandmother", ("bun", "curly", "bob"), 0.0, True),
)


def _hair_colour(rng: Random, gray: bool) -> str:
    if gray:
        return jitter(rng, rng.choice(("#c8ccd2", "#e4e4e8", "#a8acb4")))
    return jitter(rng, rng.choice(HAIR if rng.random() < 0.82 else DYED_HAIR))


def _hair_back(pen: Pen, kind: str, cx: float, cy: float, rx: float, ry: float, hair: str) -> None:
    """What lies behind the head."""
    if kind in ("long", "fringe long"):
        down = pen.rng.uniform(0.9, 1.35)
        points = [
            (cx, cy - ry * 1.16),
            (cx + rx * 0.95, cy - ry * 0.75),
            (cx + rx * 1.2, cy + ry * 0.2),
            (cx + rx * 1.12, cy + ry * down),
        ]
        points += [(cx, cy + ry * down * 1.02), *((2 * cx - x, y) for x, y in reversed(points[1:]))]
        pen.shape(points, hair)
    elif kind == "bob":
        pen.shape(ring(cx, cy - ry * 0.05, rx * 1.17, ry * 1.12, 16, 3), hair)
    elif kind == "bun":
        pen.oval(cx + pen.rng.choice((0, 0, rx * 0.5)), cy - ry * 1.15, rx * 0.36, rx * 0.33, hair)
        pen.oval(cx, cy - ry * 0.15, rx * 1.08, ry * 1.0, hair)
    elif kind == "ponytail":
        side = pen.rng.choice((-1, 1))
        pen.shape(
            [
                (cx + side * rx * 0.5, cy - ry * 0.95),
                (cx + side * rx * 1.35, cy - ry * 0.8),
                (cx + side * rx * 1.55, cy),
                (cx + side * rx * 1.25, cy + ry * 0.8),
                (cx + side * rx * 1.15, cy),
            ],
            hair,
        )
        pen.oval(cx, cy - ry * 0.12, rx * 1.07, ry * 1.02, hair)
    elif kind == "pigtails":
        for side in (-1, 1):
            pen.shape(
                [
                    (cx + side * rx * 0.85, cy - ry * 0.5),
                    (cx + side * rx * 1.45, cy - ry * 0.4),
                    (cx + side * rx * 1.5, cy + ry * 0.45),
                    (cx + side * rx * 1.2, cy + ry * 0.75),
                    (cx + side * rx * 1.05, cy),
                ],
                hair,
            )
        pen.oval(cx, cy - ry * 0.12, rx * 1.06, ry * 1.02, hair)
    elif kind == "curly":
        for i in range(9):
            with pen.group(f"rotate({n(-112 + 28 * i)} {n(cx)} {n(cy)})"):
                pen.oval(cx, cy - ry * 0.98, rx * 0.36, rx * 0.34, hair)
    elif kind == "hood":
        pen.shape(ring(cx, cy + ry * 0.02, rx * 1.3, ry * 1.25, 14), hair)
    elif kind == "fluffy sides":
        for side in (-1, 1):
            pen.oval(cx + side * rx * 1.0, cy - ry * 0.15, rx * 0.26, ry * 0.34, hair)


def _hair_front(pen: Pen, kind: str, cx: float, cy: float, rx: float, ry: float, hair: str) -> None:
    """What lies on the forehead."""
    rng = pen.rng

    def top(edge: list[tuple[float, float]]) -> None:
        """A cap of hair whose lower edge runs from right to left through `edge` (in head units)."""
        rim = [(-1.06, -0.1), (-1.0, -0.55), (-0.62, -0.98), (0, -1.14), (0.62, -0.98), (1.0, -0.55), (1.06, -0.1)]
        pen.shape([(cx + x * rx, cy + y * ry) for x, y in (*rim, *edge)], hair)

    if kind in ("short", "ponytail", "bun"):
        arch = rng.uniform(-0.66, -0.5)
        top([(0.85, -0.42), (0.4, arch), (-0.4, arch), (-0.85, -0.42)])
    elif kind in ("side", "long", "bob"):
        side = rng.choice((-1, 1))
        edge = [(0.9, -0.2), (0.7, -0.48), (0.1, -0.6), (-0.5, -0.72), (-0.9, -0.35)]
        top(edge if side > 0 else [(-x, y) for x, y in reversed(edge)])
    elif kind in ("fringe", "fringe long", "bowl", "pigtails"):
        low = rng.uniform(-0.52, -0.42)
        top([(0.92, -0.25), (0.6, low), (0.3, low - 0.05), (0, low), (-0.3, low - 0.05), (-0.6, low), (-0.92, -0.25)])
    elif kind == "spiky":
        points = [(-1.05, -0.2)]
        for i in range(6):
            x = -1 + 2 * (i + 0.5) / 6
            points += [(x - 0.05, -1.3 - 0.12 * (i % 2)), (x + 0.17, -0.98 + 0.2 * abs(x))]
        points += [(1.05, -0.2), (0.8, -0.5), (0.3, -0.62), (-0.3, -0.62), (-0.8, -0.5)]
        pen.corners([(cx + x * rx, cy + y * ry) for x, y in points], hair)
    elif kind == "curly":
        for i in range(5):
            pen.oval(cx + rx * (-0.7 + 0.35 * i), cy - ry * (0.78 + 0.1 * (2 - abs(i - 2))), rx * 0.27, ry * 0.22, hair)


def _head(pen: Pen, cx: float, cy: float, rx: float, ry: float) -> Anchor:
    """Hair, ears, head, beard, glasses; the anchor's `skin` is the skin."""
    rng = pen.rng
    noun, styles, bearded, gray = rng.choice(WHO)
    skin = (
        jitter(rng, rng.choice(SKIN))
        if rng.random() < 0.9
        else rng.choice(("#ffd84f", "#b8e0a0", "#a8d0f5", "#e0c0f0"))
    )
    hair, kind = _hair_colour(rng, gray), rng.choice(styles)
    _hair_back(pen, kind, cx, cy, rx, ry, hair)
    if kind not in ("long", "bob", "fringe long", "hood"):
        for side in (-1, 1):
            pen.oval(cx + side * rx * 0.99, cy + ry * 0.08, rx * 0.15, ry * 0.18, skin)
    chin = rng.uniform(0.7, 1.0)
    points = [
        (cx + rx * x, cy + ry * y)
        for x, y in ((0, -1), (0.72, -0.74), (1, -0.08), (0.84 * (0.75 + chin / 4), 0.55), (0.45 * chin, 0.92), (0, 1))
    ]
    head = pen.shape([*points, *((2 * cx - x, y) for x, y in reversed(points[1:-1]))], skin)
    if rng.random() < bearded:
        beard = [
            (-0.98, 0.05),
            (-0.75, 0.3),
            (-0.42, 0.24),
            (0, 0.2),
            (0.42, 0.24),
            (0.75, 0.3),
            (0.98, 0.05),
            (0.82, 0.75),
            (0.4, 1.12),
            (0, 1.2),
            (-0.4, 1.12),
            (-0.82, 0.75),
        ]
        pen.shape([(cx + x * rx, cy + y * ry) for x, y in beard], hair)
        pen.ellipse(cx, cy + ry * 0.53, rx * 0.46, ry * 0.27, skin)
    nose = rng.random()
    if nose < 0.4:
        pen.line(
            [(cx - 1, cy + ry * 0.06), (cx + 1.6, cy + ry * 0.17), (cx - 1, cy + ry * 0.19)], shade(skin, -0.3), 1.3
        )
    elif nose < 0.6:
        pen.ellipse(cx, cy + ry * 0.16, rx * 0.09, ry * 0.07, shade(skin, -0.14))
    _hair_front(pen, kind, cx, cy, rx, ry, hair)
    anchor = anchored(pen, cx, cy + ry * 0.1, rx, ry * 0.95, head, skin, noun, room=0.98)
    anchor.top = cy - ry * 1.1
    anchor.person = True
    anchor.attributes["hair"] = kind
    if kind == "hood":
        anchor.attributes["hat"] = "hood"
    return anchor


def person_head(pen: Pen, gesture: str) -> Anchor:
    """Head and shoulders, or a head alone."""
    rng = pen.rng
    rx = rng.uniform(26, 32)
    ry = rx * rng.uniform(1.0, 1.16)
    if rng.random() < 0.65:
        cloth = jitter(rng, rng.choice(CLOTHES))
        pen.shape([(50, 78), (70, 82), (88, 92), (92, 106), (8, 106), (12, 92), (30, 82)], cloth)
        cy = 46.0
    else:
        cy = 53.0
    return _head(pen, 50, cy, rx, ry)


def person_body(pen: Pen, gesture: str) -> Anchor:
    """A small figure with a big head, clothes and arms."""
    rng = pen.rng
    rx = rng.uniform(22, 28)
    ry = rx * rng.uniform(0.95, 1.1)
    cy = rng.uniform(33, 37)
    if gesture == "slump":
        cy += 5
    head_pen = Pen(rng, pen.style)
    head_pen.defs = pen.defs
    anchor = _head(head_pen, 50, cy, rx, ry)
    skin = anchor.skin
    cloth, low = jitter(rng, rng.choice(CLOTHES)), jitter(rng, rng.choice(CLOTHES))
    top, w = cy + ry * 0.85, rx * rng.uniform(0.5, 0.66)
    hem = rng.choice((78.0, 78.0, 84.0))
    spread = {"jump": 10, "run": 13}.get(gesture, 0)
    for side in (-1, 1):
        foot = (50 + side * (w * 0.5 + spread * (1 if side < 0 else 0.6)), 93 - (9 if spread and side < 0 else 0))
        pen.limb(
            [(50 + side * w * 0.45, hem - 3), (50 + side * (w * 0.5 + spread * 0.4), (hem + foot[1]) / 2), foot],
            low,
            6.5,
        )
        pen.oval(foot[0] + side * 1.5, foot[1] + 1, 5, 3, rng.choice(("#3a3a44", "#ffffff", "#8a4a3a")))
    flare = rng.uniform(1.3, 1.6) if hem > 80 or rng.random() < 0.25 else 1.05
    pen.shape(
        [(50 - w * 0.7, top), (50 + w * 0.7, top), (50 + w * flare, hem), (50, hem + 1.5), (50 - w * flare, hem)], cloth
    )
    pattern = rng.random()
    if pattern < 0.2:
        for y in (top + 8, top + 15, top + 22):
            pen.line([(50 - w * 0.85, y), (50 + w * 0.85, y)], mix(cloth, "#ffffff", 0.6), 2.2)
    elif pattern < 0.35:
        pen.path(f"M50 {n(top + 3)}V{n(hem)}", "none", shade(cloth, -0.35), 1.2)
    pen.parts += head_pen.parts
    arms(pen, anchor, gesture, cloth, skin, (50 - w * 0.75, top + 5), (50 + w * 0.75, top + 5), 6.2)
    return anchor
