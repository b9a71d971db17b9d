"""Scenes of excitement and amusement: parties, winners, fun fairs."""

from __future__ import annotations

import math

from . import elements as e
from .palette import CLOTHES, jitter, shade
from .svg import Pen, angular, n, ring, smooth, star


def fireworks(pen: Pen) -> None:
    e.sky(pen, "night")
    for _ in range(pen.rng.randint(4, 6)):
        e.firework(pen, pen.rng.uniform(12, 88), pen.rng.uniform(12, 58), pen.rng.uniform(10, 20))
    for x in range(0, 100, 11):
        h = pen.rng.uniform(8, 22)
        pen.rect(x, 100 - h, 11.5, 40, "#141830")
        pen.rect(x + 3, 103 - h, 2, 2.5, "#ffd84f")
        pen.rect(x + 7, 107 - h, 2, 2.5, "#ffd84f")


def balloons(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("day", "party")))
    for _ in range(pen.rng.randint(6, 9)):
        e.balloon(pen, pen.rng.uniform(14, 86), pen.rng.uniform(16, 64), pen.rng.uniform(8, 14))
    e.confetti(pen, 30)


def birthday_cake(pen: Pen) -> None:
    e.sky(pen, "party")
    e.confetti(pen, 36)
    cream, sponge = jitter(pen.rng, pen.rng.choice(CLOTHES[:8])), pen.rng.choice(("#fff2e0", "#8a5a3a", "#f5dca0"))
    pen.oval(50, 88, 42, 5, "#e8e8f0")
    for top, half, bottom in ((60, 34, 88), (40, 23, 62)):
        pen.corners([(50 - half, top), (50 + half, top), (50 + half, bottom), (50 - half, bottom)], sponge)
        for i in range(7):
            x = 50 - half + half * i / 3
            pen.ellipse(x, top + 2, half / 5.4, 6, cream)
    for x in (38, 46, 54, 62):
        pen.rect(x - 1.3, 26, 2.6, 14, pen.rng.choice(CLOTHES[:8]))
        pen.ellipse(x, 22, 2, 3.4, "#ffb02a")


def gift(pen: Pen) -> None:
    e.sky(pen, "party")
    e.confetti(pen, 40)
    box, ribbon = pen.rng.sample(CLOTHES[:8], 2)
    pen.corners([(22, 48), (78, 48), (75, 90), (25, 90)], box)
    pen.corners([(18, 38), (82, 38), (82, 51), (18, 51)], shade(box, 0.15))
    pen.rect(45, 38, 10, 52, ribbon)
    for side in (-1, 1):
        pen.shape([(50, 38), (50 + side * 10, 22), (50 + side * 24, 24), (50 + side * 16, 37)], ribbon)


def trophy(pen: Pen) -> None:
    e.sky(pen, "party")
    for i in range(12):
        with pen.group(f"rotate({30 * i} 50 46)"):
            pen.path("M50 46L44 -40H56Z", "#fff2a0", opacity=0.35)
    gold = pen.rng.choice(("#ffc21a", "#f5b53a", "#ffd23f"))
    for side in (-1, 1):
        pen.path(smooth(ring(50 + side * 22, 36, 9, 11)), "none", shade(gold, -0.15), 4)
    pen.shape([(28, 20), (72, 20), (70, 40), (58, 56), (42, 56), (30, 40)], gold)
    pen.corners([(46, 54), (54, 54), (55, 72), (45, 72)], shade(gold, -0.12))
    pen.corners([(32, 72), (68, 72), (72, 88), (28, 88)], "#6a4a34")
    pen.path(angular(star(50, 37, 10, 4.4)), "#fff6d0")
    e.confetti(pen, 22)


def medal(pen: Pen) -> None:
    e.sky(pen, "party")
    cloth = pen.rng.choice(CLOTHES[:7])
    pen.corners([(30, 2), (44, 2), (58, 48), (46, 50)], cloth)
    pen.corners([(70, 2), (56, 2), (42, 48), (54, 50)], shade(cloth, -0.2))
    gold = pen.rng.choice(("#ffc21a", "#d8dce4", "#d8925a"))
    pen.oval(50, 66, 24, 24, gold)
    pen.ellipse(50, 66, 18, 18, shade(gold, 0.25))
    pen.path(angular(star(50, 66, 12, 5.4)), gold)
    e.confetti(pen, 24)


