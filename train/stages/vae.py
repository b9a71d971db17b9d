"""Foundation: the autoencoder of the latent space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import nn

from kcdp.perception.autoencoder import PatchAutoencoderKL
from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import stage_datasets, train_stage
from train.data.dataset import PictureDataset


@dataclass
class VAEConfig:
    """Sizes and loss weights of the autoencoder."""

    patch_size: int = setting(4, "Pixels of a side folded into channels.", "pixels")
    block_out_channels: tuple[int, ...] = setting((96, 128), "Widths, fine to coarse.", "channels")
    latent_channels: int = setting(16, "Channels of the latent space.", "channels")
    crop: int = setting(64, "Side of the training crops: convolutions need no more.", "pixels")
    kl_weight: float = setting(1e-6, "Weight of the KL divergence to a unit Gaussian.")
    edge_weight: float = setting(0.5, "Weight of the L1 distance of finite differences.")
    squared_weight: float = setting(2.0, "Weight of the squared error.")
    noise: float = setting(0.0, "Most noise on the decoder's training latents, as in a denoiser's.")
    encoder: str | None = setting(None, "A trained autoencoder whose encoder is kept as it is; the decoder goes on.")


def psnr(pictures: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio (B,) in dB of pictures (B, 3, H, W) in [-1, 1]."""
    error = (pictures.clamp(-1, 1) - targets).square().flatten(1).mean(1)
    return 10 * torch.log10(4 / error.clamp(min=1e-10))


def edge_error(error: torch.Tensor) -> torch.Tensor:
    """Mean absolute finite difference, across and down, of an error (B, C, H, W): a scalar."""
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


class VAETask(nn.Module):
    """Reconstruction with L1, squared and edge terms: sharp outlines are most of what a sticker is."""

    def __init__(self, vae: AutoencoderKL, config: VAEConfig) -> None:
        super().__init__()
        self.vae = vae
        self.config = config

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        posterior = self.vae.encode(pictures).latent_dist
        latents = posterior.sample()
        if self.config.noise:
            # Of any strength up to the most, so that exact latents are still decoded exactly.
            strength = self.config.noise * torch.rand(len(latents), 1, 1, 1, device=latents.device)
            latents = latents + strength * torch.randn_like(latents)
        error = self.vae.decode(latents).sample - pictures
        absolute, squared = error.abs().mean(), error.square().mean()
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        config = self.config
        loss = (
            absolute + config.squared_weight * squared + config.edge_weight * edge_error(error) + config.kl_weight * kl
        )
        return {"loss": loss, "absolute": absolute.detach(), "squared": squared.detach(), "kl": kl.detach()}


class VAEStage:
    """Trains the autoencoder, or, beside a given encoder, only the decoder."""

    name = "vae"
    selection = "psnr"

    def __init__(self, config: VAEConfig, train: PictureDataset, validation: PictureDataset) -> None:
        self.config, self.train, self.validation = config, train, validation

    def build(self) -> VAETask:
        config = self.config
        if config.encoder is not None:
            vae = PatchAutoencoderKL.from_pretrained(config.encoder)
            vae.encoder.requires_grad_(False)
            vae.linear_encoder.requires_grad_(False)
        else:
            vae = PatchAutoencoderKL(
                patch_size=config.patch_size,
                block_out_channels=tuple(config.block_out_channels),
                latent_channels=config.latent_channels,
                sample_size=self.train.size,
            )
            generator = torch.Generator().manual_seed(0)
            sample = self.train.sample(min(1000, 4 * len(self.train)), generator)
            vae.initialize_linear(self.train.augmented(sample, generator))
        return VAETask(vae, config)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        pictures = self.train.augmented(self.train.sample(size, generator), generator)
        spare = self.train.size - self.config.crop
        if spare > 0:
            top, left = torch.randint(0, spare + 1, (2,), generator=generator).tolist()
            pictures = pictures[:, :, top : top + self.config.crop, left : left + self.config.crop]
        return {"pictures": pictures.contiguous()}

    def validate(self, model: VAETask) -> dict[str, float]:
        scores = []
        for indices in torch.arange(len(self.validation)).split(32):
            pictures = self.validation.plain(indices).to(model.vae.device)
            scores.append(psnr(model.vae.decode(model.vae.encode(pictures).latent_dist.mode()).sample, pictures))
        return {"psnr": torch.cat(scores).mean().item()}

    def export(self, model: VAETask, folder: Path) -> None:
        model.vae.save_pretrained(folder / "vae")


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage on every picture."""
    config = recipe.stage_settings("vae", VAEConfig).config
    return train_stage(recipe, VAEStage(config, *stage_datasets(recipe, "vae")))


SPEC = StageSpec("vae", VAEConfig, run, foundation=True)
