"""Foundation, part three: the pyramid's own path over the latents, which learns from labels and captions alone.

It needs neither the denoiser nor the captioner, so it can be trained beside them.
"""

from __future__ import annotations

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
from train.data.pool import Pool
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
    """The path with two readers of what its levels say on average: emotions, and the caption's sentence vector."""

    def __init__(self, path: BottomUpPath, classes: int, text_width: int, config: PathConfig) -> None:
        super().__init__()
        self.path, self.config = path, config
        width = sum(config.widths)
        self.emotion, self.caption = nn.Linear(width, classes), nn.Linear(width, text_width)
        self.scale = nn.Parameter(torch.tensor(2.6592))

    def read(self, latents: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the means of the levels (B, sum of widths)."""
        return torch.cat([level.mean(dim=(2, 3)) for level in self.path(latents)], dim=1)

    def forward(
        self, latents: torch.Tensor, labels: torch.Tensor, own: torch.Tensor, bank: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Latents (B, C, H, W), labels (B,) or -1, caption vectors (B, D), other captions' (N, D)."""
        read = self.read(latents)
        total = F.cross_entropy(self.emotion(read), labels, ignore_index=-1, label_smoothing=0.1, reduction="sum")
        emotion = total / (labels >= 0).sum().clamp(min=1)
        seen = F.normalize(self.caption(read), dim=-1)
        caption = neighbour_loss(seen, own, bank, self.scale.exp().clamp(max=100))
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

    name = "path"
    selection = "macro_f1"

    def __init__(
        self,
        config: PathConfig,
        train: Pool,
        validation: Pool,
        vae: AutoencoderKL,
        text: CLIPTextModelWithProjection,
        tokenizer: CLIPTokenizer,
    ) -> None:
        self.config, self.train, self.validation = config, train, validation
        self.views = [*train.latents(vae, 0), *(train.latents(vae, config.views) if config.views else ())]
        self.held_out = validation.latents(vae, 0)[0]
        self.sentences = Sentences(text.requires_grad_(False).eval(), tokenizer)
        self.bank = caption_bank(train, self.sentences)

    def build(self) -> PathTask:
        path = BottomUpPath(self.held_out.shape[1], tuple(self.config.widths))
        return PathTask(path, len(self.train.emotions), self.bank.shape[1], self.config)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        config = self.config
        indices = self.train.sample(size, generator)
        views = torch.randint(0, len(self.views), (size,), generator=generator).tolist()
        rows = [self.views[view][row] for view, row in zip(views, indices.tolist(), strict=True)]
        latents = shifted(torch.from_numpy(np.stack(rows)).float(), config.shift, generator)
        return {
            "latents": latents + config.noise * torch.randn(latents.shape, generator=generator),
            "labels": self.train.labels[indices],
            "own": self.sentences.remembered(self.train.captions(indices, generator)),
            "bank": self.bank[torch.randint(0, len(self.bank), (config.bank,), generator=generator)],
        }

    def validate(self, model: PathTask) -> dict[str, float]:
        """Accuracy of the emotions by domain, and macro-F1 over all that is labelled."""
        rows = (self.validation.labels >= 0).nonzero().flatten()
        device, guesses = model.scale.device, []
        for part in rows.split(256):
            latents = torch.from_numpy(self.held_out[part.numpy()]).float().to(device)
            guesses.append(model.emotion(model.read(latents)).argmax(1).cpu())
        found, labels = torch.cat(guesses).numpy(), self.validation.labels[rows].numpy()
        domains = np.array(self.validation.domains)[rows.numpy()]
        metrics = {
            f"accuracy-{domain}": float((found == labels)[domains == domain].mean()) for domain in sorted(set(domains))
        }
        return {"macro_f1": float(f1_score(labels, found, average="macro")), **metrics}

    def export(self, model: PathTask, folder: Path) -> None:
        model.path.save_pretrained(folder / "path")
