"""Short English captions of drawings."""

from __future__ import annotations

import re
from random import Random

from train.english import indefinite_article

from .bodies import Anchor
from .grammar import ADJECTIVES, Mood
from .palette import Style

MOUTH_WORDS: dict[str, str] = {
    "small o": "a small open mouth", "open o": "an open mouth", "big o": "a wide open mouth", "wail": "a wailing mouth",
    "scream": "a screaming mouth", "snarl": "a snarling mouth", "grin": "a toothy grin", "smile": "a smile",
    "small smile": "a small smile", "broad smile": "a broad smile", "cat smile": "a cat smile", "smirk": "a smirk",
    "open smile": "an open smile", "big laugh": "a big laugh", "huge laugh": "a huge laugh", "frown": "a frown",
    "tongue out": "its tongue out", "small frown": "a small frown", "deep frown": "a deep frown", "flat": "a flat mouth",
    "pout": "a pout", "wobbly": "a wobbly mouth", "zigzag": "a zigzag mouth", "clenched teeth": "clenched teeth",
    "chattering teeth": "chattering teeth", "lip curl": "a curled lip", "disgusted tongue": "its tongue out",
    "vomit": "green vomit", "drool": "green drool", "puffed": "puffed cheeks",
}  # fmt: skip
EYE_WORDS: dict[str, str] = {
    "wide": "wide eyes", "looking up": "eyes that look up", "looking down": "lowered eyes", "half-lidded": "half-closed eyes",
    "glaring": "glaring eyes", "droopy": "droopy eyes", "sparkling": "sparkling eyes", "watery": "watery eyes",
    "happy arcs": "closed happy eyes", "resting": "closed eyes", "squeezed": "eyes squeezed shut", "crosses": "crossed out eyes",
    "hearts": "heart eyes", "stars": "star eyes", "spirals": "spiral eyes", "blank": "blank white eyes",
    "winking": "one eye closed", "uneven": "silly eyes", "round": "round eyes", "anime": "big eyes", "carets": "closed happy eyes",
    "angry slits": "angry eyes", "sad slits": "eyes shut tight", "sidelong": "a sidelong look", "twitching": "a narrowed eye",
}  # fmt: skip
EFFECT_WORDS: dict[str, str] = {
    "tear": "a tear", "tear streams": "streams of tears", "tear jets": "flying tears", "laughing tears": "tears of laughter",
    "blush": "pink cheeks", "hot cheeks": "red cheeks", "sweat": "a sweat drop", "cold sweat": "cold sweat", "vein": "an anger mark",
    "ear steam": "steam from the ears", "nose steam": "steam from the nose", "flames": "flames on the head",
    "swear": "a swearing bubble", "hearts": "hearts", "sparkles": "sparkles", "stars": "stars", "halo": "a halo",
    "glow": "a shining glow", "sleep": "sleepy zzz", "notes": "music notes", "confetti": "confetti", "tremble": "shaking lines",
    "stench": "a bad smell", "flies": "flies", "dizzy": "a dizzy swirl", "rain cloud": "a rain cloud",
    "broken heart": "a broken heart", "gloom": "dark lines on the face", "puddle": "a puddle of tears",
}  # fmt: skip
GESTURE_WORDS: dict[str, str] = {
    "up": "raises its arms", "jump": "jumps up", "up fists": "raises its fists", "cheeks": "puts its hands on its cheeks",
    "cover mouth": "covers its mouth", "rub eyes": "rubs its eyes", "clasp": "clasps its hands", "hold heart": "holds a heart",
    "hold cup": "holds a cup", "hold flower": "holds a flower", "hug pillow": "hugs a pillow", "crossed": "crosses its arms",
    "belly": "holds its belly", "hips": "puts its hands on its hips", "fists": "clenches its fists", "wave": "waves a hand",
    "thumb up": "shows a thumb up", "thumb down": "shows a thumb down", "peace": "shows two fingers", "point": "points a finger",
    "stop": "pushes it away", "pinch nose": "holds its nose", "run": "is running", "slump": "lets its arms hang",
}  # fmt: skip
TINT_WORDS = {"red": "a red face", "green": "a green face", "blue": "a pale blue face"}
POSSESSIVE = {"man": "his", "boy": "his", "grandfather": "his", "woman": "her", "girl": "her", "grandmother": "her"}


def a(phrase: str) -> str:
    """The phrase with its indefinite article."""
    return f"{indefinite_article(phrase)} {phrase}"


def subject(anchor: Anchor, style: Style, rng: Random) -> str:
    """`orange cat` or, often, just `cat`."""
    if anchor.looks and not style.colourless and rng.random() < 0.5:
        return f"{anchor.looks} {anchor.noun}"
    return anchor.noun


def _personal(text: str, noun: str) -> str:
    own = POSSESSIVE.get(noun.rsplit(" ", 1)[-1], "its")
    other = {"his": "he", "her": "she", "its": "it"}[own]
    return re.sub(r"\bit\b(?= cries)", other, re.sub(r"\bits\b", own, text))


def sticker_caption(rng: Random, anchor: Anchor, mood: Mood, style: Style) -> str:
    """One sentence or phrase that names the body, and its face, effects or action."""
    noun, adjective = subject(anchor, style, rng), rng.choice(ADJECTIVES[mood.emotion])
    details = [EFFECT_WORDS[name] for name in mood.effects if name in EFFECT_WORDS]
    if mood.face.mouth in MOUTH_WORDS:
        details.append(MOUTH_WORDS[mood.face.mouth])
    if mood.face.eyes in EYE_WORDS:
        details.append(EYE_WORDS[mood.face.eyes])
    if mood.tint and not style.colourless:
        details.append(TINT_WORDS[mood.tint])
    rng.shuffle(details)
    gesture = GESTURE_WORDS.get(anchor.attributes.get("gesture", ""), "")
    forms = [f"{a(noun)} {mood.says}"]
    if details:
        forms += [f"{a(adjective)} {noun} with {details[0]}", f"{a(noun)} with {details[0]} {mood.says}"]
        forms.append(f"{a(noun)} has {details[0]}")
    if len(details) > 1:
        forms += [f"{a(noun)} with {details[0]} and {details[1]}"] * 2
    if gesture:
        forms += [f"{a(adjective)} {noun} {gesture}", f"{a(noun)} {gesture}"]
    if not any(word in noun for word in ("face", "smiley")):
        forms.append(f"{a(adjective)} {noun}" + (f" that {mood.says}" if rng.random() < 0.4 else " sticker"))
    if mood.word:
        forms.append(f"{a(noun)} says {mood.word.strip('!')}")
    return _personal(rng.choice([form for form in forms if len(form.split()) >= 4]), anchor.noun)


def thing_caption(rng: Random, noun: str, looks: str, style: Style, phrase: str) -> str:
    """A thing, and what surrounds it (empty for none)."""
    colour = looks in ("wooden", "tall", "small") or not style.colourless
    subject = f"{looks} {noun}" if colour and rng.random() < 0.6 else noun
    if phrase:
        return f"{a(subject)} {phrase}" if rng.random() < 0.7 else f"{a(subject)} stands {phrase}"
    return rng.choice(
        (
            f"a drawing of {a(subject)}",
            f"a picture of {a(subject)}",
            f"{a(subject)} on a plain background",
            f"a simple {noun} sticker",
        )
    )
