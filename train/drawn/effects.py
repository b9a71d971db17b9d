"""Every cue besides the face's parts: what `effects_face` has, and marks, sparkles, fires and words around the head."""

from __future__ import annotations

import math
from collections.abc import Callable

from . import effects_face as on_face
from .effects_face import Place
from .palette import CLOTHES, light, shade
from .svg import Pen, angular, heart, n, ring, smooth, star

Effect = Callable[[Pen, Place], None]


def _spot(pen: Pen, at: Place, spread: float = 1.12) -> tuple[float, float]:
    """A random place around the upper half of the head."""
    angle = pen.rng.uniform(-0.15, 1.15) * math.pi
    x, y = spread * at.rx * math.cos(angle), -spread * at.ry * math.sin(angle)
    return max(-52.0, min(52.0, x)), max(-52.0, min(52.0, y))


def vein(pen: Pen, at: Place) -> None:
    """The four-armed anger mark of manga."""
    colour = pen.rng.choice(("#d8202a", "#b5121f", "#e8402a"))
    if light(at.skin) < 0.3 and pen.rng.random() < 0.5:
        colour = "#ff5a4a"
    x, y, r = pen.rng.choice((-1, 1)) * at.rx * 0.62, -at.ry * pen.rng.uniform(0.62, 0.85), pen.rng.uniform(7, 10)
    data = ""
    for turn in range(4):
        cos, sin = math.cos(turn * math.pi / 2 + 0.2), math.sin(turn * math.pi / 2 + 0.2)
        p = [
            (x + r * (a * cos - b * sin), y + r * (a * sin + b * cos))
            for a, b in ((0.25, 0.95), (0.3, 0.3), (0.95, 0.25))
        ]
        data += f"M{n(p[0][0])} {n(p[0][1])}Q{n(p[1][0])} {n(p[1][1])} {n(p[2][0])} {n(p[2][1])}"
    pen.path(data, "none", colour, pen.rng.uniform(2.2, 3.2))


def flames(pen: Pen, at: Place) -> None:
    """A fire over the head."""
    outer, inner = pen.rng.choice((("#ff5a1f", "#ffd23f"), ("#e0301f", "#ff9a2f"), ("#ff7a1f", "#fff0a0")))
    count = pen.rng.randint(3, 5)
    for fill, size in ((outer, 1.0), (inner, 0.55)):
        points = [(-at.rx * 0.7 * size, -at.ry * 0.72)]
        for i in range(count):
            x0 = (-0.7 + 1.4 * (i + 0.5) / count) * at.rx * size
            points.append((x0 + pen.rng.uniform(-2, 2), -at.ry * 0.8 - pen.rng.uniform(14, 26) * size))
            points.append(((-0.7 + 1.4 * (i + 1) / count) * at.rx * size, -at.ry * 0.78))
        pen.path(angular(points) if pen.rng.random() < 0.3 else smooth(points), fill)


def swear(pen: Pen, at: Place) -> None:
    """A cloud of signs that stand for a curse."""
    x, y = pen.rng.choice((-1, 1)) * at.rx * 0.4, -at.ry * 0.98
    paper = pen.rng.choice(("#ffffff", "#2a2430", "#ffe9e5"))
    colour = pen.rng.choice(("#d8202a", "#e8402a"))
    with pen.group(f"translate({n(x)} {n(y)}) scale({n(pen.rng.uniform(1.2, 1.6))})"):
        pen.shape(ring(0, 0, 19, 9, 10, 3), paper, shading=False)
        pen.path(angular(star(-11, 0, 4.5, 2, 6)), colour)
        pen.path("M-4 4L1 -4M-3 -4L2 4M-5 0H3", "none", colour, 1.6)
        pen.word("!", 8, 0, 8, colour, 1.8)
        pen.path(smooth([(11, 0), (13, -3), (15, 0), (12.5, 2.5), (11, -4)], False), "none", colour, 1.4)


