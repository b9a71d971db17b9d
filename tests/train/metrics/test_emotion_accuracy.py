from __future__ import annotations

import pytest
import torch

from train.metrics.emotion_accuracy import emotion_accuracy


def test_is_the_share_of_pictures_judged_as_intended() -> None:
    probabilities = torch.rand(50, 8).softmax(1)
    intended = torch.randint(0, 8, (50,))
    hits = 0
    for row, wanted in zip(probabilities.tolist(), intended.tolist(), strict=True):
        hits += max(range(8), key=row.__getitem__) == wanted
    assert 0 < hits < 50
    assert emotion_accuracy(probabilities, intended) == pytest.approx(hits / 50)


@pytest.mark.parametrize(
    ("intended", "message"),
    [([0], "2 pictures and 1 emotions"), ([0, 3], "3 is not"), ([-1, 0], "-1 is not")],
)
def test_errors_say_what_is_wrong(intended: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        emotion_accuracy(torch.full((2, 3), 1 / 3), torch.tensor(intended))


def test_nothing_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="at least one"):
        emotion_accuracy(torch.empty(0, 3), torch.empty(0, dtype=torch.long))
