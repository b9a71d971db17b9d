"""Whole scenes of fear, sadness, anger and disgust, and the funny ones."""

from __future__ import annotations

import math

from . import elements as e
from .palette import CLOTHES, jitter, mix, shade
from .scenes import CALM_AND_BRIGHT, Scene
from .svg import Pen, angular, heart, n, ring, smooth, star


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


def wild_fire(pen: Pen) -> None:
    e.sky(pen, "fire")
    e.flames(pen, 50, 100, 50, pen.rng.uniform(62, 84))
    if pen.rng.random() < 0.6:
        e.flames(pen, pen.rng.uniform(20, 80), 102, 26, 46)


def angry_cloud(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("storm", "fire")))
    for x in (34, 62):
        e.lightning(pen, x + pen.rng.uniform(-5, 5), 58, 94)
    fill = pen.rng.choice(("#4a4f60", "#3a3444", "#6a3a44"))
    e.cloud(pen, 50, 44, 40, fill)
    _furious(pen, 50, 42, 1.0, "#ffffff")


def _furious(pen: Pen, cx: float, cy: float, k: float, white: str) -> None:
    for side in (-1, 1):
        x = cx + side * 12 * k
        pen.path(
            angular(
                [
                    (x - side * 7 * k, cy + 2 * k),
                    (x + side * 7 * k, cy - 5 * k),
                    (x + side * 5 * k, cy + 5 * k),
                    (x - side * 5 * k, cy + 6 * k),
                ]
            ),
            white,
        )
        pen.ellipse(x - side * k, cy + 2.4 * k, 2 * k, 2 * k, "#c9202a")
        pen.path(f"M{n(x - side * 9 * k)} {n(cy)}L{n(x + side * 9 * k)} {n(cy - 9 * k)}", "none", "#14101a", 3 * k)
    pen.path(
        angular(
            [
                (cx - 12 * k, cy + 17 * k),
                (cx - 6 * k, cy + 12 * k),
                (cx, cy + 16 * k),
                (cx + 6 * k, cy + 12 * k),
                (cx + 12 * k, cy + 17 * k),
            ],
            False,
        ),
        "none",
        "#14101a",
        3 * k,
    )


def fist(pen: Pen) -> None:
    e.sky(pen, "fire")
    for i in range(14):
        with pen.group(f"rotate({n(360 * i / 14)} 50 50)"):
            pen.path("M50 50L46 -40H54Z", "#ffb02a", opacity=0.55)
    skin = pen.rng.choice(("#fbd0ae", "#e3a47a", "#a5673f", "#7f4b2c", "#ffd23f"))
    pen.limb([(52, 64), (54, 104)], skin, 24)
    pen.shape(ring(50, 48, 25, 22, 18, 4), skin)
    for x in (32, 43, 54, 65):
        pen.shape(ring(x + 1, 38, 6.4, 13, 14, 3.4), skin)
    pen.shape(ring(44, 60, 19, 7, 14, 3), shade(skin, -0.06))


def explosion(pen: Pen) -> None:
    e.sky(pen, "fire")
    turn = pen.rng.uniform(0, 0.5)
    for colour, r in (("#c9201a", 48), ("#ff7a1f", 38), ("#ffd23f", 27), ("#fffbe0", 14)):
        points = [
            (50 + (p[0] - 50) * pen.rng.uniform(0.85, 1.1), 50 + (p[1] - 50) * pen.rng.uniform(0.85, 1.1))
            for p in star(50, 50, r, r * 0.62, 11, turn)
        ]
        pen.shape(angular(points), colour, shading=False)
    if pen.rng.random() < 0.5:
        pen.word(pen.rng.choice(("boom", "bam!", "grr")), 50, 50, 15, "#c9201a", 3.4)


