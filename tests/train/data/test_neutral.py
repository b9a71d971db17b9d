"""What is left of captions when nobody may say the emotion."""

from __future__ import annotations

import pytest

from kcdp.emotions import MIKELS_8
from train.data.dataset import FEELING
from train.data.neutral import without_feelings
from train.data.wording import EVOKED, SHOWN, with_feeling
from train.drawn.grammar import ADJECTIVES


@pytest.mark.parametrize(
    ("caption", "left"),
    [
        ("a white bicycle on fire", "a white bicycle on fire"),
        ("an angry orange cat with flames on the head", "an orange cat with flames on the head"),
        ("a sad umbrella", "an umbrella"),
        ("a scared unicorn that is running", "a unicorn that is running"),
        ("a cartoon person with a hijab who looks amazed", "a cartoon person with a hijab"),
        ("a cat sits on a red sofa and looks happy", "a cat sits on a red sofa"),
        ("a photo of an awe-inspiring mountain", "a photo of a mountain"),
        ("two frightened children", "two children"),
        ("the excited crowd", "the crowd"),
        ("a ghost, showing fear", "a ghost"),
        # What shows an emotion stays: it is seen.
        ("a crying face with streams of tears", "a face with streams of tears"),
        # Parts of other words stay.
        ("a sadness-free madman contentedly eats", "a sadness-free madman eats"),
        ("sad", ""),
        ("", ""),
    ],
)
def test_captions(caption: str, left: str) -> None:
    assert without_feelings(caption, expressions=True) == left


@pytest.mark.parametrize("emotion", MIKELS_8.labels)
def test_whatever_captions_say_of_an_emotion_goes(emotion: str) -> None:
    plain = "a red robot in the rain"
    assert without_feelings(plain + FEELING.format(emotion=emotion)) == plain
    for shows in (True, False):
        assert without_feelings(with_feeling(plain, emotion, shows)) == plain
    for word in (*ADJECTIVES[emotion], SHOWN[emotion], EVOKED[emotion]):
        assert without_feelings(f"the {word} robot", expressions=True) == "the robot"
