"""Captions of what is seen, in which nobody says what it feels like: who or what, with which face, doing what, where.

Words for emotions would carry the labels of a target domain into everything that learns from captions. So emoji are
described by their parts where their names tell a feeling, cartoons by the face parts that were put together, drawings by
what the renderer drew; and whatever is left passes through `without_feelings`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from train.data.neutral import feelings_in, without_feelings
from train.data.wording import read_table, subject_of_emoji, with_article
from train.drawn.captions import EFFECT_WORDS, EYE_WORDS, GESTURE_WORDS, MOUTH_WORDS, TINT_WORDS
from train.english import listed

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


@cache
def _table(name: str, key: int) -> Mapping[tuple[str | None, ...], str | None]:
    """A table of this package: its first `key` columns to its last one."""
    rows = (list(row.values()) for row in read_table(name))
    return {tuple(row[:key]): row[-1] for row in rows}


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


def cartoon_caption(style: str, name: str, expression: str | None) -> str:
    """A cartoon by its subject and face parts; `name` is a sentence such as "a cartoon person with a bun who looks ..."."""
    subject = (
        re.split(r" (?:who|that) ", name)[0].replace("a cartoon person", "a person").replace("cartoon robot", "robot")
    )
    if style == "fun-emoji":
        subject = "a square face"
    return having(subject, face_words(style, expression))


def emoji_caption(codepoint: str, name: str) -> str:
    """An emoji by its name, or by what is to be seen where the name tells a feeling."""
    seen = _table("emoji_seen.csv", 1).get((codepoint,))
    return seen or without_feelings(subject_of_emoji(name).phrase)


def with_keywords(phrase: str, keywords: Sequence[str], rng: Random) -> str:
    """`phrase` and up to three keywords that say something else than it and name no feeling; `rng` picks them."""
    stems = {word[:4] for word in phrase.split()}
    spare = [
        word.lower() for word in keywords if len(word) > 2 and not word.isdigit() and word[:4].lower() not in stems
    ]
    spare = [word for word in spare if not feelings_in(word)]
    chosen = set(rng.sample(spare, min(len(spare), 3)))
    return f"{phrase}, {' '.join(word for word in spare if word in chosen)}" if chosen else phrase


_RENDERED = re.compile(
    r"^an? (?:[\w ]+ )?icon of |^a drawing with dark outlines of |^an? (?:[\w ]+ )?silhouette of |^an ink drawing of "
)
_MANNER = re.compile(r"\b(?:cartoon|hand-drawn|doodled|black-and-white drawn|black line-drawn) ")


def kind_caption(caption: str) -> str:
    """The `caption` column of a character set without how it is drawn: "a black icon of a rat" is "a rat"."""
    phrase = _RENDERED.sub("", caption)
    phrase = re.sub(r"^an? (?=" + _MANNER.pattern + ")", "a ", phrase)
    return without_feelings(with_article(_MANNER.sub("", phrase)))


def drawing_caption(caption: str, attributes: Mapping[str, Any]) -> str:
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
