"""Animals: a head of any species, alone or on a small body with arms that make gestures."""

from __future__ import annotations

from dataclasses import dataclass

from .bodies import Anchor, anchored
from .gestures import arms
from .palette import FUR, jitter, light, mix, named_colour, shade
from .svg import Pen, n, ring, smooth


@dataclass(frozen=True)
class Species:
    """Which ears, muzzle, nose and markings an animal has, and the colours its kind comes in."""

    noun: str
    ears: str
    muzzle: str
    nose: str
    marks: tuple[str, ...]
    colours: tuple[str, ...]
    tail: str = "round"


SPECIES: tuple[Species, ...] = (
    Species("cat", "pointed", "small", "triangle", ("none", "stripes", "patch", "whiskers", "whiskers"), FUR, "long"),
    Species("cat", "pointed", "none", "triangle", ("whiskers", "stripes", "patch"), FUR, "long"),
    Species("bear", "round", "oval", "oval", ("none",), ("brown", "beige", "white", "black", "brown")),
    Species("panda", "round dark", "oval", "oval", ("eye patches",), ("white",)),
    Species("dog", "floppy", "oval", "oval", ("none", "patch"), FUR, "long"),
    Species("dog", "pointed", "oval", "oval", ("mask",), ("orange", "beige", "gray"), "long"),
    Species("rabbit", "long", "small", "small", ("none", "whiskers"), ("white", "gray", "beige", "brown", "pink")),
    Species("fox", "pointed", "none", "oval", ("mask",), ("orange", "orange", "white"), "long"),
    Species("pig", "folded", "none", "snout", ("none",), ("pink", "pink", "beige")),
    Species("mouse", "big round", "small", "small", ("whiskers", "none"), ("gray", "white", "beige"), "long"),
    Species("koala", "big round", "none", "big", ("none",), ("gray",)),
    Species("frog", "frog eyes", "none", "none", ("none", "belly"), ("green", "green", "teal", "yellow")),
    Species("chick", "tuft", "none", "beak", ("none",), ("yellow", "yellow", "white", "orange")),
    Species("penguin", "none", "none", "beak", ("penguin",), ("black", "blue", "gray")),
    Species("owl", "tufts", "none", "beak", ("mask",), ("brown", "gray", "beige", "purple")),
    Species("monkey", "side", "none", "nostrils", ("monkey",), ("brown", "gray", "orange"), "long"),
    Species("lion", "mane", "small", "triangle", ("none", "whiskers"), ("orange", "yellow", "beige"), "long"),
    Species("tiger", "round", "small", "triangle", ("stripes",), ("orange", "orange", "white"), "long"),
    Species("hamster", "round", "small", "small", ("mask", "none"), ("orange", "beige", "white", "gray")),
    Species("cow", "horned", "oval", "nostrils", ("patch",), ("white", "white", "brown")),
    Species("unicorn", "unicorn", "small", "nostrils", ("none",), ("white", "pink", "purple")),
    Species("raccoon", "round", "small", "oval", ("eye patches",), ("gray", "brown"), "long"),
)