def hearts(pen: Pen, at: Place) -> None:
    """Small hearts around the head."""
    for _ in range(pen.rng.randint(2, 4)):
        x, y = _spot(pen, at)
        fill = pen.rng.choice(("#ee3f5f", "#ff6f91", "#f58fb8"))
        r = pen.rng.uniform(4, 7.5)
        with pen.group(f"rotate({n(pen.rng.uniform(-25, 25))} {n(x)} {n(y)})"):
            pen.path(heart(x, y, r), fill, pen.outline_of(fill), 0.8)


def sparkles(pen: Pen, at: Place) -> None:
    """Four-pointed glints around the head."""
    colour = pen.rng.choice(("#ffd23f", "#fff2a8", "#ffe27a", "#8fdcff", "#ffffff"))
    for _ in range(pen.rng.randint(3, 6)):
        x, y = _spot(pen, at, pen.rng.uniform(1.0, 1.2))
        r = pen.rng.uniform(4, 9)
        pen.path(angular(star(x, y, r, r * 0.24, 4)), colour, shade(colour, -0.3), 0.5)


def stars(pen: Pen, at: Place) -> None:
    """Five-pointed stars around the head."""
    for _ in range(pen.rng.randint(2, 5)):
        x, y = _spot(pen, at)
        fill, r = pen.rng.choice(("#ffc21a", "#ffd84f", "#ff9a3f")), pen.rng.uniform(4, 7)
        pen.path(angular(star(x, y, r, r * 0.45, 5, pen.rng.uniform(-0.5, 0.5))), fill, pen.outline_of(fill), 0.8)


def halo(pen: Pen, at: Place) -> None:
    """A golden ring over the head."""
    pen.path(smooth(ring(0, -at.ry - 5, at.rx * 0.5, 4.5)), "none", "#f5bf2f", 3.4)
    pen.path(smooth(ring(0, -at.ry - 5.4, at.rx * 0.5, 4.2)), "none", "#fff0a0", 1.2)


def glow(pen: Pen, at: Place) -> None:
    """Rays of light behind the head."""
    count, colour = pen.rng.randint(10, 18), pen.rng.choice(("#ffe27a", "#fff2c0", "#ffd08a", "#bfe8ff"))
    data = ""
    for i in range(count):
        angle, half = 2 * math.pi * i / count, math.pi / count * 0.5
        far = pen.rng.uniform(58, 72)
        points = [(at.rx * math.cos(angle), at.ry * math.sin(angle))]
        points += [(far * math.cos(angle + d), far * math.sin(angle + d)) for d in (-half, half)]
        data += angular(points)
    pen.path(data, colour, opacity=0.85)


def sleep(pen: Pen, at: Place) -> None:
    """z z Z."""
    colour, side = pen.rng.choice(("#4a7fd0", "#6a5fc0", "#3a4a7a", "#8a9fd8")), pen.rng.choice((-1, 1))
    for step, height in enumerate((6, 9, 12)):
        pen.word("z", side * (at.rx * 0.55 + step * 8), -at.ry * 0.7 - step * 9, height, colour)


def notes(pen: Pen, at: Place) -> None:
    """Music notes."""
    for _ in range(pen.rng.randint(1, 3)):
        x, y = _spot(pen, at)
        colour = pen.rng.choice((at.ink if light(at.ink) < 0.5 else "#3a3a5a", *CLOTHES[:7]))
        pen.ellipse(x, y + 4, 3, 2.3, colour, turn=-20)
        pen.path(
            f"M{n(x + 2.6)} {n(y + 3.6)}V{n(y - 7)}Q{n(x + 7)} {n(y - 5)} {n(x + 6)} {n(y - 1)}", "none", colour, 1.5
        )


