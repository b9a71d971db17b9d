"""`draw`: a seed becomes a sticker, a scene or a thing, with its caption, emotion and attributes."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import resvg_py
from PIL import Image

from kcdp.emotions import MIKELS_8

from . import backgrounds
from .captions import sticker_caption, thing_caption
from .characters import BODIES, draw_character, draw_pair, random_body
from .grammar import random_mood
from .palette import random_style
from .scenes import SCENES
from .settings import SETTINGS
from .svg import Pen, n
from .things import THINGS

KINDS = ("sticker", "scene", "object")


@dataclass(frozen=True)
class Drawing:
    """One drawn picture.

    `image` is RGBA; `emotion` is a Mikels-8 label, or None for a thing without a feeling; `attributes` always holds
    `kind`, `style` and `objects`, stickers also `body`, `noun`, `brows`, `eyes`, `mouth`, `effects`, `gesture`, `tint`,
    `prototype`, scenes and things in surroundings also `scene`.
    """

    image: Image.Image
    svg: str
    caption: str
    emotion: str | None
    attributes: dict[str, Any]


def draw(
    seed: int, size: int = 128, kind: str | None = None, emotion: str | None = None, noun: str | None = None
) -> Drawing:
    """Draws picture number `seed`, `size` pixels square; the same arguments always give the same picture.

    `kind` is sticker, scene or object, `emotion` a Mikels-8 label, `noun` one of `THINGS` for an object; what is left out is
    chosen by the seed. An object without a given emotion may have none.
    Raises ValueError for an unknown kind, emotion or noun, a noun of what is no object, or a size below 8.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"'{kind}' is no kind of drawing; choose one of {', '.join(KINDS)}.")
    if emotion is not None:
        MIKELS_8.index(emotion)
    if noun is not None and (kind != "object" or noun not in THINGS):
        raise ValueError(f"'{noun}' cannot be drawn so; of an object, choose one of {', '.join(THINGS)}.")
    if size < 8:
        raise ValueError(f"A drawing of {size} pixels shows nothing; ask for at least 8.")
    rng = Random(f"drawn {seed} {kind} {emotion}" + (f" {noun}" if noun else ""))
    kind = kind or rng.choices(KINDS, (0.64, 0.2, 0.16))[0]
    if kind == "object" and emotion is None and rng.random() < 0.5:
        feeling = None
    else:
        feeling = emotion or rng.choice(MIKELS_8.labels)
    style = random_style(rng)
    if kind != "sticker" and feeling and style.tone == "line":
        # A face can do without colour; fire, slime and sunsets cannot.
        style = replace(style, tone="pastel")
    pen = Pen(rng, style)
    if kind == "sticker":
        caption, attributes = _sticker(pen, feeling)
    elif kind == "scene":
        caption, attributes = _scene(pen, feeling)
    else:
        caption, attributes = _thing(pen, feeling, noun)
    if len(caption.split()) < 4:
        caption = f"a drawing of {caption}"
    svg = pen.document(size)
    image = Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))).convert("RGBA")
    attributes = {"kind": kind, "style": pen.style.family, **attributes}
    return Drawing(image, svg, caption, feeling, attributes)


def placed(rng: Random, spare: float) -> str:
    """A transform that shrinks by up to `spare`, moves, turns and leans what it holds, a little."""
    scale = rng.uniform(1 - spare, 1.0) * 0.93
    slack = (1 - scale) * 50 + 2
    dx, dy = rng.uniform(-slack, slack), rng.uniform(-slack, slack)
    turn = rng.gauss(0, 6) if rng.random() < 0.7 else 0.0
    lean = rng.gauss(0, 4) if rng.random() < 0.3 else 0.0
    aspect = rng.uniform(0.94, 1.05)
    return (
        f"translate({n(50 + dx)} {n(50 + dy)}) rotate({n(turn)}) skewX({n(lean)}) "
        f"scale({n(scale * aspect)} {n(scale / aspect)}) translate(-50 -50)"
    )


