"""A metric is one small file and one line: its number is in the result, its column in the table."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.temporary_module import added_module
from train.evaluation.generation import generation_report, measure
from train.evaluation.result_cache import ResultCache
from train.evaluation.tables import adaptation_report
from train.metrics import recognition
from train.metrics.pictures import Instruments, Sample
from train.metrics.recognition import RECOGNITION_METRICS, recognition_scores
from train.metrics.registry import PICTURE_METRICS

BRIGHTNESS = """
    from train.metrics.pictures import Column, PictureMetric

    METRIC = PictureMetric(
        "brightness",
        Column("brightness ↑", percent=True),
        lambda sample: float(sum(batch.sum() for batch in sample.batches) / sum(batch.numel() for batch in sample.batches)),
    )
    POOLED = PictureMetric("spread", Column("spread", digits=1), lambda sample: len(sample), pooled=("features",))
"""
BALANCED = """
    from sklearn.metrics import balanced_accuracy_score

    from train.metrics.recognition import RecognitionMetric

    METRIC = RecognitionMetric("balanced accuracy", lambda labels, found: float(balanced_accuracy_score(labels, found)))
"""


def _flat(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.mean(dim=(2, 3))


INSTRUMENTS = Instruments(
    "key", ("awe", "fear"), lambda pixels: _flat(pixels)[:, :2].softmax(1), _flat, _flat, _flat, _flat,
    lambda pixels: [pixels],
)  # fmt: skip


def test_a_picture_metric_that_is_added_has_its_number_and_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = added_module(tmp_path, "brightness", BRIGHTNESS)
    for metric in (module.METRIC, module.POOLED):
        monkeypatch.setitem(PICTURE_METRICS, metric.name, metric)
    pictures = {"awe": torch.full((4, 3, 8, 8), 0.5), "fear": torch.full((2, 3, 8, 8), 0.1)}
    for some in pictures.values():
        some += 0.01 * torch.randn(some.shape, generator=torch.Generator().manual_seed(0)) - 0.01
    result = measure(pictures.__getitem__, INSTRUMENTS, torch.randn(5, 3))
    assert result["brightness"] == pytest.approx(
        (pictures["awe"].mean() + pictures["fear"].mean()).item() / 2, rel=1e-4
    )
    assert result["emotions"]["fear"]["brightness"] == pytest.approx(pictures["fear"].mean().item(), rel=1e-4)
    assert result["spread"] == 6 and "spread" not in result["emotions"]["fear"]
    lines = generation_report({"real": result}, {}, "A note.").splitlines()
    assert any(line.endswith("| Sem-D ↑ | brightness ↑ | spread |") for line in lines)
    (row,) = (line for line in lines if line.startswith("| Real pictures | 6 |"))
    assert row.endswith(f"| {100 * result['brightness']:.1f} | 6.0 |")


def test_a_metric_of_predictions_that_is_added_has_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECOGNITION_METRICS, "balanced", added_module(tmp_path, "balanced", BALANCED).METRIC)
    scores = recognition_scores([0, 0, 0, 1], [0, 0, 0, 0], ("awe", "fear")).to_dict()
    assert scores["balanced"] == 0.5
    report = adaptation_report("Title", {"row": {"a → b": [scores]}}, {"row": "Row"}, "note")
    assert "Balanced accuracy, per cent:" in report and "| Row | 50.0 | 50.0 |" in report.split("Balanced accuracy")[1]


def test_a_result_that_lacks_a_metric_is_measured_again(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    cache.get("one", {}, lambda: {"fid": 1.0}, ["fid"])
    assert cache.get("one", {}, lambda: pytest.fail("measured again"), ["fid"])["fid"] == 1.0
    assert cache.get("one", {}, lambda: {"fid": 1.0, "new": 2.0}, ["fid", "new"])["new"] == 2.0


def test_an_output_is_computed_once_and_pooled_without_pictures() -> None:
    calls = []

    def look(pixels: torch.Tensor) -> torch.Tensor:
        calls.append(len(pixels))
        return _flat(pixels)

    instruments = Instruments("", ("awe",), look, look, look, look, look, lambda pixels: [pixels])
    samples = [
        Sample(torch.randn(3, 3, 4, 4).split(2), torch.full((3,), label), instruments, torch.empty(0))
        for label in (0, 1)
    ]
    whole = Sample.pooled(samples, ["judge"])
    assert whole.output("judge").shape == (6, 3) and whole.intended.tolist() == [0, 0, 0, 1, 1, 1]
    assert torch.equal(whole.output("judge")[:3], samples[0].output("judge"))
    assert calls == [2, 1, 2, 1] and not whole.batches


def test_macro_f1_has_one_definition() -> None:
    # Two of four emotions occur, and one picture is called by the name of a third: its precision is of no emotion here.
    assert recognition.macro_f1([0, 0, 1, 1], [0, 0, 1, 3]) == pytest.approx((1 + 2 / 3) / 2)
