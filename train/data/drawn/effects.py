"""Cues besides the face's parts: tears, blush, sweat, steam, sparkles, words. Drawn in the face frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .faces import Proportions
from .palette import CLOTHES, light, shade
from .svg import Pen, angular, drop, heart, n, ring, smooth, star


@dataclass(frozen=True)
class Place:
    """Where effects go: the face's proportions and ink, and the head's half-extents around the face's centre."""

    face: Proportions
    ink: str
    skin: str
    rx: float
    ry: float


Effect = Callable[[Pen, Place], None]
WATER = ("#5cc3f5", "#7fd3ff", "#4aa8ee", "#8fdcf5")


def _tear_fill(pen: Pen) -> str:
    return pen.rng.choice(WATER)


def _spot(pen: Pen, at: Place, spread: float = 1.12) -> tuple[float, float]:
    """A random place around the upper half of the head."""
    angle = pen.rng.uniform(-0.15, 1.15) * math.pi
    x, y = spread * at.rx * math.cos(angle), -spread * at.ry * math.sin(angle)
    return max(-52.0, min(52.0, x)), max(-52.0, min(52.0, y))


def tear(pen: Pen, at: Place) -> None:
    """One drop under one eye, or one under each."""
    fill, face = _tear_fill(pen), at.face
    sides = pen.rng.choice(((-1,), (1,), (-1, 1)))
    r = pen.rng.uniform(3.2, 5.2)
    y = face.eye_y + face.eye + r * 2 + pen.rng.uniform(-1, 4)
    for side in sides:
        x = side * (face.eye_x + pen.rng.uniform(0, 4))
        pen.path(drop(x, y, r), fill, shade(fill, -0.35), face.line * 0.4)
        pen.ellipse(x - r * 0.3, y, r * 0.25, r * 0.4, "#ffffff", 0.85)


def tear_streams(pen: Pen, at: Place) -> None:
    """Two rivers down the cheeks."""
    fill, face = _tear_fill(pen), at.face
    w = max(face.eye * pen.rng.uniform(0.5, 0.8), 4)
    end = at.ry * pen.rng.uniform(0.7, 1.0)
    for side in (-1, 1):
        x = side * face.eye_x
        points = [
            (x - w, face.eye_y + face.eye * 0.35),
            (x + w, face.eye_y + face.eye * 0.35),
            (x + w * 1.05 + side, end * 0.6),
        ]
        points += [
            (x + w + side * 2, end),
            (x + side * 2, end + 3),
            (x - w + side * 2, end),
            (x - w * 1.05 + side, end * 0.6),
        ]
        pen.path(smooth(points), fill, shade(fill, -0.3), face.line * 0.4, 0.92)
        pen.line([(x - w * 0.2, face.eye_y + face.eye), (x, end * 0.8)], "#ffffff", w * 0.3, 0.7)


def tear_jets(pen: Pen, at: Place) -> None:
    """Tears that spurt sideways in arcs."""
    fill, face = _tear_fill(pen), at.face
    for side in (-1, 1):
        x, y = side * (face.eye_x + face.eye * 0.8), face.eye_y
        for rise, far in ((9, 20), (4, 15)):
            pen.limb(
                [(x, y), (x + side * far * 0.55, y - rise), (x + side * far, y + 6)], fill, pen.rng.uniform(2.4, 3.8)
            )
        pen.path(drop(x + side * 22, y + 14, 3), fill)


def laughing_tears(pen: Pen, at: Place) -> None:
    """Tears of joy, at the outer corners of the eyes."""
    fill, face = _tear_fill(pen), at.face
    for side in (-1, 1):
        x, y = side * (face.eye_x + face.eye + 3), face.eye_y + pen.rng.uniform(1, 5)
        with pen.group(f"rotate({n(-side * pen.rng.uniform(25, 60))} {n(x)} {n(y)})"):
            pen.path(drop(x, y + 3, pen.rng.uniform(3.4, 5.2)), fill, shade(fill, -0.35), face.line * 0.4)


def puddle(pen: Pen, at: Place) -> None:
    """A pool of tears below."""
    fill = _tear_fill(pen)
    pen.shape(ring(0, at.ry + 1, at.rx * 1.05, 6, 10), fill, outline=False)


def blush(pen: Pen, at: Place) -> None:
    """Pink cheeks: spots, soft or hatched."""
    face, colour = at.face, pen.rng.choice(("#ff7f9a", "#ff9a8a", "#ff6f7f", "#f58fb8"))
    r, kind = pen.rng.uniform(4, 7.5), pen.rng.random()
    for side in (-1, 1):
        x, y = side * min(face.eye_x + face.eye * 0.7 + 2, at.rx * 0.78), face.eye_y + face.eye + r * 0.9
        if kind < 0.7:
            pen.ellipse(x, y, r, r * 0.62, colour, pen.rng.uniform(0.5, 0.85))
        else:
            for step in (-1, 0, 1):
                pen.line([(x + step * 3 - 1, y + 2.4), (x + step * 3 + 1, y - 2.4)], colour, 1.4)