def confetti(pen: Pen, at: Place) -> None:
    """Paper bits everywhere around."""
    for _ in range(pen.rng.randint(18, 34)):
        angle, far = pen.rng.uniform(0, 2 * math.pi), pen.rng.uniform(1.05, 1.5)
        x, y = max(-56, min(56, at.rx * far * math.cos(angle))), max(-56, min(56, at.ry * far * math.sin(angle)))
        colour = pen.rng.choice(CLOTHES[:8])
        with pen.group(f"rotate({pen.rng.randint(0, 180)} {n(x)} {n(y)})"):
            if pen.rng.random() < 0.6:
                pen.rect(x - 1.7, y - 3.2, 3.4, 6.4, colour)
            elif pen.rng.random() < 0.5:
                pen.ellipse(x, y, 2.4, 2.4, colour)
            else:
                pen.line([(x - 5, y), (x - 2, y - 3), (x + 2, y + 3), (x + 5, y)], colour, 1.8)


def burst(pen: Pen, at: Place) -> None:
    """Short lines that shoot away from the head."""
    colour = pen.rng.choice(("#ffb31a", "#ff6f3f", at.ink if light(at.ink) < 0.5 else "#ffd23f"))
    count, start = pen.rng.randint(5, 9), pen.rng.uniform(0.05, 0.25)
    for i in range(count):
        angle = math.pi * (start + (1 - 2 * start) * i / (count - 1))
        inner, outer = pen.rng.uniform(1.06, 1.1), pen.rng.uniform(1.2, 1.34)
        cos, sin = math.cos(angle), -math.sin(angle)
        pen.line([(at.rx * inner * cos, at.ry * inner * sin), (at.rx * outer * cos, at.ry * outer * sin)], colour, 2.2)


def tremble(pen: Pen, at: Place) -> None:
    """Wavy lines to both sides of a shaking head."""
    colour = pen.rng.choice(("#5a6fb0", "#6f7f9f", "#3a3a5a"))
    for side in (-1, 1):
        for step in (0, 1):
            x = side * (at.rx + 4 + step * 5)
            pen.line(
                [(x + (1.8 if i % 2 else -1.8), (-16 + 6.5 * i) * (1 - 0.3 * step)) for i in range(6)], colour, 1.7
            )


def shock(pen: Pen, at: Place) -> None:
    """A lightning bolt or exclamation marks beside the head."""
    side = pen.rng.choice((-1, 1))
    x, y = side * at.rx * 0.95, -at.ry * 0.85
    if pen.rng.random() < 0.45:
        bolt = [
            (x - 2, y - 10),
            (x + 5, y - 10),
            (x + 1, y - 2),
            (x + 6, y - 2),
            (x - 4, y + 11),
            (x - 1, y + 2),
            (x - 6, y + 2),
        ]
        pen.path(angular(bolt), "#ffd23f", "#c98a1f", 0.8)
    else:
        text, colour = pen.rng.choice(("!", "!!", "?!")), pen.rng.choice(("#d8302a", "#3a3a5a", "#e8852a"))
        pen.word(text, x, y, 15, colour, 2.8)


def question(pen: Pen, at: Place) -> None:
    """A question mark beside the head."""
    pen.word(
        "?", pen.rng.choice((-1, 1)) * at.rx * 0.95, -at.ry * 0.85, 15, pen.rng.choice(("#4a6fb0", "#7a5fb0")), 2.6
    )


def stench(pen: Pen, at: Place) -> None:
    """Wavy fumes that rise."""
    colour = pen.rng.choice(("#8fae2f", "#7f9f3f", "#a8a83f", "#6f9f5f"))
    for i in range(pen.rng.randint(2, 4)):
        x = at.rx * (-0.8 + 0.55 * i) + pen.rng.uniform(-3, 3)
        y = -at.ry * 0.95
        pen.line([(x + (2.4 if k % 2 else -2.4), y - 4.5 * k + 3) for k in range(5)], colour, 2.3)


def flies(pen: Pen, at: Place) -> None:
    """Flies around the head."""
    for _ in range(pen.rng.randint(2, 4)):
        x, y = _spot(pen, at)
        for side in (-1, 1):
            pen.ellipse(x + side * 2.2, y - 2, 2.4, 1.4, "#c8d8e8", 0.9, turn=-30 * side)
        pen.ellipse(x, y, 2.2, 1.7, "#2a2a2a")


