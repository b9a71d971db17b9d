import math
from dataclasses import replace

import pytest
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch.nn import functional as F
from transformers import CLIPModel

from tests.train.conftest import SIZE, WORDS
from train.loop import LoopConfig, run_stage
from train.stages.language import build_clip
from train.stages.unet import UNetConfig, UNetStage, UNetTask, build_scheduler

TINY = UNetConfig(block_out_channels=(16, 32), attention_head_dim=8, perception_share=0.5, perception_weight=0.3)
LOOP = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2, ema_decay=0.9)


@pytest.fixture(scope="module")
def clip(tiny_tokenizer) -> CLIPModel:
    torch.manual_seed(0)
    return build_clip(WORDS, tiny_tokenizer, SIZE)


@pytest.fixture(scope="module")
def stage(train_pool, validation_pool, foundation, clip):
    return UNetStage(TINY, train_pool, validation_pool, foundation.vae, clip, foundation.tokenizer)


def drawn(stage, size=6, **changes):
    return dict(stage.batch(size, torch.Generator().manual_seed(1))) | changes


def with_settings(task, **changes):
    """The same networks with other settings."""
    other = UNetTask(task.unet, task._clip[0], task.empty, replace(TINY, **changes))
    other.reader = task.reader
    return other


def test_the_scheduler_ends_in_noise_alone():
    kept = build_scheduler().alphas_cumprod
    assert kept[-1] == 0
    assert kept[0] > 0.99


@torch.no_grad()
def test_the_loss_of_denoising_equals_a_slow_one(stage):
    task = with_settings(stage.build(), perception_share=0.0).eval()
    steps = torch.tensor([0, 10, 300, 700, 950, 999])
    batch = drawn(stage, timesteps=steps, drop=torch.zeros(6, dtype=torch.bool))
    kept = task.scheduler.alphas_cumprod.double()
    total = 0.0
    for row, step in enumerate(steps.tolist()):
        signal, noise = math.sqrt(kept[step]), math.sqrt(1 - kept[step])
        clean, disturbance = batch["latents"][row].double(), batch["noise"][row].double()
        noisy = (signal * clean + noise * disturbance).float()
        states = task._clip[0].text_model(input_ids=batch["input_ids"][row : row + 1]).last_hidden_state
        velocity = task.unet(noisy[None], step, states).sample[0].double()
        error = (velocity - (signal * disturbance - noise * clean)).square().mean()
        ratio = kept[step] / (1 - kept[step])
        total += (error * max(min(ratio, TINY.snr_gamma) / (ratio + 1), 0.05)).item()
    losses = task(**batch)
    assert losses["denoising"].item() == pytest.approx(total / 6, rel=1e-3)
    assert losses["loss"].item() == losses["denoising"].item()
    assert "perception" not in losses


@torch.no_grad()
def test_the_loss_of_perception_equals_a_slow_one(stage):
    """The first half is seen clean, at step 1, with the words of no one; its captions are what it has to find."""
    task = stage.build().eval()
    batch = drawn(stage)
    batch["input_ids"][1] = batch["input_ids"][0]
    losses = task(**batch)
    clip = task._clip[0]
    texts = F.normalize(clip.get_text_features(input_ids=batch["input_ids"][:3]).pooler_output, dim=-1)
    total = 0.0
    for row in range(3):
        kept = []
        with task.unet.mid_block.register_forward_hook(lambda module, inputs, output, kept=kept: kept.append(output)):
            task.unet(batch["latents"][row : row + 1], 1, task.empty)
        read = F.normalize(task.reader(kept[0].mean(dim=(2, 3))), dim=-1)[0]
        scores = (texts @ read / 0.07).log_softmax(0)
        same = [other for other in range(3) if torch.equal(batch["input_ids"][other], batch["input_ids"][row])]
        total -= sum(scores[other].item() for other in same) / len(same)
    assert losses["perception"].item() == pytest.approx(total / 3, rel=1e-3)
    rest = {name: value[3:] for name, value in batch.items()}
    denoising = with_settings(task, perception_share=0.0)(**rest)["loss"].item()
    assert losses["denoising"].item() == pytest.approx(denoising, rel=1e-3)
    assert losses["loss"].item() == pytest.approx(denoising + 0.3 * total / 3, rel=1e-3)


@torch.no_grad()
def test_a_dropped_caption_is_the_empty_one(stage):
    task = with_settings(stage.build(), perception_share=0.0).eval()
    every = torch.ones(6, dtype=torch.bool)
    dropped = task(**drawn(stage, drop=every))["loss"]
    empty = task(**drawn(stage, drop=~every, input_ids=stage.tokens([""] * 6)))["loss"]
    said = task(**drawn(stage, drop=~every))["loss"]
    assert dropped == pytest.approx(empty.item(), rel=1e-6)
    assert abs((said - dropped).item()) > 1e-6


def test_captions_are_dropped_as_often_as_asked(stage):
    batch = stage.batch(400, torch.Generator().manual_seed(0))
    assert 0.06 < batch["drop"].float().mean() < 0.14
    assert batch["timesteps"].min() < 50
    assert batch["timesteps"].max() > 950
    assert batch["input_ids"].shape == (400, stage.tokenizer.model_max_length)


def test_batches_come_from_the_cached_latents_and_the_generator(stage, train_pool, foundation):
    first, again = drawn(stage), drawn(stage)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert stage.latents.shape == (TINY.views, len(train_pool), 6, 4, 4)
    known = torch.from_numpy(stage.latents).float().flatten(0, 1)
    for row in first["latents"]:
        assert (known == row).flatten(1).all(1).any()


def test_training_lowers_the_loss_and_touches_the_unet_and_the_reader_only(stage, clip):
    task = stage.build()
    before = {name: value.clone() for name, value in clip.state_dict().items()}
    batch = drawn(stage, timesteps=torch.tensor([1, 1, 1, 100, 300, 500]))
    optimizer = torch.optim.Adam(task.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = task(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert {name.split(".")[0] for name, _ in task.named_parameters()} == {"unet", "reader"}
    assert [name for name, parameter in task.named_parameters() if parameter.grad is None] == []
    assert all(torch.equal(before[name], value) for name, value in clip.state_dict().items())
    assert all(parameter.grad is None for parameter in clip.parameters())


@torch.no_grad()
def test_validation_is_the_same_every_time(stage):
    task = stage.build().eval()
    first = stage.validate(task)
    torch.manual_seed(8)
    assert stage.validate(task) == first
    assert first["score"] == -first["denoising"]


def test_a_run_leaves_a_unet_and_its_scheduler(stage, tmp_path):
    run_stage(stage, LOOP, tmp_path)
    unet = UNet2DConditionModel.from_pretrained(tmp_path / "best" / "unet")
    assert unet.config.cross_attention_dim == 32
    assert unet.config.sample_size == 4
    scheduler = DDPMScheduler.from_pretrained(tmp_path / "best" / "scheduler")
    public = {name: value for name, value in build_scheduler().config.items() if not name.startswith("_")}
    assert {name: scheduler.config[name] for name in public} == public
