"""What a sticker's character is: the shared anchor, and simple bodies (round faces, blobs, ghosts, things with faces)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from .palette import NAMED, mix, named_colour, shade
from .svg import Pen, angular, drop, heart, n, ring, smooth, star

Front = Callable[[], None]


@dataclass
class Anchor:
    """Where the face goes on a body that was just drawn.

    The face's centre (cx, cy) and scale (1 makes the face frame 1 unit a unit); the head's half-extents in picture units
    around that centre; its contour for tints; its colour; a noun for the caption with its adjective; `in_front` is
    called after the face (hands, hats).
    """

    cx: float
    cy: float
    scale: float
    rx: float
    ry: float
    head: str
    skin: str
    noun: str
    looks: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    in_front: list[Front] = field(default_factory=list)
    top: float = 0.0
    person: bool = False


Body = Callable[[Pen, str], Anchor]


def anchored(
    pen: Pen,
    cx: float,
    cy: float,
    rx: float,
    ry: float,
    head: str,
    skin: str,
    noun: str,
    looks: str = "",
    room: float = 1.0,
) -> Anchor:
    """An anchor whose face fills the given head; `room` shrinks or grows the face."""
    scale = min(rx, ry) / 41 * room * pen.rng.uniform(0.95, 1.12)
    return Anchor(cx, cy, scale, rx, ry, head, skin, noun, looks, top=cy - ry)


def round_face(pen: Pen, gesture: str) -> Anchor:
    """The classic round face, in any colour and any roundness."""
    rng = pen.rng
    name, skin = named_colour(rng, ("yellow",) * 6 + tuple(k for k in NAMED if k != "black"))
    rx = rng.uniform(34, 44)
    ry = rx * rng.uniform(0.86, 1.1)
    power = rng.choice((2.0, 2.0, 2.0, 2.4, 3.2, 5.0))
    head = pen.shape(ring(50, 50, rx, min(ry, 46), 12 if power < 3 else 20, power), skin)
    if rng.random() < 0.25:
        pen.ellipse(50 - rx * 0.4, 50 - ry * 0.62, rx * 0.3, ry * 0.13, "#ffffff", 0.55, -20)
    noun = "square face" if power > 4 else rng.choice(("round face", "face", "smiley", "round face"))
    return anchored(pen, 50, 50 + rng.uniform(-2, 3), rx, ry, head, skin, noun, name)


def blob(pen: Pen, gesture: str) -> Anchor:
    """A soft lump, sometimes with small feet or antennae."""
    rng = pen.rng
    name, skin = named_colour(rng)
    rx, ry, count = rng.uniform(30, 40), rng.uniform(28, 38), rng.randint(6, 9)
    if rng.random() < 0.5:
        for side in (-1, 1):
            pen.oval(50 + side * rx * 0.45, 54 + ry * 0.95, 7, 4.5, shade(skin, -0.15))
    if rng.random() < 0.3:
        for side in (-1, 1):
            pen.limb([(50 + side * 6, 54 - ry * 0.8), (50 + side * 12, 54 - ry - 10)], skin, 2.4)
            pen.oval(50 + side * 12, 54 - ry - 10, 3.6, 3.6, mix(skin, "#ffe27a", 0.6))
    points = [(50 + rx * m * math.cos(a), 54 + ry * m * math.sin(a)) for a, m in
              ((2 * math.pi * i / count, rng.uniform(0.9, 1.08)) for i in range(count))]  # fmt: skip
    head = pen.shape(points, skin)
    return anchored(pen, 50, 53, rx, ry, head, skin, rng.choice(("blob", "blob", "little creature")), name)


def slime(pen: Pen, gesture: str) -> Anchor:
    """A drop of jelly with a flat bottom."""
    rng = pen.rng
    name, skin = named_colour(rng, ("green", "blue", "teal", "pink", "purple", "red", "orange"))
    w, h = rng.uniform(34, 42), rng.uniform(30, 38)
    tip = rng.choice((0.0, rng.uniform(6, 16)))
    points = [
        (50 + rng.uniform(-4, 4), 52 - h - tip),
        (50 + w * 0.55, 54 - h * 0.6),
        (50 + w * 0.9, 62),
        (50 + w, 84),
        (50 + w * 0.5, 88),
        (50, 86.5),
        (50 - w * 0.5, 88),
        (50 - w, 84),
        (50 - w * 0.9, 62),
        (50 - w * 0.55, 54 - h * 0.6),
    ]
    head = pen.shape(points, skin)
    pen.ellipse(50 - w * 0.5, 52, 5, 8, "#ffffff", 0.45, 25)
    anchor = anchored(pen, 50, 64, w * 0.9, h * 0.8, head, skin, "slime", name, 1.05)
    anchor.top = 52 - h - tip * 0.6
    return anchor


def ghost(pen: Pen, gesture: str) -> Anchor:
    """A sheet ghost."""
    rng = pen.rng
    name, skin = named_colour(rng, ("white", "white", "white", "blue", "purple", "gray", "pink"))
    skin = mix(skin, "#ffffff", 0.4)
    w, waves = rng.uniform(27, 35), rng.randint(3, 5)
    bottom = 88
    points = [(50, 12), (50 + w * 0.75, 20), (50 + w, 44), (50 + w * 1.05, 70)]
    for i in range(2 * waves + 1):
        points.append((50 + w * 1.1 * (1 - i / waves), bottom + (4 if i % 2 == 0 else -5)))
    points += [(50 - w * 1.05, 70), (50 - w, 44), (50 - w * 0.75, 20)]
    if rng.random() < 0.7:
        for side in (-1, 1):
            raised = gesture in ("up", "jump", "cheeks", "up fists", "wave")
            pen.oval(50 + side * w * 1.12, 44 if raised else 62, 7, 5.5, skin)
    head = pen.shape(points, skin)
    return anchored(pen, 50, 44, w, w, head, skin, "ghost", name, 1.08)


def shape_face(pen: Pen, gesture: str) -> Anchor:
    """A star, heart, cloud, drop, flower, moon, sun, flame or egg with a face."""
    rng = pen.rng
    noun = rng.choice(("star", "heart", "cloud", "drop", "flower", "sun", "flame", "egg", "moon"))
    names = {"star": ("yellow", "orange", "pink"), "heart": ("red", "pink", "purple"), "cloud": ("white", "blue", "gray"),
             "drop": ("blue", "teal"), "flower": ("yellow", "white", "pink"), "sun": ("yellow", "orange"),
             "flame": ("orange", "red", "blue"), "egg": ("white", "beige", "yellow"), "moon": ("yellow", "white", "blue")}  # fmt: skip
    name, skin = named_colour(rng, names[noun])
    cx, cy, rx, room = 50.0, 52.0, 32.0, 0.9
    if noun == "star":
        tips = rng.choice((5, 5, 6, 8))
        inner = rng.uniform(0.6, 0.75)
        points = star(50, 50, 47, 47 * inner, tips)
        head = pen.shape(points if rng.random() < 0.6 else angular(points), skin)
        rx = 47 * inner * 0.95
    elif noun == "heart":
        head, cy, rx = pen.shape(heart(50, 54, 42), skin), 46, 33
    elif noun == "cloud":
        head = pen.shape(
            [
                (12, 62),
                (14, 46),
                (28, 38),
                (38, 22),
                (58, 20),
                (70, 34),
                (86, 42),
                (90, 60),
                (76, 72),
                (50, 74),
                (24, 73),
            ],
            skin,
        )
        cy, rx = 50, 31
    elif noun == "drop":
        head, cy, rx = pen.shape(drop(50, 63, 28), skin), 64, 27
    elif noun == "flower":
        _, petal = named_colour(rng, ("pink", "red", "purple", "white", "orange", "blue"))
        count = rng.randint(5, 11)
        for i in range(count):
            angle = 360 * i / count
            with pen.group(f"rotate({n(angle)} 50 50)"):
                pen.oval(50, 18, 60 / count + 3, 15, petal)
        head = pen.oval(50, 50, 30, 30, skin)
        cy, rx, room = 50, 30, 0.95
    elif noun == "sun":
        count, ray = rng.randint(8, 14), shade(skin, -0.12)
        for i in range(count):
            with pen.group(f"rotate({n(360 * i / count)} 50 50)"):
                pen.corners([(45, 17), (50, rng.uniform(3, 8)), (55, 17)], ray)
        head, cy, rx, room = pen.oval(50, 50, 33, 33, skin), 50, 33, 0.98
    elif noun == "flame":
        points = [
            (50, 4),
            (60, 24),
            (76, 30),
            (84, 58),
            (74, 84),
            (50, 93),
            (26, 84),
            (16, 58),
            (28, 36),
            (38, 40),
            (38, 22),
        ]
        head = pen.shape(points, skin)
        pen.shape(
            [(50, 40), (68, 62), (62, 86), (50, 90), (38, 86), (32, 62)], mix(skin, "#fff2a0", 0.55), outline=False
        )
        cy, rx = 62, 29
    elif noun == "egg":
        head = pen.shape([(50, 8), (70, 22), (82, 52), (74, 82), (50, 92), (26, 82), (18, 52), (30, 22)], skin)
        cy, rx = 56, 31
    else:
        head = pen.oval(50, 50, 40, 40, skin)
        for _ in range(rng.randint(2, 5)):
            angle = rng.uniform(0, 6.28)
            pen.ellipse(
                50 + 31 * math.cos(angle),
                50 + 31 * math.sin(angle),
                rng.uniform(2, 5),
                rng.uniform(2, 4.5),
                shade(skin, -0.12),
            )
        cy, rx, room = 50, 40, 0.95
    return anchored(pen, cx, cy, rx, rx, head, skin, noun, name, room)


def robot(pen: Pen, gesture: str) -> Anchor:
    """A robot head with a screen, antenna and bolts."""
    rng = pen.rng
    name, shell = named_colour(rng, ("gray", "blue", "teal", "white", "red", "yellow", "purple", "green"))
    screen = rng.choice((mix(shell, "#ffffff", 0.6), "#24304a", "#1d2b2b", mix(shell, "#ffffff", 0.75), "#e8f4f8"))
    w, h = rng.uniform(33, 41), rng.uniform(28, 34)
    pen.limb([(50, 54 - h), (50, 42 - h)], shade(shell, -0.3), 3)
    pen.oval(50, 40 - h, 4.6, 4.6, rng.choice(("#ff5a4a", "#ffd23f", "#5ad06a", "#5ab8ff")))
    for side in (-1, 1):
        pen.shape(ring(50 + side * (w + 2), 54, 5, 9, 16, 5), shade(shell, -0.2))
    pen.shape(ring(50, 54, w, h, 24, rng.choice((4.0, 6.0, 9.0))), shell)
    head = pen.shape(ring(50, 54, w * 0.83, h * 0.8, 20, 4.5), screen, shading=False)
    anchor = anchored(pen, 50, 53, w * 0.83, h * 0.84, head, screen, "robot", name, 1.02)
    anchor.top = 54 - h
    return anchor


def monster(pen: Pen, gesture: str) -> Anchor:
    """A furry or spotted monster with horns and fangs of its own."""
    rng = pen.rng
    name, skin = named_colour(rng, ("purple", "blue", "green", "teal", "red", "orange", "pink"))
    w, h = rng.uniform(29, 37), rng.uniform(30, 38)
    horn = rng.choice(("#f5e6c8", "#ffd23f", shade(skin, -0.4)))
    for side in (-1, 1):
        x = 50 + side * w * 0.6
        pen.corners([(x - 6, 56 - h * 0.75), (x + side * 7, 42 - h), (x + 6, 56 - h * 0.7)], horn)
    if rng.random() < 0.6:
        count = rng.randint(16, 26)
        points = [(50 + w * m * math.cos(2 * math.pi * i / count), 55 + h * m * math.sin(2 * math.pi * i / count))
                  for i in range(count) for m in ((1.1 if i % 2 else 0.95),)]  # fmt: skip
        head = pen.shape(angular(points), skin)
    else:
        head = pen.shape(ring(50, 55, w, h, 14, 2.6), skin)
    if rng.random() < 0.5:
        for _ in range(rng.randint(3, 6)):
            angle = rng.uniform(0, 6.28)
            pen.ellipse(
                50 + w * 0.78 * math.cos(angle),
                55 + h * 0.8 * math.sin(angle),
                rng.uniform(2, 4),
                rng.uniform(2, 4),
                shade(skin, -0.2),
            )
    return anchored(pen, 50, 54, w, h, head, skin, "monster", name)


def food(pen: Pen, gesture: str) -> Anchor:
    """Fruit, bread, rice balls, cups and other things to eat or drink, with a face."""
    rng = pen.rng
    noun = rng.choice(
        (
            "apple",
            "orange",
            "strawberry",
            "toast",
            "rice ball",
            "mushroom",
            "cupcake",
            "cup",
            "pear",
            "pumpkin",
            "tomato",
            "dumpling",
            "cactus",
        )
    )
    cy, rx, room, leaf = 56.0, 33.0, 0.92, "#58a84a"
    if noun in ("apple", "orange", "tomato", "pear", "pumpkin"):
        colours = {
            "apple": ("red", "green", "yellow"),
            "orange": ("orange",),
            "tomato": ("red",),
            "pear": ("green", "yellow"),
            "pumpkin": ("orange",),
        }
        name, skin = named_colour(rng, colours[noun])
        pen.limb([(50, 26), (51, 18), (55, 12)], "#7a5230", 3.2)
        if noun == "pear":
            points, cy = (
                [(50, 16), (62, 24), (68, 44), (82, 64), (72, 88), (50, 92), (28, 88), (18, 64), (32, 44), (38, 24)],
                64,
            )
        elif noun == "apple":
            points = [
                (50, 27),
                (64, 20),
                (82, 30),
                (88, 54),
                (76, 84),
                (60, 92),
                (50, 89),
                (40, 92),
                (24, 84),
                (12, 54),
                (18, 30),
                (36, 20),
            ]
        else:
            points = ring(50, 57, rng.uniform(36, 42), rng.uniform(32, 36))
        head = pen.shape(points, skin)
        if noun == "pumpkin":
            for dx in (-22, 0, 22):
                pen.line([(50 + dx * 0.5, 24), (50 + dx * 1.15, 56), (50 + dx * 0.6, 90)], shade(skin, -0.2), 1.6, 0.6)
        if noun == "tomato":
            pen.shape(star(50, 25, 17, 6), leaf, shading=False)
        else:
            pen.shape([(53, 20), (62, 10), (76, 10), (68, 20)], leaf, shading=False)
    elif noun == "strawberry":
        name, skin = named_colour(rng, ("red", "pink"))
        head = pen.shape([(50, 20), (74, 22), (87, 40), (78, 66), (50, 94), (22, 66), (13, 40), (26, 22)], skin)
        for x, y in ((26, 34), (74, 34), (22, 52), (78, 52), (34, 76), (66, 76), (50, 84)):
            pen.ellipse(x, y, 1.2, 2, "#ffe8a0")
        pen.shape(star(50, 20, 24, 9, 6), leaf, shading=False)
        cy, rx = 48, 30
    elif noun == "toast":
        name, skin = "golden", "#f6dda0"
        pen.shape(
            [(50, 14), (78, 12), (90, 26), (82, 42), (84, 86), (50, 90), (16, 86), (18, 42), (10, 26), (22, 12)],
            "#c98a45",
        )
        head = pen.shape(
            [(50, 19), (76, 17), (84, 27), (77, 43), (78, 81), (50, 84), (22, 81), (23, 43), (16, 27), (24, 17)],
            skin,
            outline=False,
        )
        cy = 51
    elif noun == "rice ball":
        name, skin = "white", "#fbfaf5"
        head = pen.shape([(50, 10), (66, 22), (88, 66), (84, 86), (50, 91), (16, 86), (12, 66), (34, 22)], skin)
        pen.shape(ring(50, 86, 15, 9, 12, 5), "#2f3a34", shading=False)
        cy, rx, room = 55, 29, 0.9
    elif noun == "mushroom":
        name, cap = named_colour(rng, ("red", "brown", "orange", "purple"))
        skin = "#fbeed8"
        head = pen.shape([(28, 46), (72, 46), (78, 80), (66, 92), (34, 92), (22, 80)], skin)
        pen.shape([(50, 6), (78, 14), (94, 40), (86, 50), (50, 47), (14, 50), (6, 40), (22, 14)], cap)
        for x, y, r in ((32, 26, 6), (58, 18, 5), (74, 34, 6), (50, 36, 4)):
            pen.ellipse(x, y, r, r * 0.85, "#fffaf0")
        cy, rx, room = 68, 26, 0.95
    elif noun == "cupcake":
        name, cream = named_colour(rng, ("pink", "white", "brown", "teal", "purple"))
        skin = rng.choice(("#f2c98a", "#e8b070", "#d99a6a"))
        head = pen.corners([(18, 50), (82, 50), (73, 92), (27, 92)], skin)
        for y, w in ((44, 36), (32, 27), (21, 17)):
            pen.oval(50, y, w, 10, cream)
        pen.oval(50, 11, 5, 5, "#e0304a")
        cy, rx, room = 70, 27, 0.85
    elif noun == "cup":
        name, skin = named_colour(rng, ("white", "red", "blue", "green", "pink", "yellow"))
        pen.path(smooth(ring(80, 56, 12, 14)), "none", shade(skin, -0.15), 6)
        head = pen.corners([(20, 30), (80, 30), (74, 90), (26, 90)], skin)
        pen.oval(50, 30, 30, 6, "#7a4a2a", shading=False)
        cy, rx, room = 62, 29, 0.9
    elif noun == "cactus":
        name, skin = named_colour(rng, ("green",))
        for side in (-1, 1):
            pen.limb([(50 + side * 20, 56), (50 + side * 34, 54), (50 + side * 35, 38)], skin, 11)
        head = pen.shape(ring(50, 46, 25, 38, 14, 2.8), skin)
        pen.corners([(26, 76), (74, 76), (68, 95), (32, 95)], "#c9703f")
        cy, rx, room = 46, 25, 0.98
    else:
        name, skin = "white", "#f7ead2"
        head = pen.shape(
            [(50, 22), (66, 30), (86, 50), (88, 74), (70, 86), (30, 86), (12, 74), (14, 50), (34, 30)], skin
        )
        for dx in (-9, -3, 3, 9):
            pen.line([(50 + dx * 0.3, 24), (50 + dx * 1.4, 36)], shade(skin, -0.3), 1.3)
        cy = 62
    return anchored(pen, 50, cy, rx, rx, head, skin, noun, name, room)
