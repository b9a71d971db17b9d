"""The painter's autoencoder: a fixed linear code of stickers with opacity, and a network that makes its blurred pictures clean."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL, ModelMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch import nn
from torch.nn import functional as F

from kcdp.perception.linear_code import linear_code, principal_components

#: Three colours and opacity.
_CHANNELS = 4
#: Logarithm of the code's variance: it has next to none.
_LOG_VARIANCE = -12.0


class RefinerBlock(nn.Module):
    """A residual block on maps (B, C, h, w): two convolutions, each behind a normalisation (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        for _ in range(2):
            self.layers += nn.Sequential(
                nn.GroupNorm(8, width), nn.SiLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
            )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + self.layers(maps)


class StickerAutoencoder(ModelMixin, ConfigMixin):
    """Latents that are the principal components of blocks, and pictures that a network makes of what these leave blurred.

    Pictures are (B, 4, H, W) in [-1, 1], three colours laid on white, and opacity; latents (B, latent_channels, H / factor,
    W / factor). The code is linear and fixed before anything learns, so that latents can be kept and denoiser and network be
    trained side by side. The network sees the blurred picture, folded into patches, beside the latents: it has to sharpen what
    is there, which takes a tenth of the steps that a decoder of latents alone takes.

    Args:
        latent_channels: of the code.
        factor: pixels of a side of its blocks.
        patch_size: pixels of a side that the network sees as channels of one position.
        width, blocks: of the network.
        sample_size: side of the pictures in pixels.
        scaling_factor: as of diffusers' autoencoders.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 48,
        factor: int = 16,
        patch_size: int = 4,
        width: int = 80,
        blocks: int = 5,
        sample_size: int = 128,
        scaling_factor: float = 1.0,
    ) -> None:
        super().__init__()
        kernel, margin = 2 * factor, factor // 2
        self.linear_encoder = nn.Conv2d(_CHANNELS, latent_channels, kernel, factor, margin)
        self.linear_decoder = nn.ConvTranspose2d(latent_channels, _CHANNELS, kernel, factor, margin)
        folded = _CHANNELS * patch_size**2
        self.first = nn.Conv2d(folded + latent_channels, width, 3, padding=1)
        self.body = nn.Sequential(*(RefinerBlock(width) for _ in range(blocks)))
        self.last = nn.Conv2d(width, folded, 3, padding=1)

    @torch.no_grad()
    def initialize_linear(self, pictures: torch.Tensor, evenness: float = 0.5) -> None:
        """Set the code to the principal components of `pictures`, see `principal_components`; the network starts silent."""
        principal_components(self.linear_encoder, self.linear_decoder, pictures, evenness)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def encode(self, pictures: torch.Tensor) -> AutoencoderKLOutput:
        """The code of pictures (B, 4, H, W), as a distribution that has almost no width."""
        mean = linear_code(self.linear_encoder, pictures)
        return AutoencoderKLOutput(
            DiagonalGaussianDistribution(torch.cat([mean, mean.new_full(mean.shape, _LOG_VARIANCE)], 1))
        )

    def decode(self, latents: torch.Tensor, return_dict: bool = True) -> DecoderOutput | tuple[torch.Tensor]:
        """Pictures (B, 4, H, W) of latents (B, C, h, w)."""
        blurred, patch = self.linear_decoder(latents), self.config.patch_size
        here = F.interpolate(latents, scale_factor=self.config.factor // patch, mode="nearest")
        maps = self.first(torch.cat([F.pixel_unshuffle(blurred, patch), here], dim=1))
        picture = blurred + F.pixel_shuffle(self.last(self.body(maps)), patch)
        return DecoderOutput(sample=picture) if return_dict else (picture,)


#: What a pipeline paints in.
Autoencoder = AutoencoderKL | StickerAutoencoder
