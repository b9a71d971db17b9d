"""Quotations in captions: what a sign or a speech bubble says is told as it stands, never read as a proposition.

"a sign that says 'no dogs'" says nothing about dogs. A parser would read on inside the quotation marks, so it is
given one short word in the place of each quotation, and the words are put back into its tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: What stands for a quotation while a caption is parsed: a word that parsers know as something said.
_STAND_IN = "hello"
#: Curly apostrophes and quotation marks to straight ones, which are all that the rules know; none changes the length.
_STRAIGHT = str.maketrans("\u2018\u2019\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb", '\'\'\'""""""')
#: A quotation with its marks, for `re.VERBOSE`. In single quotes, an apostrophe between letters or digits ends nothing
#: ('don't stop'), and "rock 'n' roll" quotes nothing.
QUOTED = r"""
    "[^"]*"
    | (?<![\w'])'(?!n')(?:[^'"]|(?<=\w)'(?=\w))*'(?!\w)
"""
_QUOTED = re.compile(QUOTED, re.VERBOSE)


@dataclass(frozen=True)
class Quotation:
    """What is quoted, in lower case and without its marks, and where in the caption that stands (characters)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class MaskedCaption:
    """A caption as the parser gets it, and what its stand-ins are for: `quotations` by their place in `text`."""

    text: str
    quotations: dict[int, Quotation]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the caption the characters `start` to `end` of `text` come from."""
        if start in self.quotations:
            return self.quotations[start].start, self.quotations[start].end
        return start - self._growth(start), end - self._growth(end)

    def _growth(self, position: int) -> int:
        """How many characters more than the caption `text` has before a position."""
        before = (quotation for place, quotation in self.quotations.items() if place < position)
        return sum(len(_STAND_IN) - (quotation.end - quotation.start) for quotation in before)


def mask_quotations(caption: str) -> MaskedCaption:
    """Straighten quotation marks and put one word in the place of everything quoted.

    >>> mask_quotations("a cat's sign says 'no dogs'").text
    'a cat\\'s sign says "hello"'
    """
    straight = caption.translate(_STRAIGHT)
    pieces: list[str] = []
    quotations: dict[int, Quotation] = {}
    length = last = 0
    for match in _QUOTED.finditer(straight):
        start, end = match.start() + 1, match.end() - 1
        if not re.search(r"\w", straight[start:end]):
            continue
        # The opening mark is a character of the caption, too, so that positions before and after go on in step.
        before = straight[last : start - 1] + '"'
        length += len(before)
        quotations[length] = Quotation(" ".join(straight[start:end].lower().split()).strip(" .,;:!?"), start, end)
        pieces += [before, _STAND_IN, '"']
        length += len(_STAND_IN) + 1
        last = end + 1
    return MaskedCaption("".join([*pieces, straight[last:]]), quotations)
