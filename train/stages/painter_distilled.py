"""Painter, part three: four steps without guidance do what many steps with guidance did."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import FlowMatchLCMScheduler, UNet2DConditionModel
from torch import nn

from kcdp.painting.sampling import Guidance
from train.core.config import setting
from train.losses.flow import consistency_loss, flow_loss
from train.stages.painter import PainterConfig, PainterStage, Told


@dataclass
class DistillationConfig:
    """How the painter is made fast."""

    teacher_steps: int = setting(
        32, "Steps of the teacher from noise to picture; the student learns across each.", "steps"
    )
    average: float = setting(0.95, "Decay of the average of the student that says where an earlier step leads.")
    huber: float = setting(0.03, "Width of the pseudo-Huber distance, in roots of the latents' numbers.")
    flow_weight: float = setting(0.0, "Weight of the flow's own loss beside consistency.")


class DistillationTask(nn.Module):
    """Consistency of a student with its guided teacher."""

    def __init__(
        self, teacher: UNet2DConditionModel, told: Told, painter: PainterConfig, config: DistillationConfig
    ) -> None:
        super().__init__()
        self.unet = copy.deepcopy(teacher).requires_grad_(True)
        #: Part of the module, and so of checkpoints, but not of what is trained.
        self.average = copy.deepcopy(teacher).requires_grad_(False)
        self.config = config
        self.guidance = Guidance(painter.guidance_scale, painter.guidance_rescale)
        self._frozen = (teacher.requires_grad_(False), told)

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the student."""
        for mean, value in zip(self.average.parameters(), self.unet.parameters(), strict=True):
            mean.lerp_(value, 1 - self.config.average)

    def forward(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        times: torch.Tensor,
        source: torch.Tensor,
        **words: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Arguments as for `PainterTask`; times are those of the teacher's steps, and each leads one step down."""
        if self.training:
            self.follow()
        teacher, told = self._frozen
        condition, steps = told.condition(**words), self.config.teacher_steps
        # A step in whole numbers: what is a hundredth of a step away from 0 would be no step.
        earlier = ((times * steps).round() - 1).clamp(min=0) / steps
        consistency = consistency_loss(
            self.unet, self.average, teacher, latents, noise, times, earlier, condition, told.prompts.nothing(),
            self.guidance, source, self.config.huber,
        )  # fmt: skip
        losses = {"loss": consistency, "consistency": consistency.detach()}
        if self.config.flow_weight:
            flow = flow_loss(self.unet, latents, noise, times, condition, source)
            losses |= {"loss": consistency + self.config.flow_weight * flow, "flow": flow.detach()}
        return losses


class DistillationStage:
    """Distils a painter on the stickers that it has learned from."""

    name = "painter_distilled"
    selection = "score"

    def __init__(self, config: DistillationConfig, painter: PainterStage, teacher: UNet2DConditionModel) -> None:
        self.config, self.painter, self.teacher = config, painter, teacher

    def build(self) -> DistillationTask:
        return DistillationTask(self.teacher, self.painter.told, self.painter.config, self.config)

    def _steps(self, batch: Mapping[str, torch.Tensor], generator: torch.Generator) -> dict[str, torch.Tensor]:
        """The batch at times of the teacher's steps, every one as often; a student is never asked without words."""
        count, steps = len(batch["times"]), self.config.teacher_steps
        times = torch.randint(1, steps + 1, (count,), generator=generator) / steps
        return {**batch, "times": times, "drop": torch.zeros(count, dtype=torch.bool)}

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        return self._steps(self.painter.batch(size, generator), generator)

    def validate(self, model: DistillationTask) -> dict[str, float]:
        """Consistency on held-out stickers, always the same with the same noise."""
        generator, total, data = torch.Generator().manual_seed(0), 0.0, self.painter.held_out
        for rows in torch.arange(len(data)).split(64):
            batch = self._steps(self.painter.draw(data, rows, generator), generator)
            losses = model(**{name: value.to(model.unet.device) for name, value in batch.items()})
            total += losses["consistency"].item() * len(rows) / len(data)
        return {"score": -total, "consistency": total}

    def export(self, model: DistillationTask, folder: Path) -> None:
        model.average.save_pretrained(folder / "unet")
        FlowMatchLCMScheduler().save_pretrained(folder / "scheduler")
