from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.tiny_vlm import instruct_blip
from train.evaluation import adaptation as module
from train.evaluation.adaptation import Adaptation
from train.evaluation.methods import ABLATIONS, METHODS
from train.evaluation.vlm import FrozenVLM

PAIR = ("emoji", "cartoons")


@pytest.mark.parametrize("name", [*METHODS, *(name for name in ABLATIONS if name not in METHODS)])
def test_every_method_gives_scores_of_the_targets_test(adaptation: Adaptation, name: str) -> None:
    method = {**ABLATIONS, **METHODS}[name]
    result = adaptation.result(name, method, *PAIR, seed=0)
    assert sum(result["counts"].values()) == len(adaptation.domains.test("cartoons")) == 6
    assert 0 <= result["accuracy"] <= 1 and 0 <= result["source"] <= 1
    assert len(result["confusion"]) == 8


def test_a_result_that_is_there_is_not_made_again(adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch) -> None:
    method = METHODS["kcdp-da"]
    first = adaptation.result("kcdp-da", method, *PAIR, seed=0)
    monkeypatch.setattr(module, "run_stage", lambda *_: pytest.fail("trained again"))
    assert adaptation.result("kcdp-da", method, *PAIR, seed=0) == first
    adaptation.loop = dataclasses.replace(adaptation.loop, steps=3)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        adaptation.result("kcdp-da", method, *PAIR, seed=0)


def test_another_vision_language_model_is_asked_again(adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch) -> None:
    method = METHODS["vlm-likelihood"]
    first = adaptation.result("vlm-likelihood", method, *PAIR, seed=0)
    monkeypatch.setattr(FrozenVLM, "likeliest", lambda self, dataset: pytest.fail("asked again"))
    assert adaptation.result("vlm-likelihood", method, *PAIR, seed=0) == first
    torch.manual_seed(1)
    adaptation.vlm = FrozenVLM(*instruct_blip())
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        adaptation.result("vlm-likelihood", method, *PAIR, seed=0)


def test_a_table_goes_on_where_it_stopped(adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    real = module.run_stage

    def stops_at_the_second(stage, loop, *rest):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(loop.seed)
        return real(stage, loop, *rest)

    rows = {"cnn": METHODS["cnn"], "clip-zero-shot": METHODS["clip-zero-shot"]}
    monkeypatch.setattr(module, "run_stage", stops_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        adaptation.table(rows, [PAIR], [0, 1])
    done.clear()
    table = adaptation.table(rows, [PAIR], [0, 1])
    assert done == [1]
    assert [len(table[name]["emoji → cartoons"]) for name in rows] == [2, 1]


def test_targets_are_seen_without_labels_and_only_when_adapting(
    adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = {}
    monkeypatch.setattr(module, "run_stage", lambda stage, *_: stages.setdefault("stage", stage))
    nothing = {name: torch.zeros(6, dtype=torch.long) for name in adaptation.domains.names}
    monkeypatch.setattr(module, "read_predictions", lambda _: nothing)
    adaptation.result("kcdp-uc", METHODS["kcdp-uc"], *PAIR, seed=0)
    assert stages.pop("stage").target is None
    adaptation.result("kcdp-da", METHODS["kcdp-da"], *PAIR, seed=0)
    stage = stages["stage"]
    batch = stage.batch(8, torch.Generator().manual_seed(0))
    assert (batch["labels"] >= 0).tolist() == [True] * 4 + [False] * 4


def test_test_pictures_choose_nothing(adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch) -> None:
    validated = []
    real = module.AdaptationStage.validate

    def validate(self, model):
        validated.append(1)
        return real(self, model)

    monkeypatch.setattr(module.AdaptationStage, "validate", validate)
    adaptation.loop = dataclasses.replace(adaptation.loop, steps=4, validate_every=1)
    adaptation.result("kcdp-da", METHODS["kcdp-da"], *PAIR, seed=0)
    assert len(validated) == 1


def test_what_adapts_to_no_target_is_trained_once_for_all(
    adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    real = module.run_stage

    def counted(stage, loop, folder, *rest):
        runs.append(folder.name)
        return real(stage, loop, folder, *rest)

    monkeypatch.setattr(module, "run_stage", counted)
    pairs = [("emoji", "emoji"), ("emoji", "cartoons"), ("emoji", "photos")]
    table = adaptation.table({name: METHODS[name] for name in ("kcdp-uc", "cnn", "kcdp-da")}, pairs[1:], [0])
    table |= {"again": adaptation.table({"kcdp-uc": METHODS["kcdp-uc"]}, pairs, [0])["kcdp-uc"]}
    assert [name.rsplit("-", 2)[0] for name in runs] == [
        *("kcdp-uc-emoji", "cnn-emoji"),
        *("kcdp-da-emoji-cartoons", "kcdp-da-emoji-photos"),
    ]
    # The source's own test is a column, and beside every other.
    (own,) = table["again"]["emoji → emoji"]
    assert {one["source"] for (one,) in table["again"].values()} == {own["accuracy"]} == {own["source"]}
    assert table["again"]["emoji → photos"] == table["kcdp-uc"]["emoji → photos"]


def test_epochs_are_of_the_source(adaptation: Adaptation) -> None:
    adaptation.epochs = 2
    steps = {name: adaptation.settings(METHODS[name], *PAIR, 0)["loop"]["steps"] for name in ("kcdp-uc", "kcdp-da")}
    # Twelve pictures twice, four at a time, or two beside two of the target.
    assert steps == {"kcdp-uc": 6, "kcdp-da": 12}


def test_features_of_both_domains_for_figure_5(adaptation: Adaptation) -> None:
    seen = adaptation.features("source-only", *PAIR, seed=0)
    assert seen["source"].shape == seen["target"].shape == (6, 2 * 256)
    assert seen["source_labels"].tolist() == adaptation.domains.test("emoji").labels.tolist()
    assert seen["target_labels"].tolist() == adaptation.domains.test("cartoons").labels.tolist()


def test_what_was_only_for_going_on_is_cleared_away(adaptation: Adaptation) -> None:
    method = METHODS["source-only"]
    adaptation.result("source-only", method, *PAIR, seed=0)
    folder = adaptation.run_dir("source-only", method, *PAIR, seed=0)
    assert sorted(path.name for path in folder.iterdir()) == ["best", "metrics.json"]


def test_runs_leave_the_foundation_as_it_is(adaptation: Adaptation) -> None:
    before = {name: value.clone() for name, value in adaptation.foundation.unet.state_dict().items()}
    for name in ("tuning-full", "kcdp-da"):
        adaptation.result(name, ABLATIONS[name], *PAIR, seed=0)
    for name, value in adaptation.foundation.unet.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
