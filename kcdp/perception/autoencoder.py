"""The mini bundle's VAE: an AutoencoderKL that refines a linear block code."""

from __future__ import annotations

import torch

# Not used here: diffusers looks for it in the module of a class, to know how a component of a pipeline is loaded.
from diffusers import AutoencoderKL, ModelMixin  # noqa: F401
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from torch import nn
from torch.nn import functional as F


class PatchAutoencoderKL(AutoencoderKL):
    """AutoencoderKL on pixel patches, beside a lapped linear code that starts as the principal components of blocks.

    Pictures are (B, picture_channels, H, W) in [-1, 1], three colours, and as a fourth channel, where there is one, opacity,
    the colours being laid on white; latents (B, latent_channels, H / f, W / f), f = patch_size * 2 ** (levels - 1).

    Two choices make it trainable in half an hour on a laptop core. The convolutions see `patch_size` x `patch_size`
    pixels as channels, so that none of them works at full resolution. And encoder and decoder each add a strided
    linear map to what their networks say: after `initialize_linear` it reconstructs 26.6 dB PSNR on unseen emoji with
    16 channels before the first step, more than twelve minutes of training reach from random weights (22.7 dB),
    and the networks only learn what is left. There is no attention: 16 x 16 positions of a local code do not need it.
    """

    #: Arguments of AutoencoderKL that follow from ours, or that this class leaves alone.
    ignore_for_config = (
        *("in_channels", "out_channels", "down_block_types", "up_block_types", "act_fn", "force_upcast"),
        *("latents_mean", "latents_std", "shift_factor"),
        *("use_quant_conv", "use_post_quant_conv", "mid_block_add_attention"),
    )

    @register_to_config
    def __init__(
        self,
        patch_size: int = 4,
        block_out_channels: tuple[int, ...] = (96, 128),
        layers_per_block: int = 1,
        latent_channels: int = 16,
        norm_num_groups: int = 16,
        sample_size: int = 128,
        scaling_factor: float = 1.0,
        picture_channels: int = 3,
    ) -> None:
        levels = len(block_out_channels)
        super().__init__(
            in_channels=picture_channels * patch_size**2,
            out_channels=picture_channels * patch_size**2,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=block_out_channels,
            layers_per_block=layers_per_block,
            latent_channels=latent_channels,
            norm_num_groups=norm_num_groups,
            sample_size=sample_size,
            scaling_factor=scaling_factor,
            use_quant_conv=False,
            use_post_quant_conv=False,
            mid_block_add_attention=False,
        )
        factor = patch_size * 2 ** (levels - 1)
        lapped = {"kernel_size": 2 * factor, "stride": factor, "padding": factor // 2}
        self.linear_encoder = nn.Conv2d(picture_channels, latent_channels, **lapped)
        self.linear_decoder = nn.ConvTranspose2d(latent_channels, picture_channels, **lapped)

    @torch.no_grad()
    def initialize_linear(self, pictures: torch.Tensor, evenness: float = 0.5) -> None:
        """Set the linear maps to the principal components of the f x f blocks of `pictures` (B, C, H, W) in [-1, 1].

        Channels are scaled to a mean standard deviation of 1, by `evenness` 0 as they are, by 1 to equal ones. Half-way a
        denoiser spends itself on large structure first without losing the fine one. The networks start silent, with a posterior
        standard deviation of 0.05.
        """
        latent_channels, colours = self.config.latent_channels, self.config.picture_channels
        factor = self.linear_encoder.stride[0]
        blocks = F.pixel_unshuffle(pictures.double(), factor).permute(0, 2, 3, 1).flatten(0, 2)
        mean = blocks.mean(0)
        variances, components = torch.linalg.eigh(torch.cov((blocks - mean).T))
        deviations = variances.flip(0)[:latent_channels].clamp(min=1e-8).sqrt()
        components = components.flip(1)[:, :latent_channels]
        scales = deviations**evenness
        scales = scales * (deviations / scales).mean()
        margin = factor // 2
        inside = slice(margin, margin + factor)
        for module, kernels in (
            (self.linear_encoder, components / scales),
            (self.linear_decoder, components * scales),
        ):
            module.weight.zero_()
            module.weight[:, :, inside, inside] = kernels.T.reshape(latent_channels, colours, factor, factor).float()
        assert self.linear_encoder.bias is not None and self.linear_decoder.bias is not None
        self.linear_encoder.bias.copy_(-(mean @ (components / scales)))
        # One bias a colour cannot hold the mean of a whole block; the difference is far below a grey level.
        self.linear_decoder.bias.copy_(mean.reshape(colours, -1).mean(1))
        for last in (self.encoder.conv_out, self.decoder.conv_out):
            last.weight.zero_()
            last.bias.zero_()
        self.encoder.conv_out.bias[latent_channels:] = -6.0

    def _encode(self, x: torch.Tensor) -> torch.Tensor:
        moments = super()._encode(F.pixel_unshuffle(x, self.config.patch_size))
        mean, logvar = moments.chunk(2, dim=1)
        return torch.cat([mean + self._linear_code(x), logvar], dim=1)

    def _linear_code(self, x: torch.Tensor) -> torch.Tensor:
        """The linear encoder of pictures (B, C, H, W), in 32 bits inside.

        In bfloat16 a CPU with AMX gets strided convolutions of four channels wrong (`findings/onednn_bf16_strided.sh`).
        """
        linear = self.linear_encoder
        with torch.autocast(x.device.type, enabled=False):
            code = F.conv2d(
                x.float(), linear.weight.float(), linear.bias.float(), stride=linear.stride, padding=linear.padding
            )
        return code.to(x.dtype)

    def _decode(self, z: torch.Tensor, return_dict: bool = True) -> DecoderOutput | tuple[torch.Tensor]:
        patches = super()._decode(z, return_dict=False)[0]
        picture = F.pixel_shuffle(patches, self.config.patch_size) + self.linear_decoder(z)
        return DecoderOutput(sample=picture) if return_dict else (picture,)
