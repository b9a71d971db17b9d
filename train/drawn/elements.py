"""Pieces that scenes and settings are made of: skies, grounds, weather, lights, plants, crowds of small things."""

from __future__ import annotations

import math

from .palette import CLOTHES, jitter, mix, shade
from .svg import Pen, angular, n, smooth, star

#: Upper and lower colour of the sky.
SKIES: dict[str, tuple[tuple[str, str], ...]] = {
    "day": (("#6fc3f7", "#dff3ff"), ("#4fa8e8", "#bfe6ff"), ("#8fd8f0", "#fff6e0")),
    "sunset": (("#4a3f8f", "#ff9a5a"), ("#e8607a", "#ffd27a"), ("#6a4a9f", "#ffb08a"), ("#ff7a5a", "#ffe09a")),
    "night": (("#141a3f", "#3a3f7a"), ("#0f1530", "#24305a"), ("#1f1a4a", "#4a3a7f")),
    "space": (("#0a0a24", "#2a1a4f"), ("#10082a", "#1a3a5f"), ("#180a30", "#5a2a6f")),
    "storm": (("#2f3648", "#6a7488"), ("#39404f", "#808a99"), ("#262b3a", "#4f5a70")),
    "gray": (("#8a94a3", "#c5ccd4"), ("#747f90", "#aab4c0"), ("#9aa3ab", "#d5d9dc")),
    "dread": (("#120a1a", "#3a1f3f"), ("#0a1418", "#26403a"), ("#1a0a0f", "#4a1a24")),
    "fire": (("#3a0a0a", "#d8401a"), ("#6a1410", "#ff7a2a"), ("#240808", "#a82418")),
    "swamp": (("#4a5a24", "#a8b04f"), ("#5a5f30", "#b5a85a"), ("#3f4f2a", "#8a9a4a")),
    "party": (("#5a3fa8", "#e86fae"), ("#2f4fb8", "#8f5fd8"), ("#f57fa8", "#ffd27a"), ("#38b6c8", "#b8f0d8")),
    "candy": (("#ffd0e0", "#fff2c8"), ("#c8ecff", "#ffe0f0"), ("#fff0b8", "#ffd0b0")),
    "cozy": (("#f5d8b0", "#fbeedb"), ("#d8b48a", "#f5e0c0"), ("#b8d0c0", "#f0ecd8")),
}


def sky(pen: Pen, kind: str) -> str:
    """Fills the picture with a vertical gradient; returns the lower colour."""
    top, bottom = (jitter(pen.rng, colour) for colour in pen.rng.choice(SKIES[kind]))
    pen.rect(-20, -20, 140, 140, pen.gradient((0.1, top, 1), (0.9, bottom, 1)))
    return bottom


def ground(pen: Pen, colour: str, level: float = 76.0, waves: float = 3.0) -> None:
    """Ground up to the given height, uneven by `waves`."""
    points = [(x, level + pen.rng.uniform(-waves, waves)) for x in (-15, 5, 25, 45, 65, 85, 115)]
    pen.path(smooth(points, False) + "L120 120H-20Z", pen.gradient((0, colour, 1), (1, shade(colour, -0.2), 1)))


def hills(pen: Pen, colour: str, level: float = 70.0) -> None:
    """Two rows of soft hills."""
    for step, height in ((0.25, level - 10), (0.0, level)):
        ground(pen, mix(colour, "#dff0ff", step), height, 6)


def sun(pen: Pen, cx: float, cy: float, r: float, rays: bool = True) -> None:
    """A sun, with rays or a halo."""
    colour = pen.rng.choice(("#ffd23f", "#ffc04a", "#ffe27a", "#ff9a4a"))
    pen.ellipse(cx, cy, r * 1.9, r * 1.9, colour, 0.22)
    pen.ellipse(cx, cy, r * 1.4, r * 1.4, colour, 0.3)
    if rays:
        for i in range(12):
            a = math.pi * i / 6
            points = [(cx + k * r * math.cos(a), cy + k * r * math.sin(a)) for k in (1.35, 1.85)]
            pen.path(angular(points, False), "none", colour, r * 0.16)
    pen.ellipse(cx, cy, r, r, colour)


