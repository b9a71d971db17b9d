"""A prompt fitted to a text encoder's vocabulary: plurals in the singular, unknown words, and what is too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from kcdp.knowledge.tokens import tokenize

#: Plurals that no ending tells.
_IRREGULAR = {
    "children": "child", "feet": "foot", "geese": "goose", "men": "man", "mice": "mouse", "people": "person",
    "teeth": "tooth", "women": "woman", "oxen": "ox",
}  # fmt: skip
#: An ending of a plural, and what stands there in the singular; the first whose result is known counts.
_ENDINGS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", ""))
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


@dataclass(frozen=True)
class Understood:
    """A prompt as a painter reads it.

    `prompt` has the words that fit, and plurals it does not know in the singular; `unknown` are words that it has no
    token for, in the user's spelling, and may paint as anything; `left_out` is what stands behind the last word that it
    reads, "" where it reads everything.
    """

    prompt: str
    unknown: tuple[str, ...]
    left_out: str


def understood(tokenizer: PreTrainedTokenizerBase, prompt: str, length: int, placeholder: str) -> Understood:
    """Reads `prompt` for a text encoder that takes `length` tokens, start, end and the emotion's own among them.

    A word is known when it is one token: a tokenizer keeps whole what its training texts had often. Capital letters mean
    nothing. `placeholder` is no word.
    """
    known = _is_one_token(tokenizer)
    parts = prompt.split(placeholder)
    unknown: list[str] = []

    def replace_unknown(match: re.Match[str]) -> str:
        word = match[0]
        if all(known(part) for part in re.split(r"['\u2019-]", word.lower()) if len(part) > 1):
            return word
        single = singular(word.lower(), known)
        if single is None:
            unknown.append(word)
            return word
        return single

    read, left_out = _fitted(tokenizer, [_WORD.sub(replace_unknown, part) for part in parts], length - 3)
    return Understood(placeholder.join(read), tuple(dict.fromkeys(unknown)), left_out)


def singular(word: str, known: Callable[[str], bool]) -> str | None:
    """The singular of a plural in lower-case letters, if it is `known`; None if there is none."""
    irregular = _IRREGULAR.get(word)
    if irregular is not None:
        return irregular if known(irregular) else None
    for ending, instead in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1 and known(stem + instead):
            return stem + instead
    return None


def _is_one_token(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], bool]:
    def known(word: str) -> bool:
        return len(_ids(tokenizer, word)) == 1

    return known


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> Sequence[int]:
    """Tokens of a text of any length, without start and end."""
    # Not verbose: it need not fit into the text encoder here.
    return tokenize(tokenizer, [text], add_special_tokens=False, verbose=False).input_ids[0]


def _fitted(tokenizer: PreTrainedTokenizerBase, parts: Sequence[str], room: int) -> tuple[list[str], str]:
    """Of each part the words that fit into `room` tokens together, and all words behind them."""
    read, left = [], []
    for part in parts:
        pieces = re.findall(r"\s*\S+|\s+$", part)
        taken = 0
        for piece in pieces:
            room -= len(_ids(tokenizer, piece.strip()))
            if room < 0:
                break
            taken += 1
        read.append("".join(pieces[:taken]))
        left += [piece.strip() for piece in pieces[taken:]]
    return read, " ".join(word for word in left if word)
