"""Rectified flow's losses, against its formulas and denoisers that know the answer."""

import copy
import math

import pytest
import torch
from torch import nn

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import UNGUIDED, Guidance
from train.losses.flow import (
    consistency_loss,
    flow_loss,
    guided_velocity,
    logit_normal_times,
    mixed,
    picture_at,
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


def test_times_mix_picture_and_noise_and_the_velocity_leads_back(drawn):
    latents, noise = drawn
    times = torch.tensor([0.0, 0.25, 1.0])
    noisy = mixed(latents, noise, times)
    torch.testing.assert_close(noisy[0], latents[0])
    torch.testing.assert_close(noisy[1], 0.75 * latents[1] + 0.25 * noise[1])
    torch.testing.assert_close(noisy[2], noise[2])
    torch.testing.assert_close(picture_at(noisy, times, noise - latents), latents, atol=1e-5, rtol=1e-5)


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


class Swayed(Said):
    """A denoiser that says more of the latents, the more its words say: guidance raises its deviation."""

    def forward(self, inputs, times, states, added_cond_kwargs):
        said = self.scale * inputs[:, :4] * states.mean(dim=(1, 2)).reshape(-1, 1, 1, 1) + inputs[:, 4:]
        return type("Output", (), {"sample": said})()


@pytest.mark.parametrize("guidance", [UNGUIDED, Guidance(3.0), Guidance(3.0, 0.5)])
def test_guidance_leads_away_from_the_one_prompt(drawn, guidance):
    latents, source = drawn
    times, teacher = torch.full((3,), 0.5), Swayed(0.5, in_channels=8)
    found = guided_velocity(teacher, latents, times, told(1.0), told(0.2, 1), guidance, source)
    towards, without = 0.5 * latents + source, 0.1 * latents + source
    expected = without + guidance.scale * (towards - without)
    if guidance.rescale:
        for row in range(3):
            own = expected[row] * towards[row].std() / expected[row].std()
            expected[row] = guidance.rescale * own + (1 - guidance.rescale) * expected[row]
    torch.testing.assert_close(found, expected)
    assert not found.requires_grad


def test_consistency_asks_of_both_ends_of_a_step_for_one_picture(drawn):
    latents, noise = drawn
    times, earlier = torch.tensor([0.5, 0.75, 0.25]), torch.tensor([0.25, 0.5, 0.0])
    student, average, teacher = Said(0.4), Said(0.7), Said(0.2, 1.0)
    condition, away, guidance = told(1.0), told(0.0, 1), Guidance(2.0)
    found = consistency_loss(
        student, average, teacher, latents, noise, times, earlier, condition, away, guidance, width=0.1
    )
    total, c = 0.0, 0.1 * math.sqrt(latents[0].numel())
    for row in range(3):
        t, s = times[row].item(), earlier[row].item()
        noisy = (1 - t) * latents[row] + t * noise[row]
        led = 0.2 * noisy + 2.0 * 1.0  # away says 0 of the prompt
        nearer = noisy + (s - t) * led
        error = (noisy - t * 0.4 * noisy) - (nearer - s * 0.7 * nearer)
        total += math.sqrt(error.square().sum().item() + c**2) - c
    assert found.item() == pytest.approx(total / 3, rel=1e-4)
    found.backward()
    assert student.scale.grad is not None
    assert average.scale.grad is None
    assert teacher.scale.grad is None


def test_a_student_that_knows_where_the_teacher_goes_has_nothing_to_learn(drawn):
    """A teacher that is straight from any noise to one picture: x - t v is that picture everywhere."""
    latents, noise = drawn

    class Straight(Said):
        def forward(self, inputs, times, states, added_cond_kwargs):
            share = (times / 1000).reshape(-1, 1, 1, 1).clamp(min=1e-3)
            return type("Output", (), {"sample": (inputs - latents) / share * self.scale})()

    perfect = Straight(1.0)
    times, earlier = torch.tensor([0.5, 0.75, 0.25]), torch.tensor([0.25, 0.5, 0.125])
    options = (latents, noise, times, earlier, told(0), told(0, 1), UNGUIDED)
    assert consistency_loss(perfect, perfect, perfect, *options).item() == pytest.approx(0, abs=1e-4)
    wrong = copy.deepcopy(perfect)
    wrong.scale.data.fill_(0.8)
    assert consistency_loss(wrong, perfect, perfect, *options) > 1
