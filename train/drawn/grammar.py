"""From an emotion to its cues: several independent prototypes per emotion, sampled with natural variation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from .faces import Face


@dataclass(frozen=True)
class Prototype:
    """One way to show an emotion.

    `brows`, `eyes` and `mouths` are alternatives; `effects` maps an effect to how likely it is; `must` names groups of
    which at least one effect is always drawn; `gestures` are for bodies with arms; `says` are verb phrases for captions.
    """

    name: str
    brows: tuple[str, ...]
    eyes: tuple[str, ...]
    mouths: tuple[str, ...]
    effects: dict[str, float] = field(default_factory=dict)
    must: tuple[tuple[str, ...], ...] = ()
    gestures: tuple[str, ...] = ("down",)
    says: tuple[str, ...] = ()
    tint: tuple[str, float] = ("", 0.0)
    brow_drop: float = 0.3
    weight: float = 1.0


RED, GREEN, BLUE = "red", "green", "blue"

PROTOTYPES: dict[str, tuple[Prototype, ...]] = {
    "amusement": (
        Prototype("laugh", ("raised", "soft"), ("happy arcs", "carets", "squeezed"), ("big laugh", "huge laugh"),
                  {"laughing tears": 0.5, "blush": 0.3, "burst": 0.15}, (), ("belly", "down", "point"),
                  ("is laughing", "laughs out loud", "is giggling"), brow_drop=0.5, weight=1.6),
        Prototype("laughing to tears", ("raised", "none"), ("happy arcs", "squeezed", "carets"),
                  ("huge laugh", "big laugh", "grin"), {"laughing tears": 1.0}, (), ("belly", "point", "down"),
                  ("laughs until it cries", "is crying with laughter"), brow_drop=0.6),
        Prototype("tongue", ("raised", "soft", "one raised"), ("squeezed", "winking", "happy arcs", "round", "uneven", "dots"),
                  ("tongue out",), {"blush": 0.25}, (), ("down", "wave", "hips", "peace"),
                  ("sticks out its tongue", "makes a silly face"), brow_drop=0.5, weight=1.3),
        Prototype("wink", ("one raised", "soft", "none"), ("winking",), ("smile", "smirk", "open smile", "grin", "tongue out"),
                  {"stars": 0.15, "blush": 0.2}, (), ("thumb up", "point", "peace", "down"), ("is winking", "winks"), brow_drop=0.5),
        Prototype("silly", ("one raised", "raised"), ("uneven",), ("tongue out", "open smile", "grin", "smirk"),
                  {}, (), ("down", "wave"), ("makes a funny face", "is joking"), brow_drop=0.4, weight=0.7),
        Prototype("grin", ("raised", "soft"), ("happy arcs", "carets", "dots", "round"), ("grin", "open smile"),
                  {"blush": 0.3, "notes": 0.1}, (), ("down", "hips", "wave"),
                  ("is grinning", "grins"), brow_drop=0.5, weight=0.9),
    ),
    "awe": (
        Prototype("wonder", ("raised",), ("round", "anime", "dots", "wide"), ("small o", "open o"), {"sparkles": 0.5},
                  (), ("down", "cheeks", "clasp", "cover mouth"), ("gasps in wonder", "is amazed", "stares in surprise"),
                  brow_drop=0.15, weight=1.3),
        Prototype("dazzled", ("raised", "none"), ("sparkling",), ("small o", "open o"),
                  {"sparkles": 0.7, "blush": 0.4, "glow": 0.25}, (), ("clasp", "cheeks", "down"),
                  ("is dazzled", "looks on in wonder"), brow_drop=0.5, weight=1.2),
        Prototype("gazing up", ("raised", "soft"), ("looking up",), ("small o", "open o", "small smile"),
                  {"sparkles": 0.6, "stars": 0.4, "glow": 0.35}, (("sparkles", "stars", "glow"),), ("clasp", "down", "up"),
                  ("looks up in awe", "gazes at the sky"), brow_drop=0.3),
        Prototype("astonished", ("raised",), ("round", "dots", "anime"), ("big o", "open o"), {"burst": 0.5, "sparkles": 0.4},
                  (("burst", "sparkles"),), ("cheeks", "up", "cover mouth"), ("is astonished", "cannot believe its eyes"),
                  brow_drop=0.1),
        Prototype("reverent glow", ("raised", "soft"), ("sparkling", "anime"), ("small smile", "small o"),
                  {"glow": 1.0, "sparkles": 0.8}, (), ("clasp", "down"), ("is filled with wonder",), brow_drop=0.4, weight=0.7),
    ),
    "contentment": (
        Prototype("serene", ("soft", "none"), ("resting", "happy arcs"), ("small smile", "smile", "cat smile"),
                  {"blush": 0.6, "sparkles": 0.08}, (), ("down", "clasp", "hold cup", "hold flower"),
                  ("is smiling peacefully", "relaxes", "feels calm"), brow_drop=0.6, weight=1.6),
        Prototype("gentle", ("soft", "none"), ("dots", "anime", "round"), ("small smile", "smile", "cat smile"),
                  {"blush": 0.7}, (), ("down", "wave", "hold flower", "hold heart"), ("is smiling", "smiles softly"), brow_drop=0.6),
        Prototype("loving", ("soft", "none"), ("hearts", "happy arcs", "resting"), ("smile", "small smile", "open smile"),
                  {"hearts": 0.8, "blush": 0.6}, (("hearts",),), ("hold heart", "clasp", "cheeks", "down"),
                  ("is in love", "sends love"), brow_drop=0.7),
        Prototype("kind hearts", ("none", "soft"), ("hearts",), ("smile", "small smile", "broad smile"), {"blush": 0.4, "hearts": 0.3},
                  (), ("hold heart", "clasp", "down"), ("is in love", "looks at you with love"), brow_drop=0.7, weight=0.6),
        Prototype("asleep", ("soft", "none"), ("resting", "lines"), ("small smile", "cat smile"),
                  {"sleep": 0.9, "snot": 0.2, "blush": 0.4}, (("sleep", "snot"),), ("down", "hug pillow"),
                  ("is sleeping", "takes a nap", "dreams"), brow_drop=0.7, weight=0.7),
        Prototype("blissful", ("soft", "none"), ("resting", "happy arcs"), ("broad smile", "smile"),
                  {"halo": 0.4, "notes": 0.4, "blush": 0.5}, (("halo", "notes"),), ("down", "clasp"),
                  ("hums a song", "is at peace"), brow_drop=0.6, weight=0.7),
    ),
    "excitement": (
        Prototype("star-struck", ("raised", "soft"), ("stars",), ("open smile", "big laugh", "huge laugh", "broad smile"),
                  {"sparkles": 0.3, "burst": 0.3, "blush": 0.3}, (), ("up", "fists", "cheeks", "jump"),
                  ("is star-struck", "is thrilled"), brow_drop=0.4, weight=1.2),
        Prototype("cheering", ("raised", "soft"), ("round", "anime", "sparkling", "happy arcs"), ("huge laugh", "big laugh"),
                  {"burst": 0.6, "confetti": 0.5, "sparkles": 0.4, "stars": 0.3}, (("burst", "confetti", "sparkles", "stars"),),
                  ("up", "jump", "fists"), ("is cheering", "jumps for joy", "raises its arms"), brow_drop=0.3, weight=1.5),
        Prototype("party", ("raised", "none"), ("happy arcs", "round", "stars", "carets", "dots"), ("open smile", "big laugh", "broad smile"),
                  {"confetti": 1.0, "notes": 0.3}, (), ("up", "jump", "wave"), ("is celebrating", "parties"),
                  brow_drop=0.5, weight=1.1),
        Prototype("eager", ("raised", "soft"), ("sparkling",), ("big laugh", "open smile", "huge laugh"),
                  {"sparkles": 0.5, "burst": 0.6, "blush": 0.4}, (("burst", "sparkles"),), ("fists", "clasp", "up"),
                  ("cannot wait", "is eager"), brow_drop=0.6, weight=0.8),
    ),
    "anger": (
        Prototype("scowl", ("angry",), ("dots", "round", "glaring"), ("frown", "deep frown", "flat", "pout"),
                  {"vein": 0.35, "hot cheeks": 0.15}, (), ("hips", "crossed", "down", "fists"), ("is angry", "scowls", "glares"),
                  (RED, 0.35), 0.0, 1.4),
        Prototype("teeth", ("angry",), ("glaring", "dots", "angry slits", "round"), ("clenched teeth",),
                  {"vein": 0.55, "ear steam": 0.35, "hot cheeks": 0.2}, (), ("fists", "up fists", "hips"),
                  ("grits its teeth", "is furious", "clenches its fists"), (RED, 0.45), 0.0, 1.3),
        Prototype("shout", ("angry",), ("glaring", "angry slits", "round", "dots"), ("snarl", "snarl", "big o"),
                  {"vein": 0.5, "flames": 0.3, "burst": 0.25, "ear steam": 0.25}, (), ("up fists", "point", "fists"),
                  ("is shouting", "screams in rage", "yells"), (RED, 0.5), 0.0, 1.3),
        Prototype("fuming", ("angry",), ("glaring", "angry slits", "sidelong", "lines"), ("frown", "wobbly", "flat", "zigzag", "puffed"),
                  {"ear steam": 0.7, "nose steam": 0.5, "vein": 0.4}, (("ear steam", "nose steam"),), ("crossed", "hips", "fists"),
                  ("is fuming", "snorts with anger"), (RED, 0.55), 0.05),
        Prototype("cursing", ("angry",), ("glaring", "dots", "angry slits"), ("snarl", "clenched teeth", "frown"), {"swear": 1.0},
                  (), ("point", "fists", "up fists"), ("is cursing", "swears"), (RED, 0.5), 0.0, 0.7),
        Prototype("burning", ("angry",), ("glaring", "blank", "dots"), ("snarl", "clenched teeth", "deep frown"),
                  {"flames": 1.0, "vein": 0.3}, (), ("up fists", "fists"), ("burns with rage", "explodes with anger"),
                  (RED, 0.6), 0.05, 0.7),
    ),
    "disgust": (
        Prototype("vomit", ("worried", "angry", "none"), ("squeezed", "crosses", "wide", "spirals", "sad slits"), ("vomit",),
                  {"cold sweat": 0.2, "dizzy": 0.2}, (), ("belly", "down"), ("is vomiting", "throws up"), (GREEN, 0.5), 0.4, 1.3),
        Prototype("nausea", ("worried", "flat"), ("half-lidded", "spirals", "dots", "droopy", "sidelong"),
                  ("puffed", "wobbly", "drool", "zigzag"), {"dizzy": 0.35, "sweat": 0.2}, (), ("cover mouth", "belly", "down"),
                  ("feels sick", "is nauseous"), (GREEN, 0.9), 0.3, 1.3),
        Prototype("tongue out", ("angry", "worried", "one raised"), ("squeezed", "twitching", "half-lidded", "sad slits"),
                  ("disgusted tongue",), {"stench": 0.2}, (), ("stop", "thumb down", "down"),
                  ("is disgusted", "sticks out its tongue in disgust"), (GREEN, 0.4), 0.3, 1.2),
        Prototype("sneer", ("one raised", "angry", "flat"), ("sidelong", "twitching", "half-lidded"), ("lip curl", "zigzag", "wobbly"),
                  {"sweat": 0.1}, (("stench", "flies", "dizzy"),), ("stop", "thumb down", "crossed"),
                  ("is disgusted", "sneers", "turns away in disgust"), (GREEN, 0.45), 0.15),
        Prototype("stench", ("worried", "angry", "one raised"), ("squeezed", "twitching", "spirals", "sad slits"),
                  ("wobbly", "drool", "zigzag", "lip curl", "disgusted tongue"), {"stench": 0.8, "flies": 0.5},
                  (("stench", "flies"),), ("pinch nose", "stop"), ("smells something bad", "holds its nose"), (GREEN, 0.4), 0.4),
    ),
    "fear": (
        Prototype("scream", ("worried", "raised"), ("wide", "blank", "round"), ("scream", "big o"),
                  {"cold sweat": 0.3, "gloom": 0.3, "tremble": 0.4, "shock": 0.2}, (("gloom", "tremble", "cold sweat"),),
                  ("cheeks", "up", "cheeks"), ("is screaming in fear", "screams", "is terrified"), (BLUE, 0.5), 0.25, 1.5),
        Prototype("trembling", ("worried",), ("wide", "round", "blank", "dots"), ("wobbly", "chattering teeth", "zigzag"),
                  {"tremble": 0.7, "cold sweat": 0.5, "gloom": 0.2}, (("tremble", "cold sweat"),), ("clasp", "cover mouth", "cheeks"),
                  ("is trembling", "shakes with fear"), (BLUE, 0.45), 0.15, 1.4),
        Prototype("pale", ("worried", "none"), ("wide", "blank"), ("small o", "open o", "wobbly", "small frown", "chattering teeth"),
                  {"gloom": 0.6, "sweat": 0.4}, (("gloom", "sweat"),), ("cheeks", "down", "cover mouth"),
                  ("turns pale", "is scared", "freezes with fear"), (BLUE, 0.85), 0.3, 1.1),
        Prototype("panic", ("worried",), ("wide", "spirals", "squeezed"), ("chattering teeth", "scream", "zigzag"),
                  {"cold sweat": 1.0, "tremble": 0.3, "shock": 0.4}, (), ("up", "cheeks", "run"), ("is panicking", "runs away"),
                  (BLUE, 0.4), 0.1, 0.8),
        Prototype("startled", ("raised", "worried"), ("wide",), ("scream", "chattering teeth", "wobbly"), {"shock": 0.8, "burst": 0.2, "tremble": 0.4},
                  (("tremble", "shock"),), ("up", "stop"), ("is startled", "jumps back in fright"), (BLUE, 0.5), 0.2, 0.7),
    ),
    "sadness": (
        Prototype("streams", ("worried", "none"), ("sad slits", "squeezed", "resting", "happy arcs", "lines"),
                  ("frown", "wobbly", "deep frown", "wail"), {"tear streams": 1.0, "puddle": 0.2}, (),
                  ("down", "cover mouth", "slump", "rub eyes"), ("is crying", "cries rivers", "weeps"), ("", 0.0), 0.4, 1.2),
        Prototype("one tear", ("worried",), ("dots", "round", "half-lidded", "droopy", "looking down", "resting"),
                  ("frown", "small frown", "pout"), {"tear": 1.0}, (), ("down", "slump"), ("sheds a tear", "is sad"), ("", 0.0), 0.25, 1.4),
        Prototype("gloomy", ("worried",), ("looking down", "droopy", "half-lidded", "resting", "lines"),
                  ("frown", "small frown", "flat", "deep frown"), {"gloom": 0.5, "rain cloud": 0.5}, (), ("slump", "down", "cheeks"),
                  ("is gloomy", "looks down", "sighs"), (BLUE, 0.15), 0.1, 1.2),
        Prototype("sobbing", ("worried", "none"), ("sad slits", "squeezed", "resting"), ("wail",),
                  {"tear streams": 0.5, "tear jets": 0.5, "tear": 0.2, "puddle": 0.15}, (("tear streams", "tear jets"),),
                  ("rub eyes", "down", "up"), ("is sobbing", "cries loudly", "bawls"), ("", 0.0), 0.4, 1.2),
        Prototype("pleading", ("worried",), ("watery",), ("small frown", "pout", "wobbly", "frown"), {"tear": 0.35, "blush": 0.3},
                  (), ("clasp", "down"), ("looks at you with watery eyes", "is about to cry"), ("", 0.0), 0.15),
        Prototype("heartbroken", ("worried",), ("droopy", "sad slits", "dots", "watery", "resting"), ("frown", "small frown", "wobbly"),
                  {"broken heart": 1.0, "tear": 0.5}, (), ("slump", "down"), ("is heartbroken", "has a broken heart"), ("", 0.0), 0.2, 0.7),
        Prototype("downcast", ("worried",), ("dots", "round", "anime", "droopy"), ("frown", "deep frown", "small frown"), {"sweat": 0.1}, (),
                  ("slump", "down"), ("is unhappy", "feels down", "looks sad"), ("", 0.0), 0.0, 0.9),
    ),
}  # fmt: skip

WORDS: dict[str, tuple[str, ...]] = {
    "amusement": ("haha", "lol", "hehe"),
    "awe": ("wow", "ooh", "woah"),
    "contentment": ("aww", "mmm", "ahh", "love"),
    "excitement": ("yay", "yes!", "woo", "go!"),
    "anger": ("grr", "no!", "argh", "hey!"),
    "disgust": ("ew", "yuck", "bleh", "ugh"),
    "fear": ("help", "eek", "aah!", "oh no"),
    "sadness": ("sob", "sigh", "waah", "why"),
}
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "amusement": ("laughing", "amused", "silly", "funny", "playful"),
    "awe": ("amazed", "astonished", "wide-eyed", "dazzled"),
    "contentment": ("calm", "content", "peaceful", "relaxed", "happy", "gentle"),
    "excitement": ("excited", "thrilled", "overjoyed", "cheering"),
    "anger": ("angry", "furious", "mad", "raging"),
    "disgust": ("disgusted", "sick", "nauseous", "grossed out"),
    "fear": ("scared", "terrified", "frightened", "fearful"),
    "sadness": ("sad", "crying", "unhappy", "miserable", "gloomy"),
}


@dataclass(frozen=True)
class Mood:
    """One sampled expression: a face, its effects, a gesture, a tint, maybe a word, and how a caption tells it."""

    emotion: str
    prototype: str
    face: Face
    effects: tuple[str, ...]
    gesture: str
    tint: str
    word: str
    says: str


def _chosen(rng: Random, likely: dict[str, float], must: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    effects = [name for name, probability in likely.items() if rng.random() < probability]
    for group in must:
        if not any(name in effects for name in group):
            effects.append(rng.choice(group))
    return tuple(effects)


def random_mood(rng: Random, emotion: str) -> Mood:
    """A random expression of one Mikels-8 emotion."""
    options = PROTOTYPES[emotion]
    prototype = rng.choices(options, [option.weight for option in options])[0]
    brows = "none" if rng.random() < prototype.brow_drop else rng.choice(prototype.brows)
    mouth = rng.choice(prototype.mouths)
    colour, probability = prototype.tint
    return Mood(
        emotion,
        prototype.name,
        Face(brows, rng.choice(prototype.eyes), mouth),
        _chosen(rng, prototype.effects, prototype.must),
        rng.choice(prototype.gestures),
        colour if rng.random() < probability else "",
        rng.choice(WORDS[emotion]) if rng.random() < 0.07 else "",
        rng.choice(prototype.says),
    )
