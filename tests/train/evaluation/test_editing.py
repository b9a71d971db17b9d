"""Edited pictures are measured: on a painter that does what it is told, or does not, and whose numbers are known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from kcdp.imaging import to_tensor
from train.evaluation.editing import SHARES, STRENGTHS, Editing, editing_report
from train.metrics.pictures import Instruments

EMOTIONS = ("joy", "anger", "fear", "awe")
THINGS = ("cup", "lamp")
SIZE = 8


def colour(emotion: int, thing: int = 0) -> tuple[int, int, int]:
    """A colour that says both: red for the emotion, green for the thing."""
    return 60 * emotion, 120 * thing, 0


def code(pixels: torch.Tensor, channel: int, step: int, count: int) -> torch.Tensor:
    """Rows (B, count) that are 1 where the colour says so."""
    level = ((pixels[:, channel].mean(dim=(1, 2)) + 1) * 127.5 / step).round().long()
    return torch.nn.functional.one_hot(level, count).float()


class Painter:
    """Paints the emotion asked for in the thing asked for; with `stubborn` things every one is a cup."""

    size = SIZE

    def __init__(self, stubborn: bool = False, flat: bool = False) -> None:
        self.stubborn, self.flat, self.calls = stubborn, flat, []

    def __call__(self, emotion, prompt="", image=None, strength=0.6, seed=0, num_inference_steps=25):
        self.calls.append((emotion, prompt, strength, num_inference_steps))
        weights = emotion if isinstance(emotion, dict) else {emotion: 1.0}
        seeds = [seed] if isinstance(seed, int) else seed
        thing = THINGS.index(prompt.removeprefix("a ")) if prompt and not self.stubborn else 0
        place = EMOTIONS.index(max(weights, key=weights.get))
        if image is not None and strength < 0.5:
            picture = image
        else:
            picture = Image.new("RGB", (SIZE, SIZE), colour(place, thing))
        verdict = {name: 0.25 if self.flat else weights.get(name, 0.0) for name in EMOTIONS}
        return SimpleNamespace(images=(picture,) * len(seeds), probabilities=(verdict,) * len(seeds))


@pytest.fixture
def instruments() -> Instruments:
    def judge(pixels: torch.Tensor) -> torch.Tensor:
        return code(pixels, 0, 60, len(EMOTIONS))

    nothing = {name: judge for name in ("scenes", "objects", "features", "levels")}
    return Instruments(key="", emotions=EMOTIONS, judge=judge, embeddings=judge, **nothing)


def editing(painter: Painter, instruments: Instruments) -> Editing:
    def nouns(pixels: torch.Tensor) -> torch.Tensor:
        return code(pixels, 1, 120, len(THINGS))

    return Editing(painter, instruments, nouns, THINGS, (0, 1, 2), 7)


def test_transfer_counts_things_and_emotions(instruments: Instruments) -> None:
    painter = Painter()
    result = editing(painter, instruments).transfer()
    assert result["pictures"] == 2 * 4 * 3
    assert result["thing"] == result["emotion"] == result["both"] == 1
    assert ("anger", "a lamp", 0.6, 7) in painter.calls
    stubborn = editing(Painter(stubborn=True), instruments).transfer()
    assert stubborn["things"] == {"cup": 1, "lamp": 0} and stubborn["emotion"] == 1
    assert stubborn["thing"] == stubborn["both"] == 0.5


def test_real_pictures_say_what_the_measures_are_worth(instruments: Instruments) -> None:
    measures = editing(Painter(), instruments)
    pictures = [
        Image.new("RGB", (SIZE, SIZE), colour(emotion, thing)) for emotion, thing in ((0, 0), (1, 1), (2, 1), (3, 0))
    ]
    batches = to_tensor(pictures, SIZE).split(3)
    # The third is called a cup and is none; the last one's emotion nobody knows, the second's is another one.
    result = measures.calibrate(batches, [0, 1, 0, 0], torch.tensor([0, 3, 2, -1]))
    assert result == {"pictures": 4, "thing": 0.75, "emotion": pytest.approx(2 / 3)}
    assert measures.calibrate([], [], torch.tensor([]))["pictures"] == 0


def test_fusion_follows_the_weights(instruments: Instruments) -> None:
    result = editing(Painter(), instruments).fusion()
    assert result["curve"] == list(SHARES) and result["rising"] and result["pairs"] == 1 and result["both"] == 1
    assert result["pictures"] == 6 * len(SHARES) * 3
    flat = editing(Painter(flat=True), instruments).fusion()
    assert flat["curve"] == [0.25] * len(SHARES)
    # Of four equal emotions three are among the first three.
    assert flat["both"] == 0.5


def test_fusion_that_falls_is_told(instruments: Instruments) -> None:
    class Falling(Painter):
        def __call__(self, emotion, **options):
            first, second = emotion
            return super().__call__({first: emotion[second], second: emotion[first]}, **options)

    result = editing(Falling(), instruments).fusion()
    assert not result["rising"] and result["pairs"] == 0


def test_refeel_weighs_the_shift_against_what_is_kept(instruments: Instruments) -> None:
    pictures = [Image.new("RGB", (SIZE, SIZE), colour(label)) for label in (0, 1, 2)]
    painter = Painter()
    result = editing(painter, instruments).refeel(pictures, [0, 1, 2])
    # Three pictures that share nothing; below half strength the painter keeps them, above it nothing of them.
    assert result["random"] == 0 and list(result["strengths"]) == [f"{strength:g}" for strength in STRENGTHS]
    assert result["strengths"]["0.4"] == {"emo_s": 0, "similarity": 1, "kept": 1}
    assert result["strengths"]["0.8"] == {"emo_s": 1, "similarity": 0, "kept": 0}
    # Never the emotion that a picture has.
    targets = [emotion for emotion, *_ in painter.calls[:3]]
    assert all(target != EMOTIONS[label] for target, label in zip(targets, (0, 1, 2), strict=True))


def test_report_says_the_numbers(instruments: Instruments) -> None:
    whole = editing(Painter(), replace(instruments))
    pictures = [Image.new("RGB", (SIZE, SIZE), colour(label)) for label in (0, 1)]
    real = {"pictures": 2, "thing": 0.5, "emotion": None}
    results = {
        "real": real,
        "transfer": whole.transfer(),
        "fusion": whole.fusion(),
        "refeel": whole.refeel(pictures, [0, 1]),
    }
    text = editing_report(results)
    assert "| painted | 24 | 100.0 | 100.0 | 100.0 |" in text and "| real pictures of them | 2 | 50.0 | - | - |" in text
    assert "|  | 0.0 | 25.0 | 50.0 | 75.0 | 100.0 |" in text
    assert "| 0.8 | +1.00 | 0.00 | 0.0 |" in text
    assert "| real pictures of them |" not in editing_report({**results, "real": {**real, "pictures": 0}})
