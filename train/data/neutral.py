"""Captions without the words for emotions.

A caption that names a feeling carries a picture's label into everything that learns from captions: into a domain whose labels
nobody may know, or beside the token that is the emotion in a prompt.
"""

from __future__ import annotations

import re
from functools import cache

from train.english import indefinite_article

#: Beginnings of words that name a feeling.
_STEMS = (
    "amus awe astonish amaz wonder surpris content peace seren relax relie excit thrill overjoy joyf joyou happ cheerf "
    "delight ang irritat annoy furi enrag rage raging infuriat frustrat hostil disgust nause revolt loath fear afraid scar "
    "fright terrif terror horr anxi worr nervous panic dreadf sad sorrow grief griev mourn melanchol unhapp depress miser "
    "gloom disappoint heartbr lonel despair hopeless anguish distress upset bored boredom confus stress playful funny silly "
    "pleas lov affection embarrass asham guilt pride proud jealous disdain contempt sulk eager dazzl hush pensive weary"
)  # fmt: skip
#: Words that name one as they are.
_WHOLE = (
    "joy dread mad gross calm tense fun fume fuming cheeky bliss blissful glad startled zany awful creepy spooky eerie grim "
    "grumpy grossed"
)  # fmt: skip
#: Beginnings of other words.
_OTHERS = "angle angel angora saddl scarf scarlet scarecrow pleat angular lovebird cheerl contents"
#: What a face or body does, by which renderer and tables mean an emotion.
_EXPRESSIONS = "laughing wide-eyed gentle cheering sick crying"


def _names() -> str:
    stems, whole, others = ("|".join(words.split()) for words in (_STEMS, _WHOLE, _OTHERS))
    return rf"(?!{others})(?:(?:{stems})[a-z]*(?:-inspiring)?|(?:{whole})(?: out)?)(?![\w-])"


@cache
def _patterns(expressions: bool) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What says a feeling as a clause, what does so after an article, and what does anywhere."""
    words = (
        rf"(?:very )?(?:{_names()}" + (rf"|(?:{'|'.join(_EXPRESSIONS.split())})(?![\w-])" if expressions else "") + ")"
    )
    listed = rf"{words}(?:(?:,| and) {words})*"
    return (
        # ", showing awe" at the end (`train.data.dataset.FEELING`); "who looks sad", "and is angry", "in fear".
        re.compile(
            rf",?(?: showing| in|(?: (?:who|that|which|and))? (?:looks?|is|are|feels?|seems?)) {listed}", re.IGNORECASE
        ),
        re.compile(rf"\ban? (?:{words},? )+([\w-]+)", re.IGNORECASE),
        re.compile(rf"(?<![\w-]){listed},? ?", re.IGNORECASE),
    )


def _with_article(found: re.Match[str]) -> str:
    """The word that is left after an article and a feeling, with the article that it takes."""
    return f"{indefinite_article(found[1])} {found[1]}"


def feelings_in(caption: str) -> list[str]:
    """The words of a caption that name a feeling.

    >>> feelings_in("a frightened bee with wide eyes, screaming")
    ['frightened']
    """
    return re.findall(rf"(?<![\w-]){_names()}", caption, re.IGNORECASE)


@cache
def without_feelings(caption: str, expressions: bool = False) -> str:
    """A caption without what it says of an emotion in so many words; what shows it (tears, a smile) stays.

    With `expressions` words such as "crying", which describe a face and tell its emotion, go as well.

    >>> without_feelings("an angry cat with red cheeks"), without_feelings("a person with a bun who looks sad")
    ('a cat with red cheeks', 'a person with a bun')
    """
    clause, after_article, anywhere = _patterns(expressions)
    text = anywhere.sub("", after_article.sub(_with_article, clause.sub("", caption)))
    return re.sub(r"\s+,", ",", " ".join(text.split())).strip(" ,")
