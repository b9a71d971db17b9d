"""Every row of the tables against the papers: what it trains on, what it may see, and which settings it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from train.data.dataset import PictureDataset
from train.evaluation import adaptation as module
from train.evaluation.adaptation import Adaptation, AdaptationStage
from train.evaluation.domains import Domains
from train.evaluation.methods import ABLATIONS, METHODS, Method
from train.evaluation.resnet import ResNetStage
from train.evaluation.result_cache import ResultCache
from train.evaluation.variants import UNDERSTANDINGS, VARIANTS
from train.losses.kcdp import LOSS_PRESETS, LossPreset
from train.losses.uniemo import UNIEMO_PRESETS, UniEmoPreset
from train.stages.feedback import FeedbackConfig
from train.stages.joint import JointConfig
from train.stages.kcdp import KCDPConfig
from train.stages.understanding import UnderstandingConfig

PAIR = ("emoji", "cartoons")

#: KCDP as it is (section 4): four experts of which two are asked, k of caption and triplets, CLIEA with both parts, LoRA.
KCDP = {
    "condition": "both", "classifier": None, "num_experts": 4, "top_k": 2, "use_cliea": True, "use_mha": True,
    "use_mapping": True, "tuning": "lora",
}  # fmt: skip
GLOBAL = {"num_experts": 1, "top_k": 1}

#: Row -> kind, whether the target's unlabelled pictures train, and what differs from `KCDP`.
ROWS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "clip-zero-shot": ("zero-shot", False, {}),
    "clip-linear-probe": ("linear-probe", False, {}),
    "vlm-answer": ("vlm-answer", False, {}),
    "vlm-likelihood": ("vlm-likelihood", False, {}),
    "vlm-linear-probe": ("vlm-linear-probe", False, {}),
    "imagenet-linear-probe": ("imagenet-linear-probe", False, {}),
    "cnn": ("cnn", False, {}),
    "cnn-imagenet": ("cnn-imagenet", False, {}),
    # One classifier on the denoiser's features, without knowledge: what table 1 calls source only.
    "source-only": ("kcdp", False, {**GLOBAL, "classifier": "v", "use_cliea": False}),
    # Table 3, first row: the experts' own pseudo-labels.
    "pseudo-labels": ("kcdp", True, {"use_cliea": False}),
    # Table 2 (UC) has no target; table 1 (DA) has.
    "kcdp-uc": ("kcdp", False, {}),
    "kcdp-da": ("kcdp", True, {}),
    # Table 3: MHA alone, MLP alone.
    "cliea-mha": ("kcdp", True, {"use_mapping": False}),
    "cliea-mlp": ("kcdp", True, {"use_mha": False}),
    # Table 4: the condition c, t; experts on v alone; the global classifier, with either condition.
    "caption-only": ("kcdp", True, {"condition": "caption"}),
    "triplets-only": ("kcdp", True, {"condition": "triplets"}),
    "visual-experts": ("kcdp", True, {"classifier": "v"}),
    "global-classifier": ("kcdp", True, GLOBAL),
    "caption-global": ("kcdp", True, {**GLOBAL, "condition": "caption"}),
    "triplets-global": ("kcdp", True, {**GLOBAL, "condition": "triplets"}),
    # Figure 4.
    "tuning-frozen": ("kcdp", True, {"tuning": "frozen"}),
    "tuning-kv": ("kcdp", True, {"tuning": "kv"}),
    "tuning-lora": ("kcdp", True, {"tuning": "lora"}),
    "tuning-full": ("kcdp", True, {"tuning": "full"}),
}


@pytest.mark.parametrize("name", {**METHODS, **ABLATIONS})
def test_a_row_has_the_papers_settings(name: str) -> None:
    kind, adapts, changes = ROWS[name]
    for method in (table[name] for table in (METHODS, ABLATIONS) if name in table):
        assert (method.kind, method.adapts) == (kind, adapts)
        config = dataclasses.replace(KCDPConfig(preset="paper"), **method.changes)
        assert {key: getattr(config, key) for key in KCDP} == {**KCDP, **changes}
        assert set(method.changes) <= set(KCDP)


def test_rows_say_what_they_train_and_ask() -> None:
    assert [name for name, method in METHODS.items() if method.asks is True] == [
        "vlm-answer", "vlm-likelihood", "vlm-linear-probe"
    ]  # fmt: skip
    assert METHODS["kcdp-da"].trained is True and METHODS["clip-zero-shot"].trained is False


def test_no_row_is_without_its_settings_here() -> None:
    assert set(ROWS) == {**METHODS, **ABLATIONS}.keys()


#: Where paper and release of KCDP differ: eq. 10's denominator, what the experts see in DA, the balance loss.
KCDP_PRESETS = {
    "paper": LossPreset(positive_in_denominator=False, moe_inputs="v+k", balance_weight=0.0, scale_latents=True),
    "released": LossPreset(positive_in_denominator=True, moe_inputs="v", balance_weight=0.1, scale_latents=False),
}
#: And of UniEmo: layers of a block and their keys, the beta residual (eq. 3), the weights of L_U; eq. 10 is the same.
_JOINT = {"understanding": 0.3, "condition": 0.3, "denoising": 0.4, "token_length": False}
UNIEMO = {
    "paper": UniEmoPreset(2, "patches", 1e-4, 0.25, 0.25, emotion_weight=0.5, both_directions=False, **_JOINT),
    "released": UniEmoPreset(1, "all", None, 0.05, 0.05, emotion_weight=0.9, both_directions=True, **_JOINT),
}


def test_presets_are_the_papers_and_the_releases() -> None:
    assert LOSS_PRESETS == KCDP_PRESETS
    assert UNIEMO_PRESETS == UNIEMO


#: Figure 6: how queries join; figure 7: how many there are (32 in the paper's own model).
READINGS = {
    "none": {"strategy": "none"},
    "single-step": {"strategy": "single-step"},
    "multi-stage": {"strategy": "multi-stage"},
    "queries-8": {"num_queries": 8},
    "queries-16": {"num_queries": 16},
    "queries-64": {"num_queries": 64},
}
#: Tables V to VIII: what is fused, whether alpha weighs it, the condition loss, and the feedback's band, ranking and share.
_V = {"condition": "none", "correlation": False}
CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "cls": ({**_V, "use": "cls"}, None),
    "cls+object": ({**_V, "use": "cls+object"}, None),
    "cls+scene": ({**_V, "use": "cls+scene"}, None),
    "all": ({**_V, "use": "all"}, None),
    "cls+object-alpha": ({"condition": "none", "use": "cls+object"}, None),
    "cls+scene-alpha": ({"condition": "none", "use": "cls+scene"}, None),
    "all-alpha": ({"condition": "none"}, None),
    "all-alpha-ce": ({"condition": "ce"}, None),
    "joint": ({}, None),
    "feedback": ({}, {}),
    "feedback-emotion": ({}, {"by": "emotion"}),
    "feedback-clarity": ({}, {"by": "clarity"}),
    "feedback-0-100": ({}, {"low": 0.0, "high": 1.0}),
    "feedback-10-90": ({}, {"low": 0.1, "high": 0.9}),
    "feedback-50-80": ({}, {"low": 0.5, "high": 0.8}),
    "feedback-50-100": ({}, {"low": 0.5, "high": 1.0}),
    "feedback-5": ({}, {"share": 0.05}),
    "feedback-10": ({}, {"share": 0.1}),
    "feedback-30": ({}, {"share": 0.3}),
}
#: What the paper's own rows have (section IV, algorithm 1, table VII: 20 to 80 %, 20 % mixed in).
FEEDBACK = {"low": 0.2, "high": 0.8, "by": "both", "share": 0.2}
JOINT = {"use": "all", "correlation": True}


def test_readings_have_the_settings_of_their_figures() -> None:
    assert {name: dict(variant.understanding) for name, variant in UNDERSTANDINGS.items()} == READINGS
    assert not any(variant.joint or variant.feedback for variant in UNDERSTANDINGS.values())
    assert (UnderstandingConfig().num_queries, UnderstandingConfig().strategy) == (32, "multi-stage")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_has_the_settings_of_its_table(name: str) -> None:
    joint, feedback = CHANGED[name]
    variant = VARIANTS[name]
    config = dataclasses.replace(JointConfig(), **variant.joint)
    own = JointConfig()
    fields = ("use", "correlation", "condition")
    assert {key: getattr(config, key) for key in fields} == {
        **{key: getattr(own, key) for key in fields}, **JOINT, **joint
    }  # fmt: skip
    assert not variant.understanding and (variant.feedback is None) == (feedback is None)
    if feedback is not None:
        made = dataclasses.replace(FeedbackConfig(), **variant.feedback)
        assert {key: getattr(made, key) for key in FEEDBACK} == {**FEEDBACK, **feedback}


def test_no_variant_is_without_its_settings_here() -> None:
    assert list(VARIANTS) == list(CHANGED)


@pytest.mark.parametrize("name", [name for name, (kind, *_) in ROWS.items() if kind == "kcdp"])
def test_a_rows_settings_reach_what_is_trained(
    adaptation: Adaptation, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[KCDPConfig] = []

    def stop(config: KCDPConfig, *_: object) -> None:
        given.append(config)
        raise InterruptedError

    monkeypatch.setattr(module, "AdaptationStage", stop)
    with pytest.raises(InterruptedError):
        adaptation.result(name, {**ABLATIONS, **METHODS}[name], *PAIR, seed=0)
    assert given == [dataclasses.replace(adaptation.config, **ROWS[name][2])]


def _pictures(dataset: PictureDataset, rows: np.ndarray | torch.Tensor) -> set[tuple[str, str]]:
    """Domain and split of some rows."""
    records = dataset.records.select(np.asarray(rows).tolist())
    return set(zip(records["domain"], records["split"], strict=True))


def _drawable(dataset: PictureDataset) -> set[tuple[str, str]]:
    return _pictures(dataset, np.flatnonzero(dataset.weights.numpy() > 0))


@pytest.mark.parametrize("name", [name for name, (kind, *_) in ROWS.items() if kind in ("kcdp", "cnn", "cnn-imagenet")])
def test_no_runner_is_given_held_out_pictures_to_train_on(
    adaptation: Adaptation, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels are the source's training part's, other pictures the target's training part's, and those have no labels."""
    method = {**ABLATIONS, **METHODS}[name]
    seen: list[AdaptationStage | ResNetStage] = []
    monkeypatch.setattr(module, "run_stage", lambda stage, *_: seen.append(stage))
    nothing = {domain: torch.zeros(6, dtype=torch.long) for domain in adaptation.domains.names}
    monkeypatch.setattr(module, "read_predictions", lambda _: nothing)
    adaptation.result(name, method, *PAIR, seed=0)
    (stage,) = seen
    assert _drawable(stage.source) == {("emoji", "train")}
    target = getattr(stage, "target", None)
    assert (target is not None) == method.adapts
    if target is not None:
        assert _drawable(target) == {("cartoons", "train")}
        batch = stage.batch(40, torch.Generator().manual_seed(0))
        assert (batch["labels"][:20] >= 0).all() and (batch["labels"][20:] == -1).all()
    for domain, test in stage.tests.items():
        assert _pictures(test, np.arange(len(test))) == {(domain, "test")}


