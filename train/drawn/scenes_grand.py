"""Scenes of awe: heights, skies, space and the sea."""

from __future__ import annotations

import math

from . import elements as e
from .palette import CLOTHES, mix, shade
from .svg import Pen, n, ring, smooth


def sunset_mountains(pen: Pen) -> None:
    e.sky(pen, "sunset")
    e.sun(pen, pen.rng.uniform(30, 70), pen.rng.uniform(24, 40), pen.rng.uniform(8, 13), rays=False)
    e.mountains(pen, 80, pen.rng.random() < 0.7)
    if pen.rng.random() < 0.5:
        e.sea(pen, 80, "#7a6aa8")
    else:
        e.ground(pen, "#3f5a4a", 80)


def galaxy(pen: Pen) -> None:
    e.sky(pen, "space")
    with pen.group(f"rotate({n(pen.rng.uniform(-30, 30))} 50 50)"):
        for r, colour, alpha in (
            (46, "#5a3fb0", 0.35),
            (34, "#9a5fd8", 0.4),
            (20, "#f0a0e0", 0.5),
            (9, "#fff2e0", 0.9),
        ):
            pen.ellipse(50, 50, r, r * 0.42, colour, alpha)
        for arm in (0, math.pi):
            pen.line(
                [
                    (50 + 2.6 * t * math.cos(t * 0.33 + arm), 50 + 1.1 * t * math.sin(t * 0.33 + arm))
                    for t in range(2, 17)
                ],
                "#ffe0ff",
                1.6,
                0.7,
            )
    e.stars(pen, 60, 100)


def planet(pen: Pen) -> None:
    e.sky(pen, "space")
    e.stars(pen, 45, 100)
    x, y, r = pen.rng.uniform(40, 60), pen.rng.uniform(42, 56), pen.rng.uniform(18, 27)
    colour = pen.rng.choice(("#e8a04a", "#6fb8e8", "#c87ad8", "#e8705a", "#5fc4a8"))
    data = smooth(ring(x, y, r, r))
    pen.path(data, pen.gradient((0, mix(colour, "#ffffff", 0.4), 1), (1, shade(colour, -0.4), 1), angle=50))
    with pen.group(clip=data):
        for k in (-0.5, -0.05, 0.4):
            pen.line(
                [(x - r, y + k * r), (x, y + (k + 0.18) * r), (x + r, y + k * r)], shade(colour, -0.2), r * 0.13, 0.6
            )
    if pen.rng.random() < 0.65:
        pen.path(
            f"M{n(x - r)} {n(y + 1)}C{n(x - 2.4 * r)} {n(y + 0.9 * r)} {n(x + 2.4 * r)} {n(y + 0.3 * r)} {n(x + r)} {n(y - 5)}",
            "none",
            "#f5dca0",
            3,
        )


def starry_hill(pen: Pen) -> None:
    e.sky(pen, "night")
    e.stars(pen, 45)
    e.moon(pen, pen.rng.uniform(20, 80), pen.rng.uniform(16, 30), pen.rng.uniform(7, 12))
    x = pen.rng.uniform(10, 60)
    pen.line([(x, 10), (x + 24, 22)], "#ffffff", 1.3, 0.8)
    e.hills(pen, "#24305a", 80)


def rainbow_valley(pen: Pen) -> None:
    e.sky(pen, "day")
    e.rainbow(pen, pen.rng.uniform(35, 65), 74, pen.rng.uniform(36, 50))
    e.clouds(pen, "#ffffff", 3)
    e.hills(pen, "#7fc46a", 76)


def waterfall(pen: Pen) -> None:
    e.sky(pen, "day")
    rock = pen.rng.choice(("#6a7a6a", "#7a6f64", "#5f6f84"))
    for points in ([(-5, 22), (36, 26), (38, 86), (-5, 90)], [(105, 18), (64, 26), (62, 86), (105, 90)]):
        pen.corners(points, rock)
    pen.corners([(30, 24), (70, 24), (66, 88), (34, 88)], shade(rock, -0.2))
    pen.corners([(38, 22), (62, 22), (64, 86), (36, 86)], "#bfe8ff")
    for _ in range(9):
        x = pen.rng.uniform(39, 61)
        pen.line([(x, pen.rng.uniform(22, 40)), (x, pen.rng.uniform(50, 84))], "#ffffff", 1.4, 0.8)
    e.sea(pen, 84, "#4fa8d8")
    for x in (38, 47, 56, 63):
        pen.ellipse(x, 85, 7, 4, "#ffffff", 0.8)
    for x in (8, 22, 80, 93):
        pen.oval(x, 22, 12, 9, "#5fae5a")


