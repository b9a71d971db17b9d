"""Scenes of anger and disgust: fire, fists, rubbish and slime."""

from __future__ import annotations

import math

from . import elements as e
from .palette import shade
from .svg import Pen, angular, n, ring, smooth, star


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


def bull(pen: Pen) -> None:
    """A bull that snorts."""
    e.sky(pen, "fire")
    hide = pen.rng.choice(("#5a2f24", "#3a2a2a", "#74302a", "#4a3a3f"))
    for side in (-1, 1):
        pen.shape(
            [
                (50 + side * 16, 34),
                (50 + side * 34, 30),
                (50 + side * 42, 8),
                (50 + side * 30, 20),
                (50 + side * 16, 24),
            ],
            "#f0e2c4",
        )
        pen.oval(50 + side * 30, 38, 9, 5, hide)
    pen.shape([(50, 20), (72, 28), (72, 52), (64, 74), (50, 80), (36, 74), (28, 52), (28, 28)], hide)
    pen.oval(50, 71, 19, 13, shade(hide, 0.35))
    for side in (-1, 1):
        pen.ellipse(50 + side * 8, 70, 3.4, 2.6, "#1a1010")
        for step in range(3):
            pen.ellipse(50 + side * (20 + 8 * step), 82 + 2 * step, 5 + step, 4 + step, "#ffffff", 0.8)
    _furious(pen, 50, 46, 0.9, "#ffffff")
    pen.path(smooth(ring(50, 78, 6, 6)), "none", "#e8c04a", 2)


def crossed_swords(pen: Pen) -> None:
    e.sky(pen, "fire")
    for i in range(12):
        with pen.group(f"rotate({30 * i} 50 48)"):
            pen.path("M50 48L47 8H53Z", "#ffd23f", opacity=0.3)
    for turn in (-45, 45):
        with pen.group(f"rotate({turn} 50 50)"):
            pen.corners([(47, 68), (47, 8), (50, 2), (53, 8), (53, 68)], "#dfe4ee")
            pen.corners([(38, 67), (62, 67), (62, 72), (38, 72)], "#c9983a")
            pen.corners([(47, 72), (53, 72), (53, 92), (47, 92)], "#6a3a2a")
    pen.path(angular(star(50, 47, 13, 5, 8)), "#fff6d0", "#ff8a2a", 1.4)


def boiling_kettle(pen: Pen) -> None:
    """A kettle boils over on a fire, with an angry face."""
    e.sky(pen, "fire")
    e.flames(pen, 50, 100, 34, 26)
    metal = pen.rng.choice(("#c9302a", "#7a8490", "#a83a5a"))
    pen.path("M30 44A20 18 0 0 1 70 44", "none", shade(metal, -0.4), 4)
    pen.limb([(72, 66), (86, 52), (90, 44)], metal, 6)
    pen.shape([(28, 44), (72, 44), (80, 70), (70, 84), (30, 84), (20, 70)], metal)
    pen.shape(ring(50, 42, 16, 4, 12, 3), shade(metal, -0.2))
    for x, y in ((90, 36), (84, 26), (94, 22), (44, 32), (56, 28)):
        pen.oval(x, y, 6, 5, "#f4f4f8")
    _furious(pen, 50, 60, 0.9, "#ffffff")


def broken_phone(pen: Pen) -> None:
    """A smashed phone with an impact."""
    e.sky(pen, "fire")
    pen.path(angular(star(50, 50, 50, 30, 13)), "#ffb02a")
    with pen.group(f"rotate({n(pen.rng.uniform(-25, 25))} 50 50)"):
        pen.shape(ring(50, 50, 21, 36, 24, 6), "#22242e")
        pen.rect(33, 21, 34, 56, "#7fb8d8")
        for _ in range(9):
            angle = pen.rng.uniform(0, 6.28)
            mid = (52 + 9 * math.cos(angle + 0.3), 46 + 12 * math.sin(angle + 0.3))
            pen.path(
                angular([(52, 46), mid, (52 + 19 * math.cos(angle), 46 + 28 * math.sin(angle))], False),
                "none",
                "#ffffff",
                1.3,
            )


