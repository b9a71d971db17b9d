"""Stickers for the painter: one large, centred character or thing with a face, on a clear ground or in surroundings.

They differ from `renderer.draw` in three ways. The character depends on the seed alone and the feeling on the emotion
alone, so that two emotions of one seed are a pair for an editor. Surroundings may have an emotion of their own. And heads
are large and lines thick, so that a face survives an autoencoder's sixteen-fold shrinking at 128 pixels.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import resvg_py
from PIL import Image

from kcdp.emotions import MIKELS_8

from .bodies import Anchor
from .captions import a, sticker_caption, subject
from .characters import BODIES, draw_character
from .elements import confetti
from .grammar import ADJECTIVES, Mood, random_mood
from .palette import FAMILIES, INKS, NAMED, Style
from .proportions import Proportions
from .renderer import placed
from .settings import SETTINGS, Setting
from .svg import Pen, n
from .things import THINGS

#: How large things are drawn, and where their faces go in their own frame: centre and half-width.
_THING_SCALE = 1.4
_THING_FACES: dict[str, tuple[float, float, float]] = {
    "book": (0, 6, 17), "cup": (0, 7, 16), "lamp": (0, -15, 15), "sofa": (0, 4, 19), "chair": (0, -18, 14),
    "bed": (6, 12, 15), "street lamp": (0, -22, 12), "house": (0, 9, 18), "tree": (0, -9, 18), "apple": (0, 4, 20),
    "car": (0, 10, 15), "clock": (0, 0, 19), "umbrella": (0, -13, 16), "ball": (0, 4, 20), "boat": (0, 18, 15),
    "window": (0, 0, 20), "shoe": (-4, 8, 15), "candle": (0, 10, 12), "flower": (0, 18, 13), "bench": (0, -4, 16),
    "guitar": (-4, 13, 14), "fish": (-4, 0, 14),
}  # fmt: skip
#: Styles with clean colours and clear lines, and how often each is drawn.
_FAMILIES = {"comic": 2.5, "kawaii": 2.5, "cel": 2.0, "glossy": 1.5, "flat": 1.5}
#: How often a picture is of which kind.
KINDS = {"character": 0.5, "thing": 0.18, "character in surroundings": 0.16, "thing in surroundings": 0.16}


@dataclass(frozen=True)
class Sticker:
    """One drawn sticker.

    `plain` names the subject alone, `caption` says more; `emotions` are weights with sum 1, of the face and, where there are
    surroundings with another feeling, of those.
    """

    svg: str
    plain: str
    caption: str
    emotions: dict[str, float]
    attributes: dict[str, Any]

    @cached_property
    def image(self) -> Image.Image:
        """The sticker in RGBA; made when it is first asked for, which takes longer than everything else about it."""
        png = resvg_py.svg_to_bytes(svg_string=self.svg, skip_system_fonts=True)
        return Image.open(io.BytesIO(png)).convert("RGBA")


def draw_sticker(
    seed: int, emotion: str, surroundings: str | None = None, size: int = 128, kind: str | None = None
) -> Sticker:
    """Draws sticker number `seed` with a feeling; the same seed is the same character for every `emotion`.

    `surroundings` is the Mikels-8 emotion of what surrounds a character or thing "in surroundings", by default its own;
    `kind` is one of `KINDS`, by default the seed's own.
    Raises ValueError for an unknown emotion or kind.
    """
    for name in (emotion, surroundings or emotion):
        MIKELS_8.index(name)
    if kind is not None and kind not in KINDS:
        raise ValueError(f"'{kind}' is no kind of sticker; choose one of {', '.join(KINDS)}.")
    rng = Random(f"sticker {seed}")
    kind = kind or rng.choices(list(KINDS), list(KINDS.values()))[0]
    style = _style(rng)
    pen = Pen(rng, style)
    weights = {emotion: 1.0}
    if kind.endswith("in surroundings"):
        place = Random(f"sticker {seed} {surroundings}").choice(
            [setting for setting in SETTINGS if setting.emotion == (surroundings or emotion)]
        )
        plain, caption, attributes = _surrounded(pen, seed, emotion, place, kind.startswith("character"))
        if place.emotion != emotion and attributes["face"]:
            share = rng.uniform(0.4, 0.6)
            weights = {emotion: share, place.emotion: 1 - share}
        elif not attributes["face"]:
            weights = {place.emotion: 1.0}
    else:
        with pen.group(placed(rng, 0.06)):
            plain, caption, attributes = _figure(pen, seed, emotion, kind == "character")
    return Sticker(pen.document(size), plain, caption, weights, {"kind": kind, "style": style.family, **attributes})


def _style(rng: Random) -> Style:
    family = rng.choices(list(_FAMILIES), list(_FAMILIES.values()))[0]
    outlines, widths, _, shadings, tones, _ = FAMILIES[family]
    width = rng.uniform(max(1.4, widths[0]), max(2.6, widths[1]))
    return Style(family, rng.choice(outlines), rng.choice(INKS), width, 0.0, rng.choice(shadings), rng.choice(tones))


def _proportions(rng: Random) -> Proportions:
    """Eyes, mouth and lines that are still there in a small picture."""
    eye = rng.uniform(8.5, 12.5)
    eye_y = rng.uniform(-10, -3)
    mouth = rng.uniform(12, 16)
    return Proportions(
        max(rng.uniform(14, 20), eye * 1.12 + 2), eye_y, eye, eye_y + eye + rng.uniform(6, 9) + mouth * 0.45, mouth,
        rng.uniform(2.8, 3.8), rng.uniform(3, 6),
    )  # fmt: skip


def _feeling(seed: int, emotion: str) -> Mood:
    mood = random_mood(Random(f"sticker {seed} {emotion}"), emotion)
    return replace(mood, word="")


def _figure(pen: Pen, seed: int, emotion: str, character: bool) -> tuple[str, str, dict[str, Any]]:
    """A character, or a thing with a face."""
    mood, rng = _feeling(seed, emotion), pen.rng
    if character:
        body = rng.choices(list(BODIES), [weight for _, weight in BODIES.values()])[0]
        draw_body = BODIES[body][0]
    else:
        body = noun = rng.choice(list(_THING_FACES))
        mood = replace(mood, tint="")

        def draw_body(pen: Pen, gesture: str) -> Anchor:
            return _thing_body(pen, noun)

    anchor, attributes = draw_character(
        pen, mood, draw_body, _proportions(Random(f"sticker {seed} face")), f"sticker {seed}"
    )
    words = Random(f"sticker {seed} {emotion} words")
    who = subject(anchor, pen.style, words)
    plain = a(who)
    longer = (sticker_caption(words, anchor, mood, pen.style), a(f"{words.choice(ADJECTIVES[emotion])} {who}"))
    return plain, words.choice(longer), {**attributes, "body": body, "face": True}


def _thing_body(pen: Pen, noun: str) -> Anchor:
    """A thing, and where its face goes."""
    with pen.group(f"translate(50 50) scale({n(_THING_SCALE)})"):
        looks = THINGS[noun](pen)
    x, y, r = (value * _THING_SCALE for value in _THING_FACES[noun])
    skin = NAMED.get(looks, "#c08a5a")
    # Things have no head to tint and none to put a hat on.
    anchor = Anchor(50 + x, 50 + y, r / 34, r * 1.1, r, "", skin, noun, looks, {"hat": "none"}, top=50 + y - r)
    return anchor


def _surrounded(pen: Pen, seed: int, emotion: str, place: Setting, character: bool) -> tuple[str, str, dict[str, Any]]:
    """A character, or a thing without a face, in surroundings with a feeling."""
    rng = pen.rng
    place_rng, pen.rng = rng, Random(f"sticker {seed} {place.emotion} {place.scene}")
    place.back(pen)
    pen.rng = place_rng
    size = rng.uniform(0.74, 0.84) if character else rng.uniform(1.0, 1.2)
    phrase = Random(f"sticker {seed} {place.scene}").choice(place.phrases)
    front = place.front
    if character:
        with pen.group(
            f"translate({n(50 + rng.uniform(-4, 4))} {n(94 - 46 * size)}) scale({n(size)}) translate(-50 -50)"
        ):
            plain, caption, attributes = _figure(pen, seed, emotion, True)
        if place.emotion == "amusement":
            # The clown's face is for things that have none.
            phrase, front = ("at the circus" if place.scene == "circus" else "at the fun fair"), confetti_rain
    else:
        noun = rng.choice(list(THINGS))
        with pen.group(f"translate({n(50 + rng.uniform(-4, 4))} {n(90 - 30 * size)}) scale({n(size)})"):
            looks = THINGS[noun](pen)
        plain = a(f"{looks} {noun}" if rng.random() < 0.4 and looks != "small" else noun)
        caption, attributes = plain, {"noun": noun, "objects": [noun], "face": False, "effects": []}
    pen.rng = Random(f"sticker {seed} {place.scene} front")
    front(pen)
    pen.rng = rng
    return plain, f"{caption} {phrase}", {**attributes, "scene": place.scene}


def confetti_rain(pen: Pen) -> None:
    """A little confetti over everything."""
    confetti(pen, 16)
