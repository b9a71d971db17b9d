"""Rectified flow's losses, against its formulas and denoisers that know the answer."""

import math

import pytest
import torch
from torch import nn

from kcdp.painting.prompt import Condition
from train.losses.flow import (
    flow_loss,
    logit_normal_times,
    mixed,
    velocity,
)

SHAPE = (3, 4, 8, 8)


class Said(nn.Module):
    """A denoiser that says scale * latents + shift * mean of the states + what is beside the latents; it keeps its inputs."""

    dtype = torch.float32

    def __init__(self, scale=0.5, shift=0.0, in_channels=4):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.tensor(scale)), shift
        self.config = type("Config", (), {"in_channels": in_channels, "out_channels": 4})()
        self.times = []

    def forward(self, inputs, times, states, added_cond_kwargs):
        self.times.append(times)
        said = self.scale * inputs[:, :4] + self.shift * states.mean(dim=(1, 2)).reshape(-1, 1, 1, 1)
        if inputs.shape[1] == 8:
            said = said + inputs[:, 4:]
        return type("Output", (), {"sample": said})()


def told(value, count=3):
    return Condition(torch.full((count, 2, 5), float(value)))


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator)


def test_times_mix_picture_and_noise(drawn):
    latents, noise = drawn
    times = torch.tensor([0.0, 0.25, 1.0])
    noisy = mixed(latents, noise, times)
    torch.testing.assert_close(noisy[0], latents[0])
    torch.testing.assert_close(noisy[1], 0.75 * latents[1] + 0.25 * noise[1])
    torch.testing.assert_close(noisy[2], noise[2])


def test_logit_normal_times_are_mostly_in_the_middle():
    times = logit_normal_times(4000, 0.0, 1.0, torch.Generator().manual_seed(1))
    assert times.min() > 0
    assert times.max() < 1
    assert times.mean().item() == pytest.approx(0.5, abs=0.02)
    # Of a unit normal .6827 lie within one deviation.
    low, high = 1 / (1 + math.e), math.e / (1 + math.e)
    assert ((times > low) & (times < high)).float().mean().item() == pytest.approx(0.6827, abs=0.03)
    later = logit_normal_times(4000, 1.0, 1.0, torch.Generator().manual_seed(1))
    assert (later > times).all()


def test_the_loss_equals_a_slow_one(drawn):
    latents, noise = drawn
    times, unet = torch.tensor([0.1, 0.5, 0.9]), Said(0.3, 2.0)
    found = flow_loss(unet, latents, noise, times, told(0.4))
    total = 0.0
    for row, time in enumerate(times.tolist()):
        noisy = (1 - time) * latents[row] + time * noise[row]
        total += ((0.3 * noisy + 2.0 * 0.4 - noise[row] + latents[row]) ** 2).sum().item()
    assert found.item() == pytest.approx(total / latents.numel(), rel=1e-5)
    torch.testing.assert_close(unet.times[0], 1000 * times)


def test_one_that_edits_sees_the_source_or_zeros(drawn):
    latents, source = drawn
    times, unet = torch.full((3,), 0.5), Said(1.0, in_channels=8)
    torch.testing.assert_close(velocity(unet, latents, times, told(0), source), latents + source)
    torch.testing.assert_close(velocity(unet, latents, times, told(0)), latents)
