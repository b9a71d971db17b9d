"""Whether a caption names a thing."""

from __future__ import annotations

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "geese": "goose",
}  # fmt: skip


def _singulars(word: str) -> set[str]:
    """What `word` may be a form of, itself included; generous, for it is only compared with another word's."""
    forms = {word, _IRREGULAR.get(word, word)}
    for ending, instead in (("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            forms.add(word.removesuffix(ending) + instead)
    return forms


def mentions(caption: str, noun: str) -> bool:
    """Whether a caption has the noun (one word or several in a row), in singular or plural.

    >>> mentions("two red Hearts", "heart"), mentions("a heartless man", "heart")
    (True, False)
    """
    words = [word.strip(".,;:!?\"'()") for word in caption.lower().split()]
    *before, head = noun.lower().split()
    size = len(before) + 1
    return any(
        words[start : start + size - 1] == before and _singulars(words[start + size - 1]) & _singulars(head)
        for start in range(len(words) - size + 1)
    )
