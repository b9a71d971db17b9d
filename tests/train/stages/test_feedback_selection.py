"""Algorithm 1 against a slow one."""

from __future__ import annotations

import pytest
import torch

from train.stages.feedback_selection import band, select_pictures


def slowly(scores: list[float], low: float, high: float) -> set[int]:
    """Ranks by counting: how many are lower, or equal and earlier."""
    count, chosen = len(scores), set()
    for index, score in enumerate(scores):
        rank = sum(other < score or (other == score and place < index) for place, other in enumerate(scores))
        if round(low * count) <= rank < round(high * count):
            chosen.add(index)
    return chosen


@pytest.mark.parametrize("count", [0, 1, 5, 40])
@pytest.mark.parametrize(("low", "high"), [(0.2, 0.8), (0.0, 1.0), (0.5, 0.8), (0.5, 1.0), (0.1, 0.9)])
def test_bands_and_their_intersection_equal_slow_ones(count: int, low: float, high: float) -> None:
    # Rounded, so that many are equal.
    emotion, clarity = (torch.rand(count).mul(8).round() for _ in range(2))
    one, other = slowly(emotion.tolist(), low, high), slowly(clarity.tolist(), low, high)
    assert set(band(emotion, low, high).nonzero().flatten().tolist()) == one
    assert select_pictures(emotion, clarity, low, high).tolist() == sorted(one & other)
    assert select_pictures(emotion, clarity, low, high, by="emotion").tolist() == sorted(one)
    assert select_pictures(emotion, clarity, low, high, by="clarity").tolist() == sorted(other)


def test_the_worst_and_the_best_are_left_out() -> None:
    scores = torch.tensor([0.9, 0.1, 0.5, 0.4, 0.6])
    assert select_pictures(scores, scores).tolist() == [2, 3, 4]
    assert select_pictures(scores, scores, 0.6, 1.0).tolist() == [0, 4]


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.5), (0.5, 0.5), (0.8, 0.2), (0.2, 1.1)])
def test_a_band_needs_a_beginning_and_an_end(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        band(torch.rand(4), low, high)


def test_scores_come_in_pairs_and_criteria_are_known() -> None:
    with pytest.raises(ValueError, match="There are 3 scores of emotion and 4 of clarity"):
        select_pictures(torch.rand(3), torch.rand(4))
    with pytest.raises(ValueError, match="Unknown criterion 'beauty'"):
        select_pictures(torch.rand(3), torch.rand(3), by="beauty")
