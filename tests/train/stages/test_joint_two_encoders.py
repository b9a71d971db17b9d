"""Joint training on a denoiser that is conditioned on two text encoders, SDXL's, tiny and of random weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTokenizer

from kcdp.uniemo.fusion import EmotionFusion
from tests.learning import losses_of_steps
from tests.tiny_diffusion import SIZE, stable_diffusion_xl
from train.evaluation.inversion import InversionStage
from train.stages.joint import JointConfig, JointStage, JointTask
from train.stages.uniemo import JointParts

#: Widths of the two text encoders.
WIDTHS = (16, 24)


@pytest.fixture(scope="module")
def sdxl(tiny_tokenizer: CLIPTokenizer) -> dict[str, Any]:
    torch.manual_seed(0)
    return stable_diffusion_xl(tiny_tokenizer)


@pytest.fixture(scope="module")
def parts(joint_parts: JointParts, sdxl: dict[str, Any]) -> JointParts:
    """What joint training stands on, with SDXL in the place of our own text to image."""
    networks = {
        name: part.requires_grad_(False) if isinstance(part, torch.nn.Module) else part
        for name, part in sdxl.items()
        if name != "scheduler"
    }
    foundation = dataclasses.replace(joint_parts.foundation, **networks)
    scheduler = DDPMScheduler.from_config(sdxl["scheduler"].config)
    return dataclasses.replace(joint_parts, foundation=foundation, scheduler=scheduler)


@pytest.fixture(scope="module")
def stage(parts: JointParts) -> JointStage:
    return parts.stage(JointConfig(word_dropout=0.5, caption_dropout=0.3, token_length=True))


def painted(stage: JointStage, count: int = 6) -> dict[str, torch.Tensor]:
    batch = stage.batch(count, torch.Generator().manual_seed(3))
    return {name: batch[name] for name in ("latents", "noise", "timesteps", "ids", "places", "drop")}


def fused(task: JointTask, stage: JointStage, count: int = 6) -> torch.Tensor:
    batch = stage.batch(count, torch.Generator().manual_seed(3))
    out = task.understanding.chain.forward_tokens(task.understanding.vision, batch["tokens"])
    return task.fuse(out, batch["labels"])


def test_f_has_a_part_for_either_encoder_as_long_as_its_words(stage: JointStage, sdxl: dict[str, Any]) -> None:
    fusion = stage.build().fusion
    assert fusion.text_dims == WIDTHS
    for number, name in enumerate(("text_encoder", "text_encoder_2")):
        words = sdxl[name].get_input_embeddings().weight
        assert fusion.log_norm.exp()[number].item() == pytest.approx(words.norm(dim=1).mean().item(), rel=1e-4)


@torch.no_grad()
def test_the_denoisers_loss_equals_a_slow_one_by_the_librarys_own_prompts(
    stage: JointStage, sdxl: dict[str, Any]
) -> None:
    """An emotion that is the word "cat" in either encoder: the library says what such a prompt is, and what no prompt is."""
    task, prompts = stage.build().eval(), ["on a big sofa", "", "runs in the park", "sits"]
    batch = stage._denoised(stage.sources[0][1][:4], prompts, torch.Generator().manual_seed(1))
    batch |= {"timesteps": torch.tensor([0, 250, 700, 999]), "drop": torch.tensor([False, False, True, False])}
    (cat,) = sdxl["tokenizer"]("cat", add_special_tokens=False).input_ids
    vector = torch.cat([words[cat] for words in stage.foundation.prompts.embeddings])
    found = task.denoising(vector.expand(4, -1), **batch)

    library = StableDiffusionXLPipeline(**sdxl, add_watermarker=False)
    kept, expected = task.scheduler.alphas_cumprod.double(), 0.0
    for row, step in enumerate(batch["timesteps"].tolist()):
        states, _, pooled, _ = library.encode_prompt(f"cat {prompts[row]}", do_classifier_free_guidance=False)
        if batch["drop"][row]:
            states, pooled = torch.zeros_like(states), torch.zeros_like(pooled)
        told = {"text_embeds": pooled, "time_ids": torch.tensor([[SIZE, SIZE, 0, 0, SIZE, SIZE]])}
        signal, noise = kept[step].sqrt(), (1 - kept[step]).sqrt()
        noisy = (signal * batch["latents"][row] + noise * batch["noise"][row]).float()
        predicted = sdxl["unet"](noisy[None], step, states, added_cond_kwargs=told).sample[0]
        expected += (predicted - batch["noise"][row]).square().mean().item() / 4
    assert found.item() == pytest.approx(expected, rel=1e-3)


def test_what_paints_teaches_either_half_of_f_and_the_queries_and_nothing_frozen(stage: JointStage) -> None:
    task, batch = stage.build(), painted(stage)
    batch["drop"][:] = False
    task.denoising(fused(task, stage), **batch).backward()
    for rows in task.fusion.map_cls[-1].weight.grad.split(WIDTHS):
        assert rows.abs().sum() > 0
    assert (task.fusion.log_norm.grad != 0).all()
    chain = task.understanding.chain
    assert chain.scene_queries.grad.abs().sum() > 0 and chain.object_queries.grad.abs().sum() > 0
    frozen = (stage.foundation.unet, *stage.foundation.prompts.text_encoders)
    assert all(parameter.grad is None for part in frozen for parameter in part.parameters())


@torch.no_grad()
def test_of_what_is_dropped_nothing_is_said(stage: JointStage) -> None:
    task, batch = stage.build().eval(), painted(stage)
    batch["drop"][:] = True
    first = task.denoising(torch.randn(6, sum(WIDTHS)), **batch)
    assert task.denoising(torch.randn(6, sum(WIDTHS)), **batch) == first
    batch["drop"][0] = False
    assert task.denoising(torch.randn(6, sum(WIDTHS)), **batch) != first


@pytest.mark.parametrize("tune", ["none", "lora", "full"])
def test_training_lowers_the_loss_and_its_weights_are_read_again(parts: JointParts, tmp_path: Path, tune: str) -> None:
    stage = parts.stage(JointConfig(tune_unet=tune, lora_rank=2, token_length=True))
    task, batch = stage.build(), dict(stage.batch(8, torch.Generator().manual_seed(3)))
    batch |= {"drop": torch.zeros(8, dtype=torch.bool), "timesteps": batch["timesteps"].clamp(200, 600)}
    losses = losses_of_steps(task, batch, 12)
    assert losses[-1] < 0.95 * losses[0]
    stage.export(task.eval(), tmp_path)
    fusion = EmotionFusion.from_pretrained(tmp_path / "fusion")
    assert fusion.text_dims == WIDTHS and torch.equal(fusion.log_norm, task.fusion.log_norm)
    assert (tmp_path / "unet").is_dir() == (tune != "none")
    if tune == "none":
        return
    told = stage.foundation.prompts.plain(["a cat"])
    options = {"encoder_hidden_states": told.states, "added_cond_kwargs": told.added}
    with torch.no_grad():
        inputs = (batch["latents"][:1], 500)
        found = UNet2DConditionModel.from_pretrained(tmp_path / "unet")(*inputs, **options).sample
        torch.testing.assert_close(found, task.unet(*inputs, **options).sample, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(found, stage.foundation.unet(*inputs, **options).sample, atol=1e-3)


@torch.no_grad()
def test_textual_inversion_begins_with_a_word_for_either_encoder(stage: JointStage, sdxl: dict[str, Any]) -> None:
    task = InversionStage(stage, ("fear", "happy")).build()
    for row, name in enumerate(("fear", "happy")):
        ids = sdxl["tokenizer"](name, add_special_tokens=False).input_ids
        begin = [words[ids].mean(dim=0) for words in stage.foundation.prompts.embeddings]
        torch.testing.assert_close(task.words[row], torch.cat(begin))
    assert task(torch.tensor([0, 1, 0, 1, 0, 1]), **painted(stage))["loss"].isfinite()