@pytest.mark.parametrize("name", ["clip-linear-probe", "imagenet-linear-probe", "vlm-linear-probe"])
def test_a_probe_is_fitted_on_the_sources_training_pictures(
    adaptation: Adaptation, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[PictureDataset] = []

    def spy(frozen: object, source: PictureDataset, test: PictureDataset) -> np.ndarray:
        given.append(source)
        assert {split for _, split in _pictures(test, np.arange(len(test)))} == {"test"}
        return np.zeros(len(test), dtype=np.int64)

    monkeypatch.setattr(module, "linear_probe", spy)
    adaptation.result(name, METHODS[name], *PAIR, seed=0)
    assert {pair for source in given for pair in _drawable(source)} == {("emoji", "train")}


@pytest.mark.parametrize("name", ["clip-zero-shot", "vlm-answer", "vlm-likelihood"])
def test_what_is_only_asked_learns_from_nothing(
    adaptation: Adaptation, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trainer in ("run_stage", "linear_probe"):
        monkeypatch.setattr(module, trainer, lambda *_: pytest.fail("trained"))
    assert adaptation.result(name, METHODS[name], *PAIR, seed=0)["accuracy"] >= 0


def test_a_target_s_labels_have_no_say(adaptation: Adaptation, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of the target's labels shuffled, what KCDP (DA) is trained with is the same, batch for batch."""

    def batches(domains: Domains) -> list[Mapping[str, torch.Tensor]]:
        seen: list[AdaptationStage] = []
        monkeypatch.setattr(module, "run_stage", lambda stage, *_: seen.append(stage))
        nothing = {domain: torch.zeros(6, dtype=torch.long) for domain in domains.names}
        monkeypatch.setattr(module, "read_predictions", lambda _: nothing)
        run = dataclasses.replace(
            adaptation, domains=domains, cache=ResultCache(adaptation.cache.folder / str(id(domains)))
        )
        run.result("kcdp-da", METHODS["kcdp-da"], *PAIR, seed=0)
        generator = torch.Generator().manual_seed(7)
        return [seen[0].batch(8, generator) for _ in range(4)]

    known = adaptation.domains
    emotions = list(known.records["emotion"])
    rows = [
        row
        for row, (domain, split) in enumerate(zip(known.records["domain"], known.records["split"], strict=True))
        if (domain, split) == ("cartoons", "train") and emotions[row] is not None
    ]
    shuffled = list(emotions)
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        shuffled[row] = emotions[other]
    assert shuffled != emotions
    feature = known.records.features["emotion"]
    records = known.records.remove_columns("emotion").add_column("emotion", shuffled, feature=feature)
    other = Domains(known.recipe, records, known.balance)
    for one, same in zip(batches(known), batches(other), strict=True):
        assert one.keys() == same.keys()
        assert all(torch.equal(one[key], same[key]) for key in one)


def test_a_method_that_is_misread_is_noticed() -> None:
    """The table here is no copy that follows: a changed setting is another row."""
    wrong = Method("KCDP (DA)", adapts=False)
    assert (wrong.kind, wrong.adapts) != ROWS["kcdp-da"][:2]
