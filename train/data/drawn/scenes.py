"""Whole scenes with a feeling of their own: calm and grand places, parties, funny and quiet ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from . import elements as e
from .palette import CLOTHES, jitter, mix, shade
from .svg import Pen, angular, heart, n, ring, smooth, star


@dataclass(frozen=True)
class Scene:
    """A scene: what it makes people feel, its place, the things in it, captions, and how it is painted."""

    emotion: str
    scene: str
    objects: tuple[str, ...]
    captions: tuple[str, ...]
    paint: Callable[[Pen], None]


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


CALM_AND_BRIGHT: tuple[Scene, ...] = (
    Scene("awe", "mountain", ("mountain", "sun"), ("a mountain at sunset", "the sun sets behind great mountains", "tall mountains under a glowing sky"), sunset_mountains),
    Scene("awe", "galaxy", ("galaxy", "star"), ("a galaxy with many stars", "a spiral galaxy shines in deep space", "a purple galaxy in the night sky"), galaxy),
    Scene("awe", "space", ("planet", "star"), ("a planet in space", "a planet floats among the stars", "a ringed planet in a dark sky"), planet),
    Scene("awe", "starry night", ("moon", "star"), ("a starry night with a moon", "a shooting star crosses the night sky", "the moon shines over dark hills"), starry_hill),
    Scene("awe", "rainbow", ("rainbow",), ("a rainbow over green hills", "a bright rainbow stands in the sky", "a rainbow after the rain"), rainbow_valley),
    Scene("awe", "waterfall", ("waterfall", "rock"), ("a waterfall between rocks", "a great waterfall falls into a lake"), waterfall),
    Scene("awe", "castle", ("castle",), ("a castle with towers", "a fairy tale castle stands on a hill", "a grand castle at dusk"), castle),
    Scene("awe", "volcano", ("volcano", "lava"), ("a volcano that erupts", "a volcano throws lava into the sky"), volcano),
    Scene("awe", "underwater", ("whale",), ("a whale in the deep sea", "a huge whale swims through blue water"), deep_ocean),
    Scene("awe", "aurora", ("aurora", "mountain"), ("northern lights over mountains", "green lights dance in the night sky"), aurora),
    Scene("contentment", "beach", ("palm tree", "umbrella", "sun"), ("a beach with a palm tree", "a quiet beach in the sun", "an umbrella stands on a sunny beach"), beach),
    Scene("contentment", "meadow", ("flower", "sun"), ("a meadow full of flowers", "flowers bloom in a sunny field", "a field of flowers under a blue sky"), flower_field),
    Scene("contentment", "room", ("vase", "flower"), ("flowers in a vase", "a bunch of flowers stands on a table"), vase),
    Scene("contentment", "kitchen", ("cup", "tea"), ("a cup of tea", "a warm cup of tea on a table", "steam rises from a cup of tea"), tea_time),
    Scene("contentment", "candlelight", ("candle",), ("candles in the evening", "a candle gives a warm light"), candle_light),
    Scene("contentment", "camp", ("tent", "fire"), ("a tent and a small camp fire", "a tent stands between trees"), camp),
    Scene("contentment", "love", ("heart",), ("a big heart", "a heart full of love", "a pink heart with little hearts"), big_heart),
    Scene("excitement", "fireworks", ("firework", "city"), ("fireworks over a city", "fireworks explode in the night sky"), fireworks),
    Scene("excitement", "party", ("balloon", "confetti"), ("balloons and confetti", "colorful balloons fly at a party"), balloons),
    Scene("excitement", "birthday", ("cake", "candle"), ("a birthday cake with candles", "a birthday cake at a party"), birthday_cake),
    Scene("excitement", "birthday", ("gift", "confetti"), ("a gift with a ribbon", "a present and flying confetti"), gift),
    Scene("excitement", "victory", ("trophy",), ("a golden trophy", "a trophy shines for the winner"), trophy),
    Scene("excitement", "victory", ("medal",), ("a medal on a ribbon", "a medal for the winner"), medal),
    Scene("excitement", "space", ("rocket",), ("a rocket in the sky", "a rocket flies to the stars"), rocket),
    Scene("excitement", "amusement park", ("roller coaster",), ("a roller coaster", "people ride a roller coaster"), roller_coaster),
    Scene("excitement", "stadium", ("ball", "crowd"), ("a ball in a full stadium", "a crowd cheers at a football game"), stadium),
)  # fmt: skip
