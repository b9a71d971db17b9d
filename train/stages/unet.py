"""Foundation: the text-to-image denoiser of the latent space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from kcdp.painting.prompt import Condition
from kcdp.perception.denoiser import encode, level_modules
from kcdp.uniemo.query_chain import LOGIT_SCALE
from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import stage_datasets, train_stage
from train.core.validation import mean_losses
from train.data.cache import Rows
from train.data.dataset import PictureDataset
from train.stages.latent_encoder import load_vae_and_text_tower
from train.stages.sentences import SentenceEncoder, bank_sample, caption_bank, neighbour_loss


@dataclass
class UNetConfig:
    """Sizes and losses of the denoiser."""

    block_out_channels: tuple[int, ...] = setting((96, 160, 224), "Widths, fine to coarse.", "channels")
    layers_per_block: int = setting(1, "Residual layers a level.", "layers")
    attention_head_dim: int = setting(32, "Width of an attention head.", "channels")
    caption_dropout: float = setting(0.1, "Share of empty captions, for guidance.", "share")
    channel_power: float = setting(0.0, "Latent channels are weighted by their deviation to this power.")
    views: int = setting(1, "Augmented views of each picture that are cached for alignment.", "views")
    perception_share: float = setting(0.8, "Pictures of a batch that are clean and aligned, not denoised.", "share")
    perception_weight: float = setting(0.3, "Weight of those contrastive terms.")
    timestep: int = setting(1, "Timestep that clean latents are given.", "timestep, 0 to 999")
    bank: int = setting(1024, "Captions that each aligned picture is compared with.", "captions")
    balance: float = setting(0.3, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")


class Sizes(Protocol):
    """Of a denoiser, as the stages `unet` and `painter` have them among their settings."""

    block_out_channels: tuple[int, ...]
    layers_per_block: int
    attention_head_dim: int


def build_unet(
    config: Sizes, latent_channels: int, latent_size: int, text_width: int, edits: bool = False
) -> UNet2DConditionModel:
    """A denoiser shaped like Stable Diffusion's: cross-attention at every level but the coarsest, and in the middle.

    One thing is not Stable Diffusion's: the words, pooled, are added to the timestep's embedding and so reach every layer. With
    cross-attention alone, a small denoiser learns early what changes the whole picture, and late which thing is in it.

    The input of one that `edits` has the latents of a picture to edit beside its own, and its coarsest level cross-attention too.
    """
    crossed = len(config.block_out_channels) - (not edits)
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels * (1 + edits),
        out_channels=latent_channels,
        block_out_channels=tuple(config.block_out_channels),
        down_block_types=("CrossAttnDownBlock2D",) * crossed + ("DownBlock2D",) * (not edits),
        up_block_types=("UpBlock2D",) * (not edits) + ("CrossAttnUpBlock2D",) * crossed,
        layers_per_block=config.layers_per_block,
        # The library reads its `attention_head_dim` as the number of heads (diffusers issue 2011).
        attention_head_dim=tuple(max(1, width // config.attention_head_dim) for width in config.block_out_channels),
        cross_attention_dim=text_width,
        addition_embed_type="text",
        addition_embed_type_num_heads=max(1, text_width // 32),
        norm_num_groups=16,
    )


def build_scheduler() -> DDPMScheduler:
    """Cosine noise, v-prediction, no signal left at the last step: flat white grounds need the last to be exact."""
    return DDPMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        # As the pipelines want it; trailing steps have no use for it.
        steps_offset=1,
    )


def channel_weights(latents: np.ndarray | Rows, power: float) -> torch.Tensor:
    """Loss weight of each channel of latents (N, C, H, W), (C,) with mean 1: its standard deviation to the `power`.

    A linear block code keeps shapes in a few channels of large deviation and edges in many of a small one. With equal
    weights, most of the loss is about edges.
    """
    sample = np.asarray(latents[:: max(1, len(latents) // 2048)], dtype=np.float32)
    weights = torch.from_numpy(sample.std(axis=(0, 2, 3))) ** power
    return weights / weights.mean()


def noised(latents: np.ndarray | Rows, scheduler: DDPMScheduler, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Latents (B, C, H, W), noise of their shape and timesteps (B,) for `denoising_loss`."""
    clean = torch.from_numpy(np.array(latents)).float()
    return {
        "latents": clean,
        "noise": torch.randn(clean.shape, generator=generator),
        "timesteps": torch.randint(0, scheduler.config.num_train_timesteps, (len(clean),), generator=generator),
    }


