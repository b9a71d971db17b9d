"""What a student learns that takes long steps where its teacher takes short ones, with guidance (Salimans & Ho 2022, section 3).

A scheduler of first order without noise of its own (DDIM's, Euler's) moves latents x by the denoiser's prediction v to
keep x + move v. So there is one v that leads from where a long step begins to where the teacher has come by its end.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from diffusers import SchedulerMixin, UNet2DConditionModel

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import set_steps
from train.losses.flow import velocity


@dataclass(frozen=True)
class LongSteps:
    """The N steps from noise to a picture: the denoiser's timestep at each, and the two factors that move latents; all (N,)."""

    timesteps: torch.Tensor
    keep: torch.Tensor
    move: torch.Tensor

    @classmethod
    def of(cls, scheduler: SchedulerMixin, steps: int) -> LongSteps:
        """Those that a scheduler takes; raises ValueError for one whose steps depend on more than latents and prediction."""
        tried, found = [copy.deepcopy(scheduler) for _ in range(3)], []
        timesteps, *_ = [set_steps(one, steps) for one in tried]
        for number, timestep in enumerate(timesteps):
            # The third gets another prediction at every step, which tells a scheduler that keeps earlier ones.
            given = (1.0, 0.0), (0.0, 1.0), (0.7, -1.3 * number)
            keep, move, moved = (
                one.step(torch.full((1, 1, 1, 1), predicted), timestep, torch.full((1, 1, 1, 1), latent), return_dict=False)[0].item()
                for one, (latent, predicted) in zip(tried, given, strict=True)
            )  # fmt: skip
            if abs(keep * 0.7 - move * 1.3 * number - moved) > 1e-3:
                raise ValueError(
                    f"{type(scheduler).__name__} cannot be taught to take long steps: they depend on more than where they begin; "
                    "use DDIMScheduler or FlowMatchEulerDiscreteScheduler."
                )
            found.append((keep, move))
        keeps, moves = torch.tensor(found).T
        return cls(timesteps.float(), keeps, moves)

    def __len__(self) -> int:
        return len(self.timesteps)

    def _factors(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return tuple(factor.to(numbers.device)[numbers].reshape(-1, 1, 1, 1) for factor in (self.keep, self.move))

    def predict(
        self,
        unet: UNet2DConditionModel,
        latents: torch.Tensor,
        numbers: torch.Tensor,
        condition: Condition,
        source: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """A denoiser's prediction for latents (B, C, h, w) where their steps `numbers` (B,) begin; see `velocity`."""
        return velocity(unet, latents, self.timesteps.to(numbers.device)[numbers] / 1000, condition, source)

    def step(self, latents: torch.Tensor, predicted: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """Latents after the steps `numbers` (B,)."""
        keep, move = self._factors(numbers)
        return keep * latents + move * predicted

    def target(self, begin: torch.Tensor, end: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """The prediction (B, C, h, w) with which the steps `numbers` (B,) lead from `begin` to `end`."""
        keep, move = self._factors(numbers)
        return (end - keep * begin) / move

    @torch.no_grad()
    def sample(
        self,
        unet: UNet2DConditionModel,
        latents: torch.Tensor,
        condition: Condition,
        source: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """All steps from noise (B, C, h, w) to pictures."""
        for number in range(len(self)):
            numbers = torch.full((len(latents),), number, device=latents.device)
            predicted = self.predict(unet, latents, numbers, condition, source)
            latents = self.step(latents, predicted, numbers)
        return latents