def rocket(pen: Pen) -> None:
    e.sky(pen, "night")
    e.stars(pen, 30, 90)
    with pen.group(f"rotate({n(pen.rng.uniform(10, 45))} 50 50)"):
        e.flames(pen, 50, 70, 8, -26)
        body = pen.rng.choice(("#f4f4f8", "#e8ecf4", "#ffe8d8"))
        trim = pen.rng.choice(("#e5453c", "#4f86c6", "#f2a03d"))
        for side in (-1, 1):
            pen.corners([(50 + side * 11, 52), (50 + side * 24, 72), (50 + side * 9, 68)], trim)
        pen.shape([(50, 10), (62, 28), (64, 52), (58, 72), (42, 72), (36, 52), (38, 28)], body)
        pen.shape([(50, 9), (59, 23), (50, 25), (41, 23)], trim)
        pen.oval(50, 42, 7, 7, "#6fc8f5")


def roller_coaster(pen: Pen) -> None:
    e.sky(pen, "day")
    e.clouds(pen)
    track = [(-5, 70), (14, 34), (30, 26), (48, 62), (60, 74), (76, 40), (90, 32), (108, 60)]
    rail = pen.rng.choice(("#e5453c", "#4f6fd0", "#f2803d"))
    for x in range(4, 100, 12):
        y = min(track, key=lambda p: abs(p[0] - x))[1]
        pen.rect(x, y + 3, 1.6, 100, "#8a90a0")
    pen.line(track, rail, 3.4)
    pen.line([(x, y + 4) for x, y in track], shade(rail, -0.3), 1.4)
    for i, (x, y) in enumerate(((22, 25), (33, 25), (42, 40))):
        with pen.group(f"rotate({(-18, 18, 52)[i]} {x} {y})"):
            pen.shape(ring(x, y - 3, 6, 4, 12, 4), pen.rng.choice(CLOTHES[:8]))
            pen.ellipse(x, y - 9, 2.8, 2.8, pen.rng.choice(("#ffe0c7", "#c98556", "#7f4b2c")))
            pen.path(f"M{x - 2} {y - 8}L{x - 5} {y - 15}M{x + 2} {y - 8}L{x + 5} {y - 15}", "none", "#e3a47a", 1.3)


def stadium(pen: Pen) -> None:
    e.sky(pen, "day")
    for row in range(3):
        for x in range(2, 100, 7):
            pen.ellipse(x + 3 * (row % 2), 26 + row * 8, 3, 3.4, pen.rng.choice(CLOTHES))
    e.ground(pen, "#5fb84f", 54, 0)
    pen.path("M36 58V36H64V58", "none", "#ffffff", 2.4)
    pen.oval(pen.rng.uniform(40, 60), 78, 11, 11, "#ffffff")
    pen.path(angular(star(50, 78, 5, 4, 5)), "#2a2a34")
    e.confetti(pen, 20)


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


def disco(pen: Pen) -> None:
    e.sky(pen, "party")
    for i in range(7):
        with pen.group(f"rotate({n(-54 + 18 * i)} 50 24)"):
            pen.path("M50 24L42 130H58Z", pen.rng.choice(CLOTHES[:8]), opacity=0.35)
    pen.path("M50 -5V12", "none", "#5a5a6a", 1.4)
    data = pen.oval(50, 30, 19, 19, "#c8d4e8")
    with pen.group(clip=data):
        for row in range(7):
            for column in range(7):
                if pen.rng.random() < 0.55:
                    pen.rect(
                        31 + 5.6 * column,
                        11 + 5.6 * row,
                        4.8,
                        4.8,
                        pen.rng.choice(("#ffffff", "#9fb4d8", *CLOTHES[:6])),
                    )
    for x in (16, 38, 62, 84):
        skin, cloth, y = (
            pen.rng.choice(("#ffe0c7", "#c98556", "#7f4b2c")),
            pen.rng.choice(CLOTHES),
            pen.rng.uniform(70, 78),
        )
        pen.path(f"M{x - 3} {n(y + 7)}L{x - 9} {n(y - 6)}M{x + 3} {n(y + 7)}L{x + 9} {n(y - 6)}", "none", skin, 3)
        pen.oval(x, y + 16, 7, 12, cloth)
        pen.ellipse(x, y, 6, 6, skin)


