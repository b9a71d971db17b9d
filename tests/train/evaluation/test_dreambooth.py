"""DreamBooth's adapters: what learns, on which pictures, and that the denoiser itself stays as it is."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler

from kcdp.painting.sampling import Guidance
from train.core.foundation import Foundation
from train.core.trainer import LoopConfig, run_stage
from train.evaluation.dreambooth import (
    PRIOR_PROMPT,
    PROMPT,
    DreamBoothStage,
    adapted_unet,
    adapter,
    prior_latents,
)
from train.stages.joint import JointConfig
from train.stages.unet import build_scheduler, denoising_loss

CONFIG = JointConfig(lora_rank=2)
OWN, HELD_OUT = 5, 3


@pytest.fixture(scope="module")
def scheduler() -> DDPMScheduler:
    return build_scheduler()


@pytest.fixture(scope="module")
def prior(foundation: Foundation, scheduler: DDPMScheduler) -> np.ndarray:
    return prior_latents(foundation, scheduler, 2, Guidance(2.0), range(3)).numpy()


@pytest.fixture
def stage(foundation: Foundation, scheduler: DDPMScheduler, prior: np.ndarray) -> DreamBoothStage:
    generator = np.random.default_rng(1)
    own, held_out = (generator.standard_normal((count, 6, 4, 4)) for count in (OWN, HELD_OUT))
    return DreamBoothStage("awe", own, held_out, prior, foundation, scheduler, CONFIG)


def drawn(stage: DreamBoothStage, size: int = 9) -> dict[str, torch.Tensor]:
    return dict(stage.batch(size, torch.Generator().manual_seed(3)))


def test_the_prior_is_what_the_denoiser_paints_of_each_seed(
    foundation: Foundation, scheduler: DDPMScheduler, prior: np.ndarray
) -> None:
    assert prior.shape == (3, 6, 4, 4) and prior.dtype == np.float16 and np.isfinite(prior).all()
    alone = prior_latents(foundation, scheduler, 2, Guidance(2.0), [2]).numpy()
    np.testing.assert_allclose(alone[0], prior[2], atol=1e-2, rtol=1e-2)
    assert not np.allclose(prior[0], prior[1], atol=0.1)


def test_half_of_a_batch_are_the_denoisers_own_pictures(stage: DreamBoothStage, prior: np.ndarray) -> None:
    batch, again = drawn(stage), drawn(stage)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert batch["prior"].tolist() == [False] * 5 + [True] * 4
    for latents, remembered in zip(batch["latents"].numpy(), batch["prior"], strict=True):
        known = prior if remembered else stage.train
        assert any(np.allclose(latents, one, atol=1e-4) for one in known)


@torch.no_grad()
def test_the_loss_is_the_denoisers_under_either_prompt(stage: DreamBoothStage, foundation: Foundation) -> None:
    """A new adapter changes nothing yet."""
    batch, expected = drawn(stage), 0.0
    for row, remembered in enumerate(batch["prior"]):
        told = foundation.prompts.plain([PRIOR_PROMPT if remembered else PROMPT])
        one = (batch[name][row : row + 1] for name in ("latents", "noise", "timesteps"))
        loss = denoising_loss(foundation.unet, stage.scheduler, *one, told)
        expected += loss.item() / len(batch["prior"])
    assert stage.build()(**batch)["loss"].item() == pytest.approx(expected, rel=1e-4)


def test_a_run_leaves_an_adapter_that_paints_and_the_denoiser_as_it_was(
    stage: DreamBoothStage, foundation: Foundation, tmp_path
) -> None:
    before = copy.deepcopy(foundation.unet.state_dict())
    task, batch = stage.build(), drawn(stage)
    learning = [name for name, parameter in task.named_parameters() if parameter.requires_grad]
    assert learning and all(".lora_" in name for name in learning)
    first = task(**batch)["loss"].item()
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(8):
        loss = task(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < first
    stage.export(task, tmp_path / "learned")
    view = adapted_unet(foundation.unet, tmp_path / "learned")
    states, latents = task.conditions.states[:1], batch["latents"][:1]
    with torch.no_grad():
        expected = task.unet(latents, 500, states).sample
        torch.testing.assert_close(view(latents, 500, states).sample, expected, atol=1e-5, rtol=1e-4)
        assert not torch.allclose(foundation.unet(latents, 500, states).sample, expected, atol=1e-4)
    assert set(adapter(view)) and all("-lora_" in name for name in adapter(view))
    after = foundation.unet.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(value, after[name]) for name, value in before.items())

    metrics = run_stage(
        stage, LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2, ema_decay=0.9), tmp_path / "run"
    )
    assert metrics["score"] < 0
    assert [path.name for path in (tmp_path / "run/best").iterdir()] == ["pytorch_lora_weights.safetensors"]


@pytest.mark.parametrize("missing", ["train", "held_out"])
def test_an_emotion_without_pictures_is_one_sentence(stage: DreamBoothStage, missing: str) -> None:
    given = {"train": stage.train, "held_out": stage.held_out} | {missing: stage.train[:0]}
    with pytest.raises(ValueError, match="DreamBooth needs pictures of awe to train on and to validate with"):
        DreamBoothStage("awe", **given, prior=stage.prior, foundation=None, scheduler=stage.scheduler, config=CONFIG)