def moon(pen: Pen, cx: float, cy: float, r: float) -> None:
    """A full or crescent moon."""
    colour = pen.rng.choice(("#fff3c0", "#f5f0e0", "#ffe08a"))
    pen.ellipse(cx, cy, r * 1.5, r * 1.5, colour, 0.18)
    if pen.rng.random() < 0.5:
        pen.ellipse(cx, cy, r, r, colour)
        for dx, dy, k in ((-0.3, -0.2, 0.2), (0.35, 0.2, 0.25), (-0.1, 0.5, 0.14)):
            pen.ellipse(cx + dx * r, cy + dy * r, k * r, k * r, shade(colour, -0.12))
    else:
        pen.path(
            f"M{n(cx)} {n(cy - r)}A{n(r)} {n(r)} 0 1 0 {n(cx + r)} {n(cy)}A{n(r * 0.8)} {n(r * 0.8)} 0 0 1 {n(cx)} {n(cy - r)}Z",
            colour,
        )


def stars(pen: Pen, count: int = 30, floor: float = 75.0) -> None:
    """Points and glints of light."""
    for _ in range(count):
        x, y, r = pen.rng.uniform(0, 100), pen.rng.uniform(0, floor), pen.rng.uniform(0.4, 1.2)
        colour = pen.rng.choice(("#ffffff", "#fff2c0", "#cfe4ff"))
        if pen.rng.random() < 0.2:
            pen.path(angular(star(x, y, r * 3, r * 0.6, 4)), colour)
        else:
            pen.ellipse(x, y, r, r, colour, pen.rng.uniform(0.5, 1))


def cloud(pen: Pen, cx: float, cy: float, w: float, colour: str) -> None:
    """One cloud of half-width `w`."""
    points = [
        (-1, 0.3),
        (-0.85, -0.1),
        (-0.45, -0.2),
        (-0.15, -0.6),
        (0.3, -0.55),
        (0.5, -0.2),
        (0.88, -0.1),
        (1, 0.28),
        (0.4, 0.4),
        (-0.5, 0.4),
    ]
    pen.shape(
        [(cx + x * w, cy + y * w * pen.rng.uniform(0.85, 1.15)) for x, y in points],
        colour,
        outline=pen.rng.random() < 0.4,
    )


def clouds(pen: Pen, colour: str = "#ffffff", count: int = 3, level: float = 22.0) -> None:
    """Some clouds in the upper part."""
    for _ in range(count):
        cloud(pen, pen.rng.uniform(5, 95), level + pen.rng.uniform(-12, 10), pen.rng.uniform(10, 22), colour)


def rain(pen: Pen, count: int = 45, heavy: bool = False) -> None:
    """Slanting rain all over."""
    colour, slant = pen.rng.choice(("#a8d0f0", "#7fb4e0", "#c8dcec")), pen.rng.uniform(-3, 4)
    data = ""
    for _ in range(count):
        x, y, length = pen.rng.uniform(-5, 105), pen.rng.uniform(-5, 95), pen.rng.uniform(4, 10)
        data += f"M{n(x)} {n(y)}L{n(x - slant)} {n(y + length)}"
    pen.path(data, "none", colour, 1.5 if heavy else 1.0, 0.85)


def lightning(pen: Pen, x: float, top: float = 18.0, bottom: float = 74.0) -> None:
    """A bolt with a glow."""
    points, y = [(x, top)], top
    while y < bottom:
        y += pen.rng.uniform(9, 16)
        points.append((points[-1][0] + pen.rng.uniform(-11, 11), y))
    data = angular(points, False)
    pen.path(data, "none", "#fff2a0", 6, 0.35)
    pen.path(data, "none", "#ffe45a", 3)
    pen.path(data, "none", "#ffffff", 1.2)


def flames(pen: Pen, cx: float, base: float, w: float, h: float) -> None:
    """A fire of half-width `w` and height `h`."""
    for colour, k in (("#d8301a", 1.0), ("#ff7a1f", 0.78), ("#ffc83a", 0.52), ("#fff2b0", 0.26)):
        points = [(cx - w * k, base)]
        tongues = pen.rng.randint(3, 5)
        for i in range(tongues):
            x = cx + w * k * (-0.8 + 1.6 * i / (tongues - 1))
            reach = h * k * (1 - 0.45 * abs(i - (tongues - 1) / 2) / tongues * 2) * pen.rng.uniform(0.8, 1.1)
            points += [
                (x + pen.rng.uniform(-2, 2), base - reach),
                (x + w * k * 0.8 / (tongues - 1), base - reach * 0.45),
            ]
        points.append((cx + w * k, base))
        pen.path(smooth(points[:-2] + points[-1:]), colour)


