"""Who says what generated pictures show: a convolutional network of its own, taught by real labelled pictures alone.

It shares no weight, no latent and no augmented picture with the models that it judges, and it is chosen on validation
pictures. Of real pictures that it has not seen, its own accuracy says how far to trust it.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from train.core.trainer import LoopConfig, run_stage
from train.data.cache import content_key, fingerprint
from train.data.dataset import PictureDataset
from train.evaluation.baselines import ResNet, ResNetStage
from train.files import write_json
from train.metrics.recognition import recognition_scores

#: How many layers of `ResNet.body` are its stem, and how many blocks are a level.
_STEM, _BLOCKS = 4, 2


class Judge:
    """A trained network that never changes: pictures (B, 3, H, W) in [-1, 1] in, on any device; float32 on the CPU out.

    Args:
        network: as it was trained.
        emotions: what its outputs mean, in order.
        validation: its `accuracy` and `macro_f1` on the pictures that it was chosen on.
    """

    def __init__(self, network: ResNet, emotions: tuple[str, ...], validation: Mapping[str, float]) -> None:
        self.network, self.emotions = network.eval().requires_grad_(False), emotions
        self.validation = dict(validation)

    @property
    def key(self) -> str:
        """A name for all that it has learned."""
        return content_key(fingerprint(self.network), self.emotions)

    def _place(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.to(self.network.head.weight)

    @torch.no_grad()
    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, K) of its emotions."""
        return self.network.head(self.network.features(self._place(pictures))).softmax(dim=1).float().cpu()

    @torch.no_grad()
    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """What it judges by, (B, D)."""
        return self.network.features(self._place(pictures)).float().cpu()

    @torch.no_grad()
    def levels(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Maps (B, C, h, w) after the first convolution and after every level, fine to coarse."""
        maps, found = self._place(pictures), []
        for index, layer in enumerate(self.network.body):
            maps = layer(maps)
            blocks = index + 1 - _STEM
            if blocks == -1 or (blocks > 0 and blocks % _BLOCKS == 0):
                found.append(maps.float().cpu())
        return found

    @classmethod
    def load(cls, folder: Path, device: str | torch.device = "cpu") -> Judge:
        """What `JudgeStage` exported into `folder`."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        network = ResNet(len(config["emotions"]), tuple(config["widths"]))
        network.load_state_dict(load_file(folder / "model.safetensors"))
        return cls(network.to(device), tuple(config["emotions"]), config["validation"])


class JudgeStage(ResNetStage):
    """The network on augmented pictures of the training part; the best of validation stays, by macro-F1.

    Not by accuracy: every emotion is asked for as often, whatever real pictures show most.
    """

    name = "judge"
    selection = "macro_f1"

    def validate(self, model: ResNet) -> dict[str, float]:
        metrics = super().validate(model)
        test, guesses = self.tests["validation"], self.guesses["validation"]
        scores = recognition_scores(test.labels.numpy(), guesses.numpy(), test.emotions)
        self.metrics = {**metrics, "macro_f1": scores.macro_f1}
        return self.metrics

    def export(self, model: ResNet, folder: Path) -> None:
        state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        save_file(state, folder / "model.safetensors")
        config = {"emotions": self.source.emotions, "widths": self.widths, "validation": self.metrics}
        write_json(folder / "config.json", config)


def train_judge(
    train: PictureDataset,
    validation: PictureDataset,
    loop: LoopConfig,
    folder: Path,
    widths: tuple[int, ...] = (64, 128, 256, 512),
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
        "pictures": [train.store.key, validation.store.key],
        "emotions": train.emotions,
        "drawn": content_key(np.asarray(train.weights).round(12).tolist()),
        "augmentation": vars(train.augmentation),
        "widths": widths,
        "loop": dataclasses.asdict(loop),
        "mixed_precision": mixed_precision,
    }
    own = folder / f"judge-{content_key(settings)[:8]}"
    run_stage(JudgeStage(train, {"validation": validation}, widths), loop, own, mixed_precision)
    for spent in ("checkpoint", "logs"):
        shutil.rmtree(own / spent, ignore_errors=True)
    return Judge.load(own / "best", device)
