"""Whether a caption names a thing."""

from __future__ import annotations

from train.english import base_forms


def mentions(caption: str, noun: str) -> bool:
    """Whether a caption has the noun (one word or several in a row), in singular or plural.

    >>> mentions("two red Hearts", "heart"), mentions("a heartless man", "heart")
    (True, False)
    """
    words = [word.strip(".,;:!?\"'()") for word in caption.lower().split()]
    *before, head = noun.lower().split()
    size = len(before) + 1
    return any(
        words[start : start + size - 1] == before and base_forms(words[start + size - 1]) & base_forms(head)
        for start in range(len(words) - size + 1)
    )