def _ears(pen: Pen, species: Species, cx: float, cy: float, rx: float, ry: float, fur: str, inner: str) -> None:
    kind = species.ears
    for side in (-1, 1):
        x, y = cx + side * rx * 0.66, cy - ry * 0.68
        if kind == "pointed":
            tip = pen.rng.uniform(0.95, 1.25)
            points = [
                (x - rx * 0.3, y + ry * 0.12),
                (x + side * rx * 0.12, y - ry * 0.62 * tip),
                (x + rx * 0.3, y + ry * 0.2),
            ]
            pen.corners(points, fur)
            mid = (x, y)
            pen.path(
                "M" + "L".join(f"{n(a + (mid[0] - a) * 0.4)} {n(b + (mid[1] - b) * 0.35)}" for a, b in points) + "Z",
                inner,
            )
        elif kind in ("round", "round dark", "big round"):
            r = rx * (0.46 if kind == "big round" else pen.rng.uniform(0.27, 0.34))
            far = 1.25 if kind == "big round" else 1.02
            colour = "#3a3640" if kind == "round dark" else fur
            pen.oval(cx + side * rx * 0.7 * far, cy - ry * 0.72, r, r, colour)
            pen.ellipse(
                cx + side * rx * 0.7 * far, cy - ry * 0.7, r * 0.58, r * 0.58, inner if kind != "round dark" else colour
            )
        elif kind == "long":
            lean = pen.rng.uniform(-6, 14) * side
            with pen.group(f"rotate({n(lean)} {n(cx + side * rx * 0.42)} {n(cy - ry * 0.7)})"):
                pen.oval(cx + side * rx * 0.42, cy - ry * 1.25, rx * 0.2, ry * 0.58, fur)
                pen.ellipse(cx + side * rx * 0.42, cy - ry * 1.22, rx * 0.1, ry * 0.4, inner)
        elif kind == "folded":
            pen.corners(
                [(x - rx * 0.24, y), (x + side * rx * 0.3, y - ry * 0.42), (x + rx * 0.24, y + ry * 0.05)],
                shade(fur, -0.12),
            )
        elif kind == "frog eyes":
            pen.oval(cx + side * rx * 0.52, cy - ry * 0.8, rx * 0.27, rx * 0.25, fur)
        elif kind == "tufts":
            pen.corners(
                [
                    (x - side * rx * 0.36, y - ry * 0.1),
                    (x + side * rx * 0.1, y - ry * 0.5),
                    (x + side * rx * 0.16, y + ry * 0.2),
                ],
                fur,
            )
        elif kind == "side":
            pen.oval(cx + side * rx * 1.02, cy, rx * 0.27, rx * 0.3, fur)
            pen.ellipse(cx + side * rx * 1.02, cy, rx * 0.16, rx * 0.19, inner)
        elif kind in ("horned", "unicorn"):
            pen.oval(cx + side * rx * 1.0, cy - ry * 0.5, rx * 0.28, rx * 0.14, fur)
            if kind == "horned":
                pen.corners([(x - 4, y + 2), (x + side * 6, y - ry * 0.4), (x + 4, y + 2)], "#f3e3c0")
    if kind == "unicorn":
        mane = pen.rng.choice(("#f58fb8", "#9b8ff0", "#6fd0e8"))
        for step in range(4):
            pen.oval(cx - rx * 0.75 - step, cy - ry * 0.6 + step * 9, 8, 7, mane)
        pen.corners([(cx - 5, cy - ry * 0.85), (cx, cy - ry * 1.6), (cx + 5, cy - ry * 0.85)], "#ffd84f")
    if kind == "mane":
        count = pen.rng.randint(9, 13)
        for i in range(count):
            with pen.group(f"rotate({n(360 * i / count)} {n(cx)} {n(cy)})"):
                pen.oval(cx, cy - ry * 1.0, rx * 0.36, ry * 0.34, shade(fur, -0.35))
    if kind == "tuft":
        for dx in (-3, 0, 3):
            pen.limb([(cx + dx * 0.5, cy - ry * 0.9), (cx + dx * 2, cy - ry * 1.2)], fur, 2.6)


def _floppy(pen: Pen, cx: float, cy: float, rx: float, ry: float, fur: str) -> None:
    """Ears that hang over the sides of the head."""
    colour = shade(fur, -0.22)
    for side in (-1, 1):
        points = [
            (cx + side * rx * 0.62, cy - ry * 0.85),
            (cx + side * rx * 1.12, cy - ry * 0.55),
            (cx + side * rx * 1.15, cy + ry * 0.25),
            (cx + side * rx * 0.85, cy + ry * 0.2),
        ]
        pen.shape(points, colour)


