"""Lottie that rlottie draws otherwise than browsers: each drawing against what its numbers say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from kcdp.imaging import ImageLimits, read_frames
from kcdp.imaging.lottie import decode as lottie_frames
from kcdp.imaging.lottie_shown import as_rlottie_reads
from tests.sticker_files import layer, lottie, square, still

ALL = ImageLimits(sampled_frames=1000)
GREEN, RED = (0.2, 0.6, 0.1), (1.0, 0.0, 0.0)


def opacity(*shapes: dict[str, Any], **more: Any) -> np.ndarray:
    """(512, 512) bool: where the only picture of one layer shows."""
    (frame,) = read_frames(lottie(layer(*shapes, **more)))
    return np.asarray(frame.image)[..., 3] > 127


def mask(mode: str, left: float, right: float) -> dict[str, Any]:
    """Of the layer's columns `left` to `right`, counted from its place."""
    corners = [[left, -300], [right, -300], [right, 300], [left, 300]]
    path = {"c": True, "v": corners, "i": [[0, 0]] * 4, "o": [[0, 0]] * 4}
    return {"inv": False, "mode": mode, "pt": still(path), "o": still(100), "x": still(0)}


def line(*dashes: dict[str, Any]) -> dict[str, Any]:
    """From column 156 to 356, 20 thick."""
    path = {"ty": "sh", "ks": still({"c": False, "v": [[-100, 0], [100, 0]], "i": [[0, 0]] * 2, "o": [[0, 0]] * 2})}
    stroke = {
        "ty": "st",
        "c": still([1, 0, 0, 1]),
        "o": still(100),
        "w": still(20),
        "lc": 1,
        "lj": 1,
        "d": list(dashes),
    }
    place = {"ty": "tr", "p": still([0, 0]), "a": still([0, 0]), "s": still([100, 100]), "r": still(0), "o": still(100)}
    return {"ty": "gr", "it": [path, stroke, place]}


def test_a_hidden_group_does_not_show():
    hidden = {**square(RED, side=300), "hd": True}
    assert np.array_equal(opacity(hidden, square(GREEN)), opacity(square(GREEN)))
    outer = {"ty": "gr", "it": [hidden, square(GREEN), square(GREEN)["it"][-1]]}
    assert np.array_equal(opacity(outer), opacity(square(GREEN))), "and not in another group"
    assert opacity({**square(RED, side=300), "hd": False}).sum() == 300 * 300


@pytest.mark.parametrize(
    ("masks", "columns"),
    [
        ([mask("n", -50, 0)], [(156, 356)]),
        ([mask("n", -50, 0), mask("a", 0, 40)], [(256, 296)]),
        ([mask("a", 0, 40), mask("n", -50, 0)], [(256, 296)]),
        ([mask("s", -20, 20)], [(156, 236), (276, 356)]),
    ],
)
def test_a_mask_of_no_mode_masks_nothing(masks, columns):
    expected = np.zeros(512, dtype=bool)
    for left, right in columns:
        expected[left:right] = True
    np.testing.assert_array_equal(opacity(square(GREEN), hasMask=True, masksProperties=masks)[256], expected)


def test_masks_that_are_switched_off_stay_off():
    shown = opacity(square(GREEN), hasMask=False, masksProperties=[mask("a", 0, 40)])
    np.testing.assert_array_equal(shown, opacity(square(GREEN)))


@pytest.mark.parametrize(
    ("dashes", "on"),
    [
        ((("d", 20),), [(0, 20), (40, 60), (80, 100), (120, 140), (160, 180)]),
        ((("d", 20), ("o", 10)), [(0, 10), (30, 50), (70, 90), (110, 130), (150, 170), (190, 200)]),
        ((("d", 30), ("g", 70)), [(0, 30), (100, 130)]),
        ((("d", 30), ("g", 70), ("o", 10)), [(0, 20), (90, 120), (190, 200)]),
        ((("d", 20), ("g", 40), ("d", 60), ("g", 10)), [(0, 20), (60, 120), (130, 150), (190, 200)]),
    ],
)
def test_dashes_begin_where_their_offset_says_and_at_0_without(dashes, on):
    expected = np.zeros(512, dtype=bool)
    for start, end in on:
        expected[156 + start : 156 + end] = True
    drawn = opacity(line(*({"n": kind, "nm": kind, "v": still(length)} for kind, length in dashes)))
    assert (drawn[256] != expected).sum() <= 2, "but for a column at an edge"


@pytest.mark.parametrize("end", [30, 29.2])
def test_layers_take_turns_at_the_end_of_the_first(end):
    """Frame 30 is the second one's alone."""
    first = layer(square(RED, side=100), place=still([100, 256, 0]), end=end)
    second = layer(square(GREEN, side=100), place=still([400, 256, 0]), first=end, ind=2)
    frames = list(lottie_frames(lottie(first, second), ALL))
    shown = [np.asarray(frames[number].image)[256, [100, 400], 3].tolist() for number in (29, 30, 31)]
    assert shown == [[255, 0], [0, 255], [0, 255]]


def test_a_layer_of_one_frame_shows_in_it():
    frames = list(lottie_frames(lottie(layer(square(RED), first=10, end=11)), ALL))
    shown = [np.asarray(frames[number].image)[256, 256, 3] for number in (9, 10, 11)]
    assert shown == [0, 255, 0]


def test_a_matte_is_found_by_its_name():
    """Between it and its layer there is another; a second layer has the same matte, a third a matte by its place."""
    matte = layer(square(RED, side=100), ind=7, td=1)
    other = layer(square(RED, side=20), place=still([30, 30, 0]), ind=1)
    left, right = (
        layer(square(GREEN, side=100), place=still([x, 256, 0]), ind=ind, tt=1, tp=7) for x, ind in ((186, 2), (326, 3))
    )
    placed = layer(square(RED, side=20), place=still([30, 480, 0]), ind=8, td=1)
    below = layer(square(GREEN, side=60), place=still([30, 480, 0]), ind=4, tt=1)
    (frame,) = read_frames(lottie(matte, other, left, right, placed, below))
    alpha = np.asarray(frame.image)[..., 3] > 127
    assert np.flatnonzero(alpha[256]).tolist() == [*range(206, 236), *range(276, 306)]
    assert np.flatnonzero(alpha[30]).tolist() == list(range(20, 40))
    assert np.flatnonzero(alpha[480]).tolist() == list(range(20, 40))


def test_what_is_drawn_as_in_browsers_is_handed_on_as_it_is():
    animation = json.loads(lottie(layer(square(GREEN), hasMask=True, masksProperties=[mask("a", 0, 40)])))
    before = json.dumps(animation)
    read = as_rlottie_reads(animation)
    assert json.dumps(animation) == before
    read["layers"][0]["op"] += 1
    assert json.dumps(read) == before


@pytest.mark.parametrize(
    "wrong", [{"ind": [1]}, {"ind": 2, "tt": 1, "tp": "7"}, {"ip": None, "op": "60"}, {"op": 1e400}]
)
def test_layers_of_wrong_kinds_are_handed_on(wrong):
    animation = {"layers": [{"ty": 4, **wrong}, 3, None], "masksProperties": 4, "d": "none"}
    assert as_rlottie_reads(animation) == animation
