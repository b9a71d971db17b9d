"""Generated text to captions: signs joined to their words where a tokenizer set them apart, loops of a decoder cut."""

from __future__ import annotations

import re

from kcdp.knowledge.masking import QUOTED

_CLITIC = r"(?:s|re|ve|ll|d|m|t)"
_END = r"(?=[\s,.;:!?)]|$)"
#: What tokenizers without spaces set apart, and how it is joined. Quotations first: their marks are no apostrophes.
_SPACED_SIGNS = (
    (re.compile(rf"(?<=\w) ' ({_CLITIC}){_END}(?! ')"), r"'\1"),
    (re.compile(rf"(?<=\w) '({_CLITIC}){_END}"), r"'\1"),
    (re.compile(r"""(?<![^\s(])(["']) ((?:[^"']|(?<=\w)'(?=\w))*[^"'\s]) \1(?=[\s,.;:!?)]|$)"""), r"\1\2\1"),
    (re.compile(r"(?<=s) ' (?=\w)(?![^']*')"), "' "),
    (re.compile(r"\( ([^()]+?) \)"), r"(\1)"),
    (re.compile(r" (?=(?:[,;:!?]|\.+)(?:[\s\"']|$))"), ""),
    (re.compile(r"(?<=\w) - (?=\w)"), "-"),
)
_REPEATED = re.compile(
    rf"(?P<quoted>{QUOTED})|(?<![\w'-])(?P<once>\w+(?:\s+\w+){{0,3}}?)(?P<again>(?:\s+(?P=once))+)(?![\w'-])",
    re.VERBOSE | re.IGNORECASE,
)
#: Words that are said twice on purpose.
_DOUBLED = frozenset(
    [
        "very",
        "really",
        "so",
        "bye",
        "ha",
        "haha",
        "ho",
        "he",
        "hee",
        "la",
        "na",
        "no",
        "yes",
        "knock",
        "choo",
        "boo",
        "hush",
        "cha",
        "pom",
        "night",
        "tut",
        "woof",
    ]
)
_MOST_DOUBLED = 3


def _once(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return match["quoted"]
    times = 1 + len(match["again"].split()) // len(match["once"].split())
    return match.group() if match["once"].lower() in _DOUBLED and times <= _MOST_DOUBLED else match["once"]


def tidy(text: str, echo: str = "", spaced_signs: bool = True) -> str:
    """A generated text as a caption: without the prompt's echo, odd whitespace, and words said twice in a row.

    >>> tidy("a photo of  a a cat and a dog a dog", echo="a photo of")
    'a cat and a dog'

    Tokenizers that keep no spaces put one around every sign. Say `spaced_signs=False` for the others: their " - " is a dash.

    >>> tidy("the cat 's half - closed eyes , open ( a bit ) .")
    "the cat's half-closed eyes, open (a bit)."

    What is quoted stays as it is, and so does what is doubled on purpose.

    >>> tidy("a very very old sign says 'no no'")
    "a very very old sign says 'no no'"
    """
    caption, prompt = " ".join(text.split()), " ".join(echo.split())
    # Decoder-only models repeat the prompt, encoder-decoder models do not: both decode through the same tokenizer.
    if prompt and re.match(rf"{re.escape(prompt)}(?!\w)", caption):
        caption = caption.removeprefix(prompt).strip()
    for pattern, joined in _SPACED_SIGNS if spaced_signs else ():
        caption = pattern.sub(joined, caption)
    return _REPEATED.sub(_once, caption).strip()
