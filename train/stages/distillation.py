"""Few steps without guidance that do what many steps with guidance do: a student learns along its teacher's own ways.

No picture is needed. The teacher paints from noise, as the pipeline does, what people ask for; where it is at the ends of the
student's long steps is kept. The student learns to get from one to the next in one step (Salimans & Ho 2022; the guidance goes inside
as in Meng et al. 2023, of one scale).
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
from train.stages.painter_denoiser import Told

#: Of trajectories that are made at once; what is asked for in a chunk depends on its number alone.
CHUNK = 32

#: From how many and a generator to what is asked for: the arguments of `Told.condition`, and `source` where the teacher edits.
Asked = Mapping[str, torch.Tensor]
Ask = Callable[[int, torch.Generator], Asked]


@dataclass
class DistillationConfig:
    """How a painter is made fast."""

    trajectories: int = setting(4000, "Pictures that the teacher paints for the student to learn from.", "pictures")
    held_out: int = setting(64, "More of them to validate with.", "pictures")
    steps: int = setting(4, "Steps of the student from noise to picture.", "steps")
    teacher_steps: int = setting(24, "Those of the teacher, a multiple of them.", "steps")
    own_share: float = setting(0.5, "Share of long steps that begin where the student came by itself.", "share, 0 to 1")
    average: float = setting(0.99, "Decay of the average of the student, which is what paints.")
    rank: int = setting(0, "Rank of what the student changes of its teacher's weights; 0 gives it weights of its own.")


@dataclass(frozen=True)
class Teacher:
    """A painter that is to be made fast: its denoiser, scheduler and guidance, and what turns words into conditions."""

    unet: UNet2DConditionModel
    scheduler: SchedulerMixin
    guidance: Guidance
    told: Told

    @torch.no_grad()
    def paint(self, asked: Asked, seeds: list[int], steps: int, every: int) -> torch.Tensor:
        """Latents (B, steps / every + 1, C, h, w) on the way from noise to pictures, after each `every` of the steps."""
        unet, source = self.unet, asked.get("source")
        words = {name: value for name, value in asked.items() if name != "source"}
        sizes = (unet.config.out_channels, unet.config.sample_size, unet.config.sample_size)
        way = [noise_of(seeds, sizes)]

        def on_step(number: int, timestep: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
            if (number + 1) % every == 0:
                way.append(latents.float().cpu())
            return latents

        away = self.told.prompts.nothing() if self.guidance.scale > 1 else None
        shown, condition, neutral = source if edits(unet) else None, self.told.condition(**words), None
        if self.guidance.emotion != 1:
            neutral = self.told.condition(**{**words, "weights": torch.ones_like(words["weights"])})
        denoise(
            unet, self.scheduler, condition, seeds, steps, on_step, away, self.guidance, beside=shown, neutral=neutral
        )
        return torch.stack(way, dim=1)


class DistillationTask(nn.Module):
    """A student that is to say what leads along its teacher's way."""

    def __init__(self, teacher: Teacher, steps: LongSteps, config: DistillationConfig) -> None:
        super().__init__()
        self.unet = copy.deepcopy(teacher.unet).requires_grad_(True)
        if config.rank:
            add_adapter(self.unet, config.rank)
        #: Part of the module, and so of checkpoints, but not of what is trained.
        self.average = copy.deepcopy(self.unet).requires_grad_(False)
        self.steps, self.config = steps, config
        # Not registered: it belongs to other stages, and need not be in every checkpoint.
        self._told = [teacher.told]

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the student."""
        for mean, value in zip(self.average.parameters(), self.unet.parameters(), strict=True):
            mean.lerp_(value, 1 - self.config.average)

    def forward(
        self, way: torch.Tensor, numbers: torch.Tensor, source: torch.Tensor | None = None, **words: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """`Teacher.paint`'s ways (B, N + 1, C, h, w), which step of its way each row learns (B,), and what was asked for."""
        if self.training:
            self.follow()
        condition, rows = self._told[0].condition(**words), torch.arange(len(way), device=way.device)
        begin, end = way[rows, numbers], way[rows, numbers + 1]
        said = self.steps.ask(self.unet, begin, numbers, condition, source)
        return {"loss": F.mse_loss(said, self.steps.said(begin, end, numbers))}


class DistillationStage:
    """Has a teacher paint what `ask` asks for, and distils it.

    Raises ValueError when its steps are no multiple of the student's, or its scheduler cannot take long ones.
    """

    selection = "score"

    def __init__(self, name: str, config: DistillationConfig, teacher: Teacher, ask: Ask, cache_dir: Path) -> None:
        if config.teacher_steps % config.steps:
            raise ValueError(
                f"A teacher of {config.teacher_steps} steps does not stop where {config.steps} long ones end; make "
                "`teacher_steps` a multiple of `steps`."
            )
        self.name, self.config, self.teacher = name, config, teacher
        self.steps = LongSteps.of(teacher.scheduler, config.steps)
        count = config.trajectories + config.held_out
        chunks = [self._asked(ask, start, min(CHUNK, count - start)) for start in range(0, count, CHUNK)]
        self.asked = {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}

        def compute(rows: slice) -> torch.Tensor:
            asked = {name: value[rows].to(teacher.unet.device) for name, value in self.asked.items()}
            every = config.teacher_steps // config.steps
            return teacher.paint(asked, list(range(rows.start, rows.stop)), config.teacher_steps, every).half()

        told = (*teacher.told.prompts.text_encoders, teacher.told.fusion, teacher.told.space)
        # diffusers also lists, in an order that differs from process to process, which values nobody gave.
        schedule = {name: value for name, value in teacher.scheduler.config.items() if not name.startswith("_")}
        settings = (config.steps, config.teacher_steps, teacher.guidance, schedule)
        words = [hashlib.sha256(value.contiguous().numpy()).hexdigest() for value in self.asked.values()]
        key = content_key("trajectories", fingerprint(teacher.unet, *told), settings, words)
        self.ways = cached_array(cache_dir, key, count, compute, CHUNK)

    def _asked(self, ask: Ask, start: int, size: int) -> Asked:
        asked = dict(ask(size, torch.Generator().manual_seed(start)))
        # A student is never asked without words.
        return asked | {"drop": torch.zeros(size, dtype=torch.bool)}

    def build(self) -> DistillationTask:
        return DistillationTask(self.teacher, self.steps, self.config)

    def _rows(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        way = torch.from_numpy(self.ways[rows.numpy()]).float()
        return {"way": way} | {name: value[rows] for name, value in self.asked.items()}

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        rows = torch.randint(self.config.trajectories, (size,), generator=generator)
        numbers = torch.randint(self.config.steps, (size,), generator=generator)
        return self._rows(rows) | {"numbers": numbers}

    @torch.no_grad()
    def validate(self, model: DistillationTask) -> dict[str, float]:
        """How far the average's pictures are from the teacher's, in their deviations, where both began with the same noise."""
        rows = torch.arange(self.config.trajectories, len(self.ways))
        error, whole, device = 0.0, 0.0, model.unet.device
        for some in rows.split(CHUNK):
            batch = {name: value.to(device) for name, value in self._rows(some).items()}
            way, source = batch.pop("way"), batch.pop("source", None)
            condition = self.teacher.told.condition(**batch)
            found = self.steps.walk(model.average, way[:, 0], condition, source)
            error += (found - way[:, -1]).square().sum().item()
            whole += way[:, -1].square().sum().item()
        distance = (error / whole) ** 0.5
        return {"score": -distance, "distance": distance}

    def export(self, model: DistillationTask, folder: Path) -> None:
        save_student(model.average, folder / "unet")
