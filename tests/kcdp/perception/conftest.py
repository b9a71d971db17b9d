"""The UNet that the denoiser's tests share, and what it is given."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel

from tests.tiny_denoiser import TOKENS, WIDTH


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    """Three levels as in Stable Diffusion: cross-attention at all but the lowest, and in the middle block."""
    torch.manual_seed(1)
    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(16, 32, 48),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=WIDTH,
        norm_num_groups=8,
    ).eval()


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(3, 4, 16, 16), 3 * torch.randn(3, TOKENS, WIDTH)
