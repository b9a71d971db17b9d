"""Pictures that are decoded when somebody looks at them."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import frames
from kcdp.imaging.frames import Frame, distinct, sample
from kcdp.imaging.late import LateImage

RED = (220, 30, 40, 255)


def late(colour=RED, drawn: list | None = None) -> LateImage:
    def draw() -> Image.Image:
        if drawn is not None:
            drawn.append(colour)
        return Image.new("RGBA", (8, 6), colour)

    return LateImage("RGBA", (8, 6), draw)


USES = {
    "load": lambda image: image.load(),
    "array": np.asarray,
    "bytes": lambda image: image.tobytes(),
    "pixel": lambda image: image.getpixel((3, 3)),
    "band": lambda image: image.getchannel("A"),
    "box": lambda image: image.getbbox(),
    "extrema": lambda image: image.getextrema(),
    "mode": lambda image: image.convert("RGB"),
    "size": lambda image: image.resize((4, 4)),
    "turn": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "copy": lambda image: image.copy(),
    "pasted": lambda image: Image.new("RGB", (8, 8)).paste(image, (0, 0), image),
    "composited": lambda image: Image.alpha_composite(Image.new("RGBA", (8, 6)), image),
    "pickled": lambda image: pickle.dumps(image),
    "copied": copy.deepcopy,
}


@pytest.mark.parametrize("use", USES)
def test_whoever_asks_for_pixels_gets_them_and_they_are_drawn_once(use):
    drawn: list = []
    image = late(drawn=drawn)
    assert image.size == (8, 6) and image.mode == "RGBA" and not drawn
    for _ in range(2):
        USES[use](image)
    assert drawn == [RED]
    assert (np.asarray(image) == RED).all()


def test_copies_have_the_pixels():
    for made in (pickle.loads(pickle.dumps(late())), copy.deepcopy(late()), copy.copy(late())):
        assert (np.asarray(made) == RED).all()


def test_another_size_than_was_announced_is_an_error():
    image = LateImage("RGBA", (8, 6), lambda: Image.new("RGBA", (6, 8)))
    with pytest.raises(ValueError, match="announced"):
        image.load()


def test_of_a_long_animation_few_frames_are_drawn_and_the_middle_ones_of_equal_parts_taken():
    drawn: list = []
    colours = [(number, 0, 0, 255) for number in range(240)]

    def decoded():
        return (Frame(late(colour, drawn), 10.0) for colour in colours)

    frames = sample(decoded, 4)
    assert [frame.image.getpixel((0, 0))[0] for frame in frames] == [30, 90, 150, 210]
    assert [frame.start for frame in frames] == [300, 900, 1500, 2100]
    assert [frame.duration for frame in frames] == [600] * 4
    assert len(drawn) == 12


def test_empty_late_frames_are_passed_over():
    def decoded():
        return (Frame(late((number, 0, 0, 255 * (number < 60))), 10.0) for number in range(240))

    frames = sample(partial(decoded), 4)
    assert [frame.image.getpixel((0, 0))[0] for frame in frames] == [10, 30, 50]


def test_what_shows_between_the_looks_is_found():
    def decoded():
        return (Frame(late((number, 0, 0, 255 * (number in (3, 4)))), 10.0) for number in range(240))

    assert [frame.image.getpixel((0, 0))[0] for frame in sample(decoded, 4)] == [3, 4]


def test_a_picture_is_looked_at_once(monkeypatch):
    looks: list = []
    glance = frames._glance
    monkeypatch.setattr(frames, "_glance", lambda image: looks.append(image) or glance(image))
    distinct([Frame(late((number, 0, 0, 255))) for number in range(5)])
    assert len(looks) == 5
