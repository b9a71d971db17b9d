"""One stage, trained by one process and by two."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import DistributedType, PartialState
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import prepare_multi_gpu_env
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextModel

from tests.two_processes import in_two_processes
from train.core import trainer as loop
from train.core.trainer import LoopConfig, part_size, recompute_activations, run_stage

FSDP = Path(__file__).resolve().parents[3] / "train/configs/accelerate/fsdp.yaml"
CONFIG = LoopConfig(steps=6, batch_size=8, learning_rate=1e-2, warmup_steps=2, ema_decay=0.9, validate_every=3, seed=3)


class Net(nn.Module):
    """Regression behind a frozen layer, through dropout."""

    def __init__(self):
        super().__init__()
        self.frozen = nn.Linear(4, 8).requires_grad_(False)
        self.linear = nn.Linear(8, 1)

    def forward(self, x):
        hidden = nn.functional.dropout(self.frozen(x), 0.2, self.training)
        return {"loss": (self.linear(hidden) - x.sum(1, keepdim=True)).square().mean()}


class NetStage:
    name = "net"
    selection = "score"

    def __init__(self):
        self.sizes = []

    def build(self):
        return Net()

    def batch(self, size, generator):
        self.sizes.append(size)
        return {"x": torch.randn(size, 4, generator=generator)}

    def validate(self, model):
        loss = model(torch.randn(32, 4, generator=torch.Generator().manual_seed(99)))["loss"].item()
        return {"score": -loss}

    def export(self, model, folder):
        save_file(model.state_dict(), folder / "model.safetensors")


def train(folder, config):
    return run_stage(NetStage(), config, folder)


def two_stages(folder, config):
    """A run has several stages, each with a loop of its own."""
    for name in ("first", "second"):
        train(folder / name, config)


def assert_same(folder, other, parts=("best", "checkpoint")):
    ours, theirs = (json.loads((one / "metrics.json").read_text()) for one in (folder, other))
    assert ours == pytest.approx(theirs, rel=1e-4)
    for name in parts:
        ours, theirs = (load_file(one / name / "model.safetensors") for one in (folder, other))
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            torch.testing.assert_close(value, theirs[key], rtol=1e-4, atol=1e-6)


def test_two_processes_learn_what_one_learns_in_two_parts(tmp_path):
    in_two_processes(two_stages, tmp_path / "two", CONFIG)
    assert_same(tmp_path / "two/first", tmp_path / "two/second")
    train(tmp_path / "one", replace(CONFIG, accumulation=2))
    assert_same(tmp_path / "two/first", tmp_path / "one")


def test_two_processes_accumulate_as_one_does(tmp_path):
    in_two_processes(train, tmp_path / "two", replace(CONFIG, accumulation=2))
    train(tmp_path / "one", replace(CONFIG, accumulation=4))
    assert_same(tmp_path / "two", tmp_path / "one")


def test_a_step_sees_as_many_pictures_in_parts(tmp_path):
    stage = NetStage()
    run_stage(stage, replace(CONFIG, accumulation=4), tmp_path / "parts")
    assert stage.sizes == [2] * 4 * CONFIG.steps


@pytest.mark.parametrize(("batch_size", "accumulation", "processes"), [(9, 1, 2), (8, 3, 1), (1, 1, 2)])
def test_a_batch_that_cannot_be_shared_alike_is_refused(batch_size, accumulation, processes):
    config = LoopConfig(batch_size=batch_size, accumulation=accumulation)
    with pytest.raises(SystemExit, match=f"make batch_size a multiple of {accumulation * processes}"):
        part_size(config, processes)


def test_sharded_weights_are_put_together_for_validation(tmp_path, monkeypatch):
    config = replace(CONFIG, ema_decay=None)
    train(tmp_path / "whole", config)
    monkeypatch.setattr(loop, "_is_sharded", lambda accelerator: True)
    train(tmp_path / "sharded", config)
    assert_same(tmp_path / "sharded", tmp_path / "whole")
    with pytest.raises(SystemExit, match="set ema_decay to null"):
        train(tmp_path / "average", CONFIG)


def train_in_shards(folder, config):
    """A stage trained and another that is taken up again, under FSDP as our file for it says."""
    arguments = launch_command_parser().parse_args(["--config_file", str(FSDP), "train/train.py"])
    os.environ |= prepare_multi_gpu_env(_validate_launch_command(arguments)[0])
    # It is for GPUs only, but for this word: between CPUs it does the same.
    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
    os.environ["ACCELERATE_MIXED_PRECISION"] = "no"
    two_stages(folder, config)
    state = PartialState()
    torch.distributed.barrier()
    if state.is_main_process:
        (folder / "second/metrics.json").unlink()
    torch.distributed.barrier()
    train(folder / "second", config)


def test_two_processes_in_shards_learn_the_same(tmp_path):
    config = replace(CONFIG, ema_decay=None)
    in_two_processes(train_in_shards, tmp_path, config)
    train(tmp_path / "one", replace(config, accumulation=2))
    for name in ("first", "second"):
        assert any(path.name.startswith("pytorch_model_fsdp") for path in (tmp_path / name / "checkpoint").iterdir())
        assert_same(tmp_path / name, tmp_path / "one", ("best",))


def test_activations_are_computed_again_where_a_model_can(tiny_vae, tiny_text_encoder, caplog):
    vae, text = AutoencoderKL.from_config(tiny_vae.config), CLIPTextModel(tiny_text_encoder.config)
    model = nn.ModuleDict({"vae": vae, "deeper": nn.Sequential(text), "plain": nn.Linear(1, 1)})
    recompute_activations(model)
    assert vae.is_gradient_checkpointing
    assert text.is_gradient_checkpointing
    pictures = torch.randn(1, 3, 16, 16)
    gradients = []
    for again in (True, False):
        if not again:
            vae.disable_gradient_checkpointing()
        vae.train().zero_grad()
        vae.encode(pictures).latent_dist.mean.square().mean().backward()
        gradients.append(vae.encoder.conv_in.weight.grad.clone())
    torch.testing.assert_close(*gradients)
    with caplog.at_level(logging.WARNING):
        recompute_activations(nn.Linear(1, 1))
    assert "Nothing in Linear can compute activations again" in caplog.text
