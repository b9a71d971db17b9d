"""Characters: a body with a face, effects, things to wear and a gesture; alone or two together."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from random import Random
from typing import Any

from train.english import plural

from . import animals, bodies, creatures, people
from .accessories import decorate
from .bodies import Anchor, Body
from .captions import a
from .effects import BEHIND, EFFECTS, UNDER_FACE, bubble, tint
from .effects_face import Place
from .faces import draw_face
from .gestures import floating_hands
from .grammar import Mood, random_mood
from .palette import mix
from .proportions import Proportions, fitted, random_proportions
from .svg import Pen, n

#: Bodies and how often each is drawn.
BODIES: dict[str, tuple[Body, float]] = {
    "round face": (bodies.round_face, 3.0),
    "animal head": (animals.animal_head, 3.0),
    "animal": (animals.animal_body, 3.4),
    "person head": (people.person_head, 3.0),
    "person": (people.person_body, 3.0),
    "blob": (bodies.blob, 1.0),
    "slime": (bodies.slime, 0.6),
    "ghost": (bodies.ghost, 0.6),
    "shape": (bodies.shape_face, 1.2),
    "robot": (bodies.robot, 0.8),
    "monster": (bodies.monster, 0.8),
    "food": (bodies.food, 1.2),
    "alien": (creatures.alien, 0.6),
    "plush": (creatures.plush, 0.8),
    "octopus": (creatures.octopus, 0.5),
    "dinosaur": (creatures.dinosaur, 0.6),
    "bee": (creatures.bee, 0.4),
    "screen": (creatures.screen, 0.6),
    "fish": (creatures.fish, 0.5),
}
TINTS = {"red": "#f0281e", "green": "#6fae2a", "blue": "#4a62c8"}
WORD_COLOURS = ("#d8302a", "#2a2430", "#3a5fb0", "#c9602a")


def random_body(rng: Random) -> str:
    """The name of a body, drawn by its weight."""
    return rng.choices(list(BODIES), [weight for _, weight in BODIES.values()])[0]


def draw_character(
    pen: Pen, mood: Mood, draw_body: Body, proportions: Proportions | None = None, seed: str = ""
) -> tuple[Anchor, dict[str, Any]]:
    """Draws a body in a mood, in the pen's frame; returns its anchor and the attributes of what was drawn.

    The face has random proportions if none are given. With a `seed` the body and what it wears depend on it and on the
    gesture alone, and the rest on it and the mood.
    """
    rng, start = pen.rng, len(pen.parts)
    if seed:
        rng.seed(f"{seed} body")
    anchor = draw_body(pen, mood.gesture)
    if seed:
        rng.seed(f"{seed} {mood.emotion} {mood.prototype}")
    face = fitted(proportions or random_proportions(rng), anchor.attributes.get("nose", "none"))
    place = Place(face, pen.ink_on(anchor.skin), anchor.skin, anchor.rx / anchor.scale, anchor.ry / anchor.scale)
    frame = f"translate({n(anchor.cx)} {n(anchor.cy)}) scale({n(anchor.scale)})"
    # Line art often keeps colour for what tells the mood, as printed stickers do.
    spot = pen.style.tone == "line" and rng.random() < 0.7

    def effects(names: list[str]) -> None:
        with pen.tone("plain") if spot else nullcontext(), pen.group(frame):
            for name in names:
                EFFECTS[name](pen, place)

    body, pen.parts[start:] = pen.parts[start:], []
    effects([name for name in mood.effects if name in BEHIND])
    pen.parts += body
    skin = anchor.skin
    if mood.tint:
        strength = rng.uniform(0.35, 0.7)
        with pen.tone("plain") if spot else nullcontext():
            upper = mood.tint == "blue" or rng.random() < 0.35
            tint(pen, anchor.head, TINTS[mood.tint], strength, upper)
        skin = mix(skin, TINTS[mood.tint], 0.0 if upper else strength * 0.85)
    effects([name for name in mood.effects if name in UNDER_FACE])
    with pen.tone("plain") if spot and rng.random() < 0.5 else nullcontext(), pen.group(frame):
        draw_face(pen, mood.face, face, place.ink, pen.colour(skin))
    if seed:
        rng.seed(f"{seed} accessory")
    accessory = decorate(pen, anchor, "" if seed else mood.emotion)
    if seed:
        rng.seed(f"{seed} {mood.emotion} {mood.prototype} before")
    if "gesture" not in anchor.attributes:
        floating_hands(pen, anchor, mood.gesture)
    for front in anchor.in_front:
        front()
    effects([name for name in mood.effects if name not in BEHIND and name not in UNDER_FACE])
    if mood.word:
        with pen.group(frame):
            bubble(pen, mood.word, place, rng.choice(WORD_COLOURS))
    attributes: dict[str, Any] = {
        "noun": anchor.noun, "brows": mood.face.brows, "eyes": mood.face.eyes, "mouth": mood.face.mouth,
        "effects": list(mood.effects), "gesture": anchor.attributes.get("gesture", ""), "tint": mood.tint,
        "prototype": mood.prototype, "accessory": accessory, "objects": [anchor.noun],
    }  # fmt: skip
    return anchor, attributes


#: What two do together: (verb phrase, gesture of the left one, gesture of the right one, how near they stand).
TOGETHER: dict[str, tuple[tuple[str, str, str, float], ...]] = {
    "amusement": (("are laughing together", "belly", "belly", 25), ("laugh at a joke", "point", "belly", 25)),
    "awe": (("look up at the sky", "clasp", "up", 24), ("are amazed", "cheeks", "cheeks", 24)),
    "contentment": (("are hugging", "clasp", "clasp", 17), ("hug each other", "hold heart", "clasp", 18),
                    ("are in love", "hold flower", "hold heart", 21)),
    "excitement": (("are cheering", "up", "up", 25), ("jump for joy", "jump", "jump", 25), ("dance together", "up", "wave", 24)),
    "anger": (("are fighting", "up fists", "up fists", 23), ("shout at each other", "point", "fists", 24),
              ("argue with each other", "hips", "point", 25)),
    "disgust": (("feel sick", "cover mouth", "belly", 25), ("smell something bad", "pinch nose", "stop", 25)),
    "fear": (("hold each other in fear", "clasp", "cheeks", 18), ("run away from danger", "up", "run", 25)),
    "sadness": (("are crying together", "rub eyes", "slump", 22), ("comfort each other", "clasp", "rub eyes", 17)),
}  # fmt: skip


def draw_pair(pen: Pen, emotion: str) -> tuple[str, dict[str, Any]]:
    """Two animals of a kind or two people who share a mood; returns the caption and the attributes."""
    rng = pen.rng
    says, left, right, apart = rng.choice(TOGETHER[emotion])
    species = rng.choice(animals.SPECIES) if rng.random() < 0.6 else None

    def body(pen: Pen, gesture: str) -> Anchor:
        return animals.animal_body(pen, gesture, species) if species else people.person_body(pen, gesture)

    drawn = []
    for side, gesture in ((-1, left), (1, right)):
        mood = replace(random_mood(rng, emotion), gesture=gesture, word="")
        size = rng.uniform(0.6, 0.7)
        where = f"translate({n(50 + side * apart - 50 * size)} {n(58 - 50 * size)}) rotate({n(-side * rng.uniform(0, 7))} 50 50)"
        with pen.group(f"{where} scale({n(size)})"):
            drawn.append(draw_character(pen, mood, body))
    (first, attributes), (second, _) = drawn
    nouns = [first.noun, second.noun]
    who = f"two {plural(nouns[0])}" if nouns[0] == nouns[1] else f"{a(nouns[0])} and {a(nouns[1])}"
    return f"{who} {says}", {**attributes, "gesture": f"{left}, {right}", "objects": nouns, "body": "pair"}
