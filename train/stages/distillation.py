"""Distillation: few steps without guidance in the place of many with guidance, learned on the teacher's own trajectories.

No picture is needed. The teacher samples from noise as the pipeline does, and the latents at the ends of the student's long steps
are kept: a trajectory. The student learns to get from each to the next in one step (progressive distillation, Salimans & Ho
2022; guidance of one scale goes into its weights, as in Meng et al. 2023).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import SchedulerMixin, UNet2DConditionModel
from torch import nn
from torch.nn import functional as F

from kcdp.painting.sampling import Guidance, denoise, edits, noise_of
from kcdp.painting.student import add_adapter, save_student
from train.core.config import setting
from train.data.cache import cached_array, content_key, fingerprint
from train.losses.distillation import LongSteps
from train.stages.painter_denoiser import Conditioner

#: Of trajectories that are made at once; the conditions of a chunk depend on its number alone.
CHUNK = 32

#: Arguments of `Conditioner.condition` for a batch, and `source` (B, C, h, w) where the teacher edits.
ConditionInputs = Mapping[str, torch.Tensor]
#: Draws them for a batch size with a generator.
ConditionSampler = Callable[[int, torch.Generator], ConditionInputs]


@dataclass
class DistillationConfig:
    """How a painter is made fast."""

    trajectories: int = setting(4000, "Pictures that the teacher paints for the student to learn from.", "pictures")
    held_out: int = setting(64, "More of them to validate with.", "pictures")
    steps: int = setting(4, "Steps of the student from noise to picture.", "steps")
    teacher_steps: int = setting(24, "Those of the teacher, a multiple of them.", "steps")
    average: float = setting(0.99, "Decay of the average of the student, which is what paints.")
    rank: int = setting(0, "Rank of what the student changes of its teacher's weights; 0 gives it weights of its own.")


@dataclass(frozen=True)
class Teacher:
    """A painter that is to be made fast: its denoiser, scheduler and guidance, and what turns words into conditions."""

    unet: UNet2DConditionModel
    scheduler: SchedulerMixin
    guidance: Guidance
    conditioner: Conditioner

    @torch.no_grad()
    def sample_trajectories(self, inputs: ConditionInputs, seeds: list[int], steps: int, every: int) -> torch.Tensor:
        """Latents (B, steps / every + 1, C, h, w) on the trajectories from noise to pictures, after each `every` of the steps."""
        unet, source = self.unet, inputs.get("source")
        words = {name: value for name, value in inputs.items() if name != "source"}
        sizes = (unet.config.out_channels, unet.config.sample_size, unet.config.sample_size)
        trajectory = [noise_of(seeds, sizes)]

        def on_step(number: int, timestep: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
            if (number + 1) % every == 0:
                trajectory.append(latents.float().cpu())
            return latents

        away = self.conditioner.prompts.nothing() if self.guidance.scale > 1 else None
        shown, condition, neutral = source if edits(unet) else None, self.conditioner.condition(**words), None
        if self.guidance.emotion != 1:
            neutral = self.conditioner.condition(**{**words, "weights": torch.ones_like(words["weights"])})
        denoise(
            unet, self.scheduler, condition, seeds, steps, on_step, away, self.guidance, beside=shown, neutral=neutral
        )
        return torch.stack(trajectory, dim=1)


class DistillationTask(nn.Module):
    """The squared error of a student whose every step should lead along its teacher's trajectory."""

    def __init__(self, teacher: Teacher, steps: LongSteps, config: DistillationConfig) -> None:
        super().__init__()
        self.unet = copy.deepcopy(teacher.unet).requires_grad_(True)
        if config.rank:
            add_adapter(self.unet, config.rank)
        #: Part of the module, and so of checkpoints, but not of what is trained.
        self.average = copy.deepcopy(self.unet).requires_grad_(False)
        self.steps, self.config = steps, config
        # Not registered: it belongs to other stages, and need not be in every checkpoint.
        self._conditioner = [teacher.conditioner]

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the average towards the student."""
        for mean, value in zip(self.average.parameters(), self.unet.parameters(), strict=True):
            mean.lerp_(value, 1 - self.config.average)

    def forward(
        self, trajectory: torch.Tensor, numbers: torch.Tensor, source: torch.Tensor | None = None, **words: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Trajectories (B, N + 1, C, h, w), the step of each that a row learns (B,), and their `ConditionInputs`."""
        if self.training:
            self.update_average()
        condition, rows = (
            self._conditioner[0].condition(**words),
            torch.arange(len(trajectory), device=trajectory.device),
        )
        begin, end = trajectory[rows, numbers], trajectory[rows, numbers + 1]
        predicted = self.steps.predict(self.unet, begin, numbers, condition, source)
        return {"loss": F.mse_loss(predicted, self.steps.target(begin, end, numbers))}


