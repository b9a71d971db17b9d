from __future__ import annotations

from pathlib import Path

import pytest
import torch

from train.evaluation.result_cache import ResultCache, read_predictions, write_predictions


def test_a_result_is_computed_once(tmp_path: Path) -> None:
    calls = []

    def compute() -> dict[str, float]:
        calls.append(1)
        return {"accuracy": 0.5}

    first = ResultCache(tmp_path).get("kcdp/a-b-0", {"levels": (0, 1)}, compute)
    again = ResultCache(tmp_path).get("kcdp/a-b-0", {"levels": (0, 1)}, compute)
    assert len(calls) == 1
    assert first == again
    assert again["accuracy"] == 0.5
    assert again["settings"] == {"levels": [0, 1]}


def test_other_settings_make_another_result(tmp_path: Path) -> None:
    store = ResultCache(tmp_path)
    store.get("result", {"steps": 1}, lambda: {"accuracy": 0.1})
    assert store.get("result", {"steps": 2}, lambda: {"accuracy": 0.2})["accuracy"] == 0.2
    assert store.get("result", {"steps": 2}, lambda: pytest.fail("computed again"))["accuracy"] == 0.2


def test_a_computation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> dict[str, float]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ResultCache(tmp_path).get("result", {}, fail)
    assert list(tmp_path.iterdir()) == []


def test_predictions_come_back(tmp_path: Path) -> None:
    write_predictions(tmp_path, {"emoji": torch.tensor([1, 2]), "emoji/v": torch.ones(2, 3)})
    found = read_predictions(tmp_path)
    assert found["emoji"].tolist() == [1, 2]
    assert found["emoji/v"].shape == (2, 3)