def castle(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("sunset", "night", "day")))
    e.stars(pen, 12, 40)
    e.ground(pen, "#5a8a5a", 82)
    wall, roof = pen.rng.choice((("#d8d0e4", "#7a5fc0"), ("#e8dcc8", "#c9503f"), ("#c0ccd8", "#4f6fb0")))
    for x, top, w in ((26, 40, 7), (74, 40, 7), (50, 24, 9), (38, 52, 6), (62, 52, 6)):
        pen.corners([(x - w, top), (x + w, top), (x + w, 84), (x - w, 84)], wall)
        pen.corners([(x - w - 2, top), (x, top - 2.4 * w), (x + w + 2, top)], roof)
        pen.path(f"M{x - 2} {top + 12}V{top + 8}A2 2 0 0 1 {x + 2} {top + 8}V{top + 12}Z", "#4a3f5a")
    pen.path("M43 84V70A7 7 0 0 1 57 70V84Z", "#5a3f2c")


def volcano(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("sunset", "night", "storm")))
    for _ in range(14):
        a, far = pen.rng.uniform(-1.0, 1.0), pen.rng.uniform(12, 34)
        pen.ellipse(
            50 + far * math.sin(a), 40 - far * math.cos(a), 2, 2, pen.rng.choice(("#ff7a1f", "#ffc83a", "#ff4a2a"))
        )
    pen.shape([(44, 40), (40, 20), (50, 6), (60, 20), (56, 40)], "#ff8a2a", outline=False)
    pen.corners([(8, 90), (40, 38), (60, 38), (92, 90)], "#5a4a4f")
    pen.path("M41 38H59L64 56L57 50L54 70L49 54L42 62L40 48Z", "#ff5a1f")
    e.ground(pen, "#3f3a40", 86)


def deep_ocean(pen: Pen) -> None:
    """A whale in the sea."""
    pen.rect(-20, -20, 140, 140, pen.gradient((0, "#7fd8f0", 1), (1, "#0f3a7a", 1)))
    for x in (20, 42, 66):
        pen.path(f"M{x} -5L{x + 8} -5L{x + 22} 90L{x - 2} 90Z", "#ffffff", opacity=0.13)
    skin = pen.rng.choice(("#3a5a8a", "#4a6f9a", "#2f4a74"))
    pen.shape([(84, 34), (96, 24), (92, 40), (98, 50), (84, 44)], skin)
    pen.shape([(10, 52), (20, 38), (46, 34), (70, 40), (88, 38), (82, 48), (62, 62), (34, 68), (16, 64)], skin)
    pen.path(smooth([(11, 56), (30, 60), (50, 59), (36, 67), (18, 64)]), "#dfe8f5", opacity=0.9)
    pen.ellipse(26, 49, 1.7, 1.7, "#10141f")
    for _ in range(7):
        pen.ellipse(pen.rng.uniform(5, 95), pen.rng.uniform(5, 95), 1.6, 1.6, "#ffffff", 0.5)


def aurora(pen: Pen) -> None:
    e.sky(pen, "night")
    e.stars(pen, 30)
    for colour, y in (("#4fe8a8", 34), ("#5fb8f0", 24), ("#b06fe8", 16)):
        points = [(x, y + pen.rng.uniform(-8, 8)) for x in (-8, 15, 38, 62, 85, 108)]
        data = smooth(points, False) + f"L108 {y + 30}L-8 {y + 34}Z"
        pen.path(data, pen.gradient((0, colour, 0.75), (1, colour, 0)))
    e.mountains(pen, 90, True, "#3a4a7a")