def hot_cheeks(pen: Pen, at: Place) -> None:
    """Dark red cheeks of rage."""
    for side in (-1, 1):
        pen.ellipse(side * at.rx * 0.62, at.face.mouth_y - 4, 8, 5, "#d9302a", 0.55)


def sweat(pen: Pen, at: Place) -> None:
    """One big drop at the temple."""
    fill, side = _tear_fill(pen), pen.rng.choice((-1, 1))
    x, y, r = side * at.rx * 0.74, at.face.eye_y - 8, pen.rng.uniform(4, 6)
    pen.path(drop(x, y, r), fill, shade(fill, -0.35), at.face.line * 0.5)
    pen.ellipse(x - r * 0.3, y, r * 0.25, r * 0.4, "#ffffff", 0.9)


def cold_sweat(pen: Pen, at: Place) -> None:
    """Many drops on the brow and off the head."""
    fill = _tear_fill(pen)
    for _ in range(pen.rng.randint(3, 6)):
        angle = pen.rng.uniform(0.1, 0.9) * math.pi
        far = pen.rng.uniform(0.72, 1.15)
        x, y = at.rx * far * math.cos(angle), -at.ry * far * math.sin(angle) * 0.9
        with pen.group(f"rotate({n(pen.rng.uniform(10, 40) * (1 if x > 0 else -1))} {n(x)} {n(y)})"):
            pen.path(drop(x, y, pen.rng.uniform(2.2, 3.6)), fill, shade(fill, -0.35), 0.7)


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


def _puff(pen: Pen, x: float, y: float, r: float, fill: str) -> None:
    side = 1 if x > 0 else -1
    for dx, dy, scale in ((0, 0, 0.75), (side * r * 0.95, -r * 0.45, 1.0), (side * r * 1.9, r * 0.1, 0.7)):
        pen.shape(ring(x + dx, y + dy, r * scale, r * scale * 0.9, 8), fill, shading=False)


def ear_steam(pen: Pen, at: Place) -> None:
    """Clouds from both ears."""
    fill = pen.rng.choice(("#ffffff", "#ffd9cf", "#e8eef5", "#ff9a80"))
    for side in (-1, 1):
        _puff(pen, side * at.rx * 1.02, -at.ry * pen.rng.uniform(0.3, 0.6), pen.rng.uniform(4, 6), fill)


def nose_steam(pen: Pen, at: Place) -> None:
    """A snort to both sides of the nose."""
    for side in (-1, 1):
        y = at.face.mouth_y - at.face.mouth * 0.6
        _puff(pen, side * 13, y, pen.rng.uniform(3.4, 5), "#ffffff")


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


def rain_cloud(pen: Pen, at: Place) -> None:
    """A little dark cloud that rains on the head."""
    y, fill = -at.ry - 6, pen.rng.choice(("#8a93a8", "#6f7a90", "#a5adbf"))
    for i in range(4):
        x = -12 + 8 * i
        pen.line([(x, y + 6), (x - 2, y + 13)], _tear_fill(pen), 1.7)
    cloud = [
        (-20, y + 4),
        (-18, y - 3),
        (-9, y - 5),
        (-2, y - 11),
        (8, y - 6),
        (17, y - 4),
        (20, y + 3),
        (8, y + 6),
        (-8, y + 6),
    ]
    pen.shape(cloud, fill)


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


def gloom(pen: Pen, at: Place) -> None:
    """Vertical lines of dread over the brow."""
    colour, side = pen.rng.choice(("#4a4f7a", "#3a3a5a", "#5a5f8a")), pen.rng.choice((-1, 1))
    count = pen.rng.randint(5, 8)
    for i in range(count):
        x = side * at.rx * (0.78 - 1.1 * i / count)
        top = -at.ry * math.sqrt(max(0.0, 1 - (x / at.rx) ** 2)) * 0.95
        pen.line([(x, top), (x, top + at.ry * pen.rng.uniform(0.3, 0.55))], colour, 1.6, 0.85)


def snot(pen: Pen, at: Place) -> None:
    """A bubble at the nose of a sleeper."""
    r = pen.rng.uniform(5, 8)
    y = (at.face.eye_y + at.face.mouth_y) / 2 + 2
    pen.ellipse(r + 2, y, r, r, "#bfe4ff", 0.8)
    pen.ellipse(r, y - r * 0.4, r * 0.25, r * 0.25, "#ffffff")


EFFECTS: dict[str, Effect] = {
    "tear": tear, "tear streams": tear_streams, "tear jets": tear_jets, "laughing tears": laughing_tears,
    "puddle": puddle, "blush": blush, "hot cheeks": hot_cheeks, "sweat": sweat, "cold sweat": cold_sweat, "vein": vein,
    "ear steam": ear_steam, "nose steam": nose_steam, "flames": flames, "swear": swear, "hearts": hearts,
    "sparkles": sparkles, "stars": stars, "halo": halo, "glow": glow, "sleep": sleep, "notes": notes,
    "confetti": confetti, "burst": burst, "tremble": tremble, "shock": shock, "question": question, "stench": stench,
    "flies": flies, "dizzy": dizzy, "rain cloud": rain_cloud, "broken heart": broken_heart, "gloom": gloom, "snot": snot,
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
