"""What the towers share: patches made by convolutions, and a class token that begins as their mean."""

from __future__ import annotations

import torch
from transformers.models.clip.modeling_clip import CLIPVisionEmbeddings


class MeanTokenEmbeddings(CLIPVisionEmbeddings):
    """CLIP's vision embeddings whose class token begins as the mean of the patches.

    A transformer that has learned nothing yet is then a convolutional network with mean pooling, which learns at once.
    """

    def forward(self, pixel_values: torch.Tensor, interpolate_pos_encoding: bool = False) -> torch.Tensor:
        """Pictures (B, 3, H, W) -> tokens (B, 1 + patches, D), the class token first."""
        tokens = super().forward(pixel_values, interpolate_pos_encoding)
        patches = tokens[:, 1:]
        return torch.cat([tokens[:, :1] + patches.mean(dim=1, keepdim=True), patches], dim=1)
