"""Denoising: from noise, or from a noisy picture, to latents, with any of diffusers' schedulers."""

from __future__ import annotations

import copy
import inspect
import operator
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, SupportsIndex, cast

import numpy as np
import torch
from diffusers import SchedulerMixin, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg, retrieve_timesteps
from diffusers.utils.torch_utils import randn_tensor

from kcdp.painting.cross_attention import keys_once
from kcdp.painting.prompt import Condition

#: Called after each step with its number, its timestep and the latents; gives the latents to go on with.
OnStep = Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor]
#: How many seeds there are.
SEEDS = 2**63


class Guidance(NamedTuple):
    """How far a prediction is led away from that for another prompt (classifier-free guidance, Ho and Salimans 2022).

    `scale` is s in away + s (towards - away); 1 takes the prompt as it is. `rescale`, in [0, 1], is how far the result then
    goes back to the deviation that it had: guidance makes pictures glaring, and all alike (Lin et al. 2024, section 3.4).
    `emotion` is e in away + s (neutral - away) + s e (towards - neutral), where there is a prediction for the same words with all
    emotions alike: how many times as strongly as the words the emotion is followed (after Brooks et al. 2023, equation 3).
    """

    scale: float = 1.0
    rescale: float = 0.0
    emotion: float = 1.0


UNGUIDED = Guidance()


def seeds_of(seed: object, num_images: int | None = None) -> list[int]:
    """A seed for each of `num_images` pictures, or for a single one: those given, those from a first one on, or drawn.

    A seed is a whole number of Python, NumPy or torch; several are a sequence, a NumPy array or a tensor of them.

    Raises ValueError for a number of pictures below 1, a seed that is no whole number from 0 to 2**63 - 1, or another
    number of seeds than of pictures.
    """
    if num_images is not None:
        wanted = _whole(num_images)
        if wanted is None or wanted < 1:
            raise ValueError(f"The number of pictures must be at least 1, not {num_images}.")
        num_images = wanted
    if seed is None:
        return [secrets.randbits(32) for _ in range(num_images or 1)]
    several = not isinstance(seed, str) and isinstance(seed, Iterable) and getattr(seed, "ndim", 1) > 0
    seeds = []
    for value in cast(Iterable[object], seed) if several else [seed]:
        found = _whole(value)
        if found is None or not 0 <= found < SEEDS:
            shown = " ".join(str(value).split())
            raise ValueError(f"A seed must be a whole number from 0 to 2**63 - 1, not {shown}.")
        seeds.append(found)
    if not several:
        return [(seeds[0] + number) % SEEDS for number in range(num_images or 1)]
    if not seeds or num_images not in (None, len(seeds)):
        raise ValueError(
            f"There are {len(seeds)} seeds for {num_images or 'no'} pictures; give one seed for each picture."
        )
    return seeds


def _whole(value: object) -> int | None:
    """A whole number of Python, NumPy or torch as Python's; None for anything else, truth values and arrays among it."""
    if isinstance(value, (bool, np.bool_)) or getattr(value, "dtype", None) == torch.bool or getattr(value, "ndim", 0):
        return None
    try:
        return operator.index(cast(SupportsIndex, value))
    except TypeError:
        return None


def steps_taken(num_inference_steps: int, strength: float) -> int:
    """How many of the steps a picture goes through that may change by `strength`, in (0, 1]; at least one."""
    # A little more, because 100 x .29 is a little less than 29.
    return max(1, int(num_inference_steps * strength + 1e-6))


def finite(values: torch.Tensor) -> torch.Tensor:
    """Latents or pixels; raises ValueError when one is no finite number, from which only a black picture would come."""
    if not torch.isfinite(values).all():
        raise ValueError(
            "The networks computed numbers that are not finite (NaN or infinity); use float32, another scheduler or less "
            "guidance, and look at what the callback gives back."
        )
    return values


def edits(unet: UNet2DConditionModel) -> bool:
    """Whether the denoiser sees, beside the latents it denoises, those of a picture to edit."""
    return unet.config.in_channels == 2 * unet.config.out_channels


def of_flow(scheduler: SchedulerMixin) -> bool:
    """Whether it is of rectified flow (Liu et al. 2023): the denoiser says noise - picture, and noise is mixed in by share."""
    return hasattr(scheduler, "scale_noise")


def set_steps(
    scheduler: SchedulerMixin, num_inference_steps: int, device: torch.device | str | None = None
) -> torch.Tensor:
    """Have a scheduler take so many steps from noise to a picture; returns what the denoiser is told at each."""
    if not of_flow(scheduler):
        return retrieve_timesteps(scheduler, num_inference_steps, device)[0]
    # Left to itself it ends its steps at 1, so that the last one leads from hardly any noise to none.
    sigmas = np.linspace(1, 1 / num_inference_steps, num_inference_steps).tolist()
    return retrieve_timesteps(scheduler, device=device, sigmas=sigmas)[0]


