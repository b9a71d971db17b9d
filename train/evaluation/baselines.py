"""What KCDP is compared with: a CLIP without training, a linear probe on it, and a plain convolutional network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from kcdp.prediction.cliea import clip_similarities, emotion_prompts
from train.core.clip import FrozenCLIP
from train.data.dataset import PictureDataset
from train.evaluation.result_cache import write_guesses


class Embedder(Protocol):
    """A frozen model that has something to say of every picture of a dataset."""

    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Features (N, D)."""


def zero_shot(clip: FrozenCLIP, test: PictureDataset) -> np.ndarray:
    """Guesses (N,): the emotion whose prompt, "A {emotion} photo of", is nearest to the picture."""
    prompts = clip.texts(emotion_prompts(test.emotions))
    return clip_similarities(torch.from_numpy(np.array(clip.pictures(test))), prompts).argmax(1).numpy()


def linear_probe(frozen: Embedder, source: PictureDataset, test: PictureDataset) -> np.ndarray:
    """Guesses (N,) of a logistic regression on what a frozen model says of the source's pictures."""
    drawn = np.flatnonzero(source.weights.numpy() > 0)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    probe.fit(frozen.pictures(source)[drawn], source.labels.numpy()[drawn])
    return probe.predict(frozen.pictures(test))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        return F.relu(self.body(maps) + self.shortcut(maps))


class ResNet(nn.Module):
    """ResNet-18 with its stem and four levels of two blocks, from random weights; `widths` makes it smaller."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        first = widths[0]
        layers: list[nn.Module] = [
            nn.Conv2d(3, first, 7, 2, 3, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        ]
        for level, (inputs, outputs) in enumerate(zip((first, *widths), widths, strict=False)):
            layers += [ResidualBlock(inputs, outputs, 2 if level else 1), ResidualBlock(outputs, outputs, 1)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], num_classes)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [-1, 1] -> (B, widths[-1])."""
        return self.body(pixels).mean(dim=(2, 3))

    def forward(self, pixels: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Cross-entropy of pictures (B, 3, H, W) with labels (B,)."""
        return {"loss": F.cross_entropy(self.head(self.features(pixels)), labels)}


class ResNetStage:
    """Trains the network on augmented source pictures; at the last step it guesses the pictures of every test.

    The loop validates once, at its end, so that no test picture has a say in which weights are kept.
    """

    name = "cnn"
    selection = "accuracy"

    def __init__(
        self, source: PictureDataset, tests: Mapping[str, PictureDataset], widths: tuple[int, ...] = (64, 128, 256, 512)
    ) -> None:
        """The first of `tests` is what the loop's accuracy is of."""
        self.source, self.tests, self.widths = source, tests, widths

    def build(self) -> ResNet:
        return ResNet(len(self.source.emotions), self.widths)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.source.sample(size, generator)
        return {"pixels": self.source.augmented(indices, generator), "labels": self.source.labels[indices]}

    def validate(self, model: ResNet) -> dict[str, float]:
        self.guesses = {name: self._guess(model, test) for name, test in self.tests.items()}
        first, test = next(iter(self.tests.items()))
        return {"accuracy": float((self.guesses[first] == test.labels).float().mean())}

    def _guess(self, model: ResNet, test: PictureDataset) -> torch.Tensor:
        device, batches = model.head.weight.device, torch.arange(len(test)).split(64)
        logits = (model.head(model.features(test.plain(rows).to(device))) for rows in batches)
        return torch.cat([part.argmax(1).cpu() for part in logits])

    def export(self, model: ResNet, folder: Path) -> None:
        write_guesses(folder, self.guesses)