class DistillationStage:
    """Samples a teacher's trajectories under what `sampler` draws, and distils it.

    Raises ValueError when its steps are no multiple of the student's, or its scheduler cannot take long ones.
    """

    selection = "score"

    def __init__(
        self, name: str, config: DistillationConfig, teacher: Teacher, sampler: ConditionSampler, cache_dir: Path
    ) -> None:
        if config.teacher_steps % config.steps:
            raise ValueError(
                f"A teacher of {config.teacher_steps} steps does not stop where {config.steps} long ones end; make "
                "`teacher_steps` a multiple of `steps`."
            )
        self.name, self.config, self.teacher = name, config, teacher
        self.steps = LongSteps.of(teacher.scheduler, config.steps)
        count = config.trajectories + config.held_out
        chunks = [self._chunk_inputs(sampler, start, min(CHUNK, count - start)) for start in range(0, count, CHUNK)]
        self.inputs = {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}

        def compute(rows: slice) -> torch.Tensor:
            inputs = {name: value[rows].to(teacher.unet.device) for name, value in self.inputs.items()}
            every = config.teacher_steps // config.steps
            return teacher.sample_trajectories(
                inputs, list(range(rows.start, rows.stop)), config.teacher_steps, every
            ).half()

        frozen = (*teacher.conditioner.prompts.text_encoders, teacher.conditioner.fusion, teacher.conditioner.space)
        # diffusers also lists, in an order that differs from process to process, which values nobody gave.
        schedule = {name: value for name, value in teacher.scheduler.config.items() if not name.startswith("_")}
        settings = (config.steps, config.teacher_steps, teacher.guidance, schedule)
        words = [hashlib.sha256(value.contiguous().numpy()).hexdigest() for value in self.inputs.values()]
        key = content_key("trajectories", fingerprint(teacher.unet, *frozen), settings, words)
        self.trajectories = cached_array(cache_dir, key, count, compute, CHUNK)

    def _chunk_inputs(self, sampler: ConditionSampler, start: int, size: int) -> ConditionInputs:
        inputs = dict(sampler(size, torch.Generator().manual_seed(start)))
        # A student never runs without a condition.
        return inputs | {"drop": torch.zeros(size, dtype=torch.bool)}

    def build(self) -> DistillationTask:
        return DistillationTask(self.teacher, self.steps, self.config)

    def _rows(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        trajectory = torch.from_numpy(self.trajectories[rows.numpy()]).float()
        return {"trajectory": trajectory} | {name: value[rows] for name, value in self.inputs.items()}

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        rows = torch.randint(self.config.trajectories, (size,), generator=generator)
        numbers = torch.randint(self.config.steps, (size,), generator=generator)
        return self._rows(rows) | {"numbers": numbers}

    @torch.no_grad()
    def validate(self, model: DistillationTask) -> dict[str, float]:
        """How far the average's pictures are from the teacher's, in their deviations, where both began with the same noise."""
        rows = torch.arange(self.config.trajectories, len(self.trajectories))
        error, whole, device = 0.0, 0.0, model.unet.device
        for some in rows.split(CHUNK):
            batch = {name: value.to(device) for name, value in self._rows(some).items()}
            trajectory, source = batch.pop("trajectory"), batch.pop("source", None)
            condition = self.teacher.conditioner.condition(**batch)
            found = self.steps.sample(model.average, trajectory[:, 0], condition, source)
            error += (found - trajectory[:, -1]).square().sum().item()
            whole += trajectory[:, -1].square().sum().item()
        distance = (error / whole) ** 0.5
        return {"score": -distance, "distance": distance}

    def export(self, model: DistillationTask, folder: Path) -> None:
        save_student(model.average, folder / "unet")
