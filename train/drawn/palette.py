"""Colours and drawing styles: what a picture is drawn with, independently of what it shows."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache
from random import Random

#: Plain colour words and a typical shade of each; `jitter` moves around the shade without leaving the word.
NAMED: dict[str, str] = {
    "red": "#e8453c",
    "orange": "#f59331",
    "yellow": "#ffd23f",
    "green": "#62c462",
    "teal": "#36bfb1",
    "blue": "#4a90e2",
    "purple": "#9b6dd6",
    "pink": "#f78fb3",
    "brown": "#a8714a",
    "white": "#fbf8f2",
    "gray": "#a9adb5",
    "black": "#3d3b45",
    "beige": "#f1d9b5",
}
FUR = ("orange", "gray", "white", "brown", "black", "beige", "beige", "brown")
SKIN = ("#ffe0c7", "#fbd0ae", "#f3bd94", "#e3a47a", "#c98556", "#a5673f", "#7f4b2c", "#5e3824")
HAIR = ("#2b2024", "#4a2f22", "#7a4a2a", "#b5733a", "#e2b85a", "#f0dfae", "#c9472e", "#9aa0a8", "#d8d8dc")
DYED_HAIR = ("#f06fa8", "#7b6ff0", "#4fb8e8", "#58c08a", "#e85050")
CLOTHES = (
    "#e5554f", "#f2a03d", "#f6d55c", "#5fb96a", "#3caea3", "#4f86c6", "#7d68c9", "#e27ba6", "#5b6270", "#f4f1ea",
)  # fmt: skip
#: Ink that outlines are drawn with; most are dark, some tinted.
INKS = ("#2a2430", "#3a2a2a", "#1f2a44", "#4a3326", "#101014", "#5a3a5a", "#2f3f3a")


def rgb(colour: str) -> tuple[float, float, float]:
    """`#rrggbb` as three numbers from 0 to 1."""
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def hexed(channels: tuple[float, float, float]) -> str:
    """Three numbers, clipped to 0..1, as `#rrggbb`."""
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, channel))):02x}" for channel in channels)


@lru_cache(maxsize=65536)
def mix(a: str, b: str, share: float) -> str:
    """`a` moved towards `b` by `share` (0 to 1)."""
    first, second = rgb(a), rgb(b)
    return hexed(tuple(x + (y - x) * share for x, y in zip(first, second, strict=True)))


def light(colour: str) -> float:
    """Perceived lightness of a colour, 0 (black) to 1 (white)."""
    red, green, blue = rgb(colour)
    return 0.3 * red + 0.59 * green + 0.11 * blue


def shade(colour: str, amount: float) -> str:
    """Darker for a negative `amount`, lighter for a positive one; dark shades lean to violet as in hand painting."""
    return mix(colour, "#ffffff", amount) if amount >= 0 else mix(colour, "#2a1440", -amount)


def jitter(rng: Random, colour: str, amount: float = 0.04) -> str:
    """A shade of a colour that keeps its word: hue within `amount`/2 turns, saturation and value a little."""
    hue, saturation, value = colorsys.rgb_to_hsv(*rgb(colour))
    hue = (hue + rng.uniform(-amount, amount) / 2) % 1
    saturation = min(1.0, max(0.0, saturation * rng.uniform(0.75, 1.15)))
    return hexed(colorsys.hsv_to_rgb(hue, saturation, min(1.0, value * rng.uniform(0.9, 1.06))))


def named_colour(rng: Random, names: tuple[str, ...] = tuple(NAMED)) -> tuple[str, str]:
    """A colour word of `names` and a shade of it."""
    name = rng.choice(names)
    return name, jitter(rng, NAMED[name])


@lru_cache(maxsize=65536)
def filtered(colour: str, tone: str) -> str:
    """`colour` as a picture of the given tone shows it; see `TONES`."""
    if tone == "plain":
        return colour
    hue, saturation, value = colorsys.rgb_to_hsv(*rgb(colour))
    if tone == "pastel":
        return mix(hexed(colorsys.hsv_to_rgb(hue, saturation * 0.75, min(1.0, value * 1.05))), "#ffffff", 0.25 * value)
    if tone == "vivid":
        return hexed(colorsys.hsv_to_rgb(hue, min(1.0, saturation * 1.35), value))
    if tone == "muted":
        return mix(hexed(colorsys.hsv_to_rgb(hue, saturation * 0.6, value * 0.92)), "#b8a890", 0.15)
    if tone == "dusk":
        return mix(colour, "#2a2050", 0.28)
    if tone == "warm":
        return mix(colour, "#ff9a4a", 0.2)
    if tone == "cold":
        return mix(colour, "#5a8ae0", 0.22)
    level = light(colour)
    if tone == "gray":
        return hexed((level, level, level))
    # Line art: everything but the darks turns to paper, so that lines alone carry the picture.
    return colour if level < 0.3 else mix(hexed((level, level, level)), "#ffffff", 0.86)


TONES = ("plain", "pastel", "vivid", "muted", "dusk", "warm", "cold", "gray", "line")


@dataclass(frozen=True)
class Style:
    """How one picture is drawn.

    `outline` is none, solid, double or coloured; `width` is in units of a 100-unit picture; `wobble` moves the points
    of a contour by up to so many units; `shading` is flat, gradient, cel or soft; `tone` is one of `TONES`.
    """

    family: str
    outline: str
    ink: str
    width: float
    wobble: float
    shading: str
    tone: str

    @property
    def colourless(self) -> bool:
        """Whether hues are gone, so that a caption should not name one."""
        return self.tone in ("gray", "line")


#: Family: (outlines, widths, wobbles, shadings, tones, weight). Every picture draws its own mix within its family.
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[float, float], tuple[float, float], tuple[str, ...], tuple, float]] = {
    "flat": (("none",), (0.0, 0.0), (0.0, 0.3), ("flat",), ("plain", "vivid", "plain", "warm", "cold"), 1.6),
    "glossy": (("none", "coloured"), (0.6, 1.4), (0.0, 0.0), ("soft", "gradient"), ("plain", "vivid"), 1.6),
    "kawaii": (("solid", "coloured"), (1.2, 2.6), (0.0, 0.5), ("flat", "flat", "gradient"), ("pastel",), 1.6),
    "comic": (("solid",), (2.0, 4.2), (0.0, 0.4), ("flat", "cel"), ("plain", "vivid"), 1.5),
    "cel": (("solid", "coloured"), (0.8, 2.2), (0.0, 0.3), ("cel",), ("plain", "warm", "cold"), 1.2),
    "sketch": (("double",), (0.6, 1.5), (0.5, 1.5), ("flat", "gradient"), ("plain", "muted", "pastel", "line"), 1.0),
    "line": (("solid",), (0.9, 3.0), (0.0, 1.0), ("flat",), ("line",), 0.8),
    "felt": (("none", "coloured"), (0.8, 1.6), (0.2, 0.8), ("flat", "soft"), ("muted",), 0.9),
    "dusk": (("none", "coloured", "solid"), (0.6, 1.8), (0.0, 0.4), ("gradient", "cel"), ("dusk",), 0.5),
    "ink": (("solid", "double"), (1.0, 3.4), (0.0, 0.8), ("flat", "cel"), ("gray",), 0.4),
}


def random_style(rng: Random) -> Style:
    """A style of a random family."""
    names = list(FAMILIES)
    family = rng.choices(names, [FAMILIES[name][5] for name in names])[0]
    outlines, widths, wobbles, shadings, tones, _ = FAMILIES[family]
    return Style(
        family,
        rng.choice(outlines),
        rng.choice(INKS),
        rng.uniform(*widths),
        rng.uniform(*wobbles) if rng.random() < 0.7 else 0.0,
        rng.choice(shadings),
        rng.choice(tones),
    )