def trash(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.ground(pen, "#6a6a4a", 78)
    e.fumes(pen, 50, 38, 28, 4)
    for x, y, colour in ((34, 32, "#8a7a3a"), (48, 26, "#6f8a4f"), (62, 31, "#b5a05a"), (55, 34, "#d8d0b0")):
        pen.shape(
            [
                (x + pen.rng.uniform(8, 12) * math.cos(a), y + pen.rng.uniform(6, 10) * math.sin(a))
                for a in (0, 1.2, 2.5, 3.7, 5)
            ],
            colour,
        )
    can = pen.rng.choice(("#7a8490", "#5f7a6a", "#8a8a94"))
    pen.corners([(24, 38), (76, 38), (70, 92), (30, 92)], can)
    for x in (38, 50, 62):
        pen.line([(x, 44), (x, 88)], shade(can, -0.3), 1.6)
    pen.shape(ring(50, 38, 29, 4, 14, 3), shade(can, -0.15))
    e.slime(pen, 34, 58, 44, "#8fb53a")
    e.flies(pen, 50, 26, 30, 6)


def toilet(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.ground(pen, "#8a8a6a", 82, 0)
    white = "#eef0e8"
    pen.shape(ring(50, 26, 22, 15, 18, 5), white)
    pen.shape([(26, 50), (74, 50), (68, 68), (58, 76), (60, 90), (40, 90), (42, 76), (32, 68)], white)
    pen.oval(50, 50, 26, 9, white)
    pen.ellipse(50, 50.5, 19, 5.6, pen.rng.choice(("#8a7a2a", "#7a9a3a", "#6a5a34")))
    e.slime(pen, 36, 62, 55, "#8fae3a")
    e.fumes(pen, 50, 40, 26, 3)
    e.flies(pen, 50, 36, 34, 5)


def rotten_food(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.ground(pen, "#7a6a4a", 80)
    skin = pen.rng.choice(("#8a6a3a", "#8f8a3a", "#7a4a3a"))
    pen.shape(
        [(50, 32), (66, 26), (82, 40), (80, 66), (66, 86), (50, 82), (32, 86), (20, 66), (18, 40), (34, 26)], skin
    )
    for _ in range(6):
        x, y = pen.rng.uniform(28, 72), pen.rng.uniform(38, 76)
        pen.ellipse(
            x,
            y,
            pen.rng.uniform(3, 8),
            pen.rng.uniform(3, 6),
            pen.rng.choice(("#6f9a5a", "#a8b88a", "#4a3a24", "#b8c8a8")),
            0.9,
        )
    pen.limb([(60, 50), (66, 44), (72, 48), (78, 42)], "#f0d8a0", 4.4)
    pen.ellipse(78, 41, 1, 1, "#2a2020")
    pen.limb([(50, 33), (48, 22)], "#5a4630", 3)
    e.flies(pen, 50, 30, 34, 6)
    e.fumes(pen, 50, 26, 26, 3)


def slime_pit(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.slime(pen, -6, 106, pen.rng.uniform(12, 30), pen.rng.choice(("#8fc43a", "#a8c83f", "#6fae4a")))
    e.ground(pen, pen.rng.choice(("#7fae3a", "#8a9a3a")), 74, 4)
    for _ in range(9):
        x, y, r = pen.rng.uniform(5, 95), pen.rng.uniform(72, 95), pen.rng.uniform(2, 6)
        pen.ellipse(x, y, r, r, "#c0dc6a", 0.8)
    for _ in range(3):
        x, y = pen.rng.uniform(20, 80), pen.rng.uniform(50, 84)
        pen.limb([(x - 8, y), (x - 3, y - 5), (x + 3, y + 2), (x + 8, y - 3)], "#e0a0a0", 4)


def insects(pen: Pen) -> None:
    """Cockroaches and worms."""
    e.sky(pen, "swamp")
    e.ground(pen, "#8a7f5a", -10, 0)
    for _ in range(pen.rng.randint(2, 5)):
        x, y, k = pen.rng.uniform(22, 78), pen.rng.uniform(22, 78), pen.rng.uniform(0.7, 1.4)
        with pen.group(f"translate({n(x)} {n(y)}) rotate({pen.rng.randint(0, 359)}) scale({n(k)})"):
            shell = pen.rng.choice(("#5a3420", "#3f2a1c", "#74462a", "#2f3a20"))
            for side in (-1, 1):
                for dy in (-5, 2, 9):
                    pen.path(f"M0 {dy}L{side * 10} {dy - 2}L{side * 14} {dy + 4}", "none", "#2a1a10", 1.4)
                pen.path(f"M{side * 2} -13C{side * 4} -20 {side * 10} -22 {side * 12} -26", "none", "#2a1a10", 1.1)
            pen.oval(0, 2, 7.5, 13, shell)
            pen.path("M0 -6V15", "none", "#2a1a10", 1)
            pen.oval(0, -11, 5, 4, shade(shell, -0.3))
    e.flies(pen, 50, 40, 40, 4)


def poop(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.ground(pen, "#8a9a4a", 80)
    brown = pen.rng.choice(("#7a4a28", "#6a3f24", "#8a5a30"))
    for y, w in ((80, 32), (64, 24), (49, 16)):
        pen.oval(50, y, w, 11, brown)
    pen.shape([(40, 44), (46, 30), (56, 20), (54, 32), (60, 44)], brown)
    e.flies(pen, 50, 34, 38, 6)
    e.fumes(pen, 50, 22, 38, 3)


def circus(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("day", "candy")))
    a, b = pen.rng.choice((("#e8453c", "#fff6e8"), ("#4f86c6", "#ffe27a"), ("#9b6dd6", "#ffe0f0")))
    for i in range(6):
        pen.path(f"M50 18L{n(14 + 12 * i)} 46H{n(26 + 12 * i)}Z", (a, b)[i % 2])
        pen.path(
            f"M{n(14 + 12 * i)} 46H{n(26 + 12 * i)}L{n(24.5 + 10.2 * i + 5)} 88H{n(19.4 + 10.2 * i)}Z", (b, a)[i % 2]
        )
        pen.path(f"M{n(14 + 12 * i)} 45H{n(26 + 12 * i)}A6 6 0 0 1 {n(14 + 12 * i)} 45Z", (a, b)[i % 2])
    pen.path("M50 18V6L62 10L50 14", "#ffd23f", "#8a6a3a", 1.2)
    pen.path("M43 88V66A7 7 0 0 1 57 66V88Z", "#4a2a3a")
    e.ground(pen, "#e0c080", 87)


def carousel(pen: Pen) -> None:
    e.sky(pen, "candy")
    top = pen.rng.choice(CLOTHES[:8])
    pen.corners([(10, 36), (50, 8), (90, 36)], top)
    for i in range(5):
        pen.ellipse(18 + 16 * i, 37, 8, 4.5, "#fff6e0" if i % 2 else shade(top, -0.15))
    for x in (24, 50, 76):
        pen.rect(x - 0.8, 36, 1.8, 50, "#d8a83a")
        y, coat = pen.rng.uniform(58, 68), pen.rng.choice(("#ffffff", "#f5b0c8", "#b0d0f5", "#f5dca0"))
        for dx in (-6, 5):
            pen.limb([(x + dx, y + 2), (x + dx - 2, y + 11)], coat, 2.4)
        pen.oval(x, y, 9, 5, coat)
        pen.shape([(x + 6, y - 1), (x + 8, y - 10), (x + 15, y - 8), (x + 11, y)], coat)
        pen.ellipse(x + 11, y - 7.5, 0.8, 0.8, "#2a2028")
    pen.oval(50, 88, 42, 5, shade(top, 0.2))


def playground(pen: Pen) -> None:
    e.sky(pen, "day")
    e.clouds(pen, count=2)
    e.ground(pen, "#8fd06a", 78)
    slide = pen.rng.choice(CLOTHES[:8])
    pen.path("M20 86V30M34 86V30M20 42H34M20 54H34M20 66H34", "none", "#8a5a3a", 2.6)
    pen.path("M32 30C56 34 50 74 84 82", "none", slide, 8)
    pen.path("M32 28C58 32 54 70 84 78", "none", shade(slide, -0.25), 1.8)
    skin = pen.rng.choice(("#ffe0c7", "#c98556", "#7f4b2c"))
    pen.ellipse(52, 36, 6, 6, skin)
    pen.path("M49 35L51 33.6M53 33.6L55 35M49.5 37.5A3 3 0 0 0 55 37.5", "none", "#3a2424", 1)
    pen.path("M48 40L40 30M55 41L64 34", "none", skin, 2.4)
    pen.oval(53, 47, 6, 7, pen.rng.choice(CLOTHES))


def clown(pen: Pen) -> None:
    e.sky(pen, "candy")
    hair = pen.rng.choice(("#ff5a3a", "#5fc46a", "#4f9ae8", "#ff8ad0", "#ffb02a"))
    for side in (-1, 1):
        for dx, dy in ((30, -4), (34, 8), (24, -16)):
            pen.oval(50 + side * dx, 50 + dy, 11, 11, hair)
    pen.oval(50, 54, 29, 31, "#fff2e4")
    for side in (-1, 1):
        pen.ellipse(50 + side * 12, 44, 6.5, 9, pen.rng.choice(("#6fc8f5", "#ffd23f", "#9be08a")))
        pen.line([(50 + side * 12 - 5, 46), (50 + side * 12, 41), (50 + side * 12 + 5, 46)], "#2a2430", 2.4)
    pen.path("M28 62C32 60 68 60 72 62C70 86 30 86 28 62Z", "#e8303a")
    pen.path("M34 65H66C63 78 37 78 34 65Z", "#5a1626")
    pen.path("M35 65H65L63 69H37Z", "#ffffff")
    pen.oval(50, 55, 8, 8, "#ff3a3a")
    pen.corners([(38, 26), (50, 2), (62, 26)], pen.rng.choice(CLOTHES[:8]))
    pen.oval(50, 4, 4.5, 4.5, "#fff6e0")


def snowman(pen: Pen) -> None:
    e.sky(pen, "day")
    e.ground(pen, "#f0f6ff", 80)
    for y, r in ((74, 22), (42, 16)):
        pen.oval(50, y, r, r * 0.95, "#fbfdff")
    for side in (-1, 1):
        pen.limb([(50 + side * 20, 66), (50 + side * 36, 52), (50 + side * 40, 44)], "#7a5230", 2)
        pen.line([(50 + side * 6 - 3, 38), (50 + side * 6, 35), (50 + side * 6 + 3, 38)], "#22202a", 2)
    pen.path("M42 46A8 7 0 0 0 58 46Z", "#5a1626")
    pen.corners([(49, 41), (66, 44), (49, 45)], "#ff8a2a")
    pen.shape(ring(50, 57, 14, 3.4, 10, 3), pen.rng.choice(CLOTHES[:7]))
    pen.corners([(38, 28), (62, 28), (58, 10), (42, 10)], pen.rng.choice(("#2f2f3a", "#c9303a", "#3a5a9a")))
    for _ in range(20):
        pen.ellipse(pen.rng.uniform(0, 100), pen.rng.uniform(0, 100), 1.2, 1.2, "#ffffff", 0.9)


SCENES: tuple[Scene, ...] = (
    *CALM_AND_BRIGHT,
    Scene("sadness", "street", ("rain", "house"), ("rain on an empty street", "rain falls on a gray city", "a lonely street in the rain"), rainy_street),
    Scene("sadness", "rain", ("cloud", "rain"), ("a dark cloud with rain", "rain falls from a gray cloud"), rain_cloud),
    Scene("sadness", "graveyard", ("grave", "wilted flower"), ("a grave with a wilted flower", "a grave stone stands in the grass", "a lonely grave in a cemetery"), grave),
    Scene("sadness", "funeral", ("coffin",), ("a coffin at a funeral", "a wooden coffin with a cross"), coffin),
    Scene("sadness", "heartbreak", ("broken heart",), ("a broken heart", "a heart breaks in two pieces", "a broken heart in the rain"), broken_heart),
    Scene("sadness", "garden", ("wilted flower",), ("a wilted flower", "a flower loses its petals", "a dying flower hangs its head"), wilted),
    Scene("sadness", "autumn", ("tree", "leaf"), ("a bare tree in autumn", "the last leaves fall from a tree"), lonely_tree),
    Scene("fear", "spider web", ("spider", "web"), ("a spider in its web", "a black spider hangs on a thread", "a spider waits in the dark"), spiders),
    Scene("fear", "haunted house", ("house", "bat"), ("a haunted house with bats", "bats fly around a dark house", "a scary house at night"), haunted_house),
    Scene("fear", "darkness", ("skull",), ("a skull with bones", "a skull in the dark"), skull),
    Scene("fear", "darkness", ("knife",), ("a sharp knife in the dark", "a bloody knife"), knife),
    Scene("fear", "darkness", ("monster",), ("a monster in the dark", "a dark monster shows its teeth", "glowing eyes of a monster at night"), dark_monster),
    Scene("fear", "storm", ("lightning", "cloud"), ("a storm with lightning", "lightning strikes from dark clouds"), storm),
    Scene("fear", "storm", ("tornado",), ("a tornado over the land", "a tornado destroys everything"), tornado),
    Scene("fear", "swamp", ("snake",), ("a snake shows its tongue", "a dangerous snake"), snake),
    Scene("anger", "fire", ("fire",), ("a raging fire", "wild flames burn everything", "angry red flames"), wild_fire),
    Scene("anger", "storm", ("cloud", "lightning"), ("an angry storm cloud", "a furious cloud throws lightning"), angry_cloud),
    Scene("anger", "fight", ("fist",), ("an angry fist", "a fist hits hard", "a raised fist in front of fire"), fist),
    Scene("anger", "explosion", ("explosion",), ("an explosion", "a bomb explodes in flames"), explosion),
    Scene("disgust", "dump", ("trash can", "fly"), ("a stinking trash can with flies", "flies circle a full trash can", "garbage in a can"), trash),
    Scene("disgust", "bathroom", ("toilet", "slime"), ("a dirty toilet", "a filthy toilet stinks"), toilet),
    Scene("disgust", "kitchen", ("rotten food", "worm"), ("a rotten apple with a worm", "a worm crawls out of rotten fruit", "mouldy fruit with flies"), rotten_food),
    Scene("disgust", "swamp", ("slime", "worm"), ("green slime with worms", "slime drips from above"), slime_pit),
    Scene("disgust", "dump", ("cockroach", "fly"), ("cockroaches on the floor", "dirty insects crawl on the ground"), insects),
    Scene("disgust", "dump", ("poop", "fly"), ("a pile of poop with flies", "flies sit on a pile of poop"), poop),
    Scene("amusement", "circus", ("tent",), ("a circus tent", "a colorful circus tent with a flag"), circus),
    Scene("amusement", "fun fair", ("carousel", "horse"), ("a carousel with horses", "horses turn on a carousel"), carousel),
    Scene("amusement", "playground", ("slide", "child"), ("a playground with a slide", "a child plays on a slide"), playground),
    Scene("amusement", "circus", ("clown",), ("a clown is laughing", "a funny clown with a red nose"), clown),
    Scene("amusement", "winter", ("snowman",), ("a funny snowman", "a laughing snowman in the snow"), snowman),
)  # fmt: skip
