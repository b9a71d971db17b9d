"""Foundation: the latent encoder, a convolutional network over the latents that the feature pyramid reads beside the denoiser.

The stage `latent_encoder` learns from captions alone, so that what stands on it (vision tower, captioner, and the measurements
of one domain's labels on another) has seen no label. The stage `labelled_latent_encoder` continues with the labels: the cheapest
place to learn from them, for it needs neither denoiser nor captioner.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from diffusers import AutoencoderKL
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.uniemo.query_chain import LOGIT_SCALE
from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import best_weights, stage_datasets, train_stage
from train.core.validation import scores_by_domain
from train.data.dataset import PictureDataset
from train.stages.sentences import SentenceEncoder, bank_sample, caption_bank, neighbour_loss


@dataclass
class LatentEncoderConfig:
    """Sizes and losses of the latent encoder."""

    widths: tuple[int, ...] = setting((64, 128, 192), "Widths, fine to coarse.", "channels")
    views: int = setting(1, "Augmented views of each picture beside the plain one.", "views")
    caption_weight: float = setting(0.3, "Weight of the captions beside the emotions.")
    noise: float = setting(0.0, "Noise in the latents, in deviations; a tenth slows the first steps much.")
    shift: int = setting(1, "Furthest shift of the latents, in positions.", "positions")
    bank: int = setting(512, "Captions that each picture is held against.", "captions")
    balance: float = setting(0.5, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")


class LatentEncoderTask(nn.Module):
    """The encoder with linear heads on the means of its levels: the caption's sentence vector and, with labels, emotions."""

    def __init__(
        self, encoder: LatentEncoder, text_width: int, config: LatentEncoderConfig, classes: int | None = None
    ) -> None:
        """Without `classes`, captions are all that is learned from."""
        super().__init__()
        self.encoder, self.config = encoder, config
        width = sum(encoder.config.widths)
        self.caption = nn.Linear(width, text_width)
        self.emotion = None if classes is None else nn.Linear(width, classes)
        self.scale = nn.Parameter(torch.tensor(LOGIT_SCALE))

    def pool(self, latents: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the means of the levels (B, sum of widths)."""
        return torch.cat([level.mean(dim=(2, 3)) for level in self.encoder(latents)], dim=1)

    def forward(
        self, latents: torch.Tensor, labels: torch.Tensor, captions: torch.Tensor, bank: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Latents (B, C, H, W), labels (B,) or -1, caption vectors (B, D), other captions' (N, D)."""
        pooled = self.pool(latents)
        vectors = F.normalize(self.caption(pooled), dim=-1)
        caption = neighbour_loss(vectors, captions, bank, self.scale.exp().clamp(max=100))
        if self.emotion is None:
            return {"loss": caption, "caption": caption.detach()}
        total = F.cross_entropy(self.emotion(pooled), labels, ignore_index=-1, label_smoothing=0.1, reduction="sum")
        emotion = total / (labels >= 0).sum().clamp(min=1)
        loss = emotion + self.config.caption_weight * caption
        return {"loss": loss, "emotion": emotion.detach(), "caption": caption.detach()}


def shifted(latents: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Latents (B, C, H, W) moved by up to `most` positions each way, the rim repeated."""
    size = latents.shape[-1]
    padded = F.pad(latents, (most,) * 4, mode="replicate")
    offsets = torch.randint(0, 2 * most + 1, (len(latents), 2), generator=generator).tolist()
    return torch.stack([one[:, y : y + size, x : x + size] for one, (y, x) in zip(padded, offsets, strict=True)])


class LatentEncoderStage:
    """Trains the latent encoder on cached latents."""

    selection = "score"

    def __init__(
        self,
        config: LatentEncoderConfig,
        train: PictureDataset,
        validation: PictureDataset,
        vae: AutoencoderKL,
        text: CLIPTextModelWithProjection,
        tokenizer: CLIPTokenizer,
        start: LatentEncoder | None = None,
    ) -> None:
        """With `start`, whose weights it continues from, the stage is `labelled_latent_encoder`; without, `latent_encoder`."""
        self.config, self.train, self.validation, self.start = config, train, validation, start
        self.name = "latent_encoder" if start is None else "labelled_latent_encoder"
        self.views = [*train.latents(vae, 0), *(train.latents(vae, config.views) if config.views else ())]
        self.held_out = validation.latents(vae, 0)[0]
        self.sentences = SentenceEncoder(text.requires_grad_(False).eval(), tokenizer)
        self.bank = caption_bank(train, self.sentences)

    def build(self) -> LatentEncoderTask:
        if self.start is None:
            encoder = LatentEncoder(self.held_out.shape[1], tuple(self.config.widths))
        else:
            encoder = copy.deepcopy(self.start)
        classes = None if self.start is None else len(self.train.emotions)
        return LatentEncoderTask(encoder, self.bank.shape[1], self.config, classes)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        config = self.config
        indices = self.train.sample(size, generator)
        views = torch.randint(0, len(self.views), (size,), generator=generator).tolist()
        rows = [self.views[view][row] for view, row in zip(views, indices.tolist(), strict=True)]
        latents = shifted(torch.from_numpy(np.stack(rows)).float(), config.shift, generator)
        return {
            "latents": latents + config.noise * torch.randn(latents.shape, generator=generator),
            "labels": self.train.labels[indices],
            "captions": self.sentences.cached(self.train.captions(indices, generator, feelings=self.start is not None)),
            "bank": bank_sample(self.bank, config.bank, generator),
        }

    def validate(self, model: LatentEncoderTask) -> dict[str, float]:
        """The captions' loss, always of the same captions; with labels, accuracy by domain and macro-F1 over all.

        The score that chooses is macro-F1, or the captions' loss where no label may have a say.
        """
        dataset, generator, device = self.validation, torch.Generator().manual_seed(0), model.scale.device
        texts = dataset.captions(torch.arange(len(dataset)), generator, feelings=self.start is not None)
        captions, bank = self.sentences(texts), self.bank[: self.config.bank]
        predictions, loss = [], 0.0
        for rows in torch.arange(len(dataset)).split(256):
            pooled = model.pool(torch.from_numpy(self.held_out[rows.numpy()]).float().to(device))
            if model.emotion is not None:
                predictions.append(model.emotion(pooled).argmax(1).cpu())
            vectors, scale = F.normalize(model.caption(pooled), dim=-1).cpu(), model.scale.exp().cpu()
            loss += neighbour_loss(vectors, captions[rows], bank, scale).item() * len(rows) / len(dataset)
        if model.emotion is None:
            return {"score": -loss, "caption": loss}
        scores = scores_by_domain(dataset, torch.cat(predictions))
        return {"score": scores["macro_f1"], "caption": loss, **scores}

    def export(self, model: LatentEncoderTask, folder: Path) -> None:
        model.encoder.save_pretrained(folder / "latent_encoder")


def load_vae_and_text_tower(recipe: Recipe) -> tuple[AutoencoderKL, CLIPTextModelWithProjection, CLIPTokenizer]:
    """The autoencoder, the text tower and its tokenizer, as their stages left them."""
    device, words = PartialState().device, best_weights(recipe, "text")
    vae: AutoencoderKL = PatchAutoencoderKL.from_pretrained(best_weights(recipe, "vae") / "vae").to(device)
    text = CLIPTextModelWithProjection.from_pretrained(words / "text").to(device)
    return vae, text, CLIPTokenizer.from_pretrained(words / "tokenizer")


def _run(recipe: Recipe, name: str, start: LatentEncoder | None = None) -> dict[str, float]:
    config = recipe.stage_settings(name, LatentEncoderConfig).config
    datasets = stage_datasets(recipe, name, config.balance)
    return train_stage(recipe, LatentEncoderStage(config, *datasets, *load_vae_and_text_tower(recipe), start))


def run(recipe: Recipe) -> dict[str, float]:
    """Train the encoder from captions alone."""
    return _run(recipe, "latent_encoder")


def run_labelled(recipe: Recipe) -> dict[str, float]:
    """Go on with the encoder of `run`, from captions and emotions."""
    weights = best_weights(recipe, "latent_encoder") / "latent_encoder"
    return _run(recipe, "labelled_latent_encoder", LatentEncoder.from_pretrained(weights))


SPEC = StageSpec("latent_encoder", LatentEncoderConfig, run, needs=("vae", "text"), foundation=True)
LABELLED_SPEC = StageSpec(
    "labelled_latent_encoder",
    LatentEncoderConfig,
    run_labelled,
    needs=("vae", "text", "latent_encoder"),
    foundation=True,
)
