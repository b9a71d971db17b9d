"""Foundation, part three: the pyramid's own path over the latents.

The stage `path` learns from captions alone, so that what is built on it (vision tower, captioner, and the measurements of
one domain's labels on another) has been told no emotion. The stage `labelled_path` goes on with the labels: the cheapest
place to learn from them, for it needs neither denoiser nor captioner.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from sklearn.metrics import f1_score
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from kcdp.perception.pyramid import BottomUpPath
from train.data.dataset import PictureDataset
from train.stages.language import Sentences, caption_bank, neighbour_loss


@dataclass
class PathConfig:
    """Sizes and losses of the path."""

    widths: tuple[int, ...] = field(default=(64, 128, 192), metadata={"help": "Widths, fine to coarse."})
    views: int = field(default=1, metadata={"help": "Augmented views of each picture beside the plain one."})
    caption_weight: float = field(default=0.3, metadata={"help": "Weight of the captions beside the emotions."})
    noise: float = field(
        default=0.0,
        metadata={"help": "Noise in the latents; a tenth of a deviation already hides faces from a beginner."},
    )
    shift: int = field(default=1, metadata={"help": "Furthest shift of the latents, in positions."})
    bank: int = field(default=512, metadata={"help": "Captions that each picture is held against."})
    balance: float = field(
        default=0.5, metadata={"help": "How far rare emotions are drawn more often: 0 not, 1 alike."}
    )


class PathTask(nn.Module):
    """The path with readers of what its levels say on average: the caption's sentence vector and, with labels, emotions."""

    def __init__(self, path: BottomUpPath, text_width: int, config: PathConfig, classes: int | None = None) -> None:
        """Without `classes`, captions are all that is learned from."""
        super().__init__()
        self.path, self.config = path, config
        width = sum(path.config.widths)
        self.caption = nn.Linear(width, text_width)
        self.emotion = None if classes is None else nn.Linear(width, classes)
        self.scale = nn.Parameter(torch.tensor(2.6592))

    def read(self, latents: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the means of the levels (B, sum of widths)."""
        return torch.cat([level.mean(dim=(2, 3)) for level in self.path(latents)], dim=1)

    def forward(
        self, latents: torch.Tensor, labels: torch.Tensor, own: torch.Tensor, bank: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Latents (B, C, H, W), labels (B,) or -1, caption vectors (B, D), other captions' (N, D)."""
        read = self.read(latents)
        seen = F.normalize(self.caption(read), dim=-1)
        caption = neighbour_loss(seen, own, bank, self.scale.exp().clamp(max=100))
        if self.emotion is None:
            return {"loss": caption, "caption": caption.detach()}
        total = F.cross_entropy(self.emotion(read), labels, ignore_index=-1, label_smoothing=0.1, reduction="sum")
        emotion = total / (labels >= 0).sum().clamp(min=1)
        loss = emotion + self.config.caption_weight * caption
        return {"loss": loss, "emotion": emotion.detach(), "caption": caption.detach()}


def shifted(latents: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Latents (B, C, H, W) moved by up to `most` positions each way, the rim repeated."""
    size = latents.shape[-1]
    padded = F.pad(latents, (most,) * 4, mode="replicate")
    offsets = torch.randint(0, 2 * most + 1, (len(latents), 2), generator=generator).tolist()
    return torch.stack([one[:, y : y + size, x : x + size] for one, (y, x) in zip(padded, offsets, strict=True)])


class PathStage:
    """Trains the path on cached latents."""

    selection = "score"

    def __init__(
        self,
        config: PathConfig,
        train: PictureDataset,
        validation: PictureDataset,
        vae: AutoencoderKL,
        text: CLIPTextModelWithProjection,
        tokenizer: CLIPTokenizer,
        start: BottomUpPath | None = None,
    ) -> None:
        """With `start`, whose weights it goes on from, this is the stage `labelled_path`; without, `path`."""
        self.config, self.train, self.validation, self.start = config, train, validation, start
        self.name = "path" if start is None else "labelled_path"
        self.views = [*train.latents(vae, 0), *(train.latents(vae, config.views) if config.views else ())]
        self.held_out = validation.latents(vae, 0)[0]
        self.sentences = Sentences(text.requires_grad_(False).eval(), tokenizer)
        self.bank = caption_bank(train, self.sentences)

    def build(self) -> PathTask:
        if self.start is None:
            path = BottomUpPath(self.held_out.shape[1], tuple(self.config.widths))
        else:
            path = copy.deepcopy(self.start)
        classes = None if self.start is None else len(self.train.emotions)
        return PathTask(path, self.bank.shape[1], self.config, classes)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        config = self.config
        indices = self.train.sample(size, generator)
        views = torch.randint(0, len(self.views), (size,), generator=generator).tolist()
        rows = [self.views[view][row] for view, row in zip(views, indices.tolist(), strict=True)]
        latents = shifted(torch.from_numpy(np.stack(rows)).float(), config.shift, generator)
        return {
            "latents": latents + config.noise * torch.randn(latents.shape, generator=generator),
            "labels": self.train.labels[indices],
            "own": self.sentences.remembered(self.train.captions(indices, generator, feelings=self.start is not None)),
            "bank": self.bank[torch.randint(0, len(self.bank), (config.bank,), generator=generator)],
        }

    def validate(self, model: PathTask) -> dict[str, float]:
        """The captions' loss, always of the same captions; with labels, accuracy by domain and macro-F1 over all.

        The score that chooses is macro-F1, or the captions' loss where no label may have a say.
        """
        dataset, generator, device = self.validation, torch.Generator().manual_seed(0), model.scale.device
        captions = dataset.captions(torch.arange(len(dataset)), generator, feelings=self.start is not None)
        own, bank = self.sentences(captions), self.bank[: self.config.bank]
        guesses, loss = [], 0.0
        for rows in torch.arange(len(dataset)).split(256):
            read = model.read(torch.from_numpy(self.held_out[rows.numpy()]).float().to(device))
            if model.emotion is not None:
                guesses.append(model.emotion(read).argmax(1).cpu())
            seen = F.normalize(model.caption(read), dim=-1).cpu()
            loss += neighbour_loss(seen, own[rows], bank, model.scale.exp().cpu()).item() * len(rows) / len(dataset)
        if model.emotion is None:
            return {"score": -loss, "caption": loss}
        known = (dataset.labels >= 0).numpy()
        found, labels, domains = (
            torch.cat(guesses).numpy()[known],
            dataset.labels.numpy()[known],
            np.array(dataset.domains),
        )
        right, domains = found == labels, domains[known]
        accuracies = {f"accuracy-{domain}": float(right[domains == domain].mean()) for domain in sorted(set(domains))}
        score = float(f1_score(labels, found, average="macro"))
        return {"score": score, "macro_f1": score, "caption": loss, **accuracies}

    def export(self, model: PathTask, folder: Path) -> None:
        model.path.save_pretrained(folder / "path")
