"""The triplet metric on cases that can be counted by hand."""

from __future__ import annotations

import pytest

from kcdp.results import Triplet
from tests.triplet_score import TripletScore, matches, score_triplets

HUG = Triplet("man", "hugs", "woman")
SAD = Triplet("girl", "is", "sad")


@pytest.mark.parametrize(
    ("found", "wanted", "right"),
    [
        (HUG, HUG, True),
        (HUG, Triplet("men", "is hugging", "young woman"), True),
        (HUG, Triplet("woman", "hugs", "man"), False),
        (HUG, Triplet("man", "hugs with", "woman"), False),
        (HUG, Triplet("man", "not hugs", "woman"), False),
        (HUG, Triplet("man", "sees|hugging", "dog|woman"), True),
        (SAD, Triplet("girl", "is not", "sad"), False),
        (SAD, Triplet("girls", "are", "sad"), True),
        (Triplet("boy", "threw", "ball"), Triplet("boy", "throwing", "balls"), True),
    ],
)
def test_matches(found: Triplet, wanted: Triplet, right: bool) -> None:
    assert matches(found, wanted) is right


def test_counts() -> None:
    noise = Triplet("dog", "eats", "cake")
    score = score_triplets([[HUG, noise], [SAD], []], [[HUG], [], [SAD, HUG]], [[], [SAD], []])
    assert score == TripletScore(matched=1, wrong=1, missed=2)
    assert (score.precision, score.recall) == (1 / 2, 1 / 3)
    assert score.f1 == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))


def test_two_ways_to_say_one_thing_count_once() -> None:
    again = Triplet("man", "is hugging", "woman")
    assert score_triplets([[HUG, again]], [[HUG]], [[]]) == TripletScore(1, 0, 0)


def test_nothing_found_scores_zero() -> None:
    score = score_triplets([[]], [[]], [[]])
    assert (score.precision, score.recall, score.f1) == (0, 0, 0)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="must be parallel"):
        score_triplets([[]], [[], []], [[]])
