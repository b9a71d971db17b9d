"""More bodies: aliens, plush toys, sea animals, dinosaurs, bees, screens and books with faces."""

from __future__ import annotations

import math

from .bodies import Anchor, anchored
from .palette import NAMED, mix, named_colour, shade
from .svg import Pen, n, ring, smooth


def alien(pen: Pen, gesture: str) -> Anchor:
    """A big-headed alien with antennae and a small body."""
    rng = pen.rng
    name, skin = named_colour(rng, ("green", "teal", "purple", "gray", "blue", "pink"))
    pen.shape([(40, 72), (60, 72), (66, 92), (34, 92)], mix(skin, "#3a3a6a", 0.35))
    for side in (-1, 1):
        raised = gesture in ("up", "jump", "up fists", "wave")
        pen.limb([(50 + side * 9, 76), (50 + side * 22, 80 - 14 * raised), (50 + side * 27, 84 - 30 * raised)], skin, 5)
        tip = (50 + side * rng.uniform(12, 20), 8)
        pen.limb([(50 + side * 8, 24), tip], skin, 2.6)
        pen.oval(*tip, 4, 4, mix(skin, "#ffe27a", 0.7))
    chin = rng.uniform(0.45, 0.8)
    rx, ry = rng.uniform(29, 36), rng.uniform(27, 32)
    points = [(0, -1), (0.75, -0.7), (1, -0.05), (chin, 0.7), (0, 1), (-chin, 0.7), (-1, -0.05), (-0.75, -0.7)]
    head = pen.shape([(50 + x * rx, 47 + y * ry) for x, y in points], skin)
    return anchored(pen, 50, 46, rx, ry, head, skin, "alien", name, 0.98)


def plush(pen: Pen, gesture: str) -> Anchor:
    """A stitched toy head: seams, a patch, a button ear tag."""
    rng = pen.rng
    name, fur = named_colour(rng, ("brown", "beige", "pink", "blue", "gray", "yellow", "purple"))
    noun = rng.choice(("teddy bear", "plush rabbit", "teddy bear", "plush cat"))
    rx, ry = rng.uniform(33, 39), rng.uniform(29, 34)
    for side in (-1, 1):
        x = 50 + side * rx * 0.68
        if noun == "teddy bear":
            pen.oval(x, 58 - ry * 0.78, rx * 0.33, rx * 0.33, fur)
            pen.ellipse(x, 58 - ry * 0.76, rx * 0.18, rx * 0.18, mix(fur, "#fff0e0", 0.5))
        elif noun == "plush rabbit":
            with pen.group(f"rotate({n(side * rng.uniform(0, 26))} {n(x)} 36)"):
                pen.oval(50 + side * rx * 0.42, 22, rx * 0.22, 20, fur)
        else:
            pen.shape([(x - 10, 40), (x + side * 3, 22), (x + 10, 42)], fur)
    head = pen.oval(50, 58, rx, ry, fur, 2.3)
    thread = shade(fur, -0.4)
    pen.line([(50, 58 - ry), (50.5, 58 - ry * 0.7), (50, 58 - ry * 0.5)], thread, 1.1)
    for step in range(3):
        y = 58 - ry * (0.93 - 0.16 * step)
        pen.line([(48, y), (52, y + 0.6)], thread, 1.1)
    if rng.random() < 0.6:
        side = rng.choice((-1, 1))
        patch, x, y = named_colour(rng)[1], 50 + side * rx * 0.6, 58 - ry * 0.45
        with pen.group(f"rotate({n(rng.uniform(-20, 20))} {n(x)} {n(y)})"):
            pen.shape(ring(x, y, 7, 6, 12, 5), patch, shading=False)
            for dx in (-4, 0, 4):
                pen.path(
                    f"M{n(x + dx)} {n(y - 7.5)}V{n(y - 4.5)}M{n(x + dx)} {n(y + 4.5)}V{n(y + 7.5)}", "none", thread, 0.9
                )
    pen.oval(50, 58 + ry * 0.42, rx * 0.42, ry * 0.34, mix(fur, "#fff6e8", 0.6), shading=False)
    pen.ellipse(50, 58 + ry * 0.22, 3.8, 2.6, thread)
    anchor = anchored(pen, 50, 59, rx, ry, head, fur, noun, name)
    anchor.attributes["nose"] = "oval"
    return anchor


