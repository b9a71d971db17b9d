"""Scenes of fear: the dark, its beasts, and storms."""

from __future__ import annotations

import math

from . import elements as e
from .palette import mix
from .svg import Pen, angular, n, ring, smooth


def spiders(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("dread", "night")))
    e.web(pen, pen.rng.uniform(35, 65), pen.rng.uniform(35, 55), pen.rng.uniform(44, 66))
    for _ in range(pen.rng.choice((1, 1, 3))):
        x, y = pen.rng.uniform(30, 70), pen.rng.uniform(38, 66)
        pen.line([(x, -4), (x, y)], "#d8d8e4", 0.8)
        e.spider(pen, x, y, pen.rng.uniform(7, 13))


def haunted_house(pen: Pen) -> None:
    e.sky(pen, "dread")
    e.moon(pen, pen.rng.choice((20, 78)), 20, 11)
    wall = "#241c30"
    pen.corners([(30, 42), (72, 44), (70, 86), (32, 86)], wall)
    pen.corners([(24, 44), (50, 18), (78, 46)], "#120c1c")
    pen.corners([(60, 30), (72, 28), (73, 50), (61, 50)], wall)
    pen.corners([(57, 31), (66, 12), (76, 29)], "#120c1c")
    for x, y in ((40, 52), (58, 54), (66, 36)):
        pen.path(f"M{x} {y}H{x + 7}V{y + 9}H{x}Z", "#ffd23f" if pen.rng.random() < 0.8 else "#ff6a3a")
    pen.path("M47 86V70A5 5 0 0 1 57 70V86Z", "#0a0610")
    e.ground(pen, "#15101c", 85)
    e.bare_tree(pen, pen.rng.choice((10, 90)), 88, 50, "#0f0a14")
    for _ in range(4):
        e.bat(pen, pen.rng.uniform(8, 92), pen.rng.uniform(8, 40), pen.rng.uniform(4, 8))


def skull(pen: Pen) -> None:
    e.sky(pen, "dread")
    bone = pen.rng.choice(("#f2eee0", "#e0e4d8", "#d8d0c0"))
    if pen.rng.random() < 0.5:
        for a in (-35, 35):
            with pen.group(f"rotate({a} 50 66)"):
                pen.rect(10, 63, 80, 6, bone)
                for x in (10, 90):
                    pen.ellipse(x, 62.5, 5, 5, bone)
                    pen.ellipse(x, 69.5, 5, 5, bone)
    pen.shape(
        [(50, 14), (74, 22), (82, 46), (72, 62), (66, 66), (64, 80), (36, 80), (34, 66), (28, 62), (18, 46), (26, 22)],
        bone,
    )
    for side in (-1, 1):
        pen.shape(ring(50 + side * 14, 46, 9, 10, 8), "#1a1018", shading=False)
        if pen.rng.random() < 0.4:
            pen.ellipse(50 + side * 14, 47, 2.6, 2.6, "#ff4a2a")
    pen.path("M50 56L45 65H55Z", "#1a1018")
    for x in (42, 47.5, 53, 58.5):
        pen.line([(x, 71), (x, 80)], "#1a1018", 1.6)


def knife(pen: Pen) -> None:
    e.sky(pen, "dread")
    with pen.group(f"rotate({n(pen.rng.uniform(-50, 50))} 50 50)"):
        pen.shape("M44 62V12C56 18 60 40 58 62Z", "#d8dee8")
        pen.path("M47 60V20", "none", "#ffffff", 1.5)
        pen.corners([(42, 62), (60, 62), (60, 66), (42, 66)], "#5a4a3a")
        pen.corners([(45, 66), (57, 66), (56, 92), (46, 92)], "#3a2a24")
    for _ in range(pen.rng.randint(0, 4)):
        x, y = pen.rng.uniform(30, 70), pen.rng.uniform(40, 92)
        pen.ellipse(x, y, 2.6, 3.2, "#b5121f")


def dark_monster(pen: Pen) -> None:
    """A shape with glowing eyes and teeth in the dark."""
    e.sky(pen, "dread")
    tone = pen.rng.choice(("#0a060e", "#14081a", "#080c10"))
    count = 22
    points = [(50 + 40 * m * math.cos(a), 62 + 46 * m * math.sin(a)) for i in range(count)
              for a, m in ((2 * math.pi * i / count, 1.06 if i % 2 else 0.9),)]  # fmt: skip
    pen.path(angular(points), tone)
    glow = pen.rng.choice(("#ff3a2a", "#ffe23f", "#b8ff5a", "#ffffff"))
    for side in (-1, 1):
        x = 50 + side * 15
        pen.path(smooth([(x - side * 9, 48), (x, 40), (x + side * 9, 38), (x + side * 3, 50)]), glow)
        pen.ellipse(x + side, 44.5, 1.6, 3.6, tone)
    teeth = [(26, 64)]
    for i in range(12):
        teeth.append((26 + 4 * (i + 0.5), 64 + (9 if i % 2 == 0 else 2) + 6 * math.sin(math.pi * i / 11)))
    teeth.append((74, 64))
    pen.path(angular(teeth), "#f5f0dc")


def storm(pen: Pen) -> None:
    e.sky(pen, "storm")
    e.ground(pen, "#2a2f3a", 82)
    for _ in range(pen.rng.randint(1, 3)):
        e.lightning(pen, pen.rng.uniform(18, 82), 22, 82)
    e.clouds(pen, "#2f3442", 5, 14)
    e.rain(pen, 50, heavy=True)


