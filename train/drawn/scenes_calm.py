"""Scenes of contentment: quiet, warm and loving places."""

from __future__ import annotations

from . import elements as e
from .palette import CLOTHES, jitter, mix, shade
from .svg import Pen, heart, ring, smooth


def beach(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("day", "sunset")))
    e.sun(pen, pen.rng.uniform(20, 80), 22, 8)
    e.sea(pen, 48, "#3fa8d0")
    e.ground(pen, "#f5dca0", 72)
    x = pen.rng.choice((16, 82))
    pen.limb([(x, 84), (x + 3, 60), (x + 1, 40)], "#a8714a", 3.6)
    for a in (-70, -35, 0, 35, 70):
        with pen.group(f"rotate({a} {x + 1} 40)"):
            pen.shape([(x + 1, 40), (x - 3, 28), (x + 1, 18), (x + 5, 28)], "#4fae5a")
    u = 100 - x
    pen.limb([(u, 90), (u, 62)], "#fff6e8", 1.6)
    pen.shape(f"M{u - 17} 66A17 13 0 0 1 {u + 17} 66Z", jitter(pen.rng, pen.rng.choice(CLOTHES[:8])))


def flower_field(pen: Pen) -> None:
    e.sky(pen, "day")
    e.sun(pen, pen.rng.uniform(15, 85), 18, 9)
    e.clouds(pen)
    e.hills(pen, "#8fd06a", 62)
    e.meadow(pen, 26, 68)


def vase(pen: Pen) -> None:
    e.sky(pen, "cozy")
    e.ground(pen, "#c9a070", 80, 0)
    for _ in range(pen.rng.randint(4, 7)):
        x, y = pen.rng.uniform(28, 72), pen.rng.uniform(18, 42)
        pen.limb([(50, 60), ((50 + x) / 2, (60 + y) / 2 + 3), (x, y)], "#5a9f4f", 1.6)
        e.flower(pen, x, y, pen.rng.uniform(6, 9), stem=0)
    pen.shape(
        [(42, 56), (58, 56), (60, 66), (66, 78), (58, 90), (42, 90), (34, 78), (40, 66)],
        jitter(pen.rng, pen.rng.choice(CLOTHES)),
    )


def tea_time(pen: Pen) -> None:
    e.sky(pen, "cozy")
    e.ground(pen, "#a8714a", 76, 0)
    colour = jitter(pen.rng, pen.rng.choice(CLOTHES))
    pen.oval(50, 82, 30, 5, mix(colour, "#ffffff", 0.5))
    pen.path(smooth(ring(74, 62, 10, 10)), "none", shade(colour, -0.15), 5)
    pen.shape([(26, 46), (74, 46), (72, 66), (60, 81), (40, 81), (28, 66)], colour)
    pen.ellipse(50, 46, 24, 5, pen.rng.choice(("#a8602f", "#8fa03a", "#5a3420")))
    for x in (42, 50, 58):
        pen.line([(x, 40), (x + 3, 33), (x - 2, 26), (x + 2, 18)], "#ffffff", 2, 0.9)
    if pen.rng.random() < 0.5:
        pen.path(heart(50, 63, 6), mix(colour, "#ffffff", 0.7))


def candle_light(pen: Pen) -> None:
    pen.rect(-20, -20, 140, 140, pen.gradient((0, "#5a3a3a", 1), (1, "#c98a5a", 1)))
    for x, h in ((50, 34), (30, 24), (70, 26))[: pen.rng.choice((1, 3))]:
        pen.ellipse(x, 80 - h - 8, 17, 17, "#fff2a0", 0.3)
        pen.corners(
            [(x - 6, 82 - h), (x + 6, 82 - h), (x + 6, 84), (x - 6, 84)],
            pen.rng.choice(("#fff6e4", "#f5b0a8", "#e8d0f0")),
        )
        pen.path(
            f"M{x} {62 - h}C{x + 6} {71 - h} {x + 5} {79 - h} {x} {80 - h}C{x - 5} {79 - h} {x - 6} {71 - h} {x} {62 - h}Z",
            "#ffb52a",
        )
    e.ground(pen, "#6a4a34", 84, 0)


def camp(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("night", "sunset")))
    e.stars(pen, 18, 50)
    e.hills(pen, "#4f8a5a", 70)
    colour = jitter(pen.rng, pen.rng.choice(CLOTHES[:8]))
    pen.corners([(16, 84), (42, 38), (68, 84)], colour)
    pen.corners([(34, 84), (42, 50), (50, 84)], shade(colour, -0.5))
    e.flames(pen, 80, 88, 7, 17)
    for x in (14, 90):
        pen.corners([(x - 9, 74), (x, 40), (x + 9, 74)], "#2f6a4a")


def big_heart(pen: Pen) -> None:
    pen.rect(-20, -20, 140, 140, pen.gradient((0, "#ffe8ee", 1), (1, "#ffc8d8", 1)))
    colour = jitter(pen.rng, pen.rng.choice(("#ee3f5f", "#f5709a", "#d83a6f", "#ff5a4a")))
    for _ in range(pen.rng.randint(2, 7)):
        pen.path(
            heart(pen.rng.uniform(5, 95), pen.rng.uniform(5, 95), pen.rng.uniform(4, 8)), mix(colour, "#ffffff", 0.5)
        )
    pen.shape(heart(50, 53, pen.rng.uniform(24, 34)), colour)
    pen.ellipse(36, 40, 5, 8, "#ffffff", 0.6, 30)


