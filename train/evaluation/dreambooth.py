"""DreamBooth (Ruiz et al. 2023) as a low-rank adapter: for each emotion a denoiser that is tuned to a rare word.

The rare word stands for the emotion in a prompt of nothing else. Half of every batch are pictures that the denoiser
itself made before it was tuned, under the prompt without the word (prior preservation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.loaders.lora_base import LORA_WEIGHT_NAME_SAFE
from diffusers.training_utils import cast_training_params
from peft import LoraConfig
from torch import nn

from kcdp.painting.sampling import Guidance
from kcdp.perception.denoiser import share_unet
from train.core.foundation import Foundation
from train.core.validation import mean_losses
from train.evaluation.text_to_image import sample_latents
from train.stages.joint import ATTENTION, JointConfig
from train.stages.unet import denoising_loss, noised

#: With the rare word, and without.
PROMPT, PRIOR_PROMPT = "a sks picture", "a picture"
#: Pictures that the untuned denoiser makes for prior preservation.
PRIOR_PICTURES = 32
#: Held-out pictures by which a validation judges.
_JUDGED = 64


def prior_latents(
    foundation: Foundation, scheduler: DDPMScheduler, steps: int, guidance: Guidance, seeds: Sequence[int]
) -> torch.Tensor:
    """Scaled latents (B, C, h, w) of what the denoiser makes of the prompt without the word, in `steps` with `guidance`."""
    condition = foundation.prompts.plain([PRIOR_PROMPT] * len(seeds))
    return sample_latents(foundation, scheduler, condition, seeds, steps, guidance).half()


class DreamBoothTask(nn.Module):
    """The denoiser's loss on an emotion's pictures under the rare word, and on the prior pictures without; only LoRA trains."""

    def __init__(self, foundation: Foundation, scheduler: DDPMScheduler, config: JointConfig) -> None:
        super().__init__()
        self.scheduler = scheduler
        self.unet = share_unet(foundation.unet)
        self.unet.add_adapter(LoraConfig(r=config.lora_rank, lora_alpha=config.lora_rank, target_modules=ATTENTION))
        cast_training_params(self.unet, torch.float32)
        #: With the rare word, and without.
        self.conditions = foundation.prompts.plain([PROMPT, PRIOR_PROMPT])

    def forward(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor, prior: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Latents and noise (B, C, h, w), timesteps (B,), `prior` (B,) bool: which are prior pictures."""
        condition = self.conditions[prior.long()]
        return {"loss": denoising_loss(self.unet, self.scheduler, latents, noise, timesteps, condition)}


class DreamBoothStage:
    """Learns one emotion from its pictures alone."""

    #: Minus the denoising loss of the emotion's validation pictures.
    selection = "score"

    def __init__(
        self,
        emotion: str,
        train: np.ndarray,
        held_out: np.ndarray,
        prior: np.ndarray,
        foundation: Foundation,
        scheduler: DDPMScheduler,
        config: JointConfig,
    ) -> None:
        """
        Args:
            emotion: its name.
            train, held_out: latents (N, C, h, w) of its pictures, to learn from and to choose by; one or more.
            prior: latents (P, C, h, w) from `prior_latents`.
            foundation, scheduler: the denoiser, which stays as it is, and the noise that it predicts.
            config: rank of the adapter.

        Raises ValueError when the emotion has no picture to learn from, or none to choose by.
        """
        if not len(train) or not len(held_out):
            raise ValueError(
                f"DreamBooth needs pictures of {emotion} to train on and to validate with; there are none."
            )
        self.name, self.train, self.held_out, self.prior = f"dreambooth-{emotion}", train, held_out, prior
        self.foundation, self.scheduler, self.config = foundation, scheduler, config

    def build(self) -> DreamBoothTask:
        return DreamBoothTask(self.foundation, self.scheduler, self.config)

    def _noised(self, latents: np.ndarray, prior: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {**noised(latents, self.scheduler, generator), "prior": prior}

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        of_prior = size // 2
        rows = torch.randint(0, len(self.train), (size - of_prior,), generator=generator)
        prior = torch.randint(0, len(self.prior), (of_prior,), generator=generator)
        latents = np.concatenate([self.train[rows.numpy()], self.prior[prior.numpy()]])
        return self._noised(latents, torch.arange(size) >= len(rows), generator)

    def validate(self, model: DreamBoothTask) -> dict[str, float]:
        """On at most `_JUDGED` held-out pictures, always the same with the same noise."""
        latents = self.held_out[:_JUDGED]
        batch = self._noised(latents, torch.zeros(len(latents)).bool(), torch.Generator().manual_seed(0))
        return {"score": -mean_losses(model, [batch])["loss"]}

    def export(self, model: DreamBoothTask, folder: Path) -> None:
        model.unet.save_lora_adapter(folder)


def adapted_unet(unet: UNet2DConditionModel, folder: Path) -> UNet2DConditionModel:
    """A view on `unet` with the adapter that `DreamBoothStage` exported into `folder`; its other weights are `unet`'s own."""
    view = share_unet(unet)
    view.load_lora_adapter(folder, prefix=None, weight_name=LORA_WEIGHT_NAME_SAFE)
    return view.eval()


def adapter(unet: UNet2DConditionModel) -> nn.ParameterDict:
    """The LoRA parameters of a view made by `adapted_unet`."""
    return nn.ParameterDict(
        {name.replace(".", "-"): parameter for name, parameter in unet.named_parameters() if ".lora_" in name}
    )
