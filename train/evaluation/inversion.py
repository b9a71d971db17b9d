"""Textual inversion (Gal et al. 2023): one word for each emotion, learned by painting its pictures, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from train.core.validation import mean_losses
from train.stages.joint import JointStage, JointTask

#: Where a stage keeps the words.
_FILE = "words.safetensors"


class InversionTask(nn.Module):
    """The denoiser's loss under prompts in which a learned vector stands for the emotion; all else is frozen."""

    def __init__(self, joint: JointTask, words: torch.Tensor) -> None:
        """`words` (K, T) is what the emotions' vectors begin as."""
        super().__init__()
        self.joint, self.words = joint.requires_grad_(False), nn.Parameter(words.clone())

    def forward(self, labels: torch.Tensor, **painted: torch.Tensor) -> dict[str, torch.Tensor]:
        """Labels (B,), all known, and what `JointTask.denoising` takes beside the vectors."""
        return {"loss": self.joint.denoising(self.words[labels], **painted)}


class InversionStage:
    """Learns the words on the very pictures and prompts that joint training has; its denoiser stays as it is."""

    name = "inversion"
    #: Minus the denoising loss of validation pictures.
    selection = "score"

    def __init__(self, joint: JointStage, emotions: tuple[str, ...]) -> None:
        """`joint` must not tune the denoiser. `emotions` are the names that the vectors begin as."""
        self.joint, self.emotions = joint, emotions

    @torch.no_grad()
    def build(self) -> InversionTask:
        prompts, begin = self.joint.foundation.prompts, []
        for table, tokenizer in zip(prompts.embeddings, prompts.tokenizers, strict=True):
            ids = tokenizer(list(self.emotions), add_special_tokens=False).input_ids
            begin.append(torch.stack([table[some].mean(dim=0) for some in ids]))
        return InversionTask(self.joint.build(), torch.cat(begin, dim=1))

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        batch = self.joint.batch(size, generator)
        return {name: value for name, value in batch.items() if name not in ("tokens", "scene", "object", "partners")}

    def validate(self, model: InversionTask) -> dict[str, float]:
        labels = self.joint.pictures.validation.labels
        batches = ({"labels": labels[rows], **painted} for rows, painted in self.joint.validation_batches())
        return {"score": -mean_losses(model, batches)["loss"]}

    def export(self, model: InversionTask, folder: Path) -> None:
        save_file({"words": model.words.detach().cpu().contiguous()}, folder / _FILE)


def learned_words(folder: Path) -> torch.Tensor:
    """(K, T), what `InversionStage` exported into `folder`."""
    return load_file(folder / _FILE)["words"]
