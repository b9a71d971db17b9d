"""Captions without the words for emotions: what a prompt says beside the token that is the emotion."""

from __future__ import annotations

import re
from functools import cache

from kcdp.emotions import MIKELS_8
from train.data.wording import EVOKED, SHOWN

#: Adjectives for emotions that the renderer's captions have.
_ADJECTIVES = [
    "laughing",
    "amused",
    "silly",
    "funny",
    "playful",
    "amazed",
    "astonished",
    "wide-eyed",
    "dazzled",
    "calm",
    "content",
    "peaceful",
    "relaxed",
    "happy",
    "gentle",
    "excited",
    "thrilled",
    "overjoyed",
    "cheering",
    "angry",
    "furious",
    "mad",
    "raging",
    "disgusted",
    "sick",
    "nauseous",
    "scared",
    "terrified",
    "frightened",
    "fearful",
    "sad",
    "crying",
    "unhappy",
    "miserable",
    "gloomy",
]
#: Words for emotions, longest first, so that "awe-inspiring" is not left as "-inspiring".
_WORDS = "|".join(
    re.escape(word)
    for word in sorted(
        {*MIKELS_8.labels, *SHOWN.values(), *EVOKED.values(), *_ADJECTIVES, "grossed out"},
        key=lambda word: (-len(word), word),
    )
)
#: ", showing awe" at the end (`train.data.dataset.FEELING`).
_SHOWING = re.compile(rf",? showing (?:{_WORDS})\b")
#: "who looks sad", "and is angry", "looks amazed".
_CLAUSE = re.compile(rf",?(?: (?:who|that|which|and))? (?:looks?|is|are|feels?|seems?) (?:{_WORDS})(?![\w-])")
_AFTER_ARTICLE = re.compile(rf"\ban? (?:(?:{_WORDS}),? )+(\w+)")
_ANYWHERE = re.compile(rf"(?<![\w-])(?:{_WORDS})(?![\w-]),? ?")


def _article(match: re.Match[str]) -> str:
    word = match[1]
    sounds_like_vowel = word[0] in "aeiou" and not re.match(r"uni|eu|ew|u[st]e|one", word)
    return f"{'an' if sounds_like_vowel else 'a'} {word}"


@cache
def without_feelings(caption: str) -> str:
    """A caption without what it says of an emotion in so many words; what shows it (tears, a smile) stays.

    >>> without_feelings("an angry cat with red cheeks"), without_feelings("a person with a bun who looks sad")
    ('a cat with red cheeks', 'a person with a bun')
    """
    text = _CLAUSE.sub("", _SHOWING.sub("", caption))
    text = _ANYWHERE.sub("", _AFTER_ARTICLE.sub(_article, text))
    return " ".join(text.split()).strip(" ,")