def flower(pen: Pen, x: float, y: float, r: float, colour: str = "", stem: float = 10.0) -> None:
    """A flower whose blossom is at (x, y)."""
    colour = colour or pen.rng.choice(("#f58fb8", "#e5554f", "#ffd23f", "#9b6dd6", "#ffffff", "#ff9a4a", "#6f9fe8"))
    if stem:
        pen.limb([(x, y + stem), (x + 0.8, y + stem / 2), (x, y)], "#4f9a4a", max(1.0, r * 0.3))
    petals = pen.rng.randint(5, 7)
    for i in range(petals):
        with pen.group(f"rotate({n(360 * i / petals)} {n(x)} {n(y)})"):
            pen.ellipse(x, y - r * 0.72, r * 0.42, r * 0.56, colour)
    pen.ellipse(x, y, r * 0.38, r * 0.38, "#ffc21a" if colour != "#ffd23f" else "#a8602a")


def meadow(pen: Pen, count: int = 9, level: float = 80.0) -> None:
    """Flowers scattered over the ground."""
    spots = sorted((pen.rng.uniform(level, 96), pen.rng.uniform(3, 97)) for _ in range(count))
    for y, x in spots:
        flower(pen, x, y - 5, pen.rng.uniform(2.8, 4.6), stem=6)


def wilted_flower(pen: Pen, x: float, base: float, h: float) -> None:
    """A drooping flower that loses its petals."""
    side, colour = pen.rng.choice((-1, 1)), pen.rng.choice(("#a8505a", "#8f6a7a", "#9a5a4a", "#7f6a8f"))
    head = (x + side * h * 0.42, base - h * 0.62)
    pen.limb(
        [
            (x, base),
            (x - side * h * 0.06, base - h * 0.6),
            (x + side * h * 0.16, base - h),
            (x + side * h * 0.38, base - h * 0.85),
            head,
        ],
        "#7a8a4a",
        h * 0.06,
    )
    pen.shape(
        [(x - side * 2, base - h * 0.4), (x - side * h * 0.3, base - h * 0.36), (x - side * h * 0.22, base - h * 0.2)],
        "#8a8f4a",
    )
    for lean in (-40, -14, 14, 40):
        with pen.group(f"rotate({lean} {n(head[0])} {n(head[1])})"):
            pen.oval(head[0], head[1] + h * 0.13, h * 0.07, h * 0.15, colour)
    for _ in range(pen.rng.randint(1, 4)):
        pen.ellipse(
            x + pen.rng.uniform(-1, 1) * h * 0.5,
            base + pen.rng.uniform(-2, 3),
            h * 0.08,
            h * 0.045,
            colour,
            turn=pen.rng.uniform(-30, 30),
        )


def confetti(pen: Pen, count: int = 45) -> None:
    """Paper bits all over."""
    for _ in range(count):
        x, y, colour = pen.rng.uniform(0, 100), pen.rng.uniform(0, 100), pen.rng.choice(CLOTHES[:8])
        with pen.group(f"rotate({pen.rng.randint(0, 180)} {n(x)} {n(y)})"):
            if pen.rng.random() < 0.6:
                pen.rect(x - 1, y - 2, 2.2, 4.2, colour)
            else:
                pen.ellipse(x, y, 1.5, 1.5, colour)


def balloon(pen: Pen, x: float, y: float, r: float, colour: str = "") -> None:
    """A balloon on a string."""
    colour = colour or jitter(pen.rng, pen.rng.choice(CLOTHES[:8]))
    pen.line([(x, y + r * 1.2), (x + 2, y + r * 2), (x - 1, y + r * 3)], "#8a8a9a", 0.8)
    pen.shape(
        [
            (x, y - r * 1.1),
            (x + r * 0.9, y - r * 0.4),
            (x + r * 0.75, y + r * 0.5),
            (x, y + r * 1.15),
            (x - r * 0.75, y + r * 0.5),
            (x - r * 0.9, y - r * 0.4),
        ],
        colour,
    )
    pen.ellipse(x - r * 0.35, y - r * 0.5, r * 0.16, r * 0.28, "#ffffff", 0.7, 20)


