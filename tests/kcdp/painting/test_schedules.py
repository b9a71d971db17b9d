"""What a denoiser is given by schedules of noise that is added, against their formulas: where it begins, and how it is scaled."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler, SchedulerMixin

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import denoise

STEPS = 10


class Listening(torch.nn.Module):
    """Says that there is a tenth of what it is shown; keeps that."""

    def __init__(self) -> None:
        super().__init__()
        self.config = type("Config", (), {"in_channels": 4, "out_channels": 4, "sample_size": 4})()
        self.seen: list[tuple[torch.Tensor, float]] = []

    def forward(self, latents: torch.Tensor, timestep: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        self.seen.append((latents.clone(), float(timestep)))
        return (latents / 10,)


def listen(scheduler: SchedulerMixin, **options: Any) -> tuple[torch.Tensor, list[tuple[torch.Tensor, float]]]:
    unet = Listening()
    made = denoise(
        unet, scheduler, Condition(torch.zeros(1, 3, 5)), [3], STEPS, lambda number, time, latents: latents, **options
    )
    return made, unet.seen


NOISE = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(3))
SCHEDULERS = [DDIMScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler]


def shares(scheduler: SchedulerMixin, timestep: float) -> tuple[float, float]:
    """How much of the picture and how much of the noise a denoiser is shown at a timestep, as it was trained."""
    kept = scheduler.alphas_cumprod[int(timestep)].item()
    return kept**0.5, (1 - kept) ** 0.5


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize(("strength", "taken"), [(0.5, 5), (0.3, 3), (1.0, 10)])
def test_from_a_picture_the_first_look_is_at_the_noise_of_its_timestep(
    kind: type[SchedulerMixin], strength: float, taken: int
) -> None:
    """Whatever the scheduler counts in (Heun looks twice a step), a share of the steps is taken, and of the way."""
    scheduler = kind(timestep_spacing="trailing")
    picture = torch.randn(1, 4, 4, 4)
    _, seen = listen(scheduler, begin=picture, strength=strength)
    looks = len(seen)
    assert looks == (2 * taken - 1 if kind is HeunDiscreteScheduler else taken)
    latents, timestep = seen[0]
    assert timestep == pytest.approx(1000 * taken / STEPS - 1, abs=1)
    kept, added = shares(scheduler, timestep)
    torch.testing.assert_close(latents, kept * picture + added * NOISE, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_from_noise_alone_the_first_look_is_at_noise_of_unit_deviation(kind: type[SchedulerMixin]) -> None:
    _, seen = listen(kind(timestep_spacing="trailing"))
    torch.testing.assert_close(seen[0][0], NOISE, rtol=0.02, atol=0.02)
    assert seen[0][1] == pytest.approx(999)


def test_a_step_of_ddim_from_a_picture_is_the_formulas() -> None:
    """Song et al. 2021, equation 12 with eta 0, to the end: no step is left out or taken twice."""
    scheduler = DDIMScheduler(timestep_spacing="trailing", clip_sample=False, set_alpha_to_one=True)
    picture = torch.randn(1, 4, 4, 4)
    made, seen = listen(scheduler, begin=picture, strength=0.4)
    kept, added = shares(scheduler, seen[0][1])
    latents = kept * picture + added * NOISE
    for number, (shown, timestep) in enumerate(seen):
        torch.testing.assert_close(shown, latents, rtol=1e-4, atol=1e-5)
        said, (kept, added) = latents / 10, shares(scheduler, timestep)
        clean = (latents - added * said) / kept
        kept, added = shares(scheduler, seen[number + 1][1]) if number + 1 < len(seen) else (1.0, 0.0)
        latents = kept * clean + added * said
    torch.testing.assert_close(made, latents, rtol=1e-4, atol=1e-5)


def test_a_step_of_euler_from_a_picture_is_the_formulas() -> None:
    """Karras et al. 2022, algorithm 1 without its second order: latents are picture and sigma times noise."""
    scheduler = EulerDiscreteScheduler(timestep_spacing="trailing")
    picture = torch.randn(1, 4, 4, 4)
    made, seen = listen(scheduler, begin=picture, strength=0.4)
    sigmas = [shares(scheduler, timestep)[1] / shares(scheduler, timestep)[0] for _, timestep in seen] + [0.0]
    latents = picture + sigmas[0] * NOISE
    for number, (shown, _) in enumerate(seen):
        scaled = latents / (sigmas[number] ** 2 + 1) ** 0.5
        torch.testing.assert_close(shown, scaled, rtol=0.01, atol=0.01)
        latents = latents + (sigmas[number + 1] - sigmas[number]) * scaled / 10
    torch.testing.assert_close(made, latents, rtol=0.01, atol=0.01)
