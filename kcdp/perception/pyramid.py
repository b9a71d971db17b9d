"""The feature pyramid that turns what the denoiser saw into one visual vector v (eq. 5; Lin et al. 2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from kcdp.perception.latent_encoder import LatentEncoder


class FeaturePyramid(ModelMixin, ConfigMixin):
    """h_i = F_i (+) A_i, v = FPN(h) (eq. 5): lateral 1x1, top-down sum, 3x3 smoothing, mean over the picture.

    Features and attention maps are normalised apart before they meet: their scales differ by orders of magnitude
    between levels and between each other (a probability over 154 tokens is near 0.006), and one learning rate has to
    serve them all.

    Args:
        feature_channels: channels of F_i for each level, high resolution first (`Denoiser.feature_channels`).
        attention_channels: channels of A_i, 0 at a level without (`Denoiser.attention_channels(tokens)`).
        out_channels: width of the pyramid.
        latent_channels: of the latents that a `LatentEncoder` reads beside h (a bottom-up path, as in PANet, Liu et al. 2018);
            0 for none, as in the paper. Stable Diffusion has been trained on billions of pictures; beside a denoiser that was
            trained on a few ten thousand, a network that learns from labels alone is needed, and trains twenty times as fast.
        path_channels: widths of the latent encoder's levels; every level is half as wide and high as the one before.

    Raises ValueError when the lists differ in length.
    """

    @register_to_config
    def __init__(
        self,
        feature_channels: Sequence[int] = (320, 640, 1280, 1280),
        attention_channels: Sequence[int] = (0, 154, 154, 0),
        out_channels: int = 256,
        latent_channels: int = 0,
        path_channels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        if latent_channels and len(path_channels) != len(feature_channels):
            raise ValueError(
                f"There are {len(feature_channels)} levels of features but {len(path_channels)} of the latent encoder; "
                "give one number of channels for each level."
            )
        if len(feature_channels) != len(attention_channels):
            raise ValueError(
                f"There are {len(feature_channels)} levels of features but {len(attention_channels)} of attention; "
                "give one number of channels for each level."
            )
        self.feature_norms = nn.ModuleList(nn.GroupNorm(math.gcd(32, width), width) for width in feature_channels)
        # One group: which tokens were looked at more than others is what the map says.
        self.attention_norms = nn.ModuleList(
            nn.GroupNorm(1, width) if width else nn.Identity() for width in attention_channels
        )
        # Named as in the weights of bundles.
        self.path = LatentEncoder(latent_channels, path_channels) if latent_channels else None
        self.lateral = nn.ModuleList(nn.Conv2d(width, out_channels, kernel_size=1) for width in self.in_channels)
        self.smooth = nn.ModuleList(nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in self.in_channels)

    @property
    def in_channels(self) -> tuple[int, ...]:
        """Channels of each level's h_i; (320, 794, 1434, 1280) for SD 1.5 with caption and triplets."""
        levels = [self.config.feature_channels, self.config.attention_channels]
        if self.config.latent_channels:
            levels.append(self.config.path_channels)
        return tuple(map(sum, zip(*levels, strict=True)))

    @property
    def visual_dim(self) -> int:
        """Length of v: levels * out_channels."""
        return len(self.in_channels) * self.config.out_channels

    def forward(
        self,
        features: Sequence[torch.Tensor],
        attention: Sequence[torch.Tensor | None],
        latents: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(B, C_i, H_i, W_i) and (B, T, H_i, W_i) a level, high resolution first -> v (B, levels * out_channels).

        Attention maps of levels that take none are left aside, and so are the latents (B, C, H_0, W_0) without an
        encoder for them. Raises ValueError when a level's channels do not fit.
        """
        merged = self._merge(features, attention)
        if self.path is not None:
            merged = [torch.cat(pair, dim=1) for pair in zip(merged, self.path(latents), strict=True)]
        top_down: list[torch.Tensor] = []
        for lateral, level in zip(reversed(self.lateral), reversed(merged), strict=True):
            level = lateral(level)
            if top_down:
                level = level + F.interpolate(top_down[-1], size=level.shape[-2:], mode="nearest")
            top_down.append(level)
        pooled = [
            F.silu(smooth(level)).mean(dim=(2, 3))
            for smooth, level in zip(self.smooth, reversed(top_down), strict=True)
        ]
        return torch.cat(pooled, dim=1)

    def _merge(self, features: Sequence[torch.Tensor], attention: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
        """Normalised h_i of each level, (B, in_channels[i], H_i, W_i)."""
        expected = list(zip(self.config.feature_channels, self.config.attention_channels, strict=True))
        given = [
            (feature.shape[1], 0 if not width or maps is None else maps.shape[1])
            for feature, maps, (_, width) in zip(features, attention, expected, strict=False)
        ]
        if given != expected or len(features) != len(expected):
            raise ValueError(
                f"This pyramid takes (feature, attention) channels {expected}, not {given}; build it with the "
                "denoiser's `feature_channels` and `attention_channels(tokens)`."
            )
        # The denoiser's maps are channels-last, and on a CPU torch's GroupNorm has a backward that crashes on such an
        # input when it needs no gradient itself, as under frozen tuning.
        features = [feature.contiguous() for feature in features]
        attention = [None if maps is None else maps.contiguous() for maps in attention]
        return [
            torch.cat([norm_feature(feature), norm_maps(maps)], dim=1) if width else norm_feature(feature)
            for feature, maps, (_, width), norm_feature, norm_maps in zip(
                features, attention, expected, self.feature_norms, self.attention_norms, strict=True
            )
        ]