def race_car(pen: Pen) -> None:
    e.sky(pen, "day")
    e.ground(pen, "#5a5f6a", 62, 0)
    for row in range(2):
        for x in range(0, 100, 8):
            pen.rect(x + 4 * (row % 2), 54 + 4 * row, 4, 4, "#22222a" if (x // 8) % 2 else "#ffffff")
    paint = pen.rng.choice(CLOTHES[:8])
    for y in (66, 76, 86):
        pen.line([(4, y), (22, y)], "#ffffff", 2, 0.8)
    pen.corners([(18, 60), (30, 60), (32, 74), (20, 76)], shade(paint, -0.2))
    pen.shape([(22, 78), (36, 68), (56, 64), (72, 72), (94, 78), (92, 84), (24, 84)], paint)
    pen.oval(54, 64, 7, 6, "#f4f4f8")
    pen.rect(54, 62, 8, 3, "#22222a")
    for x in (34, 78):
        pen.oval(x, 84, 9, 9, "#2a2a32", shading=False)
        pen.ellipse(x, 84, 4, 4, "#d8dce4")


def toast_drinks(pen: Pen) -> None:
    """Two glasses that clink."""
    e.sky(pen, "party")
    e.confetti(pen, 30)
    for side in (-1, 1):
        with pen.group(f"translate({50 + side * 18} 54) rotate({side * -16})"):
            drink = pen.rng.choice(("#ffd23f", "#f58fa8", "#ffb04a"))
            pen.path("M0 14V32M-9 33H9", "none", "#dfe8f4", 2.4)
            pen.shape("M-12 -24H12C12 4 8 14 0 15C-8 14 -12 4 -12 -24Z", "#f4f8ff")
            pen.path("M-11.4 -12H11.4C10 6 6 13 0 14C-6 13 -10 6 -11.4 -12Z", drink)
            for _ in range(6):
                pen.ellipse(pen.rng.uniform(-6, 6), pen.rng.uniform(-12, 6), 1, 1, "#ffffff", 0.9)
    pen.path(angular(star(50, 22, 9, 3, 8)), "#fff6d0", "#ffb02a", 1)


def ferris_wheel(pen: Pen) -> None:
    e.sky(pen, pen.rng.choice(("candy", "day")))
    e.ground(pen, "#9fd07a", 86)
    pen.path("M50 46L32 90M50 46L68 90", "none", "#6a6f84", 3)
    rim = pen.rng.choice(CLOTHES[:8])
    pen.path(smooth(ring(50, 46, 34, 34)), "none", rim, 2.6)
    for i in range(8):
        a = math.pi * i / 4 + 0.2
        x, y = 50 + 34 * math.cos(a), 46 + 34 * math.sin(a)
        pen.path(f"M50 46L{n(x)} {n(y)}", "none", rim, 1.2)
        pen.shape(ring(x, y + 4, 5.4, 5, 12, 4), pen.rng.choice(CLOTHES[:8]))
        pen.ellipse(x, y + 1.5, 2, 2, pen.rng.choice(("#ffe0c7", "#c98556", "#7f4b2c")))


def banana_peel(pen: Pen) -> None:
    """A monkey that laughs on a banana peel."""
    e.sky(pen, "candy")
    e.ground(pen, "#b8d88a", 78)
    fur = pen.rng.choice(("#8a5a3a", "#a8744a", "#6f5444"))
    for side in (-1, 1):
        pen.limb([(50 + side * 14, 64), (50 + side * 32, 54), (50 + side * 34, 38)], fur, 6)
        pen.limb([(50 + side * 8, 78), (50 + side * 26, 84), (50 + side * 32, 76)], fur, 7)
        pen.oval(50 + side * 22, 36, 7, 7, fur)
    pen.oval(50, 70, 15, 16, fur)
    pen.oval(50, 38, 21, 20, fur)
    pen.oval(50, 43, 16, 13, "#f5d8b8", shading=False)
    for side in (-1, 1):
        pen.line([(50 + side * 8 - 4, 36), (50 + side * 8, 32), (50 + side * 8 + 4, 36)], "#2a2028", 2)
    pen.path("M39 44H61C59 56 41 56 39 44Z", "#7a1f2e", "#2a2028", 1)
    for a in (-50, -10, 30):
        with pen.group(f"rotate({a} 50 90)"):
            pen.shape([(46, 92), (48, 76), (53, 74), (54, 90)], "#ffd84a")


def rubber_duck(pen: Pen) -> None:
    """A rubber duck with sunglasses in bubbles."""
    e.sky(pen, "candy")
    for _ in range(14):
        x, y, r = pen.rng.uniform(2, 98), pen.rng.uniform(4, 96), pen.rng.uniform(2, 6)
        pen.path(smooth(ring(x, y, r, r, 8)), "#ffffff", "#8fd0f0", 0.8, 0.6)
    e.sea(pen, 76, "#6fc8e8")
    yellow = pen.rng.choice(("#ffd23f", "#ffc83a", "#f58fb0"))
    pen.shape([(22, 62), (34, 58), (52, 62), (70, 58), (86, 46), (86, 70), (70, 84), (36, 84), (22, 76)], yellow)
    pen.oval(38, 42, 19, 18, yellow)
    pen.shape([(22, 44), (8, 42), (6, 48), (20, 52)], "#ff8a2a")
    pen.path("M22 36H34V40A6 5 0 0 1 22 40ZM38 36H50V40A6 5 0 0 1 38 40ZM34 37H38", "#22222a", "#22222a", 1.6)
    pen.shape([(48, 66), (62, 62), (74, 64), (62, 76), (52, 76)], shade(yellow, -0.14))
