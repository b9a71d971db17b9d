"""Painter, part one: a linear code of stickers with opacity, and a network that makes clean drawings of what a denoiser says.

The code is fixed before the network learns: latents can be cached, and denoiser and network trained side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from kcdp.painting.opacity import add_opacity
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.vision.efficientnet import EfficientNetLite
from train.core.config import setting
from train.core.efficientnet import imagenet_trunk
from train.core.recipe import Recipe, StageSpec
from train.core.runs import stage_datasets, train_stage
from train.data.dataset import PictureDataset
from train.data.stickers import HELD_OUT, sticker, sticker_pixels
from train.losses.perceptual import PerceptualLoss
from train.stages.vae import VAEConfig, VAETask, edge_error, psnr


@dataclass
class PainterVAEConfig:
    """The painter's code, and the network behind it."""

    latent_channels: int = setting(48, "Channels of the code, the principal components of blocks.", "channels")
    factor: int = setting(16, "Pixels of a side of the code's blocks.", "pixels")
    patch_size: int = setting(4, "Pixels of a side that the network sees as one position.", "pixels")
    width: int = setting(80, "Width of the network that makes decoded pictures clean.", "channels")
    blocks: int = setting(5, "Residual blocks of that network.", "blocks")
    evenness: float = setting(0.6, "How far the code's channels are brought to equal deviations: 0 not, 1 alike.")
    noise: float = setting(0.3, "Most noise on what the decoder learns from, in deviations of each channel.")
    edge_weight: float = setting(0.5, "Weight of the L1 distance of finite differences.")
    perceptual_weight: float = setting(0.1, "Weight of the distance in ImageNet features; 0 needs no ImageNet weights.")
    perceptual_share: float = setting(0.25, "Share of each batch that it is measured on.", "share, 0 to 1")
    real_share: float = setting(0.25, "Share of the data sets' pictures beside the stickers.", "share, 0 to 1")
    sample: int = setting(1500, "Pictures that the code is the principal components of.", "pictures")
    held_out: int = setting(64, "Stickers to validate with.", "pictures")


def composite_over(pixels: torch.Tensor, ground: torch.Tensor) -> torch.Tensor:
    """Pixels (B, 4, H, W), laid on white, on grounds (B, 3) in [-1, 1] instead: (B, 3, H, W)."""
    clear = (1 - pixels[:, 3:]) / 2
    return pixels[:, :3] + clear * (ground[:, :, None, None] - 1)


class PainterVAETask(VAETask):
    """`VAETask` without the encoder: latents are what they are, and more or less noise is added to them."""

    def __init__(
        self,
        vae: StickerAutoencoder,
        deviations: torch.Tensor,
        config: PainterVAEConfig,
        perceptual: PerceptualLoss | None = None,
    ) -> None:
        """`deviations` (C,) are those of the code's channels."""
        super().__init__(vae, VAEConfig(edge_weight=config.edge_weight, squared_weight=0, kl_weight=0))
        self.noise, self.perceptual_weight = config.noise, config.perceptual_weight
        self.perceptual_share = config.perceptual_share
        # Not registered: what is frozen need not be in every checkpoint.
        self._perceptual = (perceptual,)
        self.register_buffer("deviations", deviations, persistent=False)

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            latents = self.vae.encode(pictures).latent_dist.mode()
            # Half of them exact, so that exact latents are still decoded exactly.
            most = self.noise * (torch.rand(len(latents), device=latents.device) < 0.5)
            strength = most * torch.rand(len(latents), device=latents.device)
            spread = strength[:, None, None, None] * self.deviations[:, None, None]
            latents = latents + spread * torch.randn_like(latents)
        decoded = self.vae.decode(latents).sample
        error = decoded - pictures
        absolute = error.abs().mean()
        losses = {"loss": absolute + self.config.edge_weight * edge_error(error), "absolute": absolute.detach()}
        (perceptual,), measured = self._perceptual, math.ceil(len(pictures) * self.perceptual_share)
        if perceptual is not None and self.perceptual_weight:
            # A rim is right when it is so on any ground.
            ground = torch.rand(measured, 3, device=pictures.device) * 2 - 1
            distance = perceptual.to(pictures.device)(
                *(composite_over(p[:measured], ground) for p in (decoded, pictures))
            ).mean()
            losses |= {"loss": losses["loss"] + self.perceptual_weight * distance, "perceptual": distance.detach()}
        return losses


class PainterVAEStage:
    """Fixes the code, then trains the decoder on stickers that are drawn anew for every step, and some of the data sets'."""

    name = "painter_vae"
    selection = "psnr"

    def __init__(self, config: PainterVAEConfig, train: PictureDataset, trunk: EfficientNetLite | None = None) -> None:
        """`trunk` has ImageNet's weights, where the loss looks at features."""
        self.config, self.train = config, train
        self.perceptual = None if trunk is None else PerceptualLoss(trunk)
        self.held_out = sticker_pixels([sticker(HELD_OUT + row, train.size) for row in range(config.held_out)])

    def build(self) -> PainterVAETask:
        config = self.config
        vae = StickerAutoencoder(
            latent_channels=config.latent_channels,
            factor=config.factor,
            patch_size=config.patch_size,
            width=config.width,
            blocks=config.blocks,
            sample_size=self.train.size,
        )
        pictures = self.batch(config.sample, torch.Generator().manual_seed(0))["pictures"]
        vae.initialize_linear(pictures, config.evenness)
        # The code is the best of its kind already, and steps that suit the network throw it far off.
        vae.linear_encoder.requires_grad_(False)
        vae.linear_decoder.requires_grad_(False)
        vae.to(memory_format=torch.channels_last)
        with torch.no_grad():
            deviations = vae.linear_encoder(pictures).std(dim=(0, 2, 3))
        return PainterVAETask(vae, deviations, config, self.perceptual)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        real = round(size * self.config.real_share)
        numbers = torch.randint(HELD_OUT, (size - real,), generator=generator).tolist()
        parts = [sticker_pixels([sticker(number, self.train.size) for number in numbers])]
        if real:
            parts.append(add_opacity(self.train.plain(self.train.sample(real, generator))))
        return {"pictures": torch.cat(parts)}

    def validate(self, model: PainterVAETask) -> dict[str, float]:
        """PSNR of held-out stickers, of exact latents and of latents with noise of half a deviation at most."""
        generator, scores = torch.Generator().manual_seed(0), {"psnr": 0.0, "psnr_noisy": 0.0}
        for part in self.held_out.split(32):
            pictures = part.to(model.vae.device)
            latents = model.vae.encode(pictures).latent_dist.mode()
            noise = torch.randn(latents.shape, generator=generator).to(latents)
            noisy = latents + 0.5 * model.noise * model.deviations[:, None, None] * noise
            for name, shown in (("psnr", latents), ("psnr_noisy", noisy)):
                scores[name] += psnr(model.vae.decode(shown).sample, pictures).sum().item() / len(self.held_out)
        return scores

    def export(self, model: PainterVAETask, folder: Path) -> None:
        model.vae.save_pretrained(folder / "vae")


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage on every picture."""
    config = recipe.stage_settings("painter_vae", PainterVAEConfig).config
    trunk = imagenet_trunk() if config.perceptual_weight else None
    return train_stage(recipe, PainterVAEStage(config, stage_datasets(recipe, "painter_vae")[0], trunk))


SPEC = StageSpec("painter_vae", PainterVAEConfig, run)