def tornado(pen: Pen) -> None:
    e.sky(pen, "storm")
    e.ground(pen, "#4a4a40", 82)
    x = 50.0
    for i in range(11):
        w = 36 - 3.1 * i
        x += pen.rng.uniform(-3, 3)
        pen.ellipse(x, 12 + 7 * i, w, 5.5, mix("#4a5060", "#8a92a0", i % 2), 0.95, pen.rng.uniform(-5, 5))
    for _ in range(7):
        pen.corners(
            [(px := pen.rng.uniform(12, 88), py := pen.rng.uniform(45, 88)), (px + 4, py + 1), (px + 2, py + 4)],
            "#3a2a20",
        )


def snake(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("dread", "swamp")))
    colour = pen.rng.choice(("#4f8a3a", "#7a8a2a", "#8a3a3a", "#3a5a4a"))
    pen.limb([(16, 88), (44, 92), (78, 84), (70, 72), (34, 74), (30, 62), (56, 56), (60, 40), (52, 28)], colour, 10)
    pen.shape([(40, 32), (44, 18), (56, 16), (64, 28), (58, 36)], colour)
    for x in (47, 57):
        pen.ellipse(x, 24, 2.5, 3, "#ffe23f")
        pen.ellipse(x, 24, 0.8, 2.8, "#1a0a10")
    pen.path("M50 34V42L46 47M50 42L54 47", "none", "#e8203a", 1.8)


def shark(pen: Pen) -> None:
    pen.rect(-20, -20, 140, 140, pen.gradient((0, "#3f7fa0", 1), (1, "#0a1f3a", 1)))
    skin = pen.rng.choice(("#5a6f84", "#4a5a6a", "#6a7a84"))
    pen.shape([(50, 6), (60, 20), (84, 46), (76, 74), (50, 92), (24, 74), (16, 46), (40, 20)], skin)
    pen.shape([(26, 62), (50, 44), (74, 62), (70, 82), (50, 90), (30, 82)], "#5a0f1a", shading=False)
    for y, sign, count in ((0, 1, 8), (0, -1, 8)):
        for i in range(count):
            t = (i + 0.5) / count
            x = 28 + 44 * t
            arch = 46 + 15 * abs(2 * t - 1) if sign > 0 else 86 - 6 * abs(2 * t - 1)
            pen.path(angular([(x - 3, arch + y), (x, arch + sign * 8), (x + 3, arch + y)]), "#ffffff")
    for side in (-1, 1):
        pen.ellipse(50 + side * 19, 36, 3.2, 3.2, "#0a0a10")
        pen.ellipse(50 + side * 18, 35, 0.9, 0.9, "#ffffff")


def evil_ghost(pen: Pen) -> None:
    e.sky(pen, "dread")
    e.moon(pen, pen.rng.choice((16, 84)), 16, 8)
    e.ground(pen, "#15101c", 86)
    pale = pen.rng.choice(("#e8f0f4", "#cfe0d8", "#d8d0e8"))
    points = [
        (50, 10),
        (68, 18),
        (74, 42),
        (90, 48),
        (78, 56),
        (74, 70),
        (80, 92),
        (66, 84),
        (56, 94),
        (46, 84),
        (34, 94),
        (28, 72),
        (20, 58),
        (8, 50),
        (26, 42),
        (32, 18),
    ]
    pen.shape(points, pale)
    for side in (-1, 1):
        pen.path(
            smooth([(50 + side * 4, 34), (50 + side * 16, 26), (50 + side * 15, 38), (50 + side * 8, 42)]), "#14101a"
        )
        pen.ellipse(50 + side * 10, 35, 1.7, 1.7, "#ff3a2a")
    pen.shape([(40, 50), (50, 46), (60, 50), (58, 68), (50, 74), (42, 68)], "#14101a", shading=False, outline=False)


def hand_from_grave(pen: Pen) -> None:
    e.sky(pen, "dread")
    e.moon(pen, 76, 20, 10)
    pen.shape("M12 76V48A13 13 0 0 1 38 48V76Z", "#5a5f6a")
    e.ground(pen, "#241c1a", 76)
    skin = pen.rng.choice(("#7fae6a", "#8aa88a", "#a8b890"))
    pen.limb([(64, 84), (62, 66), (64, 54)], skin, 10)
    for x, y in ((50, 44), (57, 36), (65, 34), (73, 38), (78, 48)):
        pen.limb([(64, 54), ((64 + x) / 2 + 1, (54 + y) / 2), (x, y)], skin, 4.2)
    pen.oval(64, 82, 20, 7, "#3a2c24")


def dark_corridor(pen: Pen) -> None:
    """A long corridor with a figure at its end."""
    pen.rect(-20, -20, 140, 140, "#0a0810")
    for i, tone in enumerate(("#1a1620", "#231d2a", "#2f2736", "#3f3444")):
        k = 50 - 11 * i
        pen.corners([(50 - k, 50 - k), (50 + k, 50 - k), (50 + k, 50 + k), (50 - k, 50 + k)], tone)
    pen.rect(40, 36, 20, 31, pen.rng.choice(("#c9b87a", "#8a2a24", "#9ab0a0")))
    pen.ellipse(50, 46, 3.4, 4, "#07060a")
    pen.path("M43 67L45 53C46 49 54 49 55 53L57 67Z", "#07060a")
    pen.path("M45 54L41 64M55 54L59 64", "none", "#07060a", 1.8)
