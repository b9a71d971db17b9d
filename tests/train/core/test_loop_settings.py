"""Each setting of the loop reaches what it is for: against a slow loop of our own, and by what it changes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from train.core.trainer import LoopConfig, run_stage, step_seed, with_steps

CONFIG = LoopConfig(
    steps=9, batch_size=4, learning_rate=0.05, weight_decay=0.3, betas=(0.6, 0.8), warmup_steps=3, max_grad_norm=0.4,
    validate_every=9, seed=5,
)  # fmt: skip


class LineStage:
    name = "line"
    selection = "score"

    def build(self):
        return Line()

    def batch(self, size, generator):
        return {"x": 3 * torch.randn(size, 3, generator=generator)}

    def validate(self, model):
        return {"score": 0.0}

    def export(self, model, folder):
        save_file({"weight": model.linear.weight.detach()}, folder / "model.safetensors")


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return {"loss": (self.linear(x) - x[:, :2].square()).square().mean()}


def by_hand(config):
    """AdamW (Loshchilov and Hutter 2019), gradients clipped to a norm, a linear warm-up and half a cosine."""
    torch.manual_seed(config.seed)
    weight = LineStage().build().linear.weight.detach().double()
    first, second = torch.zeros_like(weight), torch.zeros_like(weight)
    beta1, beta2 = config.betas
    size = config.batch_size // config.accumulation
    for step in range(config.steps):
        seeds = [step_seed(config.seed, step, part) for part in range(config.accumulation)]
        x = torch.cat([LineStage().batch(size, torch.Generator().manual_seed(seed))["x"] for seed in seeds]).double()
        error = x @ weight.T - x[:, :2].square()
        gradient = 2 * error.T @ x / error.numel()
        gradient = gradient * min(1.0, config.max_grad_norm / (gradient.norm().item() + 1e-6))
        warm, rest = config.warmup_steps, config.steps - config.warmup_steps
        factor = step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / rest))
        rate = config.learning_rate * (1.0 if config.schedule == "constant" else factor)
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient.square()
        scaled = (first / (1 - beta1 ** (step + 1))) / ((second / (1 - beta2 ** (step + 1))).sqrt() + 1e-8)
        weight = weight * (1 - rate * config.weight_decay) - rate * scaled
    return weight.float()


def trained(folder, config):
    run_stage(LineStage(), config, folder)
    return load_file(folder / "best/model.safetensors")["weight"]


@pytest.mark.parametrize("change", [{}, {"schedule": "constant"}, {"accumulation": 2}], ids=str)
def test_the_loop_is_the_one_by_hand(tmp_path, change):
    """A step of several parts is one step of the optimizer, of the clipping and of the learning rate."""
    config = replace(CONFIG, **change)
    torch.testing.assert_close(trained(tmp_path, config), by_hand(config), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.04},
        {"weight_decay": 0.0},
        {"betas": (0.9, 0.8)},
        {"betas": (0.6, 0.99)},
        {"warmup_steps": 0},
        {"schedule": "linear"},
        {"max_grad_norm": 1e9},
        {"seed": 6},
    ],
    ids=str,
)
def test_no_setting_is_left_aside(tmp_path, change):
    plain, changed = by_hand(CONFIG), trained(tmp_path, replace(CONFIG, **change))
    assert (plain - changed).abs().max() > 1e-4


def test_fewer_steps_warm_up_for_a_tenth_of_them_and_more_no_longer_than_before():
    config = LoopConfig(steps=1000, warmup_steps=100)
    assert (with_steps(config, 200).steps, with_steps(config, 200).warmup_steps) == (200, 20)
    assert with_steps(config, 5000).warmup_steps == 100
    assert replace(with_steps(config, 200), steps=1000, warmup_steps=100) == config
