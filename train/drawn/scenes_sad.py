"""Scenes of sadness: rain, graves, what is broken or withered."""

from __future__ import annotations

from . import elements as e
from .palette import jitter, shade
from .svg import Pen, angular, heart, n


def rainy_street(pen: Pen) -> None:
    e.sky(pen, "gray")
    for x, w, h in ((4, 22, 44), (30, 18, 34), (52, 20, 50), (76, 22, 38)):
        tone = pen.rng.choice(("#6a7484", "#7a8290", "#5f6878"))
        pen.rect(x, 78 - h, w, h, tone)
        for wx in range(int(x) + 3, int(x + w) - 4, 6):
            for wy in range(int(82 - h), 72, 9):
                pen.rect(wx, wy, 3, 4, "#f5dca0" if pen.rng.random() < 0.15 else "#4a5464")
    e.ground(pen, "#59626e", 78, 0)
    for _ in range(4):
        pen.ellipse(pen.rng.uniform(10, 90), pen.rng.uniform(84, 96), 9, 1.8, "#8fa4b8", 0.7)
    e.rain(pen, 60)


def rain_cloud(pen: Pen) -> None:
    e.sky(pen, "gray")
    for i in range(pen.rng.randint(5, 9)):
        x, y = 22 + 7.5 * i, pen.rng.uniform(58, 78)
        pen.line([(x, y), (x - 3, y + 11)], "#5f9fd8", 2.6)
    e.cloud(pen, 50, 42, 36, pen.rng.choice(("#7a8498", "#98a2b4", "#5f687a")))


def grave(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("gray", "storm")))
    e.ground(pen, "#5a6a54", 76)
    stone = pen.rng.choice(("#a0a6ae", "#8a9098", "#b5b5ad"))
    if pen.rng.random() < 0.6:
        pen.shape("M30 84V44A20 20 0 0 1 70 44V84Z", stone)
        pen.word("rip", 50, 52, 10, "#5a606a", 2)
    else:
        pen.corners(
            [
                (45, 22),
                (55, 22),
                (55, 36),
                (70, 36),
                (70, 46),
                (55, 46),
                (55, 84),
                (45, 84),
                (45, 46),
                (30, 46),
                (30, 36),
                (45, 36),
            ],
            stone,
        )
    pen.ellipse(50, 86, 28, 5, "#4a5444")
    e.wilted_flower(pen, pen.rng.choice((22, 78)), 90, 20)
    if pen.rng.random() < 0.5:
        e.rain(pen, 40)


def coffin(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.ground(pen, "#6a6a6a", 74, 0)
    wood = pen.rng.choice(("#6a4634", "#4a3428", "#7a5a44"))
    with pen.group(f"rotate({n(pen.rng.uniform(-12, 12))} 50 50)"):
        pen.corners([(40, 14), (60, 14), (70, 36), (60, 88), (40, 88), (30, 36)], wood)
        pen.path("M50 26V62M41 38H59", "none", "#d8c08a", 4)
    e.wilted_flower(pen, 84, 92, 22)


def broken_heart(pen: Pen) -> None:
    e.sky(pen, "gray")
    colour = jitter(pen.rng, pen.rng.choice(("#c9304a", "#8a3a5a", "#d8506a", "#6a5a7a")))
    r, gap = pen.rng.uniform(26, 34), pen.rng.uniform(1.5, 4)
    crack = [(50, -10), (50, 52 - r * 0.45), (44, 44), (56, 52), (45, 60), (53, 68), (50, 52 + r + 4)]
    for side, edge in ((-1, -20), (1, 120)):
        clip = angular([*crack, (edge, 120), (edge, -10)])
        with pen.group(f"translate({n(side * gap)} {n(gap)}) rotate({n(side * gap * 2)} 50 80)"), pen.group(clip=clip):
            pen.shape(heart(50, 52, r), colour)
    if pen.rng.random() < 0.6:
        e.rain(pen, 30)


def wilted(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.ground(pen, "#8a8074", 80)
    e.wilted_flower(pen, pen.rng.uniform(40, 60), 88, pen.rng.uniform(52, 70))


def lonely_tree(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.ground(pen, "#7f8078", 78)
    e.bare_tree(pen, pen.rng.uniform(35, 65), 84, pen.rng.uniform(52, 66), "#4a4048")
    for _ in range(7):
        pen.ellipse(
            pen.rng.uniform(10, 90), pen.rng.uniform(50, 94), 2.2, 1.2, "#a8703f", turn=pen.rng.uniform(-50, 50)
        )


def empty_swing(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.ground(pen, "#7f8a78", 80)
    frame = pen.rng.choice(("#5a6474", "#74564a", "#6a6a74"))
    pen.path("M14 88L26 22H74L86 88", "none", frame, 3)
    pen.path("M40 22L37 64M60 22L63 64", "none", "#4a4f5a", 1.3)
    pen.corners([(34, 63), (66, 63), (66, 67), (34, 67)], "#8a5a3a")
    e.rain(pen, 40)


def lost_teddy(pen: Pen) -> None:
    """A teddy bear left behind in the rain."""
    e.sky(pen, "gray")
    e.ground(pen, "#6a7078", 74)
    fur = pen.rng.choice(("#a87a50", "#8a6a54", "#b59a84"))
    with pen.group(f"rotate({n(pen.rng.uniform(8, 24))} 50 80)"):
        for side in (-1, 1):
            pen.oval(50 + side * 13, 34, 6, 6, fur)
            pen.oval(50 + side * 17, 70, 5, 9, fur)
            pen.oval(50 + side * 12, 86, 8, 6, fur)
        pen.oval(50, 72, 16, 16, fur)
        pen.oval(50, 46, 17, 15, fur)
        for side in (-1, 1):
            pen.ellipse(50 + side * 6, 44, 1.8, 2, "#22202a")
            pen.path(f"M{50 + side * 3} 39L{50 + side * 9} 41", "none", "#22202a", 1.2)
        pen.path("M46 54Q50 50 54 54", "none", "#22202a", 1.4)
        pen.path("M43 47C41 51 41 53 43 53C45 53 45 51 43 47Z", "#7fc4f0")
    e.rain(pen, 50)


def rainy_window(pen: Pen) -> None:
    e.sky(pen, "storm")
    for _ in range(26):
        x, y = pen.rng.uniform(6, 94), pen.rng.uniform(4, 84)
        pen.line([(x, y), (x + 0.4, y + pen.rng.uniform(2, 12))], "#b8d0e4", 1.2, 0.7)
        pen.ellipse(x, y, 1.3, 1.8, "#d0e2f0", 0.8)
    wood = pen.rng.choice(("#6a4a3a", "#8a8a90", "#e0dcd4"))
    pen.path("M2 2H98V86H2ZM50 2V86M2 44H98", "none", wood, 5)
    pen.rect(-10, 86, 120, 30, shade(wood, -0.15))
    e.wilted_flower(pen, pen.rng.choice((24, 76)), 88, 32)