def firework(pen: Pen, x: float, y: float, r: float) -> None:
    """A bursting rocket."""
    colour, count = (
        pen.rng.choice(("#ffd23f", "#ff6f91", "#6fe0ff", "#a8ff8a", "#ff9a4a", "#d08aff")),
        pen.rng.randint(9, 16),
    )
    for i in range(count):
        a = 2 * math.pi * i / count
        cos, sin = math.cos(a), math.sin(a)
        pen.line([(x + r * 0.3 * cos, y + r * 0.3 * sin), (x + r * 0.85 * cos, y + r * 0.85 * sin)], colour, 1.5)
        pen.ellipse(x + r * cos, y + r * sin, 1.3, 1.3, mix(colour, "#ffffff", 0.4))


def rainbow(pen: Pen, cx: float, base: float, r: float) -> None:
    """A rainbow's arch."""
    for i, colour in enumerate(("#f0504a", "#f59a3a", "#ffd84a", "#5fc46a", "#4f9ae8", "#8a6ad0")):
        radius = r - i * r * 0.06
        pen.path(
            f"M{n(cx - radius)} {n(base)}A{n(radius)} {n(radius)} 0 0 1 {n(cx + radius)} {n(base)}",
            "none",
            colour,
            r * 0.065,
        )


def bat(pen: Pen, x: float, y: float, w: float, colour: str = "#1a1420") -> None:
    """A flying bat of half-width `w`."""
    points = [
        (-1, -0.35),
        (-0.55, -0.3),
        (-0.25, -0.05),
        (-0.16, -0.35),
        (0, -0.12),
        (0.16, -0.35),
        (0.25, -0.05),
        (0.55, -0.3),
        (1, -0.35),
        (0.75, 0.2),
        (0.5, 0.08),
        (0.25, 0.3),
        (0, 0.15),
        (-0.25, 0.3),
        (-0.5, 0.08),
        (-0.75, 0.2),
    ]
    pen.path(angular([(x + a * w, y + b * w) for a, b in points]), colour)


def web(pen: Pen, cx: float, cy: float, r: float, colour: str = "#d8d8e4") -> None:
    """A spider's web around (cx, cy)."""
    spokes = pen.rng.randint(7, 10)
    angles = [2 * math.pi * (i + pen.rng.uniform(-0.15, 0.15)) / spokes for i in range(spokes)]
    data = "".join(f"M{n(cx)} {n(cy)}L{n(cx + r * math.cos(a))} {n(cy + r * math.sin(a))}" for a in angles)
    for k in (0.25, 0.45, 0.65, 0.88):
        for a, b in zip(angles, angles[1:] + angles[:1], strict=True):
            mid = (a + (b if b > a else b + 2 * math.pi)) / 2
            data += (
                f"M{n(cx + k * r * math.cos(a))} {n(cy + k * r * math.sin(a))}Q{n(cx + k * 0.8 * r * math.cos(mid))} "
                f"{n(cy + k * 0.8 * r * math.sin(mid))} {n(cx + k * r * math.cos(b))} {n(cy + k * r * math.sin(b))}"
            )
    pen.path(data, "none", colour, 0.9, 0.9)


def spider(pen: Pen, x: float, y: float, r: float, colour: str = "#1f1a24") -> None:
    """A spider with eight legs and red or white eyes."""
    for side in (-1, 1):
        for i, lift in enumerate((-1.3, -0.6, 0.3, 1.1)):
            pen.path(
                angular(
                    [
                        (x, y),
                        (x + side * r * 1.5, y + (lift - 0.7) * r),
                        (x + side * r * (2.1 + 0.1 * i), y + (lift + 0.7) * r),
                    ],
                    False,
                ),
                "none",
                colour,
                r * 0.22,
            )
    pen.oval(x, y + r * 0.35, r, r * 1.1, colour)
    pen.oval(x, y - r * 0.6, r * 0.62, r * 0.55, colour)
    eye = pen.rng.choice(("#ff4a3a", "#ffffff", "#ffe23f"))
    for side in (-1, 1):
        pen.ellipse(x + side * r * 0.25, y - r * 0.65, r * 0.17, r * 0.17, eye)


def eyes_in_the_dark(pen: Pen, count: int = 3) -> None:
    """Pairs of glowing eyes."""
    for _ in range(count):
        x, y, r = pen.rng.uniform(8, 92), pen.rng.uniform(30, 85), pen.rng.uniform(1.8, 3.4)
        colour = pen.rng.choice(("#ffe23f", "#ff4a3a", "#d8ff6a"))
        for side in (-1, 1):
            pen.ellipse(x + side * r * 1.5, y, r, r * 0.75, colour, turn=side * 20)
            pen.ellipse(x + side * r * 1.5, y, r * 0.25, r * 0.6, "#1a0a10")


