"""What KCDP is compared with: a CLIP without training, a linear probe on it, and a plain convolutional network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp import vision  # noqa: F401 - lets `AutoModel` know the CLIP with a convolutional stem
from kcdp.imaging import to_pictures
from kcdp.prediction.cliea import clip_similarities, emotion_prompts
from train.data.cache import cached_array, content_key, fingerprint
from train.data.dataset import PictureDataset
from train.evaluation.result_cache import write_guesses


class Embedder(Protocol):
    """A frozen model that has something to say of every picture of a dataset."""

    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Features (N, D)."""


@dataclass(frozen=True)
class FrozenCLIP:
    """A trained CLIP whose weights stay as they are."""

    model: CLIPModel
    tokenizer: CLIPTokenizer
    processor: CLIPImageProcessorPil

    @classmethod
    def load(cls, folder: Path, device: str | torch.device) -> FrozenCLIP:
        """A published CLIP, with everything in one folder, or the best weights of the stage `language`, a folder a part.

        Raises ValueError with one sentence when the folder holds another kind of model.
        """
        model, tokenizer, images = (
            folder / part if (folder / part).is_dir() else folder for part in ("clip", "tokenizer", "image_processor")
        )
        clip = AutoModel.from_pretrained(model, use_safetensors=True)
        if not isinstance(clip, CLIPModel):
            raise ValueError(f"The model in '{folder}' is a {type(clip).__name__} where a CLIP is needed.")
        return cls(
            clip.to(device).eval(),
            CLIPTokenizer.from_pretrained(tokenizer),
            CLIPImageProcessorPil.from_pretrained(images),
        )

    @torch.no_grad()
    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Unit embeddings (N, P) of the plain pictures of a dataset, computed once."""
        model = self.model

        def compute(rows: slice) -> torch.Tensor:
            pictures = to_pictures(dataset.plain(torch.arange(rows.start, rows.stop)))
            pixels = self.processor(images=pictures, return_tensors="pt").pixel_values.to(model.device)
            return F.normalize(model.get_image_features(pixel_values=pixels).pooler_output, dim=-1)

        towers = fingerprint(model.vision_model, model.visual_projection)
        key = content_key("clip", dataset.store.key, towers, self.processor.to_dict())
        return cached_array(dataset.cache_dir, key, len(dataset), compute, chunk=64)

    @torch.no_grad()
    def texts(self, texts: list[str]) -> torch.Tensor:
        """Unit embeddings (K, P) of texts."""
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(self.model.device)
        return F.normalize(self.model.get_text_features(**tokens).pooler_output, dim=-1).cpu()


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