def noise_of(seeds: Sequence[int], sizes: Sequence[int], device: torch.device | str = "cpu") -> torch.Tensor:
    """The noise (B, *sizes) that seeds mean, in 32 bits, so that they mean the same in every precision."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return randn_tensor((len(seeds), *sizes), generators, torch.device(device), torch.float32)


@keys_once()
def denoise(
    unet: UNet2DConditionModel,
    scheduler: SchedulerMixin,
    condition: Condition,
    seeds: Sequence[int],
    num_inference_steps: int,
    on_step: OnStep,
    away: Condition | None = None,
    guidance: Guidance = UNGUIDED,
    begin: torch.Tensor | None = None,
    strength: float = 1.0,
    beside: torch.Tensor | None = None,
    neutral: Condition | None = None,
) -> torch.Tensor:
    """Latents (B, C, h, w), each a function of its seed and its rows of the rest, whatever its neighbours are.

    Args:
        unet, scheduler: the denoiser and its schedule; neither is changed, so threads can share them.
        condition: of B prompts; on the device and in the precision of its states the rest is done.
        seeds: B, each from 0 to 2**63 - 1.
        num_inference_steps: 1 or more.
        on_step: see `OnStep`.
        away: of one prompt, what classifier-free guidance leads away from; None does not guide.
        guidance: see `Guidance`.
        begin: (1 or B, C, h, w), latents of a picture to begin from: noise is added to them, and the steps that would lead
            there are left out; None begins from noise alone.
        strength: see `steps_taken`.
        beside: (1 or B, C, h, w), latents of a picture to edit, which a denoiser of 2 C channels sees beside its own at every
            step (Brooks et al. 2023, section 3.2); None shows it zeros.
        neutral: of the same B prompts with all emotions alike; without `away` it is not looked at.

    Raises ValueError for `beside` with a denoiser that does not edit, and when the latents are no finite numbers.
    """
    # A copy, because a scheduler counts the steps of one call.
    scheduler = copy.deepcopy(scheduler)
    device, dtype, count = condition.states.device, condition.states.dtype, len(seeds)
    timesteps = set_steps(scheduler, num_inference_steps, device)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    shape = (count, unet.config.out_channels, unet.config.sample_size, unet.config.sample_size)
    noise = randn_tensor(shape, generators, device, torch.float32).to(dtype)
    if begin is None:
        # Schedulers of rectified flow begin from plain noise, and do not say so.
        latents = noise * getattr(scheduler, "init_noise_sigma", 1.0)
    else:
        start = scheduler.order * (num_inference_steps - steps_taken(num_inference_steps, strength))
        timesteps = timesteps[start:]
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(start)
        given = begin.to(device, dtype).expand(shape), timesteps[:1].repeat(count)
        if of_flow(scheduler):
            latents = scheduler.scale_noise(*given, noise)
        else:
            latents = scheduler.add_noise(given[0], noise, given[1])
    # Those schedulers that add noise on their way take it from each picture's own generator.
    takes_generator = "generator" in inspect.signature(scheduler.step).parameters
    options = {"generator": generators} if takes_generator else {}
    told = [condition] if away is None else [away.repeated(count), *([neutral] if neutral else []), condition]
    condition, copies = Condition.joined(told), len(told)
    if edits(unet):
        shown = torch.zeros(shape) if beside is None else beside.expand(shape)
        shown = torch.cat([shown.to(device, dtype)] * copies)
    elif beside is not None:
        raise ValueError("This denoiser has not learned to edit; begin from the picture instead.")
    for number, timestep in enumerate(timesteps):
        inputs = torch.cat([latents] * copies)
        if hasattr(scheduler, "scale_model_input"):
            inputs = scheduler.scale_model_input(inputs, timestep)
        if edits(unet):
            inputs = torch.cat([inputs, shown], dim=1)
        predicted = unet(
            inputs,
            timestep,
            encoder_hidden_states=condition.states,
            added_cond_kwargs=condition.added,
            return_dict=False,
        )[0]
        if away is not None:
            without, *between, towards = predicted.chunk(copies)
            plain = between[0] if between else towards
            predicted = without + guidance.scale * (plain - without + guidance.emotion * (towards - plain))
            if guidance.rescale:
                predicted = rescale_noise_cfg(predicted, towards, guidance.rescale)
        latents = scheduler.step(predicted, timestep, latents, **options, return_dict=False)[0]
        latents = on_step(number, timestep, latents)
    return finite(latents)
