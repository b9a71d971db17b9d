"""KCDP's settings reach what they are for, and the pipeline that is put together is what was trained."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kcdp.emotions import MIKELS_8
from kcdp.imaging import to_pictures
from train.core.foundation import Foundation
from train.data.dataset import PictureDataset
from train.stages import kcdp as module
from train.stages.kcdp import KCDPConfig, KCDPStage, KCDPTask, assemble

CONFIG = KCDPConfig(
    classifier="v+k", lora_rank=2, lora_alpha=5.0, timestep=3, attention_levels=(1,), pyramid_channels=8, top_k=3,
    num_experts=5, dropout=0.0, views=0, features="encoder", scale_latents=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def scaled(foundation: Foundation) -> Foundation:
    """The tiny foundation with an autoencoder whose latents are scaled."""
    vae = copy.deepcopy(foundation.vae)
    vae.register_to_config(scaling_factor=0.25)
    # Latents are kept by the encoder's weights: these are not to be those of the tests beside.
    with torch.no_grad():
        next(vae.encoder.parameters()).mul_(1.001)
    return dataclasses.replace(foundation, vae=vae)


@pytest.fixture(scope="module")
def stage(scaled: Foundation, labelled_dataset: PictureDataset, validation_dataset: PictureDataset) -> KCDPStage:
    return KCDPStage(CONFIG, scaled, labelled_dataset, validation_dataset)


@pytest.fixture
def task(stage: KCDPStage) -> KCDPTask:
    task = stage.build().eval()
    for parameter in task.denoiser.trainable_parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return task


@pytest.mark.parametrize(
    ("preset", "classifier", "expected"),
    [("paper", None, "v+k"), ("released", None, "v"), ("paper", "v", "v"), ("released", "v+k", "v+k")],
)
def test_experts_see_what_is_asked_for_or_else_what_the_preset_says(
    foundation: Foundation, preset: str, classifier: str | None, expected: str
) -> None:
    config = replace(CONFIG, preset=preset, classifier=classifier)
    assert KCDPTask(foundation, config, tokens=4, width=32).moe.config.inputs == expected


def test_the_denoiser_has_the_settings(task: KCDPTask) -> None:
    denoiser = task.denoiser
    assert (denoiser.timestep, denoiser.features, denoiser.attention_levels) == (3, "encoder", (1,))
    (adapter,) = denoiser.unet.peft_config.values()
    assert (adapter.r, adapter.lora_alpha) == (2, 5.0)
    assert denoiser.input_scale == 4.0
    assert (task.moe.config.num_experts, task.moe.config.top_k, task.moe.config.dropout) == (5, 3, 0.0)


@pytest.mark.parametrize(
    ("preset", "own", "expected"),
    [("paper", None, 1.0), ("released", None, 4.0), ("released", True, 1.0), ("paper", False, 4.0)],
)
@pytest.mark.parametrize("tuning", ["lora", "frozen"])
def test_latents_are_scaled_as_the_preset_says_or_the_setting(
    scaled: Foundation, labelled_dataset: PictureDataset, tuning: str, preset: str, own: bool | None, expected: float
) -> None:
    config = replace(CONFIG, preset=preset, scale_latents=own, tuning=tuning)
    assert config.input_scale(scaled) == expected
    assert KCDPTask(scaled, config, 64, 32).denoiser.input_scale == expected


@torch.no_grad()
def test_what_is_kept_of_a_frozen_denoiser_is_of_the_scale_it_was_given(
    scaled: Foundation, labelled_dataset: PictureDataset
) -> None:
    rows, seen = torch.tensor([1, 4]), []
    for own in (True, False):
        config = replace(CONFIG, tuning="frozen", scale_latents=own)
        stage = KCDPStage(config, scaled, labelled_dataset, labelled_dataset)
        task, kept = stage.build().eval(), stage.caches[id(labelled_dataset)].view(0, rows)
        cache = KCDPStage(replace(config, tuning="lora"), scaled, labelled_dataset, labelled_dataset)
        plain = cache.caches[id(labelled_dataset)].view(0, rows)
        found, looked = task.perceive(kept["latents"], kept["states"]), task.denoiser(plain["latents"], plain["states"])
        for one, other in zip(found.features, looked.features, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-2)
        seen.append(found.features[0])
    assert not torch.allclose(*seen, atol=0.05)


@torch.no_grad()
def test_the_pipeline_that_is_put_together_says_what_was_trained(
    stage: KCDPStage, task: KCDPTask, scaled: Foundation, validation_dataset: PictureDataset, tmp_path: Path
) -> None:
    """Of the same latents and words the same v and logits; and every setting stands in the bundle."""
    stage.export(task, tmp_path)
    pipeline = assemble(scaled, tmp_path, CONFIG, MIKELS_8.name)
    names = ("timestep", "tuning", "lora_rank", "lora_alpha", "condition", "features", "scale_latents", "pooling")
    assert {name: pipeline.config[name] for name in names} == {name: getattr(CONFIG, name) for name in names}
    assert tuple(pipeline.config.attention_levels) == (1,)
    batch = stage.caches[id(validation_dataset)].view(0, torch.arange(2))
    expected, _, _ = task.predict(**batch)
    pictures = to_pictures(validation_dataset.plain(torch.arange(2)))
    torch.testing.assert_close(pipeline.encode_pictures(pictures), batch["latents"], atol=1e-2, rtol=1e-2)
    perception = pipeline.denoiser(batch["latents"], batch["states"])
    v = pipeline.pyramid(perception.features, perception.attention, perception.latents)
    torch.testing.assert_close(pipeline.moe(v, batch["pooled"]).logits, expected)


@torch.no_grad()
def test_experts_of_words_and_the_captioners_view_say_the_same_in_the_pipeline(
    scaled: Foundation, labelled_dataset: PictureDataset, validation_dataset: PictureDataset, tmp_path: Path
) -> None:
    """Whole pictures through the pipeline; and v, which CLIEA hears, does not reach these experts."""
    config = replace(CONFIG, classifier="k+i", pooling="words")
    stage = KCDPStage(config, scaled, labelled_dataset, validation_dataset)
    task = stage.build().eval()
    batch = stage.caches[id(validation_dataset)].view(0, torch.arange(3))
    logits, similarities, _ = task.predict(**batch)
    blind, other, _ = task.predict(**{**batch, "latents": torch.randn_like(batch["latents"])})
    assert torch.equal(blind, logits) and not torch.allclose(other, similarities)
    for name in ("pooled", "images"):
        assert not torch.allclose(task.predict(**{**batch, name: torch.randn_like(batch[name])})[0], logits), name
    stage.export(task, tmp_path)
    pipeline = assemble(scaled, tmp_path, config, MIKELS_8.name)
    seen = pipeline(to_pictures(validation_dataset.plain(torch.arange(3))), attention=False)
    found = torch.tensor([list(one.probabilities.values()) for one in seen])
    torch.testing.assert_close(found, logits.softmax(-1), rtol=1e-2, atol=1e-3)
    pipeline.own_captioner = lambda images: ["a face"] * len(images)
    with pytest.raises(ValueError, match="look through the bundle's captioner too; leave `own_captioner` out"):
        pipeline(to_pictures(validation_dataset.plain(torch.arange(1))))


def test_a_checkpoint_is_chosen_by_macro_f1_of_validation_pictures_alone(
    stage: KCDPStage, validation_dataset: PictureDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def predict(self: KCDPStage, model: object, dataset: PictureDataset) -> tuple[Any, Any]:
        asked.append(dataset)
        right = torch.nn.functional.one_hot(dataset.labels.clamp(min=0), 8).numpy()
        return right, right[:, ::-1]

    monkeypatch.setattr(KCDPStage, "predict", predict)
    metrics = stage.validate(SimpleNamespace())
    assert asked == [validation_dataset]
    assert stage.selection == "macro_f1" and metrics["macro_f1"] == 1.0
    assert metrics["cliea"] < 1


def test_training_draws_from_training_pictures(stage: KCDPStage, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[PictureDataset] = []
    real = PictureDataset.sample
    monkeypatch.setattr(PictureDataset, "sample", lambda self, *given: drawn.append(self) or real(self, *given))
    stage.batch(6, torch.Generator().manual_seed(0))
    assert drawn and all(one is stage.source for one in drawn)


def test_run_trains_on_its_own_datasets_and_a_label_free_foundation_is_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stage is given the recipe's training and validation pictures, in that order, labelled ones alone."""
    given: dict[str, Any] = {}

    class Stop(Exception):
        pass

    def datasets(recipe: Any, name: str, balance: float, **options: Any) -> tuple[str, str]:
        given["asked"] = (name, options)
        return "training", "validation"

    def stage(config: Any, foundation: Any, *datasets: str) -> None:
        given["stage"] = datasets
        raise Stop

    monkeypatch.setattr(module, "stage_datasets", datasets)
    monkeypatch.setattr(module, "load_perception", lambda recipe: None)
    monkeypatch.setattr(module, "KCDPStage", stage)
    recipe = SimpleNamespace(stage_settings=lambda *_: SimpleNamespace(config=CONFIG))
    with pytest.raises(Stop):
        module.run(recipe)
    assert given["stage"] == ("training", "validation")
    assert given["asked"] == ("kcdp", {"labelled": True, "drop_unshared": True})
