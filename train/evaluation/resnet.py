"""The convolutional baseline: transformers' ResNet, from random weights (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

from train.data.dataset import PictureDataset
from train.evaluation.result_cache import write_predictions
from train.metrics.recognition import accuracy

#: Widths of ResNet-18's four levels.
RESNET_18 = (64, 128, 256, 512)


def build_resnet(emotions: Sequence[str], widths: Sequence[int] = RESNET_18) -> ResNetForImageClassification:
    """A stem and levels of two basic blocks of these widths; with those of ResNet-18 it is that."""
    config = ResNetConfig(
        embedding_size=widths[0],
        hidden_sizes=list(widths),
        depths=[2] * len(widths),
        layer_type="basic",
        id2label=dict(enumerate(emotions)),
        label2id={emotion: label for label, emotion in enumerate(emotions)},
    )
    return ResNetForImageClassification(config)


class ResNetTask(nn.Module):
    """A classifier's loss, and nothing else of its output: the training loop logs all that a task returns."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Cross-entropy of pictures (B, 3, H, W) in [-1, 1] with labels (B,)."""
        return {"loss": self.network(pixel_values=pixel_values, labels=labels).loss}


class ResNetStage:
    """Trains the network on augmented source pictures; at the last step it predicts the emotions of every test.

    The loop validates once, at its end, so that no test picture has a say in which weights are kept.
    """

    name = "cnn"
    selection = "accuracy"

    def __init__(
        self, source: PictureDataset, tests: Mapping[str, PictureDataset], widths: Sequence[int] = RESNET_18
    ) -> None:
        """The first of `tests` is what the loop's accuracy is of."""
        self.source, self.tests, self.widths = source, tests, tuple(widths)

    def build(self) -> ResNetTask:
        return ResNetTask(build_resnet(self.source.emotions, self.widths))

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.source.sample(size, generator)
        pixels = self.source.augmented(indices, generator)
        return {"pixel_values": pixels, "labels": self.source.labels[indices]}

    def validate(self, model: ResNetTask) -> dict[str, float]:
        self.predictions = {name: self._predict(model, test) for name, test in self.tests.items()}
        first, test = next(iter(self.tests.items()))
        return {"accuracy": accuracy(test.labels.numpy(), self.predictions[first].numpy())}

    @torch.no_grad()
    def _predict(self, model: ResNetTask, test: PictureDataset) -> torch.Tensor:
        network, batches = model.network, torch.arange(len(test)).split(64)
        logits = (network(pixel_values=test.plain(rows).to(network.device)).logits for rows in batches)
        return torch.cat([part.argmax(1).cpu() for part in logits])

    def export(self, model: ResNetTask, folder: Path) -> None:
        write_predictions(folder, self.predictions)
