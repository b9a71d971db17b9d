from __future__ import annotations

import pytest
import torch

from train.metrics.emotion_shift import emotion_shift


def test_is_the_mean_gain_in_the_targets_probability() -> None:
    original, edited = torch.rand(20, 8).softmax(1), torch.rand(20, 8).softmax(1)
    target = torch.randint(0, 8, (20,))
    gains = [float(edited[row, label] - original[row, label]) for row, label in enumerate(target.tolist())]
    assert emotion_shift(original, edited, target) == pytest.approx(sum(gains) / 20, abs=1e-6)
    assert emotion_shift(edited, original, target) == pytest.approx(-sum(gains) / 20, abs=1e-6)
    assert emotion_shift(original, original, target) == 0


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [(1, [0, 0], "same pictures"), (2, [0], "2 pictures and 1 emotions"), (2, [0, 3], "3 is not")],
)
def test_errors_say_what_is_wrong(rows: int, target: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        emotion_shift(torch.full((rows, 3), 1 / 3), torch.full((2, 3), 1 / 3), torch.tensor(target))
