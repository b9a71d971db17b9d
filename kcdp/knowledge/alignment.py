"""Which of the text encoder's tokens stand for which words of a caption: what attention maps are looked up by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from kcdp.knowledge.lexicon import FUNCTION_WORDS
from kcdp.knowledge.tokens import tokenize

Span = tuple[int, int]


@dataclass(frozen=True)
class TokenAlignment:
    """A caption and its tokens: `offsets` has the (start, end) characters of each, (0, 0) for special tokens and padding."""

    caption: str
    offsets: tuple[Span, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, caption: str, length: int) -> TokenAlignment:
        """As the text encoder reads it; what is beyond `length` tokens has none."""
        offsets = tokenize(tokenizer, [caption], length, return_offsets_mapping=True).offset_mapping[0]
        return cls(caption, tuple((int(start), int(end)) for start, end in offsets))

    def tokens(self, spans: Sequence[Span]) -> list[int]:
        """The positions of all tokens that touch one of the spans (characters, ends not included), in order."""
        return [
            position
            for position, (start, end) in enumerate(self.offsets)
            if start < end and any(start < last and end > first for first, last in spans)
        ]

    def content_words(self) -> list[tuple[str, list[int]]]:
        """Every word that means something by itself, with its tokens: not "a", "of" or "with", nor what is cut off."""
        found = []
        for match in re.finditer(r"\w[\w'-]*", self.caption):
            positions = self.tokens([match.span()])
            if positions and match.group().lower() not in FUNCTION_WORDS:
                found.append((match.group(), positions))
        return found
