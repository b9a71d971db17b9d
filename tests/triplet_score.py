"""How well found triplets agree with triplets that a person wrote: precision, recall and F by content heads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kcdp.results import Triplet
from train.english import base_forms

#: Words of a predicate that carry no content of their own: "is being comforted by" counts as "comforted by".
_FUNCTION_WORDS = frozenset(("is", "are", "was", "were", "be", "being", "been", "am", "to", "a", "an", "the"))


@dataclass(frozen=True)
class TripletScore:
    """Counts of matched gold triplets, of found ones that match nothing, and of gold ones that nothing matches."""

    matched: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of right ones among those that count, 0 to 1; 0 when nothing was found."""
        return self.matched / max(1, self.matched + self.wrong)

    @property
    def recall(self) -> float:
        """Share of the gold triplets that were found, 0 to 1; 0 when there is no gold."""
        return self.matched / max(1, self.matched + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        return 2 * self.matched / max(1, 2 * self.matched + self.wrong + self.missed)


def score_triplets(
    found: Sequence[Sequence[Triplet]],
    gold: Sequence[Sequence[Triplet]],
    optional: Sequence[Sequence[Triplet]],
) -> TripletScore:
    """Count over all captions; the three sequences are parallel, one entry a caption.

    A slot of `gold` or `optional` may list alternatives with "|" between them. Subjects and objects match when their
    last words have a base form in common, predicates when all their content words do, in order. An `optional` triplet
    is right to find and no fault to miss: it counts for nothing. Raises ValueError when the lengths differ.
    """
    if not len(found) == len(gold) == len(optional):
        raise ValueError(
            f"Triplets of {len(found)} captions, gold of {len(gold)} and optional of {len(optional)}; they must be parallel."
        )
    matched = wrong = missed = 0
    for own, expected, allowed in zip(found, gold, optional, strict=True):
        hits = {row for row, wanted in enumerate(expected) if any(matches(triplet, wanted) for triplet in own)}
        matched += len(hits)
        missed += len(expected) - len(hits)
        wrong += sum(not any(matches(triplet, right) for right in [*expected, *allowed]) for triplet in own)
    return TripletScore(matched, wrong, missed)


def matches(triplet: Triplet, wanted: Triplet) -> bool:
    """Whether a found triplet says what `wanted` does, in any of its alternatives."""
    return (
        _same_words(_head(triplet.subject), wanted.subject, _head)
        and _same_words(_content(triplet.predicate), wanted.predicate, _content)
        and _same_words(_head(triplet.object), wanted.object, _head)
    )


def _same_words(words: list[str], alternatives: str, part: Callable[[str], list[str]]) -> bool:
    for alternative in alternatives.split("|"):
        others = part(alternative)
        if len(words) == len(others) and all(
            base_forms(word) & base_forms(other) for word, other in zip(words, others, strict=True)
        ):
            return True
    return False


def _head(phrase: str) -> list[str]:
    """The last word of an English noun phrase is its head."""
    return re.findall(r"[\w'-]+", phrase.lower())[-1:]


def _content(predicate: str) -> list[str]:
    words = re.findall(r"[\w']+", predicate.lower())
    return [word for word in words if word not in _FUNCTION_WORDS] or ["is"]
