"""Stickers for the painter: captions and emotions are what is drawn, and one seed is one character."""

import numpy as np
import pytest

from kcdp.emotions import MIKELS_8
from train.data import stickers as numbered
from train.drawn.settings import SETTINGS
from train.drawn.stickers import KINDS, draw_sticker
from train.drawn.things import THINGS


@pytest.fixture(scope="module")
def stickers():
    return [numbered.sticker(number, 32) for number in range(160)]


def test_a_seed_is_a_sticker():
    first, second = draw_sticker(7, "awe", size=32), draw_sticker(7, "awe", size=32)
    assert first.svg == second.svg
    assert first.image.tobytes() == second.image.tobytes()
    assert draw_sticker(8, "awe", size=32).svg != first.svg


def test_every_kind_and_emotion_occurs(stickers):
    assert {sticker.attributes["kind"] for sticker in stickers} == set(KINDS)
    assert {name for sticker in stickers for name in sticker.emotions} == set(MIKELS_8.labels)
    assert len({sticker.image.tobytes() for sticker in stickers}) == len(stickers)


def test_weights_sum_to_one_and_only_surroundings_add_a_second_emotion(stickers):
    several = [sticker for sticker in stickers if len(sticker.emotions) > 1]
    assert several
    for sticker in stickers:
        assert sum(sticker.emotions.values()) == pytest.approx(1)
    for sticker in several:
        assert sticker.attributes["kind"] == "character in surroundings"
        assert sticker.attributes["scene"] in {
            setting.scene for setting in SETTINGS if setting.emotion == list(sticker.emotions)[1]
        }


def test_the_ground_is_clear_unless_there_are_surroundings(stickers):
    for sticker in stickers:
        alpha = np.asarray(sticker.image.getchannel("A"))
        surrounded = sticker.attributes["kind"].endswith("in surroundings")
        assert (alpha.mean() > 250) == surrounded, sticker.caption
        if not surrounded:
            assert (alpha == 0).mean() > 0.2, sticker.caption
            assert (alpha > 250).mean() > 0.05, sticker.caption


def test_captions_name_what_is_drawn(stickers):
    for sticker in stickers:
        noun = sticker.attributes["noun"]
        assert noun in sticker.plain
        assert noun in sticker.caption
        assert sticker.plain.split()[0] in ("a", "an")


def test_one_seed_is_one_character_with_any_feeling():
    same, other = [], []
    for seed in range(12):
        pictures = [
            np.asarray(draw_sticker(seed, emotion, size=32, kind="character").image.convert("RGB"), dtype=float)
            for emotion in ("contentment", "sadness", "fear")
        ]
        stranger = draw_sticker(seed + 500, "contentment", size=32, kind="character").image.convert("RGB")
        same += [abs(pictures[0] - one).mean() for one in pictures[1:]]
        other.append(abs(pictures[0] - np.asarray(stranger, dtype=float)).mean())
    assert np.mean(same) < np.mean(other) / 2
    nouns = {draw_sticker(3, emotion, size=32, kind="character").attributes["noun"] for emotion in MIKELS_8.labels}
    assert len(nouns) == 1


def test_most_things_can_have_a_face():
    nouns = {draw_sticker(seed, "awe", size=16, kind="thing").attributes["noun"] for seed in range(150)}
    assert len(nouns) > 15
    assert nouns <= set(THINGS)


@pytest.mark.parametrize(("emotion", "kind"), [("boredom", None), ("awe", "statue")])
def test_what_cannot_be_drawn_is_said(emotion, kind):
    with pytest.raises(ValueError, match=r"boredom|statue"):
        draw_sticker(1, emotion, kind=kind)
