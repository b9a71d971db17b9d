import dataclasses
import math

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection

from kcdp.perception.denoiser import level_modules
from tests.learning import losses_of_steps
from tests.train.conftest import TEXT
from train.core.trainer import LoopConfig, run_stage
from train.stages.sentences import neighbour_loss
from train.stages.text import build_text_tower
from train.stages.unet import UNetConfig, UNetStage, build_scheduler

TINY = UNetConfig(block_out_channels=(16, 32), attention_head_dim=8, perception_share=0.5, bank=16, channel_power=1.0)
LOOP = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2, ema_decay=0.9)


@pytest.fixture(scope="module")
def text(tiny_tokenizer) -> CLIPTextModelWithProjection:
    torch.manual_seed(0)
    return build_text_tower(TEXT, tiny_tokenizer)


@pytest.fixture(scope="module")
def stage(train_dataset, validation_dataset, foundation, text):
    return UNetStage(TINY, train_dataset, validation_dataset, foundation.vae, text, foundation.tokenizer)


def drawn(stage, size=6, **changes):
    return dict(stage.batch(size, torch.Generator().manual_seed(1))) | changes


def painting(batch):
    """The batch with nothing to look at."""
    return batch | {name: batch[name][:0] for name in ("clean", "captions")}


def test_the_scheduler_ends_in_noise_alone():
    kept = build_scheduler().alphas_cumprod
    assert kept[-1] == 0
    assert kept[0] > 0.99


@torch.no_grad()
def test_the_loss_of_denoising_equals_a_slow_one(stage):
    task = stage.build().eval()
    steps = torch.tensor([0, 300, 999])
    batch = painting(drawn(stage, timesteps=steps, drop=torch.zeros(3, dtype=torch.bool)))
    kept = task.scheduler.alphas_cumprod.double()
    total = 0.0
    for row, step in enumerate(steps.tolist()):
        signal, noise = math.sqrt(kept[step]), math.sqrt(1 - kept[step])
        clean, disturbance = batch["latents"][row].double(), batch["noise"][row].double()
        noisy = (signal * clean + noise * disturbance).float()
        states = task._text[0].text_model(input_ids=batch["input_ids"][row : row + 1]).last_hidden_state
        velocity = task.unet(noisy[None], step, states).sample[0].double()
        error = (velocity - (signal * disturbance - noise * clean)).square()
        deviations = torch.from_numpy(np.asarray(stage.plain[:], dtype=np.float64).std(axis=(0, 2, 3)))
        for channel, deviation in enumerate(deviations):
            total += (error[channel].mean() * deviation / deviations.mean()).item() / len(deviations)
    losses = task(**batch)
    assert losses["denoising"].item() == pytest.approx(total / 3, rel=1e-3)
    assert losses["loss"].item() == losses["denoising"].item()
    assert "perception" not in losses


def test_no_caption_that_features_are_aligned_with_says_an_emotion(stage, monkeypatch):
    """Features of clean latents are what other domains are read with; captions to paint by may say one."""
    asked, real = [], stage.train.captions

    def captions(indices, generator, feelings=True):
        asked.append((len(indices), feelings))
        return real(indices, generator, feelings)

    monkeypatch.setattr(stage.train, "captions", captions)
    batch = drawn(stage)
    assert asked == [(len(batch["clean"]), False), (len(batch["latents"]), True)]


@torch.no_grad()
def test_clean_latents_are_given_the_configured_timestep(stage):
    task, latents, kept = stage.build().eval(), drawn(stage)["clean"], []
    task.config = dataclasses.replace(TINY, timestep=700)
    handle = task.unet.time_proj.register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0].tolist()))
    task.sentence_vectors(latents)
    handle.remove()
    assert kept == [[700] * len(latents)]


