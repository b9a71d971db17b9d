"""Captions of what is seen, in which nobody says what it feels like: who or what, with which face, doing what, where.

Words for emotions would carry the labels of a target domain into everything that learns from captions. So emoji are
described by their parts where their names tell a feeling, cartoons by the face parts that were put together, drawings by
what the renderer drew; and whatever is left passes through `without_feelings`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from train.data.wording import subject_of_emoji, with_article
from train.drawn.captions import EFFECT_WORDS, EYE_WORDS, GESTURE_WORDS, MOUTH_WORDS, TINT_WORDS

_TABLES = Path(__file__).parent / "tables"

#: Beginnings of words that name a feeling, and whole words; what a face does (smiles, frowns, cries, laughs) is seen.
_STEMS = (
    "amus awe astonish amaz wonder surpris content peace seren relie excit thrill overjoy joyf joyou happ cheer delight "
    "ang irritat annoy furi enrag rage raging infuriat frustrat hostil disgust nause revolt loath fear afraid scar fright "
    "terrif terror horr anxi worr nervous panic dreadf sad sorrow grief griev mourn melanchol unhapp depress miser gloom "
    "disappoint heartbr lonel despair hopeless anguish distress upset bored boredom confus stress playful funny silly "
    "pleas lov affection embarrass asham guilt pride proud jealous disdain contempt sulk eager dazzl hush pensive weary"
)  # fmt: skip
_WHOLE = "joy dread mad gross grossed calm relaxed tense fun fume fuming cheeky blissful bliss glad startled zany awful creepy spooky eerie grim grumpy"
_SPARED = "angle angel angora saddl scarf scarlet scarecrow pleat angular lovebird content_"
_FEELING = re.compile(
    rf"\b(?:very )?(?!(?:{'|'.join(_SPARED.split())}))(?:(?:{'|'.join(_STEMS.split())})\w*|(?:{'|'.join(_WHOLE.split())}))\b",
    re.IGNORECASE,
)

#: What the renderer's words for parts say of a feeling, and what is seen instead.
_DRAWN_SEEN = {
    "closed happy eyes": "eyes curved upward",
    "angry eyes": "slanted eyes",
    "silly eyes": "uneven eyes",
    "an anger mark": "a red vein mark",
    "tears of laughter": "tears at both eyes",
    "a swearing bubble": "a bubble of symbols",
    "a big laugh": "an open laughing mouth",
    "a huge laugh": "a huge laughing mouth",
}
_BROWS = {"angry": "slanted brows", "worried": "brows raised at the inner ends", "raised": "raised brows"}
#: Verb phrases as participles, so that a caption stays one noun phrase.
_DOING = {
    "raises": "raising", "jumps": "jumping", "puts": "putting", "covers": "covering", "rubs": "rubbing", "clasps": "clasping",
    "holds": "holding", "hugs": "hugging", "crosses": "crossing", "clenches": "clenching", "waves": "waving", "shows": "showing",
    "points": "pointing", "pushes": "pushing", "is": "", "lets": "letting",
}  # fmt: skip


def feelings_in(text: str) -> list[str]:
    """The words of `text` that name an emotion.

    >>> feelings_in("a frightened bee with wide eyes, screaming")
    ['frightened']
    """
    return _FEELING.findall(text)


def without_feelings(text: str) -> str:
    """`text` without its words for emotions, the words and signs around them mended; empty when nothing is left.

    >>> without_feelings("a photo of an angry person shouting")
    'a photo of a person shouting'
    """
    if not feelings_in(text):
        return text
    text = " ".join(_FEELING.sub("", text).split())
    text = re.sub(r" (?:and|with|in|of)(?= ?(?:$|,))", "", text)
    text = re.sub(r"\s+,", ",", text).strip(" ,")
    # Of "an angry person" the article was made for what is gone.
    return re.sub(r"\ban? (\w+)", lambda found: with_article(f"{found[1]} one").removesuffix(" one"), text)


@cache
def _table(name: str, key: int) -> Mapping[tuple[str, ...], str]:
    """A table of this package: its first `key` columns to its last one."""
    with (_TABLES / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {tuple(row[:key]): row[-1] for row in rows}


def listed(parts: Sequence[str]) -> str:
    """Phrases as a list: "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def having(subject: str, parts: Sequence[str]) -> str:
    """`subject` with what it has.

    >>> having("a person with a bun", ["closed eyes", "a smile"])
    'a person with a bun, closed eyes and a smile'
    """
    if not parts:
        return subject
    if " with " in subject:
        return f"{subject}, {listed(parts)}" if len(parts) > 1 else f"{subject} and {parts[0]}"
    return f"{subject} with {listed(parts)}"


