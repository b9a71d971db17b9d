"""A painter is scored by what two judges see: one sees everything rightly, the other takes the next emotion for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from train.evaluation.painter_scores import STRENGTHS, PainterScores, both_among, kept

EMOTIONS = ("joy", "anger", "fear", "awe")
THINGS = ("cup", "lamp")
SIZE = 8


class Painter:
    """Red says the emotion, green the thing, blue the seed; of a blend red says the first and blue the second emotion."""

    size, labels = SIZE, EMOTIONS

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def __call__(self, emotion, prompt="", image=None, strength=0.6, seed=0):
        self.calls.append((emotion, prompt, strength, seed))
        seeds = [seed] if isinstance(seed, int) else seed
        if isinstance(emotion, dict):
            first, second = (EMOTIONS.index(name) for name in emotion)
            return self._made([(60 * first, 250, 60 * second)] * len(seeds))
        thing = THINGS.index(prompt.removeprefix("a ")) if prompt else 0
        # A weak edit leaves all but the emotion.
        blue = image.getpixel((0, 0))[2] if image is not None and strength < 1 else None
        # The second of two strong edits paints joy whatever is asked for.
        red = 0 if image is not None and strength == 1 and seed == 1 else 60 * EMOTIONS.index(emotion)
        return self._made([(red, 100 * thing, 10 * number if blue is None else blue) for number in seeds])

    @staticmethod
    def _made(colours) -> SimpleNamespace:
        return SimpleNamespace(images=tuple(Image.new("RGB", (SIZE, SIZE), colour) for colour in colours))


def level(pixels: torch.Tensor, channel: int, step: int) -> torch.Tensor:
    return ((pixels[:, channel].mean(dim=(1, 2)) + 1) * 127.5 / step).round().long()


def rightly(pixels: torch.Tensor) -> torch.Tensor:
    """Probabilities: the emotion of red first; in a blend that of blue comes second."""
    red, blend = level(pixels, 0, 60), level(pixels, 1, 250) == 1
    seen = torch.nn.functional.one_hot(red, 4).float() + torch.linspace(0.1, 0.4, 4)
    second = torch.nn.functional.one_hot(level(pixels, 2, 60).clamp(max=3), 4).float() * 0.9
    return seen + second * blend[:, None]


def wrongly(pixels: torch.Tensor) -> torch.Tensor:
    return rightly(pixels).roll(1, dims=1)


def scores(count: int = 8, painter: Painter | None = None) -> PainterScores:
    return PainterScores(
        painter or Painter(),
        {"right": rightly, "wrong": wrongly},
        lambda pixels: level(pixels, 1, 100),
        lambda pixels: torch.stack([pixels[:, 2].mean(dim=(1, 2)), torch.ones(len(pixels))], dim=1),
        lambda pixels: [pixels],
        THINGS,
        count,
    )


def test_emotions_are_those_asked_for() -> None:
    real = {emotion: torch.rand(3, 3, SIZE, SIZE) * 2 - 1 for emotion in EMOTIONS}
    result = scores().alone(real, torch.cat(list(real.values())))
    assert result["pictures"] == 4 * 8
    assert result["right"]["emotion"] == 1 and result["wrong"]["emotion"] == 0
    assert result["right"]["emotions"] == dict.fromkeys(EMOTIONS, 1)
    # Real pictures are compared with themselves here, painted ones with others; these differ by the seed's blue alone.
    assert abs(result["fid_real"]) < 1e-3 < result["fid"]
    assert 0 < result["lpips"] < result["lpips_real"]


def test_one_emotion_that_fails_is_named() -> None:
    class Stubborn(Painter):
        def __call__(self, emotion, *args, **options):
            return super().__call__("joy" if emotion == "fear" else emotion, *args, **options)

    real = {emotion: torch.rand(3, 3, SIZE, SIZE) for emotion in EMOTIONS}
    result = scores(painter=Stubborn()).alone(real, torch.cat(list(real.values())))
    assert result["right"]["emotions"] == {"joy": 1, "anger": 1, "fear": 0, "awe": 1}


def test_things_and_emotions_are_told_together() -> None:
    class OnlyCups(Painter):
        def __call__(self, emotion, prompt="", **options):
            return super().__call__("anger" if prompt == "a lamp" else emotion, prompt and "a cup", **options)

    result = scores(painter=OnlyCups()).transfer()
    assert result["pictures"] == 2 * 4 * 2
    assert result["thing"] == 0.5 and result["things"] == {"cup": 1, "lamp": 0}
    # Every cup and, of the lamps, those that should be angry; of these none is a lamp.
    assert result["right"] == {"emotion": 0.625, "both": 0.5}


def test_both_of_a_blend_are_among_the_first_three() -> None:
    probabilities = torch.tensor([[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    pairs = torch.tensor([[0, 2], [0, 3], [3, 1]])
    assert both_among(probabilities, pairs).tolist() == [True, False, True]


def test_blends_are_of_every_pair_in_equal_parts() -> None:
    painter = Painter()
    result = scores(painter=painter).blends()
    assert result["pictures"] == 6 * 2 and result["right"] == 1
    # One emotion further, of the pairs (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3) those with the fourth keep both.
    assert result["wrong"] < 1
    assert [call[0] for call in painter.calls[:2]] == [{"joy": 0.5, "anger": 0.5}, {"joy": 0.5, "fear": 0.5}]


def test_a_picture_is_kept_above_the_middle() -> None:
    # Two originals at right angles: the middle is a cosine of .5.
    before = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    after = torch.tensor([[0.55, 0.8352], [0.8839, 0.4677]])
    assert kept(before, after).tolist() == [True, False]


def test_edits_are_shown_from_what_they_were() -> None:
    pictures = [Image.new("RGB", (SIZE, SIZE), (60 * label, 0, blue)) for label, blue in ((0, 0), (1, 250))]
    painter = Painter()
    result = scores(painter=painter).refeel(pictures, [0, 1])
    assert result["pictures"] == 2 and list(result["strengths"]) == [f"{strength:g}" for strength in STRENGTHS]
    weak, strong = result["strengths"].values()
    # The first is asked for the next emotion, the second for the one after the next: never for their own.
    assert [(call[0], call[3]) for call in painter.calls[:2]] == [("anger", 0), ("awe", 1)]
    assert weak["kept"] == 1 and weak["right"]["emo_s"] == pytest.approx(1)
    # At full strength blue is the seed's, and the second picture another one.
    assert strong["kept"] == 0.5 and strong["right"]["emo_s_kept"] == pytest.approx(1)
    assert strong["right"]["emo_s"] == pytest.approx(0.5)
    assert weak["wrong"]["emo_s"] < 0.5


def test_no_kept_picture_has_no_shift() -> None:
    class Other(Painter):
        def __call__(self, emotion, prompt="", image=None, strength=0.6, seed=0):
            blue = 250 - image.getpixel((0, 0))[2]
            return self._made([(0, 0, blue)])

    pictures = [Image.new("RGB", (SIZE, SIZE), (0, 0, blue)) for blue in (0, 250)]
    edit = scores(painter=Other()).refeel(pictures, [0, 1])["strengths"]["1"]
    assert edit["kept"] == 0 and edit["right"]["emo_s_kept"] is None


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="4 pictures of each emotion or more, not 3"):
        scores(3)