def dizzy(pen: Pen, at: Place) -> None:
    """A swirl of nausea beside the head."""
    x, y = pen.rng.choice((-1, 1)) * at.rx * 0.9, -at.ry * 0.85
    points = [(x + 0.65 * t * math.cos(t * 0.75), y + 0.65 * t * math.sin(t * 0.75)) for t in range(1, 15)]
    pen.line(points, pen.rng.choice(("#7fae3f", "#8f8f5f", "#6f9f6f")), 2.0)


def broken_heart(pen: Pen, at: Place) -> None:
    """A heart with a crack."""
    x, y, r = pen.rng.choice((-1, 1)) * at.rx * 0.88, -at.ry * 0.8, pen.rng.uniform(8, 11)
    pen.path(heart(x, y, r), "#d8304a", pen.outline_of("#d8304a"), 1)
    pen.path(
        angular([(x, y - r * 0.6), (x - 2.5, y - r * 0.15), (x + 2.5, y + r * 0.15), (x - 1, y + r)], False),
        "none",
        "#ffffff",
        1.9,
    )


EFFECTS: dict[str, Effect] = {
    "tear": on_face.tear, "tear streams": on_face.tear_streams, "tear jets": on_face.tear_jets, "laughing tears": on_face.laughing_tears,
    "puddle": on_face.puddle, "blush": on_face.blush, "hot cheeks": on_face.hot_cheeks, "sweat": on_face.sweat, "cold sweat": on_face.cold_sweat, "vein": vein,
    "ear steam": on_face.ear_steam, "nose steam": on_face.nose_steam, "flames": flames, "swear": swear, "hearts": hearts,
    "sparkles": sparkles, "stars": stars, "halo": halo, "glow": glow, "sleep": sleep, "notes": notes,
    "confetti": confetti, "burst": burst, "tremble": tremble, "shock": shock, "question": question, "stench": stench,
    "flies": flies, "dizzy": dizzy, "rain cloud": on_face.rain_cloud, "broken heart": broken_heart, "gloom": on_face.gloom, "snot": on_face.snot,
}  # fmt: skip
#: Drawn before the body.
BEHIND = frozenset({"glow", "puddle", "flames", "confetti"})
#: Drawn before the face's parts, on the head.
UNDER_FACE = frozenset({"blush", "hot cheeks", "gloom"})


def tint(pen: Pen, head: str, colour: str, strength: float, upper: bool) -> None:
    """Tints a head (path data): all of it, or its upper part, as when the blood leaves a face."""
    if upper:
        pen.path(head, pen.gradient((0.05, colour, strength), (0.6, colour, 0)))
    else:
        pen.path(head, pen.gradient((0, colour, strength), (1, colour, strength * 0.75)))


def bubble(pen: Pen, text: str, at: Place, colour: str) -> None:
    """A word beside the head, in a speech bubble or bare."""
    side = pen.rng.choice((-1, 1))
    height = pen.rng.uniform(11, 15)
    half = height * len(text) * 0.48 + 3
    x = side * max(4.0, min(at.rx * 0.8, 46 - half))
    y = -at.ry * 0.92 if pen.rng.random() < 0.8 else at.ry * 0.9
    if pen.rng.random() < 0.6:
        fill = pen.rng.choice(("#ffffff", "#fff8e0", "#eaf6ff"))
        pen.path(angular([(x - side * 6, y + 3), (x - side * half * 0.7, y + height * 1.35), (x, y + 4)]), fill)
        pen.shape(ring(x, y, half + 2, height * 0.95, 12, 3), fill, shading=False)
    else:
        pen.word(text, x, y, height, "#ffffff", height * 0.55)
    with pen.group(f"rotate({n(pen.rng.uniform(-10, 10))} {n(x)} {n(y)})"):
        pen.word(text, x, y, height, colour, height * 0.2)
