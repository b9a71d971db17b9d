"""ImageNet baselines: EfficientNet-Lite0 with its published weights under a linear probe, or fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_outputs import ImageClassifierOutput

from kcdp.vision.efficientnet import EfficientNetLite, normalized
from train.core.efficientnet import imagenet_weights, load_imagenet
from train.data.cache import cached_array, content_key
from train.data.dataset import PictureDataset
from train.evaluation.resnet import ResNetStage, ResNetTask


class ImageNetNetwork(nn.Module):
    """The network's mean features and a linear classifier on them, of zero weights."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.trunk = EfficientNetLite()
        load_imagenet(self.trunk, imagenet_weights())
        self.classifier = nn.Linear(self.trunk.channels, num_classes)
        nn.init.zeros_(self.classifier.weight)

    @property
    def device(self) -> torch.device:
        return self.classifier.weight.device

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] -> (B, 1280)."""
        return self.trunk(normalized(pictures))[1].mean(dim=(2, 3))

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor | None = None) -> ImageClassifierOutput:
        """Pixels (B, 3, H, W) in [-1, 1] -> logits (B, K), and with labels (B,) the cross-entropy."""
        logits = self.classifier(self.features(pixel_values))
        return ImageClassifierOutput(None if labels is None else F.cross_entropy(logits, labels), logits)


class FrozenImageNet:
    """The network as it was published, an `Embedder`."""

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self.network = ImageNetNetwork(1).to(device).eval().requires_grad_(False)

    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Features (N, 1280) of the plain pictures of a dataset, computed once."""

        def compute(rows: slice) -> torch.Tensor:
            pictures = dataset.plain(torch.arange(rows.start, rows.stop))
            return self.network.features(pictures.to(self.network.device)).cpu()

        key = content_key("imagenet-features", dataset.decoded.key, dataset.size)
        return cached_array(dataset.cache_dir, key, len(dataset), compute)


class ImageNetStage(ResNetStage):
    """Fine-tunes the network as `ResNetStage` trains one from nothing."""

    name = "cnn-imagenet"

    def __init__(self, source: PictureDataset, tests: Mapping[str, PictureDataset]) -> None:
        super().__init__(source, tests)

    def build(self) -> ResNetTask:
        return ResNetTask(ImageNetNetwork(len(self.source.emotions)))
