"""Foundation, part three: the text-to-image denoiser of the latent space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import compute_snr
from torch import nn
from torch.nn import functional as F
from transformers import CLIPModel, CLIPTokenizer

from train.data.pool import Pool


@dataclass
class UNetConfig:
    """Sizes and losses of the denoiser."""

    block_out_channels: tuple[int, ...] = field(default=(96, 160, 224), metadata={"help": "Widths, fine to coarse."})
    layers_per_block: int = field(default=1, metadata={"help": "Residual layers a level."})
    attention_head_dim: int = field(default=32, metadata={"help": "Width of an attention head."})
    caption_dropout: float = field(default=0.1, metadata={"help": "Share of empty captions, for guidance."})
    snr_gamma: float = field(default=5.0, metadata={"help": "Min-SNR weighting (Hang et al. 2023)."})
    views: int = field(default=2, metadata={"help": "Augmented views of each picture whose latents are cached."})
    perception_share: float = field(
        default=0.25, metadata={"help": "Share of each batch that is seen clean and tied to its caption, not denoised."}
    )
    perception_weight: float = field(default=0.1, metadata={"help": "Weight of that contrastive term."})


def build_unet(config: UNetConfig, latent_channels: int, latent_size: int, text_width: int) -> UNet2DConditionModel:
    """A denoiser shaped like Stable Diffusion's: cross-attention at every level but the coarsest, and in the middle."""
    levels = len(config.block_out_channels)
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=tuple(config.block_out_channels),
        down_block_types=("CrossAttnDownBlock2D",) * (levels - 1) + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (levels - 1),
        layers_per_block=config.layers_per_block,
        attention_head_dim=config.attention_head_dim,
        cross_attention_dim=text_width,
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
    )


class UNetTask(nn.Module):
    """Denoising, and a contrastive term on clean latents.

    A denoiser of this size that saw a few ten thousand pictures has weak semantics where Stable Diffusion has strong
    ones; tying what it sees at t = 1 to the caption's text embedding gives the perception stage features worth reading
    (in the spirit of representation alignment, Yu et al. 2024, with words as the teacher).
    """

    def __init__(self, unet: UNet2DConditionModel, clip: CLIPModel, empty: torch.Tensor, config: UNetConfig) -> None:
        super().__init__()
        self.unet, self.config = unet, config
        self.scheduler = build_scheduler()
        self.reader = nn.Linear(unet.config.block_out_channels[-1], clip.config.projection_dim)
        # Kept out of the registered modules: the text tower is frozen and belongs to another stage.
        self._clip = [clip]
        self.register_buffer("empty", empty, persistent=False)

    def forward(
        self,
        latents: torch.Tensor,
        input_ids: torch.Tensor,
        noise: torch.Tensor,
        timesteps: torch.Tensor,
        drop: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Latents and noise (B, C, H, W), padded token ids (B, L), timesteps (B,), dropped captions (B,) bool."""
        clip, config = self._clip[0], self.config
        with torch.no_grad():
            encoded = clip.text_model(input_ids=input_ids)
            texts = F.normalize(clip.text_projection(encoded.pooler_output), dim=-1)
        # The first rows are seen clean, with nothing said about them; the others are denoised. One pass for both.
        seen = int(len(latents) * config.perception_share)
        clean = torch.arange(len(latents), device=latents.device) < seen
        steps = timesteps.masked_fill(clean, 1)
        states = torch.where((drop | clean)[:, None, None], self.empty, encoded.last_hidden_state)
        noisy = torch.where(clean[:, None, None, None], latents, self.scheduler.add_noise(latents, noise, steps))
        middle: list[torch.Tensor] = []
        hook = self.unet.mid_block.register_forward_hook(lambda module, inputs, output: middle.append(output))
        predicted = self.unet(noisy, steps, states).sample[seen:]
        hook.remove()
        target = self.scheduler.get_velocity(latents, noise, steps)[seen:]
        error = (predicted - target).square().mean(dim=(1, 2, 3))
        snr = compute_snr(self.scheduler, steps[seen:])
        # The last step has no signal, so min-SNR alone would never teach the one where sampling starts.
        weight = (snr.clamp(max=config.snr_gamma) / (snr + 1)).clamp(min=0.05)
        denoising = (error * weight).mean()
        if seen < 2:
            return {"loss": denoising, "denoising": denoising.detach()}
        read = F.normalize(self.reader(middle[0][:seen].mean(dim=(2, 3))), dim=-1)
        same = (input_ids[:seen, None] == input_ids[None, :seen]).all(-1).float()
        perception = F.cross_entropy(read @ texts[:seen].T / 0.07, same / same.sum(1, keepdim=True))
        loss = denoising + config.perception_weight * perception
        return {"loss": loss, "denoising": denoising.detach(), "perception": perception.detach()}


class UNetStage:
    """Trains the denoiser on cached latents."""

    name = "unet"
    selection = "score"

    def __init__(
        self,
        config: UNetConfig,
        train: Pool,
        validation: Pool,
        vae: AutoencoderKL,
        clip: CLIPModel,
        tokenizer: CLIPTokenizer,
    ) -> None:
        self.config, self.train, self.validation = config, train, validation
        self.vae, self.clip, self.tokenizer = vae, clip.requires_grad_(False).eval(), tokenizer
        self.latents = train.latents(vae, config.views)
        self.held_out = validation.latents(vae, 0)

    def tokens(self, texts: list[str]) -> torch.Tensor:
        """Token ids padded to the text tower's full length, as the denoiser sees them when it generates."""
        return self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids

    def build(self) -> UNetTask:
        channels, size = self.latents.shape[-3], self.latents.shape[-1]
        unet = build_unet(self.config, channels, size, self.clip.config.text_config.hidden_size)
        with torch.no_grad():
            empty = self.clip.text_model(input_ids=self.tokens([""])).last_hidden_state
        return UNetTask(unet, self.clip, empty, self.config)

    def _noised(
        self, latents: torch.Tensor, captions: list[str], dropout: float, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        size = len(latents)
        return {
            "latents": latents,
            "input_ids": self.tokens(captions),
            "noise": torch.randn(latents.shape, generator=generator),
            "timesteps": torch.randint(0, 1000, (size,), generator=generator),
            "drop": torch.rand(size, generator=generator) < dropout,
        }

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.train.sample(size, generator)
        views = torch.randint(0, self.config.views, (size,), generator=generator)
        latents = torch.stack(
            [torch.from_numpy(self.latents[v, i].copy()) for v, i in zip(views.tolist(), indices.tolist(), strict=True)]
        ).float()
        captions = self.train.captions(indices, generator)
        return self._noised(latents, captions, self.config.caption_dropout, generator)

    def validate(self, model: UNetTask) -> dict[str, float]:
        """Denoising and perception losses on held-out pictures, always with the same noise."""
        generator = torch.Generator().manual_seed(0)
        totals: dict[str, list[torch.Tensor]] = {}
        for part in torch.arange(len(self.validation)).split(64):
            latents = torch.from_numpy(self.held_out[0, part.numpy()]).float()
            batch = self._noised(latents, self.validation.captions(part, generator), 0.0, generator)
            losses = model(**{name: value.to(model.unet.device) for name, value in batch.items()})
            for name, value in losses.items():
                totals.setdefault(name, []).append(value)
        means = {name: torch.stack(values).mean().item() for name, values in totals.items()}
        return {"score": -means["denoising"], **means}

    def export(self, model: UNetTask, folder: Path) -> None:
        model.unet.save_pretrained(folder / "unet")
        model.scheduler.save_pretrained(folder / "scheduler")