def octopus(pen: Pen, gesture: str) -> Anchor:
    """An octopus or a jellyfish."""
    rng = pen.rng
    name, skin = named_colour(rng, ("pink", "purple", "red", "orange", "blue", "teal"))
    rx = rng.uniform(28, 34)
    jelly = rng.random() < 0.35
    count = rng.randint(5, 7)
    for i in range(count):
        x = 50 + rx * 1.7 * (i / (count - 1) - 0.5)
        sway = rng.uniform(4, 9) * (1 if i % 2 else -1)
        end = rng.uniform(86, 94)
        pen.limb([(x, 60), (x + sway, 72), (x - sway * 0.6, 82), (x + sway, end)], skin, 4 if jelly else 8.5)
    if jelly:
        rim = [(50 + rx * 1.1 * (1 - i / 4), 68 + (4 if i % 2 else 0)) for i in range(9)]
        points = [(50, 12), (50 + rx * 0.8, 22), (50 + rx * 1.1, 48), *rim, (50 - rx * 1.1, 48), (50 - rx * 0.8, 22)]
        head = pen.shape(points, skin)
    else:
        head = pen.shape(
            [
                (50, 10),
                (50 + rx * 0.85, 22),
                (50 + rx, 46),
                (50 + rx * 0.8, 68),
                (50 - rx * 0.8, 68),
                (50 - rx, 46),
                (50 - rx * 0.85, 22),
            ],
            skin,
        )
    return anchored(pen, 50, 45, rx, rx, head, skin, "jellyfish" if jelly else "octopus", name, 1.02)


def dinosaur(pen: Pen, gesture: str) -> Anchor:
    """A small dragon or dinosaur with spikes along its head."""
    rng = pen.rng
    name, skin = named_colour(rng, ("green", "teal", "purple", "orange", "red", "blue"))
    spike = rng.choice(("#ffd23f", "#ff9a4a", "#f58fb3", shade(skin, -0.35)))
    rx, ry = rng.uniform(29, 34), rng.uniform(24, 29)
    cy, dragon = 42.0, rng.random() < 0.4
    side = rng.choice((-1, 1))
    if dragon:
        for wing in (-1, 1):
            points = [
                (50 + wing * 14, 74),
                (50 + wing * 40, 54),
                (50 + wing * 44, 74),
                (50 + wing * 34, 76),
                (50 + wing * 30, 84),
            ]
            pen.corners(points, shade(skin, -0.25))
    pen.limb([(50 + side * 12, 86), (50 + side * 30, 88), (50 + side * 40, 80)], skin, 9)
    for i in range(5):
        angle = math.radians(-140 + 25 * i)
        pen.corners([(50 + rx * 0.92 * math.cos(angle + d), cy + ry * 0.92 * math.sin(angle + d)) for d in (-0.17, 0.17)]
                    + [(50 + rx * 1.28 * math.cos(angle), cy + ry * 1.34 * math.sin(angle))], spike)  # fmt: skip
    for foot in (-1, 1):
        pen.oval(50 + foot * 11, 92, 9, 5, shade(skin, -0.1))
    pen.shape([(36, 62), (64, 62), (70, 82), (62, 93), (38, 93), (30, 82)], skin)
    pen.ellipse(50, 82, 12, 11, mix(skin, "#fff8d8", 0.6))
    raised = gesture in ("up", "jump", "up fists", "wave", "cheeks")
    for arm in (-1, 1):
        pen.limb([(50 + arm * 17, 68), (50 + arm * 27, 72 - 12 * raised)], skin, 7)
    head = pen.shape(ring(50, cy, rx, ry, 14, 2.6), skin)
    for nostril in (-1, 1):
        pen.ellipse(50 + nostril * 4, cy + ry * 0.22, 1.3, 1.6, shade(skin, -0.45))
    anchor = anchored(pen, 50, cy + 1, rx, ry, head, skin, "dragon" if dragon else "dinosaur", name)
    anchor.attributes["nose"] = "nostrils"
    return anchor