def denoising_loss(
    unet: UNet2DConditionModel,
    scheduler: DDPMScheduler,
    latents: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
    condition: Condition,
    channels: torch.Tensor | None = None,
) -> torch.Tensor:
    """Squared error of the scheduler's kind of prediction: a scalar, L(theta).

    That is the velocity v of our own denoisers, or the noise (epsilon) of Stable Diffusion and SDXL. No timestep weighs
    more than another: min-SNR (Hang et al. 2023) leaves the noisy ones, where a picture takes its shape, a tenth of what
    they need at 16 x 16 positions. Latents and noise (B, C, H, W), timesteps (B,), the condition of B pictures, weights
    of the `channels` (C,). The denoiser runs in its own precision, the rest in that of the latents.
    """
    noisy, condition = scheduler.add_noise(latents, noise, timesteps).to(unet.dtype), condition.to(unet.dtype)
    predicted = unet(noisy, timesteps, condition.states, added_cond_kwargs=condition.added).sample.to(latents.dtype)
    epsilon = scheduler.config.prediction_type == "epsilon"
    target = noise if epsilon else scheduler.get_velocity(latents, noise, timesteps)
    error = (predicted - target).square().mean(dim=(0, 2, 3))
    return (error if channels is None else error * channels).mean()


def validation_rows(dataset: PictureDataset, generator: torch.Generator, most: int = 512) -> torch.Tensor:
    """The pictures of a validation dataset on which a denoiser's loss is measured: at most `most` indices, int64.

    Only the data sets' pictures count, where there are some.
    """
    rows = dataset.real()
    return rows[torch.randperm(len(rows), generator=generator)[:most]]