def _marks(pen: Pen, mark: str, head: str, cx: float, cy: float, rx: float, ry: float, fur: str) -> None:
    with pen.group(clip=head):
        if mark == "stripes":
            dark = shade(fur, -0.4)
            for dx in (-0.22, 0, 0.22):
                pen.line([(cx + dx * rx, cy - ry * 1.1), (cx + dx * rx * 0.8, cy - ry * 0.66)], dark, 3.2)
            for side in (-1, 1):
                for dy in (0.05, 0.3):
                    pen.line(
                        [(cx + side * rx * 1.1, cy + dy * ry), (cx + side * rx * 0.78, cy + (dy + 0.03) * ry)], dark, 3
                    )
        elif mark == "patch":
            side, colour = pen.rng.choice((-1, 1)), shade(fur, -0.35) if light(fur) > 0.3 else mix(fur, "#ffffff", 0.5)
            pen.ellipse(cx + side * rx * 0.6, cy - ry * 0.4, rx * 0.5, ry * 0.55, colour, turn=20 * side)
        elif mark == "mask":
            pale = mix(fur, "#fffaf0", 0.75)
            for side in (-1, 1):
                pen.ellipse(cx + side * rx * 0.5, cy + ry * 0.55, rx * 0.62, ry * 0.62, pale)
        elif mark == "eye patches":
            for side in (-1, 1):
                pen.ellipse(cx + side * rx * 0.42, cy - ry * 0.08, rx * 0.3, ry * 0.33, "#4a4652", turn=-25 * side)
        elif mark == "penguin":
            pale = "#fbf8f2"
            for side in (-1, 1):
                pen.ellipse(cx + side * rx * 0.36, cy + ry * 0.08, rx * 0.48, ry * 0.6, pale)
            pen.ellipse(cx, cy + ry * 0.5, rx * 0.72, ry * 0.52, pale)
        elif mark == "monkey":
            pale = mix(fur, "#ffe8cc", 0.75)
            for side in (-1, 1):
                pen.ellipse(cx + side * rx * 0.34, cy - ry * 0.1, rx * 0.42, ry * 0.48, pale)
            pen.ellipse(cx, cy + ry * 0.42, rx * 0.74, ry * 0.5, pale)
        elif mark == "belly":
            pen.ellipse(cx, cy + ry * 0.75, rx * 0.8, ry * 0.6, mix(fur, "#fffbd8", 0.6))


def _nose(pen: Pen, kind: str, cx: float, y: float, rx: float) -> None:
    dark = pen.rng.choice(("#3a2a2a", "#2a2430", "#e88a94" if kind in ("triangle", "small") else "#3a2a2a"))
    r = rx * 0.12
    if kind == "triangle":
        pen.path(smooth([(cx - r, y - r * 0.6), (cx + r, y - r * 0.6), (cx, y + r * 0.7)]), dark)
    elif kind == "oval":
        pen.ellipse(cx, y, r * 1.25, r * 0.9, dark)
        pen.ellipse(cx - r * 0.35, y - r * 0.3, r * 0.3, r * 0.2, "#ffffff", 0.7)
    elif kind == "small":
        pen.ellipse(cx, y, r * 0.7, r * 0.5, dark)
    elif kind == "big":
        pen.oval(cx, y - r * 0.6, r * 1.4, r * 2.1, "#4a4652")
    elif kind == "snout":
        pen.oval(cx, y, r * 2.6, r * 1.7, "#f07f9a")
        for side in (-1, 1):
            pen.ellipse(cx + side * r, y, r * 0.4, r * 0.6, "#a83f5f")
    elif kind == "beak":
        gold = pen.rng.choice(("#f5a623", "#ffb83f", "#e88a2a"))
        pen.shape([(cx - r * 1.7, y), (cx, y - r * 1.1), (cx + r * 1.7, y), (cx, y + r * 1.2)], gold)
    elif kind == "nostrils":
        for side in (-1, 1):
            pen.ellipse(cx + side * r * 0.7, y, r * 0.3, r * 0.45, "#5a3a3a")


def _head(pen: Pen, species: Species, cx: float, cy: float, rx: float, ry: float, fur: str) -> Anchor:
    rng = pen.rng
    inner = rng.choice(("#f5a9b0", "#f7b9a8", mix(fur, "#ffffff", 0.4), shade(fur, -0.25)))
    _ears(pen, species, cx, cy, rx, ry, fur, inner)
    head = pen.shape(ring(cx, cy, rx, ry, 14, rng.choice((2.0, 2.2, 2.6))), fur)
    mark = rng.choice(species.marks)
    if mark not in ("none", "whiskers"):
        _marks(pen, mark, head, cx, cy, rx, ry, fur)
    anchor = anchored(pen, cx, cy + ry * 0.06, rx, ry, head, fur, species.noun)
    mouth_level = cy + ry * 0.46
    if species.muzzle == "oval":
        pen.oval(cx, mouth_level, rx * 0.47, ry * 0.36, mix(fur, "#fffaf0", 0.7), shading=False)
        anchor.attributes["muzzle"] = "pale"
    elif species.muzzle == "small":
        for side in (-1, 1):
            pen.ellipse(cx + side * rx * 0.15, mouth_level, rx * 0.2, ry * 0.18, mix(fur, "#fffaf0", 0.6))
    nose_y = cy + ry * (0.2 if species.nose not in ("snout", "beak") else 0.17)
    _nose(pen, species.nose, cx, nose_y, rx)
    anchor.attributes["nose"] = species.nose
    if mark == "whiskers":
        ink = pen.ink_on(fur) if pen.style.outline != "none" else shade(fur, -0.45)
        for side in (-1, 1):
            for dy in (-0.04, 0.12, 0.26):
                x = cx + side * rx * 0.72
                pen.line([(x, cy + ry * (0.22 + dy)), (x + side * rx * 0.42, cy + ry * (0.16 + dy * 1.7))], ink, 1.1)
    if species.ears == "floppy":
        _floppy(pen, cx, cy, rx, ry, fur)
    if species.ears == "long":
        anchor.top = cy - ry * 1.0
    return anchor


