"""Simple words in the place of what parsers stumble over: quotations, and adjectives with hyphens.

"a sign that says 'no dogs'" says nothing about dogs: what a sign or a speech bubble says is told as it stands and never
read as a proposition. "cat-like" is one adjective, which parsers of Universal Dependencies cut into three words. Both are
parsed as one word that the parser knows, and put back into its tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kcdp.knowledge.morphology import getAllLemmas

#: What stands for a quotation and for an adjective while a caption is parsed.
_SAID, _ADJECTIVE = "hello", "small"
#: Curly apostrophes and quotation marks to straight ones, which are all that the rules know; none changes the length.
_STRAIGHT = str.maketrans("\u2018\u2019\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb", '\'\'\'""""""')
#: A quotation with its marks, for `re.VERBOSE`. In single quotes, an apostrophe between letters or digits ends nothing
#: ('don't stop'), and "rock 'n' roll" quotes nothing.
QUOTED = r"""
    "[^"]*"
    | (?<![\w'])'(?!n')(?:[^'"]|(?<=\w)'(?=\w))*'(?!\w)
"""
_MASKED = re.compile(rf"(?P<quoted>{QUOTED})|(?P<compound>(?<![\w'-])\w+(?:-\w+)+(?![\w'-]))", re.VERBOSE)


@dataclass(frozen=True)
class StandIn:
    """What a stand-in is for, in lower case and without quotation marks, and where that is in the caption (characters)."""

    text: str
    start: int
    end: int
    word: str

    @property
    def is_quotation(self) -> bool:
        return self.word == _SAID


@dataclass(frozen=True)
class MaskedCaption:
    """A caption as the parser gets it, and its stand-ins by their place in `text`."""

    text: str
    stand_ins: dict[int, StandIn]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the caption the characters `start` to `end` of `text` come from."""
        if start in self.stand_ins:
            return self.stand_ins[start].start, self.stand_ins[start].end
        return start - self._growth(start), end - self._growth(end)

    def _growth(self, position: int) -> int:
        """How many characters more than the caption `text` has before a position."""
        before = (one for place, one in self.stand_ins.items() if place < position)
        return sum(len(one.word) - (one.end - one.start) for one in before)


def mask(caption: str) -> MaskedCaption:
    """Straighten quotation marks and put one word in the place of everything quoted and of every adjective with hyphens.

    >>> mask("a cat-like beast's sign says 'no dogs'").text
    'a small beast\\'s sign says "hello"'
    """
    straight = caption.translate(_STRAIGHT)
    pieces: list[str] = []
    stand_ins: dict[int, StandIn] = {}
    length = last = 0
    for match in _MASKED.finditer(straight):
        start, end = match.span()
        quoted = match["quoted"] is not None
        if quoted:
            # The marks are characters of the caption, too, so that positions before and after go on in step.
            start, end = start + 1, end - 1
        if not (re.search(r"\w", straight[start:end]) if quoted else is_compound_adjective(match["compound"])):
            continue
        before = straight[last : start - 1] + '"' if quoted else straight[last:start]
        word = _SAID if quoted else _ADJECTIVE
        text = " ".join(straight[start:end].lower().split())
        stand_ins[length + len(before)] = StandIn(text.strip(" .,;:!?"), start, end, word)
        pieces += [before, word, '"' if quoted else ""]
        length += len(before) + len(word) + quoted
        last = end + quoted
    return MaskedCaption("".join([*pieces, straight[last:]]), stand_ins)


def is_compound_adjective(compound: str) -> bool:
    """Whether a word with hyphens is an adjective: its last part is one, or a past participle.

    >>> [word for word in ("cat-like", "half-eaten", "ten-year-old", "t-shirt", "ice-skating") if is_compound_adjective(word)]
    ['cat-like', 'half-eaten', 'ten-year-old']
    """
    *before, last = compound.lower().split("-")
    if len(before) > 1 and last != "old":
        return False
    lemmas = getAllLemmas(last)
    participle = not last.endswith(("ing", "s")) and any(lemma != last for lemma in lemmas.get("VERB", ()))
    return last in _ADJECTIVE_ENDS or participle or ("ADJ" in lemmas and "NOUN" not in lemmas)


#: Last parts that are nouns as well.
_ADJECTIVE_ENDS = frozenset(
    [
        "like",
        "old",
        "free",
        "red",
        "blue",
        "green",
        "white",
        "black",
        "brown",
        "gray",
        "grey",
        "high",
        "wide",
        "long",
        "tall",
        "eyed",
        "shaped",
    ]
)