def bee(pen: Pen, gesture: str) -> Anchor:
    """A bee or a ladybird, round with wings."""
    rng = pen.rng
    bug = rng.random() < 0.4
    name, skin = ("red", "#3a3540") if bug else ("yellow", "#ffd23f")
    for side in (-1, 1):
        with pen.group(f"rotate({n(side * 28)} 50 44)"):
            pen.oval(50 + side * 34, 34, 13, 19, "#d8f0fb", shading=False)
        pen.limb([(50 + side * 8, 28), (50 + side * 15, 12)], "#3a3540", 2.2)
        pen.oval(50 + side * 15, 11, 3.2, 3.2, "#3a3540")
    body = pen.oval(50, 64, 31, 27, "#e8453c" if bug else skin)
    with pen.group(clip=body):
        if bug:
            for x, y in ((26, 68), (74, 68), (36, 84), (64, 84)):
                pen.ellipse(x, y, 6, 6, "#2f2a34")
        else:
            for y in (76, 88):
                pen.path(f"M10 {y}Q50 {y + 9} 90 {y}", "none", "#3a3038", 6)
    skin = "#f7c9a0" if bug else skin
    head = pen.oval(50, 48, 26, 24, skin)
    return anchored(pen, 50, 49, 26, 24, head, skin, "ladybird" if bug else "bee", name, 1.05)


def screen(pen: Pen, gesture: str) -> Anchor:
    """A television, a phone, a book or a pencil cup with a face."""
    rng = pen.rng
    name, shell = named_colour(rng, tuple(NAMED))
    noun = rng.choice(("television", "phone", "book", "computer"))
    glass = rng.choice((mix(shell, "#ffffff", 0.7), "#dff0f5", "#263048"))
    if noun == "phone":
        pen.shape(ring(50, 50, 27, 45, 24, 7), shell)
        head = pen.shape(ring(50, 49, 22, 36, 24, 9), glass, shading=False)
        anchor = anchored(pen, 50, 48, 22, 24, head, glass, noun, name, 1.05)
        anchor.top = 6
        return anchor
    if noun == "book":
        pen.corners([(20, 14), (78, 14), (78, 88), (20, 88)], shell)
        pen.corners([(78, 14), (84, 19), (84, 92), (78, 88)], "#fff6e4")
        pen.rect(20, 14, 8, 74, shade(shell, -0.25))
        head = "M28 14H78V88H28Z"
        return anchored(pen, 53, 50, 25, 30, head, shell, noun, name, 1.15)
    if noun == "television":
        for side in (-1, 1):
            pen.limb([(50, 24), (50 + side * 15, 6)], "#6a6f7a", 2)
            pen.limb([(50 + side * 18, 84), (50 + side * 24, 95)], shade(shell, -0.3), 4)
    else:
        pen.corners([(43, 80), (57, 80), (62, 93), (38, 93)], shade(shell, -0.25))
    pen.shape(ring(50, 54, 42, 32, 24, 7), shell)
    head = pen.shape(ring(50, 53, 34, 25, 24, 6), glass, shading=False)
    anchor = anchored(pen, 50, 53, 34, 25, head, glass, noun, name, 1.05)
    anchor.top = 22
    return anchor


def fish(pen: Pen, gesture: str) -> Anchor:
    """A fish or a whale seen from the front quarter."""
    rng = pen.rng
    whale = rng.random() < 0.5
    name, skin = named_colour(
        rng, ("blue", "gray", "teal") if whale else ("orange", "yellow", "pink", "blue", "purple", "red")
    )
    side = rng.choice((-1, 1))
    rx, ry = rng.uniform(31, 36), rng.uniform(26, 31)
    fin = shade(skin, -0.15)
    pen.shape(
        [
            (50 + side * rx * 0.8, 56),
            (50 + side * (rx + 16), 36),
            (50 + side * (rx + 9), 52),
            (50 + side * (rx + 17), 68),
        ],
        fin,
    )
    pen.shape([(40, 30), (52, 12), (62, 31)], fin)
    head = pen.shape(ring(50 - side * 4, 56, rx, ry, 14, 2.2), skin)
    if whale:
        with pen.group(clip=head):
            pen.ellipse(50 - side * 4, 56 + ry * 0.95, rx, ry * 0.5, mix(skin, "#ffffff", 0.7))
        pen.path(
            smooth([(50, 26), (44, 18), (38, 20)], False) + smooth([(50, 26), (56, 18), (62, 20)], False),
            "none",
            "#8fd0f5",
            3,
        )
    pen.shape([(50 + side * 10, 72), (50 + side * 24, 86), (50 + side * 4, 82)], fin)
    return anchored(pen, 50 - side * 4, 56, rx, ry, head, skin, "whale" if whale else "fish", name)