def hot_air_balloons(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("sunset", "day")))
    e.mountains(pen, 92, False)
    for x, y, r in ((34, 34, 19), (74, 26, 11), (66, 58, 8)):
        x += pen.rng.uniform(-5, 5)
        colours = pen.rng.sample(CLOTHES[:8], 2)
        pen.path(
            f"M{n(x - r * 0.5)} {n(y + r)}L{n(x - r * 0.2)} {n(y + 1.7 * r)}M{n(x + r * 0.5)} {n(y + r)}L{n(x + r * 0.2)} {n(y + 1.7 * r)}",
            "none",
            "#5a4030",
            0.8,
        )
        data = pen.shape(
            [
                (x, y - r),
                (x + r, y - r * 0.3),
                (x + r * 0.85, y + r * 0.45),
                (x + r * 0.3, y + r * 1.1),
                (x - r * 0.3, y + r * 1.1),
                (x - r * 0.85, y + r * 0.45),
                (x - r, y - r * 0.3),
            ],
            colours[0],
        )
        with pen.group(clip=data):
            for k in (-0.75, 0, 0.75):
                pen.ellipse(x + k * r, y, r * 0.2, r * 1.3, colours[1])
        pen.corners(
            [
                (x - r * 0.24, y + 1.6 * r),
                (x + r * 0.24, y + 1.6 * r),
                (x + r * 0.2, y + 1.95 * r),
                (x - r * 0.2, y + 1.95 * r),
            ],
            "#a8714a",
        )


def sunrise_sea(pen: Pen) -> None:
    e.sky(pen, "sunset")
    e.sun(pen, 50, 54, pen.rng.uniform(12, 18))
    e.sea(pen, 58, pen.rng.choice(("#5a5fa8", "#3f7fa8", "#7a5a9a")))
    for i in range(7):
        w = 17 - 1.8 * i
        pen.line([(50 - w, 62 + 5 * i), (50 + w, 62 + 5 * i)], "#ffe6a0", 2, 0.75)


def great_wave(pen: Pen) -> None:
    e.sky(pen, "day")
    e.sea(pen, 66, "#2f7fb8")
    pen.shape(
        [
            (-10, 100),
            (-6, 52),
            (20, 22),
            (52, 16),
            (72, 32),
            (58, 30),
            (48, 40),
            (54, 58),
            (76, 74),
            (108, 80),
            (110, 110),
        ],
        "#2f86c4",
    )
    for points in ([(2, 70), (18, 40), (44, 28)], [(14, 84), (28, 54), (44, 42)], [(34, 88), (40, 66), (46, 58)]):
        pen.line(points, "#a8dcf5", 2, 0.8)
    for _ in range(16):
        x = pen.rng.uniform(44, 78)
        pen.ellipse(
            x, 16 + (x - 44) * 0.5 + pen.rng.uniform(-6, 6), pen.rng.uniform(2, 4.5), pen.rng.uniform(2, 4.5), "#ffffff"
        )


def astronaut(pen: Pen) -> None:
    e.sky(pen, "space")
    e.stars(pen, 40, 100)
    pen.oval(84, 20, 22, 22, pen.rng.choice(("#4f9ae8", "#e8a04a", "#c87ad8")))
    with pen.group(f"rotate({n(pen.rng.uniform(-30, 30))} 46 56)"):
        suit = "#f2f4fa"
        pen.shape(ring(46, 62, 19, 20, 16, 4), "#c8ced8")
        for side in (-1, 1):
            pen.limb([(46 + side * 10, 60), (46 + side * 26, 54), (46 + side * 30, 42)], suit, 8)
            pen.limb([(46 + side * 6, 72), (46 + side * 11, 86), (46 + side * 14, 96)], suit, 9)
        pen.shape(ring(46, 66, 14, 16, 16, 3), suit)
        pen.oval(46, 40, 19, 18, suit)
        pen.shape(ring(46, 41, 13.5, 11.5, 16, 2.6), "#26345a")
        pen.path("M37 37Q41 32 47 32", "none", "#8fd0ff", 2.4)
        pen.rect(40, 62, 12, 7, "#e5554f")