def _sticker(pen: Pen, emotion: str) -> tuple[str, dict[str, Any]]:
    rng = pen.rng
    background = "none" if rng.random() < 0.62 else backgrounds.paint(pen, emotion)
    with _cut_out(pen, rng.random() < 0.28), pen.group(placed(rng, 0.2)):
        if rng.random() < 0.08:
            caption, attributes = draw_pair(pen, emotion)
        else:
            mood, body = random_mood(rng, emotion), random_body(rng)
            anchor, attributes = draw_character(pen, mood, BODIES[body][0])
            caption = sticker_caption(rng, anchor, mood, pen.style)
            attributes["body"] = body
    return caption, {**attributes, "background": background}


@contextmanager
def _cut_out(pen: Pen, edge: bool) -> Iterator[None]:
    """With `edge`, what is drawn inside gets a sticker's white edge and shadow."""
    if edge:
        pen.defs.append(backgrounds.EDGE)
    pen.parts.append('<g filter="url(#edge)">' if edge else "<g>")
    yield
    pen.parts.append("</g>")


def _framed(rng: Random) -> str:
    """A clip contour for scenes: usually none, sometimes a round or rounded card with transparent corners."""
    figure = rng.random()
    if figure < 0.7:
        return ""
    return backgrounds.ROUND if figure < 0.82 else backgrounds.CARD


def _scene(pen: Pen, emotion: str) -> tuple[str, dict[str, Any]]:
    rng = pen.rng
    scene = rng.choice([scene for scene in SCENES if scene.emotion == emotion])
    with pen.group(clip=_framed(rng)), pen.group(_closer(rng)):
        scene.paint(pen)
    return rng.choice(scene.captions), {"scene": scene.scene, "objects": list(scene.objects)}


def _closer(rng: Random) -> str:
    """A camera: a little closer, aside, perhaps mirrored."""
    scale = rng.uniform(1.0, 1.12)
    flip = rng.choice((-1, 1))
    return f"translate({n(50 + rng.uniform(-4, 4))} {n(50 + rng.uniform(-3, 3))}) scale({n(flip * scale)} {n(scale)}) translate(-50 -50)"


def _thing(pen: Pen, emotion: str | None, noun: str | None) -> tuple[str, dict[str, Any]]:
    rng = pen.rng
    noun = noun or rng.choice(list(THINGS))
    attributes: dict[str, Any] = {"objects": [noun], "noun": noun}
    size = rng.uniform(0.85, 1.15)
    place = f"translate({n(50 + rng.uniform(-6, 6))} {n(88 - 30 * size + rng.uniform(-3, 3))}) scale({n(size)})"
    if emotion is None:
        if rng.random() < 0.45:
            backgrounds.paint(pen, "contentment")
        with _cut_out(pen, rng.random() < 0.2), pen.group(placed(rng, 0.3)), pen.group("translate(50 50) scale(1.4)"):
            looks = THINGS[noun](pen)
        return thing_caption(rng, noun, looks, pen.style, ""), attributes
    setting = rng.choice([setting for setting in SETTINGS if setting.emotion == emotion])
    with pen.group(clip=_framed(rng)):
        setting.back(pen)
        with pen.group(place):
            looks = THINGS[noun](pen)
        setting.front(pen)
    attributes |= {"scene": setting.scene, "objects": [noun, *setting.objects]}
    return thing_caption(rng, noun, looks, pen.style, rng.choice(setting.phrases)), attributes


def draw_things(count: int, size: int = 128) -> Iterator[Drawing]:
    """`count` things in the surroundings of emotions, one by one: every thing in every emotion, again and again.

    Raises ValueError as `draw` does.
    """
    grid = list(itertools.product(THINGS, MIKELS_8.labels))
    for number in range(count):
        noun, emotion = grid[number % len(grid)]
        yield draw(number, size, "object", emotion, noun)
