"""The classifier of generated pictures: a convolutional network of its own, trained on real labelled pictures alone.

It shares no weight, no latent and no augmented picture with the models that it judges, and it is chosen on validation
pictures. Of real pictures that it has not seen, its own accuracy says how far to trust it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import ResNetForImageClassification

from train.core.trainer import LoopConfig, run_stage
from train.data.cache import content_key, fingerprint
from train.data.dataset import PictureDataset
from train.evaluation.resnet import RESNET_18, ResNetStage, ResNetTask
from train.evaluation.result_cache import remove_checkpoints
from train.files import write_json
from train.metrics.recognition import macro_f1

#: Beside the network's own configuration: its scores on validation pictures.
_VALIDATION = "validation.json"


class Judge:
    """A trained network that never changes: pictures (B, 3, H, W) in [-1, 1] in, on any device; float32 on the CPU out.

    Args:
        network: as it was trained; its configuration names the emotions, in order.
        validation: its `accuracy` and `macro_f1` on the pictures that it was chosen on.
    """

    def __init__(self, network: ResNetForImageClassification, validation: Mapping[str, float]) -> None:
        self.network, self.validation = network.eval().requires_grad_(False), dict(validation)
        self.emotions = tuple(network.config.id2label.values())

    @property
    def key(self) -> str:
        """A name for all that it has learned."""
        return content_key(fingerprint(self.network), self.emotions)

    def _place(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.to(self.network.device, self.network.dtype)

    @torch.no_grad()
    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, K) of its emotions."""
        return self.network(self._place(pictures)).logits.softmax(dim=1).float().cpu()

    @torch.no_grad()
    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """The features that it classifies, (B, D)."""
        return self.network.resnet(self._place(pictures)).pooler_output.flatten(1).float().cpu()

    @torch.no_grad()
    def levels(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Maps (B, C, h, w) after the stem and after every level, fine to coarse."""
        output = self.network.resnet(self._place(pictures), output_hidden_states=True)
        return [maps.float().cpu() for maps in output.hidden_states]

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> Judge:
        """What `JudgeStage` exported into `folder`."""
        network = ResNetForImageClassification.from_pretrained(folder, use_safetensors=True)
        return cls(network.to(device), json.loads((folder / _VALIDATION).read_text(encoding="utf-8")))


class JudgeStage(ResNetStage):
    """The network on augmented pictures of the training part; the best of validation stays, by macro-F1.

    Not by accuracy: every emotion is asked for as often, whatever real pictures show most.
    """

    name = "judge"
    selection = "macro_f1"

    def validate(self, model: ResNetTask) -> dict[str, float]:
        metrics = super().validate(model)
        score = macro_f1(self.tests["validation"].labels.numpy(), self.predictions["validation"].numpy())
        self.metrics = {**metrics, "macro_f1": score}
        return self.metrics

    def export(self, model: ResNetTask, folder: Path) -> None:
        model.network.save_pretrained(folder)
        write_json(folder / _VALIDATION, self.metrics)


def train_judge(
    train: PictureDataset,
    validation: PictureDataset,
    loop: LoopConfig,
    folder: Path,
    widths: Sequence[int] = RESNET_18,
    device: str | torch.device = "cpu",
    mixed_precision: str | None = None,
) -> Judge:
    """The judge of these pictures and settings.

    It is trained in a folder of its own inside `folder`, unless it is there already.

    Raises ValueError when a picture has no emotion, or both datasets have pictures of one group.
    """
    for dataset in (train, validation):
        if bool((dataset.labels < 0).any()):
            raise ValueError(
                "A judge learns from labelled pictures and is chosen on such; leave out those without emotion."
            )
    groups, others = (
        set(zip(dataset.domains, dataset.records["group"][:], strict=True)) for dataset in (train, validation)
    )
    if not groups.isdisjoint(others):
        raise ValueError("A judge is chosen on pictures that it has not learned from; give parts that share no group.")
    settings: Mapping[str, object] = {
        "pictures": [train.decoded.key, validation.decoded.key],
        "network": "transformers.ResNetForImageClassification",
        "emotions": train.emotions,
        "drawn": content_key(np.asarray(train.weights).round(12).tolist()),
        "augmentation": vars(train.augmentation),
        "widths": widths,
        "loop": dataclasses.asdict(loop),
        "mixed_precision": mixed_precision,
    }
    run = folder / f"judge-{content_key(settings)[:8]}"
    run_stage(JudgeStage(train, {"validation": validation}, widths), loop, run, mixed_precision)
    remove_checkpoints(run)
    return Judge.load(run / "best", device)
