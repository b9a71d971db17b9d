"""A lapped linear code of pictures: a strided convolution to latents and one back, set to the principal components of blocks."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


@torch.no_grad()
def principal_components(
    encoder: nn.Conv2d, decoder: nn.ConvTranspose2d, pictures: torch.Tensor, evenness: float
) -> None:
    """Set a linear code to the principal components of the f x f blocks of `pictures` (B, C, H, W) in [-1, 1]; f is its stride.

    Channels are scaled to a mean standard deviation of 1, by `evenness` 0 as they are, by 1 to equal ones. Half-way a denoiser
    spends itself on large structure first without losing the fine one.
    """
    latent_channels, colours, factor = encoder.out_channels, encoder.in_channels, encoder.stride[0]
    blocks = F.pixel_unshuffle(pictures.double(), factor).permute(0, 2, 3, 1).flatten(0, 2)
    mean = blocks.mean(0)
    variances, components = torch.linalg.eigh(torch.cov((blocks - mean).T))
    deviations = variances.flip(0)[:latent_channels].clamp(min=1e-8).sqrt()
    components = components.flip(1)[:, :latent_channels]
    scales = deviations**evenness
    scales = scales * (deviations / scales).mean()
    margin = factor // 2
    inside = slice(margin, margin + factor)
    for module, kernels in ((encoder, components / scales), (decoder, components * scales)):
        module.weight.zero_()
        module.weight[:, :, inside, inside] = kernels.T.reshape(latent_channels, colours, factor, factor).float()
    assert encoder.bias is not None and decoder.bias is not None
    encoder.bias.copy_(-(mean @ (components / scales)))
    # One bias a colour cannot hold the mean of a whole block; the difference is far below a grey level.
    decoder.bias.copy_(mean.reshape(colours, -1).mean(1))


def linear_code(encoder: nn.Conv2d, pictures: torch.Tensor) -> torch.Tensor:
    """The code (B, C', H / f, W / f) of pictures (B, C, H, W), computed in 32 bits.

    In bfloat16 a CPU with AMX gets strided convolutions of four channels wrong (`findings/onednn_bf16_strided.sh`).
    """
    assert encoder.bias is not None and not isinstance(encoder.padding, str)
    with torch.autocast(pictures.device.type, enabled=False):
        code = F.conv2d(pictures.float(), encoder.weight.float(), encoder.bias.float(), encoder.stride, encoder.padding)
    return code.to(pictures.dtype)
