"""Losses of painters by rectified flow: latents at time t are (1 - t) x + t e, and the denoiser says the velocity e - x.

Times run from 0, the picture x, to 1, noise e alone; what a denoiser is told is 1000 t, as diffusers' schedulers tell it.
"""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import Guidance, edits


def mixed(latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """Latents and noise (B, C, h, w) at times (B,): (1 - t) x + t e (Liu et al. 2023, equation 1, with t turned around)."""
    share = times.reshape(-1, 1, 1, 1)
    return (1 - share) * latents + share * noise


def logit_normal_times(count: int, mean: float, std: float, generator: torch.Generator) -> torch.Tensor:
    """Times (count,) whose logit is normal: the middle comes most often (Esser et al. 2024, section 3.1)."""
    return torch.sigmoid(mean + std * torch.randn(count, generator=generator))


def velocity(
    unet: UNet2DConditionModel,
    noisy: torch.Tensor,
    times: torch.Tensor,
    condition: Condition,
    source: torch.Tensor | None = None,
) -> torch.Tensor:
    """What the denoiser says of noisy latents (B, C, h, w) at times (B,), in 32 bits.

    One that edits sees the latents `source` (B, C, h, w) beside them, or zeros.
    """
    inputs = noisy
    if edits(unet):
        inputs = torch.cat([noisy, torch.zeros_like(noisy) if source is None else source], dim=1)
    told = condition.to(unet.dtype)
    said = unet(inputs.to(unet.dtype), 1000 * times, told.states, added_cond_kwargs=told.added).sample
    return said.float()


def flow_loss(
    unet: UNet2DConditionModel,
    latents: torch.Tensor,
    noise: torch.Tensor,
    times: torch.Tensor,
    condition: Condition,
    source: torch.Tensor | None = None,
) -> torch.Tensor:
    """Squared error of the velocity: a scalar."""
    said = velocity(unet, mixed(latents, noise, times), times, condition, source)
    return (said - (noise - latents)).square().mean()


@torch.no_grad()
def guided_velocity(
    teacher: UNet2DConditionModel,
    noisy: torch.Tensor,
    times: torch.Tensor,
    condition: Condition,
    away: Condition,
    guidance: Guidance,
    source: torch.Tensor | None = None,
) -> torch.Tensor:
    """The teacher's velocity with classifier-free guidance away from the one prompt `away`, as `denoise` has it."""
    if guidance.scale == 1:
        return velocity(teacher, noisy, times, condition, source)
    twice = [None if part is None else torch.cat([part, part]) for part in (noisy, times, source)]
    without, towards = velocity(teacher, twice[0], twice[1], away.before(condition), twice[2]).chunk(2)
    said = without + guidance.scale * (towards - without)
    return rescale_noise_cfg(said, towards, guidance.rescale) if guidance.rescale else said


def picture_at(noisy: torch.Tensor, times: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
    """The picture that a velocity points to: x_t - t v."""
    return noisy - times.reshape(-1, 1, 1, 1) * said


def consistency_loss(
    student: UNet2DConditionModel,
    average: UNet2DConditionModel,
    teacher: UNet2DConditionModel,
    latents: torch.Tensor,
    noise: torch.Tensor,
    times: torch.Tensor,
    earlier: torch.Tensor,
    condition: Condition,
    away: Condition,
    guidance: Guidance,
    source: torch.Tensor | None = None,
    width: float = 0.03,
) -> torch.Tensor:
    """Latent consistency distillation (Luo et al. 2023, equations 14 and 15) of a rectified flow: a scalar.

    One guided step of the teacher leads from `times` (B,) to `earlier` (B,), nearer to the picture. From both places the
    student has to say the same picture; at the earlier one its `average` says it, and at 0 it is where the teacher came to.
    So one look of the student does what the teacher does with two looks at every one of many steps. The distance is pseudo-Huber's
    with c = `width` sqrt(numbers of a picture) (Song and Dhariwal 2024, section 3.3).
    """
    noisy = mixed(latents, noise, times)
    with torch.no_grad():
        led = guided_velocity(teacher, noisy, times, condition, away, guidance, source)
        nearer = noisy + (earlier - times).reshape(-1, 1, 1, 1) * led
        target = picture_at(nearer, earlier, velocity(average, nearer, earlier, condition, source))
    said = picture_at(noisy, times, velocity(student, noisy, times, condition, source))
    c = width * latents[0].numel() ** 0.5
    return (((said - target).square().flatten(1).sum(dim=1) + c**2).sqrt() - c).mean()
