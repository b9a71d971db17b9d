from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from train.evaluation.sheets import THINGS, fusion_strip, headed, transfer_sheet

CELL = 40


def test_a_transfer_sheet_has_a_row_a_thing_and_a_column_an_emotion() -> None:
    emotions, asked = ["awe", "fear"], []

    def paint(emotion: str, thing: str, seed: int) -> Image.Image:
        asked.append((emotion, thing, seed))
        return Image.new("RGB", (CELL, CELL), (10 * THINGS.index(thing), 100 * emotions.index(emotion), 77))

    page = transfer_sheet(paint, emotions, seed=5)
    assert asked == [(emotion, thing, 5) for thing in THINGS for emotion in emotions]
    left, top = page.width - 2 * CELL, page.height - 7 * CELL
    assert left > 0
    assert top > 0
    assert page.getpixel((left, top)) == (0, 0, 77)
    assert page.getpixel((page.width - 1, top + 2 * CELL)) == (20, 100, 77)
    assert page.getpixel((left, page.height - 1)) == (60, 0, 77)


def test_a_fusion_strip_goes_from_one_emotion_to_the_other() -> None:
    asked = []

    def blend(weights: dict[str, float], seed: int) -> Image.Image:
        asked.append((weights, seed))
        return Image.new("RGB", (CELL, CELL), (round(100 * weights["sadness"]), 0, 10 * seed))

    page = fusion_strip(blend, "amusement", "sadness", steps=5, seeds=[1, 2])
    assert [weights["sadness"] for weights, _ in asked[:5]] == [0, 0.25, 0.5, 0.75, 1]
    assert all(weights["amusement"] + weights["sadness"] == 1 for weights, _ in asked)
    assert [seed for _, seed in asked] == [1] * 5 + [2] * 5
    assert page.width == 5 * CELL
    top = page.height - 2 * CELL
    row = [page.getpixel((column * CELL + 5, top + 5)) for column in range(5)]
    assert row == [(0, 0, 10), (25, 0, 10), (50, 0, 10), (75, 0, 10), (100, 0, 10)]
    assert page.getpixel((0, page.height - 1)) == (0, 0, 20)


@pytest.mark.parametrize(("second", "steps"), [("sadness", 1), ("awe", 3)])
def test_a_strip_needs_two_ends(second: str, steps: int) -> None:
    with pytest.raises(ValueError, match="two steps or more"):
        fusion_strip(lambda *_: pytest.fail("painted"), "awe", second, steps)


def test_names_are_written_beside_the_cells_and_not_on_them() -> None:
    cells = Image.new("RGB", (2 * CELL, 2 * CELL), "red")
    pixels = np.asarray(headed(cells, ["awe", "fear"], ["cup", "a long name"]))
    assert (pixels[-2 * CELL :, -2 * CELL :] == (255, 0, 0)).all()
    for margin in (pixels[: -2 * CELL, -2 * CELL : -CELL], pixels[: -2 * CELL, -CELL:], pixels[-CELL:, : -2 * CELL]):
        assert margin.min() < 100
        # With white at the rim, so that no name is cut off.
        assert margin[0].min() == margin[:, 0].min() == 255
