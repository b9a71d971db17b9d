"""The measure of a bundle's painter: who is asked what, and what the report says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kcdp.emotions import MIKELS_8
from train.evaluation.measures import MEASURES
from train.evaluation.measures import painter as module
from train.evaluation.measures.painter import painter_report, run

ACCURACIES = {
    "ResNet": {"stickers": 0.625, "emoji": 0.25},
    "ImageNet head": {"stickers": 0.75, "emoji": 0.3},
    "things": {"stickers": 0.875},
}


def _scores(value: float) -> dict:
    return {"emotion": value, "both": value / 2, "emotions": dict.fromkeys(MIKELS_8.labels, value)}


RESULTS = {
    "alone": {
        "pictures": 256, "ResNet": _scores(0.6), "ImageNet head": _scores(0.4), "fid": 123.4, "fid_real": 45.6,
        "lpips": 0.1234, "lpips_real": 0.2345,
    },
    "transfer": {
        "pictures": 448, "thing": 0.45, "things": {"bench": 0.9, "street": 0.0}, "ResNet": _scores(0.8),
        "ImageNet head": _scores(0.2),
    },
    "blends": {"pictures": 224, "ResNet": 0.31, "ImageNet head": 0.21},
    "refeel": {
        "pictures": 64,
        "strengths": {
            "0.6": {
                "kept": 0.85,
                "ResNet": {"emo_s": 0.02, "emo_s_kept": 0.011},
                "ImageNet head": {"emo_s": 0.03, "emo_s_kept": -0.012},
            },
            "1": {
                "kept": 0.0,
                "ResNet": {"emo_s": 0.35, "emo_s_kept": None},
                "ImageNet head": {"emo_s": 0.25, "emo_s_kept": None},
            },
        },
    },
}  # fmt: skip


def test_every_number_stands_under_its_judge() -> None:
    text = painter_report(ACCURACIES, RESULTS)
    assert "| stickers | 62.5 | 75.0 |" in text and "87.5 % of stickers" in text
    assert "| emotion, nothing else said | 256 | 60.0 | 40.0 |" in text
    assert "| thing told | 448 | 45.0 | 45.0 |" in text
    assert "| emotion on a thing | 448 | 80.0 | 20.0 |" in text
    assert "| both | 448 | 40.0 | 10.0 |" in text
    assert "| both of an equal blend among 3 | 224 | 31.0 | 21.0 |" in text
    assert "| strength 0.6 | 85.0 | +0.011 | -0.012 | +0.020 | +0.030 |" in text
    assert "| strength 1 | 0.0 | - | - | +0.350 | +0.250 |" in text
    assert "123, between real pictures 46" in text and "0.123, of real pictures 0.234" in text


def test_it_is_a_bundles_and_of_its_emotions() -> None:
    assert MEASURES["painter"].run is run
    arguments = SimpleNamespace(pictures=8, bundle=None)
    evaluation = SimpleNamespace(bundle=None, arguments=arguments, recipe=None)
    assert not MEASURES["painter"].in_all(evaluation)
    with pytest.raises(SystemExit, match="is that of a bundle"):
        run(evaluation)
    evaluation.bundle = SimpleNamespace(uniemo=SimpleNamespace(labels=MIKELS_8.labels[::-1]))
    with pytest.raises(SystemExit, match="paints other emotions"):
        run(evaluation)


def test_the_bundles_painter_is_given_to_the_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    uniemo = SimpleNamespace(labels=MIKELS_8.labels)
    tests = SimpleNamespace(plain=lambda rows: torch.zeros(len(rows), 3, 8, 8))

    class Edited:
        labels = torch.arange(100) % 8

        def __len__(self) -> int:
            return 100

        def plain(self, rows):
            return torch.zeros(len(rows), 3, 8, 8)

    judges = SimpleNamespace(
        readers={}, things_told=None, features=None, resnet=SimpleNamespace(levels=None), edited=Edited(),
        domains=SimpleNamespace(union=lambda parts: tests, test_parts=["test-emoji"]), accuracies=lambda: ACCURACIES,
    )  # fmt: skip
    seen = {}

    class Scores:
        def __init__(self, pipeline, readers, told, features, levels, things, count) -> None:
            seen.update(pipeline=pipeline, count=count)

        def all(self, real, compared, edited, labels):
            seen.update(real={name: len(some) for name, some in real.items()}, edited=len(edited), labels=labels)
            return RESULTS

    monkeypatch.setattr(module, "PainterJudges", lambda recipe: judges)
    monkeypatch.setattr(module, "PainterScores", Scores)
    shown = {emotion: torch.arange(8) for emotion in MIKELS_8.labels}
    monkeypatch.setattr(module, "real_rows", lambda pictures, count: (shown, torch.arange(20)))
    reports = {}
    run(
        SimpleNamespace(
            bundle=SimpleNamespace(uniemo=uniemo),
            arguments=SimpleNamespace(pictures=8),
            recipe=None,
            report=lambda name, text, numbers: reports.update({name: numbers}),
        )
    )
    assert seen["pipeline"] is uniemo and seen["count"] == 8 and seen["edited"] == 16
    assert seen["labels"] == Edited.labels[torch.linspace(0, 99, 16).long()].tolist()
    assert reports["painter"]["judges"] == ACCURACIES and reports["painter"]["blends"]["ResNet"] == 0.31