def animal_head(pen: Pen, gesture: str) -> Anchor:
    """The head alone, with free-floating paws for the gestures that need them."""
    rng = pen.rng
    species = rng.choice(SPECIES)
    name, fur = named_colour(rng, species.colours)
    rx = rng.uniform(32, 40)
    ry = rx * rng.uniform(0.78, 1.0)
    tall = species.ears in ("long", "unicorn")
    cy = 62 if tall else 56
    if tall:
        rx, ry = rx * 0.88, ry * 0.82
    anchor = _head(pen, species, 50, cy, rx, ry, fur)
    anchor.looks = name
    return anchor


def animal_body(pen: Pen, gesture: str, species: Species | None = None) -> Anchor:
    """A whole small animal, sitting or standing, with arms; of a random species when none is given."""
    rng = pen.rng
    species = species or rng.choice(SPECIES)
    name, fur = named_colour(rng, species.colours)
    rx = rng.uniform(26, 31)
    ry = rx * rng.uniform(0.8, 0.98)
    cy = rng.uniform(38, 42) + (5 if species.ears in ("long", "unicorn") else 0)
    w, bottom = rx * rng.uniform(0.55, 0.8), 91.0
    if gesture == "slump":
        cy += 7
    lift = 6 if gesture in ("jump", "run") else 0
    if species.tail == "long":
        side = rng.choice((-1, 1))
        pen.limb([(50 + side * w * 0.7, 82), (50 + side * (w + 14), 84), (50 + side * (w + 17), 68)], fur, 5.5)
    elif species.noun not in ("frog", "chick", "penguin", "owl"):
        pen.oval(50 + w * 0.95, 82, 5, 5, fur)
    feet = shade(fur, -0.1) if species.nose != "beak" else "#f5a623"
    for side in (-1, 1):
        if lift:
            pen.limb([(50 + side * w * 0.5, 80), (50 + side * (w + 4), 88 + side * 2)], fur, 8)
        else:
            pen.oval(50 + side * w * 0.62, bottom, w * 0.42, 5, feet)
    pen.shape(
        [
            (50 - w * 0.75, cy + ry * 0.6),
            (50 + w * 0.75, cy + ry * 0.6),
            (50 + w * 1.08, 80),
            (50 + w * 0.7, bottom),
            (50 - w * 0.7, bottom),
            (50 - w * 1.08, 80),
        ],
        fur,
    )
    if rng.random() < 0.6:
        pen.ellipse(50, 80, w * 0.62, 9, mix(fur, "#fffaf0", 0.65))
    shirt = rng.random() < 0.18
    if shirt:
        colour = jitter(rng, rng.choice(("#e5554f", "#4f86c6", "#5fb96a", "#f6d55c", "#7d68c9")))
        pen.shape(
            [(50 - w * 0.8, cy + ry * 0.8), (50 + w * 0.8, cy + ry * 0.8), (50 + w * 1.1, 82), (50 - w * 1.1, 82)],
            colour,
        )
    anchor = _head(pen, species, 50, cy, rx, ry, fur)
    anchor.looks = name
    arms(pen, anchor, gesture, fur, fur, (50 - w * 0.85, cy + ry + 7), (50 + w * 0.85, cy + ry + 7), 7.5)
    return anchor