def face_words(style: str, expression: str | None) -> list[str]:
    """What the parts of a cartoon's face look like, brows first, then eyes, then the mouth; parts without words are left out."""
    table = _table("face_parts.csv", 2)
    found = [table.get((style, part)) for part in (expression or "").split(";")]
    parts = [words for phrase in found if phrase for words in phrase.split(" and ")]
    order = ("brow", "eye", "lid", "tear", "glasses")
    return sorted(parts, key=lambda words: next((n for n, stem in enumerate(order) if stem in words), len(order)))


def seen_cartoon(style: str, name: str, expression: str | None) -> str:
    """A cartoon by its subject and face parts; `name` is a sentence such as "a cartoon person with a bun who looks ..."."""
    subject = (
        re.split(r" (?:who|that) ", name)[0].replace("a cartoon person", "a person").replace("cartoon robot", "robot")
    )
    if style == "fun-emoji":
        subject = "a square face"
    return having(subject, face_words(style, expression))


def seen_emoji(codepoint: str, name: str) -> str:
    """An emoji by its name, or by what is to be seen where the name tells a feeling."""
    seen = _table("emoji_seen.csv", 1).get((codepoint,))
    return seen or without_feelings(subject_of_emoji(name).phrase)


_RENDERED = re.compile(
    r"^an? (?:[\w ]+ )?icon of |^a drawing with dark outlines of |^an? (?:[\w ]+ )?silhouette of |^an ink drawing of "
)
_MANNER = re.compile(r"\b(?:cartoon|hand-drawn|doodled|black-and-white drawn|black line-drawn) ")


def seen_kind(caption: str) -> str:
    """The `caption` column of a character set without how it is drawn: "a black icon of a rat" is "a rat"."""
    phrase = _RENDERED.sub("", caption)
    phrase = re.sub(r"^an? (?=" + _MANNER.pattern + ")", "a ", phrase)
    return without_feelings(with_article(_MANNER.sub("", phrase)))


def seen_photo(caption: str) -> str:
    """A photo's caption without words for feelings."""
    return without_feelings(caption)


def seen_drawing(caption: str, attributes: Mapping[str, Any]) -> str:
    """A drawing of the renderer, by its attributes where it is a character, else by its caption."""
    if "eyes" not in attributes or attributes.get("body") == "pair":
        return without_feelings(re.sub(r"^a (?:drawing|picture) of ", "", caption))
    parts = []
    if attributes["brows"] in _BROWS:
        parts.append(_BROWS[attributes["brows"]])
    words = (EYE_WORDS.get(attributes["eyes"]), MOUTH_WORDS.get(attributes["mouth"]))
    parts += [word for word in words if word]
    effects = [EFFECT_WORDS[name] for name in attributes["effects"] if name in EFFECT_WORDS]
    parts += effects[:1] or ([TINT_WORDS[attributes["tint"]]] if attributes["tint"] else [])
    parts = [_DRAWN_SEEN.get(part, part) for part in parts]
    noun = attributes["noun"]
    gesture = GESTURE_WORDS.get(attributes.get("gesture", ""), "")
    verb, _, rest = gesture.partition(" ")
    doing = f" {_DOING[verb]} {rest}".replace("  ", " ") if verb in _DOING else ""
    return without_feelings(having(f"{with_article(noun)}{doing}", parts))
