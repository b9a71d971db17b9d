"""Painter, part two: a denoiser of rectified flow that draws stickers of words and emotions, and edits their feeling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn

from kcdp.painting.prompt import Condition, PromptEncoder, blend_rows
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.vision.efficientnet import EfficientNetLite
from train.core.config import setting
from train.core.validation import mean_losses
from train.data.stickers import HELD_OUT, Draw, StickerLatents, paired_sticker, sticker, sticker_latents
from train.losses.alignment import AlignmentHead
from train.losses.flow import flow_loss, logit_normal_times
from train.stages.unet import build_unet


@dataclass
class PainterConfig:
    """The painter's denoiser, what it learns from and how it is conditioned."""

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
    alignment_weight: float = setting(
        0.5, "Weight of the middle's likeness to ImageNet features; 0 needs no such weights."
    )
    guidance_scale: float = setting(3.0, "How far the pipeline follows a prompt where a call does not say.")
    guidance_rescale: float = setting(0.5, "How far it then takes back the glare that this brings.", "share, 0 to 1")
    emotion_guidance: float = setting(1.7, "How many times as strongly as the words it follows the emotion.", "times")


@dataclass(frozen=True)
class Conditioner:
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
        return self.prompts.encode_tokens(ids, places, self.fused(weights, emotion_noise)).replaced(
            self.prompts.nothing(), drop
        )


class PainterTask(nn.Module):
    """The flow's loss under words and F, and the alignment of the denoiser's middle with a trunk's features."""

    def __init__(
        self, unet: UNet2DConditionModel, conditioner: Conditioner, features: int = 0, weight: float = 0.0
    ) -> None:
        """`features` is the width of the trunk's, `weight` that of the alignment; neither where none are given."""
        super().__init__()
        self.unet, self.weight = unet, weight
        self.head = AlignmentHead(unet.config.block_out_channels[-1], features) if features else None
        # Not registered: it belongs to other stages, and need not be in every checkpoint.
        self._conditioner = [conditioner]
        self._middle: list[torch.Tensor] = []
        if self.head is not None:
            unet.mid_block.register_forward_hook(lambda _, __, maps: self._middle.append(maps))

    def forward(
        self,
        latents: torch.Tensor,
        noise: torch.Tensor,
        times: torch.Tensor,
        source: torch.Tensor,
        features: torch.Tensor | None = None,
        **words: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Latents, noise and source (B, C, h, w), times (B,), the trunk's `features` (B, P, F) of the pictures, where it is
        aligned, and the arguments of `Conditioner.condition`."""
        condition = self._conditioner[0].condition(**words)
        self._middle.clear()
        flow = flow_loss(self.unet, latents, noise, times, condition, source)
        if self.head is None or features is None:
            return {"loss": flow}
        alignment = self.head(self._middle.pop(), features)
        return {"loss": flow + self.weight * alignment, "flow": flow.detach(), "alignment": alignment.detach()}


@dataclass(frozen=True)
class PainterPictures:
    """What a painter learns from: stickers, pairs of one character with two feelings, and stickers to validate with."""

    stickers: StickerLatents
    pairs: StickerLatents | None
    held_out: StickerLatents

    @classmethod
    def drawn(
        cls, config: PainterConfig, vae: StickerAutoencoder, cache_dir: Path, trunk: EfficientNetLite | None = None
    ) -> PainterPictures:
        """Drawn and encoded, or from the cache; with a `trunk` its features too, but of those to validate with."""

        def latents(count: int, first: int = 0, draw: Draw = sticker, seen: bool = True) -> StickerLatents:
            size = vae.config.sample_size
            return sticker_latents(vae, count, size, cache_dir, first, draw, trunk if seen else None)

        pairs = latents(2 * config.pairs, draw=paired_sticker) if config.pairs else None
        return cls(latents(config.stickers), pairs, latents(config.held_out, HELD_OUT, seen=False))


class PainterStage:
    """Trains the denoiser on cached latents of stickers, some of them edits of the other of a pair."""

    name = "painter"
    selection = "score"

    def __init__(self, config: PainterConfig, conditioner: Conditioner, pictures: PainterPictures) -> None:
        self.config, self.conditioner, self.pictures = config, conditioner, pictures

    def build(self) -> PainterTask:
        stickers = self.pictures.stickers
        channels, size = stickers.latents.shape[1:3]
        unet = build_unet(self.config, channels, size, self.conditioner.prompts.widths[0], edits=True)
        # On a CPU in bfloat16 the backward pass of the fused attention takes two fifths of a step of so few positions.
        unet.set_attn_processor(AttnProcessor())
        features = 0 if stickers.features is None else stickers.features.shape[2]
        return PainterTask(
            unet.to(memory_format=torch.channels_last), self.conditioner, features, self.config.alignment_weight
        )

    def draw(
        self, data: StickerLatents, rows: torch.Tensor, generator: torch.Generator, source: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """What `PainterTask` takes of some rows of `data`, painted from nothing or as edits of the rows `source`."""
        config, count = self.config, len(rows)
        latents = torch.from_numpy(data.latents[rows.numpy()]).float()
        draws = torch.rand(count, generator=generator).tolist()
        ids, places = self.conditioner.prompts.tokens(
            data.prompts(rows.tolist(), draws, config.word_dropout, config.plain_share)
        )
        shown = torch.zeros_like(latents) if source is None else torch.from_numpy(data.latents[source.numpy()]).float()
        seen = {} if data.features is None else {"features": torch.from_numpy(data.features[rows.numpy()])}
        return seen | {
            "latents": latents,
            "noise": torch.randn(latents.shape, generator=generator),
            "times": logit_normal_times(count, config.time_mean, config.time_std, generator),
            "source": shown,
            "ids": ids,
            "places": places,
            "weights": data.weights[rows],
            "emotion_noise": torch.randn(count, *self.conditioner.space.mean.shape[1:], generator=generator),
            "drop": torch.rand(count, generator=generator) < config.caption_dropout,
        }

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        stickers, pairs = self.pictures.stickers, self.pictures.pairs
        edits = 0 if pairs is None else round(size * self.config.edit_share)
        rows = torch.randint(len(stickers), (size - edits,), generator=generator)
        parts = [self.draw(stickers, rows, generator)]
        if pairs is not None and edits:
            rows = torch.randint(len(pairs), (edits,), generator=generator)
            # The other of a pair has the number that differs in the last bit.
            parts.append(self.draw(pairs, rows, generator, rows ^ 1))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def sample_conditions(self, size: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """`ConditionInputs` for distillation: the words, emotions and pictures to edit of a training batch."""
        batch = self.batch(size, generator)
        return {name: value for name, value in batch.items() if name not in ("latents", "noise", "times", "features")}

    def validate(self, model: PainterTask) -> dict[str, float]:
        """The loss on held-out stickers, always the same with the same noise, at all times alike."""
        generator = torch.Generator().manual_seed(0)

        def batch(rows: torch.Tensor) -> dict[str, torch.Tensor]:
            fixed = {"times": (rows + 0.5) * 0.618034 % 1, "drop": torch.zeros(len(rows), dtype=torch.bool)}
            return self.draw(self.pictures.held_out, rows, generator) | fixed

        flow = mean_losses(model, map(batch, torch.arange(len(self.pictures.held_out)).split(64)))["loss"]
        return {"score": -flow, "flow": flow}

    def export(self, model: PainterTask, folder: Path) -> None:
        model.unet.save_pretrained(folder / "unet")
        FlowMatchEulerDiscreteScheduler().save_pretrained(folder / "scheduler")