@torch.no_grad()
def test_the_loss_of_perception_equals_a_slow_one(stage):
    """The first half is seen clean, at step 1, with the words of no one; its captions are what it has to find."""
    task = stage.build().eval()
    batch = drawn(stage)
    losses = task(**batch)
    reads = []
    for row in range(3):
        kept = []
        hooks = [
            module.register_forward_hook(lambda module, inputs, output, kept=kept: kept.append(output))
            for module in level_modules(task.unet, "encoder")
        ]
        task.unet(batch["clean"][row : row + 1], 1, task.empty)
        for hook in hooks:
            hook.remove()
        means = [(level[0] if isinstance(level, tuple) else level).mean(dim=(2, 3)) for level in kept]
        reads.append(F.normalize(task.reader(torch.cat(means, dim=1)), dim=-1))
    scale = task.scale.exp()
    perception = neighbour_loss(torch.cat(reads), batch["captions"], batch["bank"], scale).item()
    assert losses["perception"].item() == pytest.approx(perception, rel=1e-3)
    denoising = task(**painting(batch))["loss"].item()
    assert losses["denoising"].item() == pytest.approx(denoising, rel=1e-3)
    assert losses["loss"].item() == pytest.approx(denoising + 0.3 * perception, rel=1e-3)


@torch.no_grad()
def test_a_dropped_caption_is_the_empty_one(stage):
    task = stage.build().eval()
    every = torch.ones(3, dtype=torch.bool)
    dropped = task(**painting(drawn(stage, drop=every)))["loss"]
    empty = task(**painting(drawn(stage, drop=~every, input_ids=stage.tokens([""] * 3))))["loss"]
    said = task(**painting(drawn(stage, drop=~every)))["loss"]
    assert dropped == pytest.approx(empty.item(), rel=1e-6)
    assert abs((said - dropped).item()) > 1e-6


def test_captions_are_dropped_as_often_as_asked(stage):
    batch = stage.batch(400, torch.Generator().manual_seed(0))
    assert 0.06 < batch["drop"].float().mean() < 0.14
    assert batch["timesteps"].min() < 50
    assert batch["timesteps"].max() > 950
    assert batch["input_ids"].shape == (200, stage.tokenizer.model_max_length)


def test_batches_come_from_the_cached_latents_and_the_generator(stage, train_dataset, foundation):
    first, again = drawn(stage), drawn(stage)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert [view.shape for view in stage.augmented] == [(len(train_dataset), 6, 4, 4)] * TINY.views
    assert len(first["clean"]) == len(first["captions"]) == 3
    plain, any_view = stage.plain[None], np.stack([stage.plain, *stage.augmented])
    for rows, latents in ((first["latents"], plain), (first["clean"], any_view)):
        known = torch.from_numpy(latents.copy()).float().flatten(0, 1)
        for row in rows:
            assert (known == row).flatten(1).all(1).any()


def test_training_lowers_the_loss_and_touches_the_unet_and_the_reader_only(stage, text):
    task = stage.build()
    before = {name: value.clone() for name, value in text.state_dict().items()}
    batch = drawn(stage, timesteps=torch.tensor([100, 300, 500]))
    losses = losses_of_steps(task, batch, 8)
    assert losses[-1] < 0.9 * losses[0]
    assert {name.split(".")[0] for name, _ in task.named_parameters()} == {"unet", "reader", "scale"}
    assert [name for name, parameter in task.named_parameters() if parameter.grad is None] == []
    assert all(torch.equal(before[name], value) for name, value in text.state_dict().items())
    assert all(parameter.grad is None for parameter in text.parameters())


@torch.no_grad()
def test_validation_is_the_same_every_time(stage):
    task = stage.build().eval()
    first = stage.validate(task)
    torch.manual_seed(8)
    assert stage.validate(task) == first
    assert first["score"] == pytest.approx(-first["denoising"] - 0.3 * first["perception"])


def test_a_run_leaves_a_unet_and_its_scheduler(stage, tmp_path):
    run_stage(stage, LOOP, tmp_path)
    unet = UNet2DConditionModel.from_pretrained(tmp_path / "best" / "unet")
    assert unet.config.cross_attention_dim == 32
    assert unet.config.sample_size == 4
    scheduler = DDPMScheduler.from_pretrained(tmp_path / "best" / "scheduler")
    public = {name: value for name, value in build_scheduler().config.items() if not name.startswith("_")}
    assert {name: scheduler.config[name] for name in public} == public