class UNetTask(nn.Module):
    """Denoising of plain pictures, and contrastive terms on clean, augmented ones.

    A denoiser of this size, trained on a few ten thousand pictures, has weak semantics where Stable Diffusion has strong
    ones. Its encoder's features at t = 1 are aligned with the caption's sentence vector (as in representation alignment,
    Yu et al. 2024, with words as the target), so that they are of use to the stage `kcdp`.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        text: CLIPTextModelWithProjection,
        empty: torch.Tensor,
        channels: torch.Tensor,
        config: UNetConfig,
    ) -> None:
        """`empty` (1, L, T) is the state of no words, `channels` (C,) what `denoising_loss` takes."""
        super().__init__()
        self.unet, self.config = unet, config
        self.scheduler = build_scheduler()
        width = sum(unet.config.block_out_channels)
        self.reader = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, text.config.projection_dim))
        self.scale = nn.Parameter(torch.tensor(LOGIT_SCALE))
        # Kept out of the registered modules: the text tower is frozen and belongs to another stage.
        self._text = [text]
        self.register_buffer("empty", empty, persistent=False)
        self.register_buffer("channels", channels, persistent=False)

    def sentence_vectors(self, latents: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, D) of clean latents (B, C, H, W), by the encoder half of a pass without words."""
        levels: list[torch.Tensor] = []
        hooks = [
            module.register_forward_hook(lambda module, inputs, output: levels.append(_tensor(output)))
            for module in level_modules(self.unet, "encoder")
        ]
        encode(self.unet, latents, self.config.timestep, self.empty.expand(len(latents), -1, -1))
        for hook in hooks:
            hook.remove()
        return F.normalize(self.reader(torch.cat([level.mean(dim=(2, 3)) for level in levels], dim=1)), dim=-1)

    def forward(
        self,
        latents: torch.Tensor,
        input_ids: torch.Tensor,
        noise: torch.Tensor,
        timesteps: torch.Tensor,
        drop: torch.Tensor,
        clean: torch.Tensor,
        captions: torch.Tensor,
        bank: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """For denoising: latents and noise (B, C, H, W), padded token ids (B, L), timesteps (B,), dropped captions (B,) bool.

        For alignment: clean latents (S, C, H, W), their captions' vectors (S, D), other captions' (N, D).
        """
        config, losses = self.config, {}
        loss = self.scale.new_zeros(())
        if len(latents):
            with torch.no_grad():
                states = self._text[0].text_model(input_ids=input_ids).last_hidden_state
            condition = Condition(torch.where(drop[:, None, None], self.empty, states))
            losses["denoising"] = denoising_loss(
                self.unet, self.scheduler, latents, noise, timesteps, condition, self.channels
            )
            loss = loss + losses["denoising"]
        if len(clean):
            vectors, scale = self.sentence_vectors(clean), self.scale.exp().clamp(max=100)
            losses["perception"] = neighbour_loss(vectors, captions, bank, scale)
            loss = loss + config.perception_weight * losses["perception"]
        return {"loss": loss, **{name: value.detach() for name, value in losses.items()}}


def _tensor(output: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return output[0] if isinstance(output, tuple) else output


class UNetStage:
    """Trains the denoiser on cached latents, of plain pictures for denoising and of augmented ones for alignment."""

    name = "unet"
    selection = "score"

    def __init__(
        self,
        config: UNetConfig,
        train: PictureDataset,
        validation: PictureDataset,
        vae: AutoencoderKL,
        text: CLIPTextModelWithProjection,
        tokenizer: CLIPTokenizer,
    ) -> None:
        self.config, self.train, self.validation = config, train, validation
        self.text, self.tokenizer, self.scheduler = text.requires_grad_(False).eval(), tokenizer, build_scheduler()
        self.plain = train.latents(vae, 0)[0]
        self.augmented = train.latents(vae, config.views)
        self.held_out = validation.latents(vae, 0)[0]
        self.sentences = SentenceEncoder(self.text, tokenizer)
        self.bank = caption_bank(train, self.sentences)

    def tokens(self, texts: list[str]) -> torch.Tensor:
        """Token ids padded to the text tower's full length, as the denoiser sees them when it generates."""
        return self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids

    def build(self) -> UNetTask:
        channels, size = self.plain.shape[-3], self.plain.shape[-1]
        unet = build_unet(self.config, channels, size, self.text.config.hidden_size)
        with torch.no_grad():
            empty = self.text.text_model(input_ids=self.tokens([""])).last_hidden_state
        return UNetTask(unet, self.text, empty, channel_weights(self.plain, self.config.channel_power), self.config)

    def _denoising(
        self, latents: np.ndarray, captions: list[str], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        return {
            **noised(latents, self.scheduler, generator),
            "input_ids": self.tokens(captions),
            "drop": torch.rand(len(latents), generator=generator) < self.config.caption_dropout,
        }

    def _alignment(
        self, latents: np.ndarray, captions: list[str], generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        return {
            "clean": torch.from_numpy(latents).float(),
            "captions": self.sentences.cached(captions),
            "bank": bank_sample(self.bank, self.config.bank, generator),
        }

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        clean = int(size * self.config.perception_share)
        indices = self.train.sample(size, generator)
        clean_captions = self.train.captions(indices[:clean], generator, feelings=False)
        captions, rows = self.train.captions(indices[clean:], generator), indices.tolist()
        # Half of what is aligned is plain: with backgrounds alone the first steps take long.
        views = torch.randint(-len(self.augmented), len(self.augmented), (clean,), generator=generator).tolist()
        aligned = [(self.augmented[v] if v >= 0 else self.plain)[i] for v, i in zip(views, rows[:clean], strict=True)]
        return {
            **self._denoising(self.plain[indices[clean:].numpy()], captions, generator),
            **self._alignment(np.stack(aligned), clean_captions, generator),
        }

    def validate(self, model: UNetTask) -> dict[str, float]:
        """Losses on held-out pictures (`validation_rows`), always the same with the same noise."""
        generator = torch.Generator().manual_seed(0)

        def batch(rows: torch.Tensor) -> dict[str, torch.Tensor]:
            latents, captions = self.held_out[rows.numpy()], self.validation.captions(rows, generator, feelings=False)
            return self._denoising(latents, captions, generator) | self._alignment(latents, captions, generator)

        losses = mean_losses(model, map(batch, validation_rows(self.validation, generator).split(64)))
        return {"score": -losses["loss"], **losses}

    def export(self, model: UNetTask, folder: Path) -> None:
        model.unet.save_pretrained(folder / "unet")
        model.scheduler.save_pretrained(folder / "scheduler")


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage on cached latents and captions."""
    config = recipe.stage_settings("unet", UNetConfig).config
    datasets = stage_datasets(recipe, "unet", config.balance)
    return train_stage(recipe, UNetStage(config, *datasets, *load_vae_and_text_tower(recipe)))


SPEC = StageSpec("unet", UNetConfig, run, needs=("vae", "text"), foundation=True)
