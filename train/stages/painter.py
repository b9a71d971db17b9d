"""Painter, part two: a denoiser of rectified flow that draws stickers of words and emotions, and edits their feeling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from torch import nn

from kcdp.painting.prompt import Condition, PromptEncoder, blend_rows
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from train.core.config import setting
from train.core.validation import mean_losses
from train.data.stickers import HELD_OUT, StickerLatents, paired_sticker, sticker_latents
from train.losses.flow import flow_loss, logit_normal_times
from train.stages.unet import build_unet


@dataclass
class PainterConfig:
    """The painter's denoiser, what it learns from and how it is asked."""

    block_out_channels: tuple[int, ...] = setting((128, 192), "Widths, fine to coarse.", "channels")
    layers_per_block: int = setting(1, "Residual layers a level.", "layers")
    attention_head_dim: int = setting(32, "Width of an attention head.", "channels")
    stickers: int = setting(30000, "Drawn stickers to train on.", "pictures")
    pairs: int = setting(4000, "Pairs of one character with two feelings, which teach edits.", "pairs")
    held_out: int = setting(512, "Stickers to validate with.", "pictures")
    edit_share: float = setting(0.15, "Share of each batch that is an edit of the other of a pair.", "share, 0 to 1")
    caption_dropout: float = setting(0.1, "Share without words and emotion, for guidance.", "share, 0 to 1")
    word_dropout: float = setting(0.08, "Share with an emotion and no words.", "share, 0 to 1")
    plain_share: float = setting(0.5, "Share whose words are the subject alone.", "share, 0 to 1")
    time_mean: float = setting(0.0, "Mean of the logit of times; above 0 more noise.")
    time_std: float = setting(1.0, "Standard deviation of the logit of times.")
    guidance_scale: float = setting(3.0, "How far the pipeline follows a prompt where a call does not say.")
    guidance_rescale: float = setting(0.5, "How far it then takes back the glare that this brings.", "share, 0 to 1")


@dataclass(frozen=True)
class Told:
    """What turns words and emotions into conditions; all of it is frozen."""

    prompts: PromptEncoder
    fusion: EmotionFusion
    space: EmotionSpace

    @torch.no_grad()
    def fused(self, weights: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """F (B, T) of emotions with weights (B, K), drawn from the space by `noise` (B, 3, W), one for all emotions of a row."""
        space, (rows, kinds) = self.space, weights.shape
        features = (space.mean + space.std * noise[:, None]).flatten(0, 1)
        alphas = space.alphas.repeat(rows, 1)
        vectors = self.fusion(*features.unbind(dim=1), *alphas.unbind(dim=1)).reshape(rows, kinds, -1)
        return blend_rows(vectors, weights, self.prompts.widths)

    @torch.no_grad()
    def condition(
        self,
        ids: torch.Tensor,
        places: torch.Tensor,
        weights: torch.Tensor,
        emotion_noise: torch.Tensor,
        drop: torch.Tensor,
    ) -> Condition:
        """Of tokenised prompts (`PromptEncoder.tokens`) with their emotions; nothing where `drop` (B,)."""
        return self.prompts.read(ids, places, self.fused(weights, emotion_noise)).but(self.prompts.nothing(), drop)


class PainterTask(nn.Module):
    """The flow's loss under words and F."""

    def __init__(self, unet: UNet2DConditionModel, told: Told) -> None:
        super().__init__()
        self.unet = unet
        # Not registered: it belongs to other stages, and need not be in every checkpoint.
        self._told = [told]

    def forward(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        times: torch.Tensor,
        source: torch.Tensor,
        **words: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Latents, noise and source (B, C, h, w), times (B,), and the arguments of `Told.condition`."""
        condition = self._told[0].condition(**words)
        return {"loss": flow_loss(self.unet, latents, noise, times, condition, source)}


class PainterStage:
    """Trains the denoiser on cached latents of stickers, some of them edits of the other of a pair."""

    name = "painter"
    selection = "score"

    def __init__(
        self,
        config: PainterConfig,
        vae: PatchAutoencoderKL,
        told: Told,
        cache_dir: Path,
        name: str = "painter",
    ) -> None:
        self.config, self.vae, self.told, self.name = config, vae, told, name
        size = vae.config.sample_size
        self.stickers = sticker_latents(vae, config.stickers, size, cache_dir)
        self.pairs = (
            sticker_latents(vae, 2 * config.pairs, size, cache_dir, draw=paired_sticker) if config.pairs else None
        )
        self.held_out = sticker_latents(vae, config.held_out, size, cache_dir, HELD_OUT)

    def build(self) -> PainterTask:
        channels, size = self.stickers.latents.shape[1:3]
        unet = build_unet(self.config, channels, size, self.told.prompts.widths[0], edits=True)
        return PainterTask(unet, self.told)

    def draw(
        self, data: StickerLatents, rows: torch.Tensor, generator: torch.Generator, source: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """What `PainterTask` takes of some rows of `data`, painted from nothing or as edits of the rows `source`."""
        config, count = self.config, len(rows)
        latents = torch.from_numpy(data.latents[rows.numpy()]).float()
        draws = torch.rand(count, generator=generator).tolist()
        ids, places = self.told.prompts.tokens(
            data.prompts(rows.tolist(), draws, config.word_dropout, config.plain_share)
        )
        shown = torch.zeros_like(latents) if source is None else torch.from_numpy(data.latents[source.numpy()]).float()
        return {
            "latents": latents,
            "noise": torch.randn(latents.shape, generator=generator),
            "times": logit_normal_times(count, config.time_mean, config.time_std, generator),
            "source": shown,
            "ids": ids,
            "places": places,
            "weights": data.weights[rows],
            "emotion_noise": torch.randn(count, *self.told.space.mean.shape[1:], generator=generator),
            "drop": torch.rand(count, generator=generator) < config.caption_dropout,
        }

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        edits = round(size * self.config.edit_share) if self.pairs is not None else 0
        rows = torch.randint(len(self.stickers), (size - edits,), generator=generator)
        parts = [self.draw(self.stickers, rows, generator)]
        if edits:
            rows = torch.randint(len(self.pairs), (edits,), generator=generator)
            # The other of a pair has the number that differs in the last bit.
            parts.append(self.draw(self.pairs, rows, generator, rows ^ 1))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def ask(self, size: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """What a student of the painter is asked for: the words, emotions and pictures to edit of a batch."""
        batch = self.batch(size, generator)
        return {name: value for name, value in batch.items() if name not in ("latents", "noise", "times")}

    def validate(self, model: PainterTask) -> dict[str, float]:
        """The loss on held-out stickers, always the same with the same noise, at all times alike."""
        generator = torch.Generator().manual_seed(0)

        def batch(rows: torch.Tensor) -> dict[str, torch.Tensor]:
            fixed = {"times": (rows + 0.5) * 0.618034 % 1, "drop": torch.zeros(len(rows), dtype=torch.bool)}
            return self.draw(self.held_out, rows, generator) | fixed

        flow = mean_losses(model, map(batch, torch.arange(len(self.held_out)).split(64)))["loss"]
        return {"score": -flow, "flow": flow}

    def export(self, model: PainterTask, folder: Path) -> None:
        model.unet.save_pretrained(folder / "unet")
        FlowMatchEulerDiscreteScheduler().save_pretrained(folder / "scheduler")