def bare_tree(pen: Pen, x: float, base: float, h: float, colour: str = "#2a2028") -> None:
    """A leafless tree."""
    pen.limb([(x, base), (x + 1, base - h * 0.5), (x, base - h)], colour, h * 0.09)
    for side, at, reach in ((-1, 0.45, 0.38), (1, 0.55, 0.36), (-1, 0.72, 0.26), (1, 0.8, 0.22)):
        tip = (x + side * h * reach, base - h * (at + reach * 0.8))
        pen.limb([(x, base - h * at), (x + side * h * reach * 0.6, base - h * (at + 0.1)), tip], colour, h * 0.045)


def slime(pen: Pen, left: float, right: float, top: float, colour: str) -> None:
    """Slime that drips from a height."""
    points, x = [(left, top - 6)], left
    while x < right - 4:
        step = pen.rng.uniform(5, 9)
        points += [(x + step * 0.35, top + pen.rng.uniform(5, 24)), (x + step, top + pen.rng.uniform(-1, 2))]
        x += step
    points.append((right, top - 6))
    pen.path(smooth(points), colour, shade(colour, -0.4), 0.8)
    pen.line([(left + 3, top - 3), ((left + right) / 2, top - 4)], mix(colour, "#ffffff", 0.6), 1.4, 0.7)


def flies(pen: Pen, cx: float, cy: float, reach: float, count: int = 5) -> None:
    """Flies around a place."""
    for _ in range(count):
        x, y = cx + pen.rng.uniform(-reach, reach), cy + pen.rng.uniform(-reach, reach * 0.4)
        for side in (-1, 1):
            pen.ellipse(x + side * 1.6, y - 1.5, 1.9, 1.1, "#dfe8f0", 0.9, turn=-30 * side)
        pen.ellipse(x, y, 1.8, 1.4, "#22241f")


def fumes(pen: Pen, cx: float, base: float, w: float, count: int = 3) -> None:
    """Stinking fumes that rise from a place."""
    colour = pen.rng.choice(("#7f9f2f", "#9aa83a", "#6f8f4f", "#b5c05a"))
    for i in range(count):
        x = cx + w * (-1 + 2 * (i + 0.5) / count)
        pen.line([(x + (2.5 if k % 2 else -2.5), base - 5.5 * k) for k in range(5)], colour, 2.2, 0.9)


def mountains(pen: Pen, level: float = 78.0, snow: bool = True, colour: str = "") -> None:
    """A range of peaks, with snow on top."""
    colour = colour or pen.rng.choice(("#5a6a8f", "#6a7a9f", "#4f6a7a", "#7a6a8a"))
    peaks = [
        (pen.rng.uniform(12, 30), 48),
        (pen.rng.uniform(68, 88), 44),
        (pen.rng.uniform(42, 60), pen.rng.uniform(18, 30)),
    ]
    for i, (x, y) in enumerate(peaks):
        half, tone = (level - y) * pen.rng.uniform(0.6, 0.85), mix(colour, "#dfe8ff", 0.3 - 0.15 * i)
        pen.corners([(x - half, level + 4), (x, y), (x + half, level + 4)], tone)
        if snow:
            k = 0.34
            cap = [
                (x, y),
                (x + half * k, y + (level - y) * k),
                (x + half * k * 0.4, y + (level - y) * k * 0.8),
                (x, y + (level - y) * k * 1.1),
                (x - half * k * 0.4, y + (level - y) * k * 0.75),
                (x - half * k, y + (level - y) * k),
            ]
            pen.path(angular(cap), "#ffffff")


def sea(pen: Pen, level: float, colour: str) -> None:
    """Water from a level down, with glints."""
    pen.rect(-20, level, 140, 140 - level, pen.gradient((0, mix(colour, "#ffffff", 0.25), 1), (0.6, colour, 1)))
    for _ in range(12):
        x, y = pen.rng.uniform(0, 95), pen.rng.uniform(level + 3, 98)
        pen.line([(x, y), (x + 4, y - 1), (x + 8, y)], mix(colour, "#ffffff", 0.55), 0.9, 0.8)