def living_room(pen: Pen) -> None:
    """A sofa, a lamp and a picture in a warm room."""
    e.sky(pen, "cozy")
    e.ground(pen, "#b08055", 78, 0)
    pen.ellipse(82, 34, 26, 26, "#fff2a0", 0.45)
    pen.limb([(84, 82), (84, 40)], "#5a4a40", 2.2)
    pen.corners([(78, 24), (90, 24), (95, 40), (73, 40)], "#ffe8a8")
    pen.corners([(16, 14), (46, 14), (46, 36), (16, 36)], "#8a5a3a")
    pen.rect(19, 17, 24, 16, "#a8d8f0")
    pen.path("M19 33L28 23L34 29L38 25L43 33Z", "#6fae6a")
    fabric = jitter(pen.rng, pen.rng.choice(CLOTHES))
    pen.shape(ring(40, 62, 27, 14, 20, 4), fabric)
    pen.shape(ring(40, 74, 27, 8, 18, 4), shade(fabric, 0.15))
    for x in (12, 68):
        pen.shape(ring(x, 72, 6, 12, 14, 3), shade(fabric, -0.1))
    pen.oval(40, 92, 34, 4, jitter(pen.rng, pen.rng.choice(CLOTHES)), shading=False)


def sleeping_cat(pen: Pen) -> None:
    """A cat curled up on a cushion."""
    e.sky(pen, "cozy")
    e.ground(pen, "#c9a070", 76, 0)
    pen.shape(ring(50, 80, 40, 11, 16, 3), jitter(pen.rng, pen.rng.choice(CLOTHES)))
    fur = pen.rng.choice(("#e8a050", "#8a8f9a", "#f4efe6", "#5a4a44", "#c9a078"))
    pen.shape([(20, 72), (24, 52), (44, 44), (66, 48), (80, 62), (78, 76), (50, 80)], fur)
    pen.limb([(76, 74), (60, 80), (42, 78)], shade(fur, -0.12), 6)
    for side in (-1, 1):
        pen.corners([(30 + side * 12 - 5, 52), (30 + side * 13, 38), (30 + side * 12 + 5, 53)], fur)
    pen.oval(30, 60, 17, 14, fur)
    for side in (-1, 1):
        pen.line([(30 + side * 7 - 3.4, 59), (30 + side * 7, 61.5), (30 + side * 7 + 3.4, 59)], "#2a2028", 1.6)
    pen.line([(27, 67), (28.6, 68.4), (30, 67), (31.4, 68.4), (33, 67)], "#2a2028", 1.3)
    for step, height in enumerate((6, 8, 11)):
        pen.word("z", 48 + 9 * step, 36 - 9 * step, height, "#6a7fb8")


def sailing(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("day", "sunset")))
    e.sun(pen, pen.rng.uniform(20, 80), 24, 9, rays=False)
    e.sea(pen, 62, "#4fa8d0")
    pen.limb([(50, 20), (50, 66)], "#7a5230", 2)
    pen.corners([(52, 22), (74, 60), (52, 60)], "#fffaf0")
    pen.corners([(48, 28), (30, 60), (48, 60)], jitter(pen.rng, pen.rng.choice(CLOTHES)))
    pen.shape([(24, 64), (78, 64), (68, 78), (34, 78)], pen.rng.choice(("#a8714a", "#c9503f", "#f4f4f8")))


def garden_bench(pen: Pen) -> None:
    """A bench under a tree in bloom."""
    e.sky(pen, "day")
    e.hills(pen, "#9fd07a", 72)
    x = pen.rng.choice((20, 80))
    pen.limb([(x, 82), (x + 1, 58), (x, 44)], "#8a5a3a", 6)
    bloom = jitter(pen.rng, pen.rng.choice(("#f5a8c0", "#8fc46a", "#f5d08a")))
    for dx, dy in ((-13, 4), (13, 4), (0, -10), (0, 6)):
        pen.oval(x + dx, 34 + dy, 16, 14, bloom)
    for side in (28, 72):
        pen.limb([(side, 58), (side, 84)], "#4a4f5a", 2.6)
    for y in (56, 62, 72):
        pen.corners([(22, y), (78, y), (78, y + 4), (22, y + 4)], "#a8714a")
    e.meadow(pen, 9, 88)


def picnic(pen: Pen) -> None:
    """A basket on a chequered cloth."""
    e.sky(pen, "day")
    e.clouds(pen, count=2)
    e.hills(pen, "#8fd06a", 58)
    cloth = pen.rng.choice(("#e8635a", "#5f9fe0", "#f2b84a"))
    pen.corners([(14, 70), (86, 70), (98, 96), (2, 96)], "#fffaf2")
    for i in range(6):
        pen.path(f"M{20 + 12 * i} 70L{8 + 16 * i} 96H{16 + 16 * i}L{26 + 12 * i} 70Z", cloth, opacity=0.6)
    pen.path("M34 56A17 19 0 0 1 68 56", "none", "#8a5a34", 3)
    pen.shape([(30, 56), (72, 56), (68, 80), (34, 80)], "#c08a4f")
    for y in (62, 69, 75):
        pen.line([(32, y), (70, y)], "#8a5a34", 1.2)
    for x, colour in ((80, "#e8453c"), (20, "#ffb03a")):
        pen.oval(x, 82, 6, 6, colour)
