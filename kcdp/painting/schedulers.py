"""Whether a scheduler fits the noise that a denoiser has learned, and gets anywhere: tried on one that knows the answer."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from diffusers import SchedulerMixin, UNet2DConditionModel

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import denoise, of_flow

#: A scheduler may end this far from the answer, where latents go from -1 to 1: few steps of those of higher order do.
TOLERANCE = 0.5
#: How far alphas may differ: some schedulers keep the last one off 0.
_ALPHAS = 1e-3
_SIDE = 8


@dataclass(frozen=True)
class Schedule:
    """What a denoiser has learned to predict ("epsilon", "v_prediction", "sample" or "flow"), under which noise.

    `alphas` are the cumulative products of 1 - beta, by timestep; for "flow" the share of noise is the timestep's of
    `timesteps`, and there are none.
    """

    prediction: str
    timesteps: int
    alphas: tuple[float, ...] = ()

    @classmethod
    def of(cls, scheduler: SchedulerMixin) -> Schedule:
        """The schedule that a scheduler was made for; raises ValueError when it has none."""
        timesteps = scheduler.config.num_train_timesteps
        if of_flow(scheduler):
            return cls("flow", timesteps)
        alphas = getattr(scheduler, "alphas_cumprod", None)
        if alphas is None:
            raise ValueError(
                f"{type(scheduler).__name__} says nothing of the noise that it was made for; give another one."
            )
        return cls(scheduler.config.prediction_type, timesteps, tuple(alphas.tolist()))


class _Knowing:
    """A denoiser to which every noisy picture is the same one: what it predicts of it is exact (Ho et al. 2020, eq. 4)."""

    def __init__(self, schedule: Schedule, picture: torch.Tensor) -> None:
        self.schedule, self.picture = schedule, picture
        self.config = SimpleNamespace(in_channels=1, out_channels=1, sample_size=_SIDE)

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        schedule, time = self.schedule, float(timestep)
        if schedule.prediction == "flow":
            return ((latents - self.picture) / max(time / schedule.timesteps, 1e-6),)
        alpha = float(np.interp(time, np.arange(schedule.timesteps), schedule.alphas))
        noise = (latents - alpha**0.5 * self.picture) / max((1 - alpha) ** 0.5, 1e-6)
        if schedule.prediction == "epsilon":
            return (noise,)
        if schedule.prediction == "v_prediction":
            return (alpha**0.5 * noise - (1 - alpha) ** 0.5 * self.picture,)
        return (self.picture.expand_as(latents),)


def _alike(one: Schedule, other: Schedule) -> bool:
    """Whether the same prediction is asked for under the same noise."""
    same = one.prediction == other.prediction and one.timesteps == other.timesteps
    return same and np.allclose(one.alphas, other.alphas, atol=_ALPHAS)


@lru_cache(maxsize=64)
def _fits(schedule: Schedule, kind: Any, config: str, steps: int, strength: float | None) -> bool:
    picture = torch.linspace(-1, 1, _SIDE * _SIDE).reshape(1, 1, _SIDE, _SIDE)
    condition = Condition(torch.zeros(1, 1, 1))
    try:
        scheduler = kind.from_config(json.loads(config))
        if not _alike(schedule, Schedule.of(scheduler)):
            return False
        found = denoise(
            cast(UNet2DConditionModel, _Knowing(schedule, picture)),
            scheduler,
            condition,
            [0],
            steps,
            lambda number, timestep, latents: latents,
            begin=None if strength is None else picture,
            strength=strength or 1.0,
        )
    except (AttributeError, ValueError, TypeError, IndexError, KeyError, NotImplementedError):
        # Each is what some scheduler answers that is made for something else.
        return False
    return bool(torch.isfinite(found).all()) and float((found - picture).abs().max()) <= TOLERANCE


def check_scheduler(schedule: Schedule, scheduler: SchedulerMixin, steps: int, strength: float | None = None) -> None:
    """Raises ValueError, with its name, for a scheduler that does not lead to a picture under the denoiser's schedule.

    Args:
        schedule: what the denoiser has learned.
        scheduler: any of diffusers'.
        steps, strength: as of `denoise`; no strength for pictures from noise alone.
    """
    # Names with "_" are diffusers' notes of where the rest came from.
    given = {name: value for name, value in scheduler.config.items() if not name.startswith("_")}
    config = json.dumps(given, sort_keys=True, default=str)
    if not _fits(schedule, cast(Hashable, type(scheduler)), config, steps, strength):
        raise ValueError(
            f"{type(scheduler).__name__} does not fit the noise that this bundle has learned, at {steps} steps; use another "
            "scheduler, such as DPMSolverMultistepScheduler, made from the configuration of the bundle's own."
        )