def mouldy_bread(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.ground(pen, "#8a7a5a", 80)
    pen.shape([(50, 22), (78, 20), (88, 34), (80, 46), (82, 84), (18, 84), (20, 46), (12, 34), (22, 20)], "#a8743f")
    pen.shape(
        [(50, 27), (75, 26), (82, 35), (75, 47), (76, 79), (24, 79), (25, 47), (18, 35), (25, 26)],
        "#e8d09a",
        outline=False,
    )
    for _ in range(pen.rng.randint(5, 9)):
        x, y, r = pen.rng.uniform(28, 72), pen.rng.uniform(34, 74), pen.rng.uniform(4, 9)
        pen.shape(
            [
                (x + r * pen.rng.uniform(0.7, 1.1) * math.cos(a), y + r * pen.rng.uniform(0.7, 1.1) * math.sin(a))
                for a in (0, 1, 2, 3, 4, 5.2)
            ],
            pen.rng.choice(("#6f9a6a", "#8fb08a", "#5a7a6a")),
            outline=False,
        )
        pen.ellipse(x, y, r * 0.4, r * 0.4, "#dfe8d8", 0.8)
    e.flies(pen, 50, 26, 36, 5)
    e.fumes(pen, 50, 18, 32, 3)


def germs(pen: Pen) -> None:
    """Grinning germs."""
    e.sky(pen, "swamp")
    for _ in range(pen.rng.randint(2, 4)):
        x, y, r = pen.rng.uniform(22, 78), pen.rng.uniform(22, 78), pen.rng.uniform(10, 18)
        colour = pen.rng.choice(("#8fc43a", "#b86fb0", "#5fae8a", "#c9a83a"))
        for i in range(11):
            a = 2 * math.pi * i / 11
            pen.limb(
                [(x + r * math.cos(a), y + r * math.sin(a)), (x + 1.35 * r * math.cos(a), y + 1.35 * r * math.sin(a))],
                colour,
                2,
            )
            pen.ellipse(x + 1.4 * r * math.cos(a), y + 1.4 * r * math.sin(a), 1.8, 1.8, colour)
        pen.oval(x, y, r, r, colour)
        for side in (-1, 1):
            pen.path(
                f"M{n(x + side * r * 0.15)} {n(y - r * 0.2)}L{n(x + side * r * 0.6)} {n(y - r * 0.5)}",
                "none",
                "#1a2410",
                2,
            )
            pen.ellipse(x + side * r * 0.34, y - r * 0.1, r * 0.12, r * 0.14, "#1a2410")
        pen.path(
            angular(
                [
                    (x - r * 0.5, y + r * 0.25),
                    (x - r * 0.25, y + r * 0.5),
                    (x, y + r * 0.3),
                    (x + r * 0.25, y + r * 0.5),
                    (x + r * 0.5, y + r * 0.25),
                ],
                False,
            ),
            "none",
            "#1a2410",
            1.6,
        )


def rat(pen: Pen) -> None:
    """A rat on rubbish bags."""
    e.sky(pen, "swamp")
    e.ground(pen, "#6a6a4a", 80)
    for x, y, r in ((26, 72, 20), (72, 74, 19), (48, 80, 18)):
        bag = pen.rng.choice(("#33363a", "#3f4a3f", "#4a4450"))
        pen.shape(ring(x, y, r, r * 0.9, 9), bag)
        pen.corners([(x - 3, y - r * 0.85), (x - 6, y - r * 1.2), (x + 6, y - r * 1.2), (x + 3, y - r * 0.85)], bag)
    fur = pen.rng.choice(("#6f6a64", "#8a7a6a", "#57504a"))
    pen.limb([(68, 52), (84, 54), (90, 40), (96, 44)], "#d8a0a0", 2.2)
    pen.shape([(24, 50), (36, 38), (52, 32), (68, 40), (70, 56), (50, 60), (34, 58)], fur)
    pen.oval(40, 36, 6, 6, "#d8a0a0")
    pen.ellipse(33, 46, 1.8, 1.8, "#e8303a")
    pen.ellipse(24, 50, 2.2, 1.8, "#2a2020")
    e.flies(pen, 50, 28, 38, 5)
