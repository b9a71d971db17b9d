"""Emotional surroundings: the same thing in the rain, on fire, among flowers. Each paints behind and before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import elements as e
from .svg import Pen, heart, n

Paint = Callable[[Pen], None]


@dataclass(frozen=True)
class Setting:
    """A place with a feeling: `back` and `front` paint around what stands in it, `phrases` end a caption."""

    emotion: str
    scene: str
    objects: tuple[str, ...]
    phrases: tuple[str, ...]
    back: Paint
    front: Paint


def _nothing(pen: Pen) -> None:
    return None


def _rainy(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.clouds(pen, "#6a7488", 3, 14)
    e.ground(pen, "#6f7a80", 76)


def _autumn(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.ground(pen, "#8a7a5a", 76)
    e.bare_tree(pen, pen.rng.choice((14, 86)), 80, 52, "#4a4048")


def _leaves(pen: Pen) -> None:
    e.wilted_flower(pen, pen.rng.choice((16, 84)), 92, 26)
    for _ in range(6):
        pen.ellipse(pen.rng.uniform(5, 95), pen.rng.uniform(78, 97), 2.4, 1.2, "#a8602f", turn=pen.rng.uniform(-40, 40))


def _grave_yard(pen: Pen) -> None:
    e.sky(pen, "gray")
    e.ground(pen, "#5a6a5a", 74)
    for x in (16, 84):
        pen.shape(f"M{x - 8} 80V62A8 8 0 0 1 {x + 8} 62V80Z", "#9aa0a8")
        pen.path(f"M{x} 59V70M{x - 4} 63H{x + 4}", "none", "#5a606a", 1.6)


def _sunny_meadow(pen: Pen) -> None:
    e.sky(pen, "day")
    e.sun(pen, pen.rng.choice((18, 82)), 18, 9)
    e.clouds(pen, "#ffffff", 2, 24)
    e.hills(pen, "#8fd06a", 74)


def _flowers(pen: Pen) -> None:
    e.meadow(pen, 8, 86)


def _cozy_room(pen: Pen) -> None:
    e.sky(pen, "cozy")
    e.ground(pen, "#b5834f", 78, 0)
    pen.corners([(8, 14), (30, 14), (30, 38), (8, 38)], "#fff2c8")
    pen.path("M19 14V38M8 26H30", "none", "#b5834f", 1.6)
    pen.ellipse(80, 24, 20, 20, "#fff2a0", 0.5)


def _soft_hearts(pen: Pen) -> None:
    for _ in range(4):
        x, y = pen.rng.uniform(8, 92), pen.rng.uniform(8, 40)
        pen.path(heart(x, y, pen.rng.uniform(3, 5.5)), pen.rng.choice(("#f58fa8", "#ee5f7a")), opacity=0.9)


def _party(pen: Pen) -> None:
    e.sky(pen, "party")
    for _ in range(4):
        e.balloon(
            pen,
            pen.rng.choice((pen.rng.uniform(6, 30), pen.rng.uniform(70, 94))),
            pen.rng.uniform(12, 45),
            pen.rng.uniform(7, 10),
        )


def _confetti(pen: Pen) -> None:
    e.confetti(pen, 36)


def _fireworks(pen: Pen) -> None:
    e.sky(pen, "night")
    for x in (20, 50, 82):
        e.firework(pen, x + pen.rng.uniform(-6, 6), pen.rng.uniform(14, 34), pen.rng.uniform(11, 17))
    e.ground(pen, "#2f3a6a", 80)


def _starry(pen: Pen) -> None:
    e.sky(pen, "space")
    e.stars(pen, 40)
    for offset, colour in ((0, "#7a5fd0"), (7, "#4fb8e0")):
        pen.line([(-5, 60 - offset), (30, 36 - offset), (65, 34 - offset), (105, 8 - offset)], colour, 9, 0.3)
    e.ground(pen, "#241f4a", 80)


def _rainbow(pen: Pen) -> None:
    e.sky(pen, "day")
    e.rainbow(pen, 50, 78, 46)
    e.hills(pen, "#7fc46a", 78)


def _peaks(pen: Pen) -> None:
    e.sky(pen, "sunset")
    e.sun(pen, 50, 24, 9, rays=False)
    e.mountains(pen, 76)
    e.ground(pen, "#5a6a5a", 78)


def _burning(pen: Pen) -> None:
    e.sky(pen, "fire")
    e.flames(pen, 50, 92, 46, 72)


def _small_fire(pen: Pen) -> None:
    for x in (18, 50, 82):
        e.flames(pen, x + pen.rng.uniform(-5, 5), 100, 13, pen.rng.uniform(16, 28))


def _red_storm(pen: Pen) -> None:
    e.sky(pen, "fire")
    e.clouds(pen, "#3a1f2a", 4, 14)
    for x in (16, 86):
        e.lightning(pen, x)
    e.ground(pen, "#3a1a1a", 80)


def _swamp(pen: Pen) -> None:
    e.sky(pen, "swamp")
    e.ground(pen, "#5a6a2a", 78)
    e.fumes(pen, 50, 44, 36, 4)


def _slimed(pen: Pen) -> None:
    e.slime(pen, 22, 78, pen.rng.uniform(38, 46), pen.rng.choice(("#8fc43a", "#a8c83f", "#7fae3a")))
    e.flies(pen, 50, 40, 40, 6)


def _rubbish(pen: Pen) -> None:
    for _ in range(6):
        x, y = pen.rng.uniform(6, 94), pen.rng.uniform(82, 95)
        pen.shape([(x + pen.rng.uniform(4, 8) * a, y + pen.rng.uniform(3, 6) * b) for a, b in ((-1, 0), (0, -1), (1, 0), (0.4, 1), (-0.6, 0.9))],
                  pen.rng.choice(("#6a5f3a", "#8a8a5a", "#5a6a3a", "#7a5a4a")))  # fmt: skip
    e.flies(pen, 50, 48, 40, 7)


def _dark(pen: Pen) -> None:
    e.sky(pen, "dread")
    e.moon(pen, pen.rng.choice((20, 80)), 20, 9)
    e.bare_tree(pen, pen.rng.choice((10, 90)), 84, 62, "#120c14")
    e.ground(pen, "#1a1420", 78)


def _watchers(pen: Pen) -> None:
    e.eyes_in_the_dark(pen, 3)
    for _ in range(3):
        e.bat(pen, pen.rng.uniform(10, 90), pen.rng.uniform(8, 34), pen.rng.uniform(6, 10))


def _webs(pen: Pen) -> None:
    e.web(pen, pen.rng.choice((12, 88)), 12, 40)
    e.spider(pen, pen.rng.uniform(22, 78), pen.rng.uniform(14, 26), 5)


def _circus(pen: Pen) -> None:
    e.sky(pen, "candy")
    colours = pen.rng.choice((("#e8453c", "#fff6e8"), ("#4f86c6", "#ffe27a"), ("#9b6dd6", "#ffe0f0")))
    for i in range(8):
        pen.path(f"M50 4L{n(6 + 11 * i)} 44L{n(17 + 11 * i)} 44Z", colours[i % 2])
    for i in range(8):
        pen.path(f"M{n(6 + 11 * i)} 44H{n(17 + 11 * i)}A5.5 5.5 0 0 1 {n(6 + 11 * i)} 44Z", colours[i % 2])
        pen.path(f"M{n(12 + 9.5 * i)} 48H{n(21.5 + 9.5 * i)}V84H{n(12 + 9.5 * i)}Z", colours[i % 2], opacity=0.65)
    e.ground(pen, "#e8c88a", 80)


def _fun_fair(pen: Pen) -> None:
    e.sky(pen, "candy")
    e.confetti(pen, 14)
    e.ground(pen, "#9fd87a", 78)


def _clown_face(pen: Pen) -> None:
    """A laughing face with a red nose on the thing itself."""
    y = pen.rng.uniform(48, 58)
    for x in (40, 60):
        pen.line([(x - 5, y), (x, y - 5), (x + 5, y)], "#2a2430", 2.2)
    pen.path(f"M36 {n(y + 7)}H64C62 {n(y + 24)} 38 {n(y + 24)} 36 {n(y + 7)}Z", "#7a1f2e", "#2a2430", 1.4)
    pen.ellipse(50, y + 18, 7, 3.4, "#f27a86")
    pen.ellipse(50, y + 2, 4.5, 4.5, "#ff3a3a")
    pen.ellipse(48.6, y + 0.6, 1.3, 1.3, "#ffffff")


SETTINGS: tuple[Setting, ...] = (
    Setting("sadness", "rain", ("rain", "cloud"), ("in the rain", "alone in the rain", "under a gray rainy sky"), _rainy, e.rain),
    Setting("sadness", "autumn", ("dead tree", "wilted flower"), ("beside a wilted flower", "under a bare tree in autumn"), _autumn, _leaves),
    Setting("sadness", "graveyard", ("grave",), ("between graves", "in a cemetery"), _grave_yard, e.rain),
    Setting("contentment", "meadow", ("flower", "sun"), ("with flowers in the sun", "in a sunny meadow"), _sunny_meadow, _flowers),
    Setting("contentment", "room", ("window",), ("in a cozy warm room", "in a quiet room with hearts"), _cozy_room, _soft_hearts),
    Setting("excitement", "party", ("balloon", "confetti"), ("with balloons and confetti", "at a party"), _party, _confetti),
    Setting("excitement", "fireworks", ("firework",), ("under fireworks", "with fireworks at night"), _fireworks, _confetti),
    Setting("awe", "starry night", ("star", "galaxy"), ("under a starry sky", "under the galaxy"), _starry, _nothing),
    Setting("awe", "rainbow", ("rainbow",), ("under a rainbow", "with a bright rainbow"), _rainbow, _nothing),
    Setting("awe", "mountains", ("mountain", "sun"), ("before snowy mountains at sunset", "below great mountains"), _peaks, _nothing),
    Setting("anger", "fire", ("fire",), ("on fire", "in angry red flames"), _burning, _small_fire),
    Setting("anger", "red storm", ("lightning", "fire"), ("in a furious red storm", "struck by red lightning"), _red_storm, _small_fire),
    Setting("disgust", "swamp", ("slime", "fly"), ("covered in green slime", "with dripping slime and flies"), _swamp, _slimed),
    Setting("disgust", "dump", ("trash", "fly"), ("in stinking trash", "on a garbage dump with flies"), _swamp, _rubbish),
    Setting("fear", "dark forest", ("bat", "eyes"), ("in the dark with bats", "watched by eyes in the dark"), _dark, _watchers),
    Setting("fear", "spider web", ("spider", "web"), ("in a dark place with a spider", "behind a spider web"), _dark, _webs),
    Setting("amusement", "circus", ("tent", "clown"), ("at the circus with a clown nose", "with a laughing clown face"), _circus, _clown_face),
    Setting("amusement", "fun fair", ("confetti", "clown"), ("with a funny laughing face", "that makes a funny face"), _fun_fair, _clown_face),
)  # fmt: skip
