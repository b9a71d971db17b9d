from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from kcdp.plots import OVERLAY_SIDE, alignment_bars, overlay, percent, probability_bars, router_bars
from kcdp.results import ExpertWeight


def rows(html: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(f"<div>{html}</div>").findall(".//li")


def words(element: ElementTree.Element) -> list[str]:
    return [text for text in element.itertext() if text.strip()]


def test_probabilities_are_sorted_and_their_lengths_are_their_values() -> None:
    found = rows(probability_bars({"awe": 0.2, "fear": 0.7, "anger": 0.1}))
    assert [words(row) for row in found] == [["fear", "70 %"], ["awe", "20 %"], ["anger", "10 %"]]
    assert [row.find(".//i").get("style") for row in found] == ["width:70.00%", "width:20.00%", "width:10.00%"]


def test_what_was_before_is_a_tick_on_each_bar() -> None:
    found = rows(probability_bars({"awe": 0.2, "fear": 0.8}, before={"awe": 0.65, "fear": 0.35}))
    assert [row.find(".//b").get("style") for row in found] == ["left:35.00%", "left:65.00%"]
    assert rows(probability_bars({"awe": 1.0}))[0].find(".//b") is None


def test_router_keeps_the_order_and_marks_the_chosen() -> None:
    found = rows(router_bars([ExpertWeight(0, 0.25, False), ExpertWeight(1, 0.75, True)]))
    assert [row.get("class") for row in found] == ["kc-idle", "kc-chosen"]
    assert [words(row) for row in found] == [["Network 1", "25 %", "left out"], ["Network 2", "75 %", "decided"]]


def test_alignment_bars_start_at_the_common_zero_and_share_one_scale() -> None:
    html = alignment_bars({"awe": 0.2, "fear": -0.4}, {"awe": 0.1, "fear": -0.2}, pseudo_label="awe")
    bars = [re.findall(r"[\d.]+", bar.get("style")) for row in rows(html) for bar in row.findall(".//i")]
    assert [[float(left), float(width)] for left, width in bars] == [[50, 25], [50, 12.5], [0, 50], [25, 25]]
    assert "closest" in words(rows(html)[0]) and "closest" not in words(rows(html)[1])
    assert "\N{MINUS SIGN}0.40" in words(rows(html)[1])


def test_alignment_bars_stay_inside_and_need_every_effect() -> None:
    for similarity, effect in ((1.0, 2.0), (-1.0, -2.0), (0.0, 0.0)):
        for left, width in re.findall(
            r"left:([\d.]+)%;width:([\d.]+)%", alignment_bars({"awe": similarity}, {"awe": effect}, "awe")
        ):
            assert float(left) >= 0 and float(left) + float(width) <= 100.01
    with pytest.raises(KeyError):
        alignment_bars({"awe": 0.1}, {}, "awe")


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.001, "< 1 %"), (0.006, "1 %"), (0.666, "67 %"), (1, "100 %")]
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_labels_are_escaped() -> None:
    assert "<script>" not in probability_bars({"<script>": 1.0}) + alignment_bars(
        {"<script>": 1.0}, {"<script>": 1.0}, ""
    )


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 32), (384, 192)), ((3000, 1500), (384, 192)), ((10, 20), (192, 384))]
)
def test_overlay_keeps_the_shape_of_the_picture(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = overlay(Image.new("RGBA", size, "red"), np.zeros((4, 4), np.float32))
    assert picture.mode == "RGB" and picture.size == expected and max(picture.size) == OVERLAY_SIDE


def test_overlay_is_bright_where_the_heat_is() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[:, 6:] = 1
    pixels = np.asarray(overlay(Image.new("RGB", (128, 128), (90, 120, 150)), heat)).astype(float)
    assert pixels[:, 360:].mean() > pixels[:, :225].mean() + 60
    # Unseen parts are grey and darker than the picture was.
    assert np.ptp(pixels[100, 100]) < 25 and pixels[100, 100].mean() < 100


def test_overlay_lays_the_heat_on_the_square_that_the_models_see() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[0] = 1  # above a picture twice as wide as high: on the margin, so nothing of it is seen
    wide = Image.new("RGB", (128, 64), "gray")
    assert np.ptp(np.asarray(overlay(wide, heat))[30:]) == 0
    heat[0], heat[3] = 0, 1
    assert np.asarray(overlay(wide, heat))[72].mean() > np.asarray(overlay(wide, heat))[180].mean() + 60


def test_overlay_takes_heat_beyond_its_range_as_its_bounds() -> None:
    picture = Image.new("RGB", (32, 32), "navy")
    assert overlay(picture, np.full((2, 2), 7.0)) == overlay(picture, np.ones((2, 2)))
