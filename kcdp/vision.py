"""CLIP whose vision tower begins with convolutions: what a small model needs to learn from few pictures.

A transformer on raw 16 x 16 patches has to find out by itself that neighbouring pixels belong together: one of this size
was still blind after 34,000 pictures. A few strided convolutions in front (Xiao et al. 2021, "Early convolutions help
transformers see better") know it from the start, and cost no more than the layers that they make unnecessary.
"""

from typing import ClassVar

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, CLIPVisionModel


class ConvStemCLIPVisionConfig(CLIPVisionConfig):
    """CLIPVisionConfig, and the width of each strided convolution but the last; `patch_size` is 2 ** (their number + 1)."""

    model_type = "conv_stem_clip_vision_model"

    stem_widths: list[int] | tuple[int, ...] = (32, 64, 96)


class ConvStemCLIPConfig(CLIPConfig):
    """CLIPConfig with a vision tower that begins with convolutions."""

    model_type = "conv_stem_clip"
    sub_configs_defaults: ClassVar[dict[str, type]] = {
        "vision_config": ConvStemCLIPVisionConfig,
        "text_config": CLIPTextConfig,
    }


class _Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input goes, normalised first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class ConvStem(nn.Sequential):
    """Pictures (B, 3, H, W) to patch embeddings (B, D, H / p, W / p); stands where CLIP has one strided convolution.

    Raises ValueError when the strides do not add up to the patch size.
    """

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        stride = 2 ** (len(config.stem_widths) + 1)
        if stride != config.patch_size:
            raise ValueError(
                f"A stem of {len(config.stem_widths)} widths makes patches of {stride} pixels, not {config.patch_size}; "
                "change `stem_widths` or `patch_size`."
            )
        layers: list[nn.Module] = []
        inside = config.num_channels
        for width in (*config.stem_widths, config.hidden_size):
            if layers:
                layers += [nn.GroupNorm(8, inside), nn.SiLU()]
            layers.append(nn.Conv2d(inside, width, 3, stride=2, padding=1))
            inside = width
        # The finest level that a residual block is cheap on, and the last: where parts of a face become a face.
        layers.insert(-3, _Residual(config.stem_widths[-1]))
        super().__init__(*layers, _Residual(config.hidden_size))

    @property
    def weight(self) -> torch.Tensor:
        """What CLIP asks for the data type of its patch embedding."""
        return self[0].weight


class ConvStemCLIPVisionModel(CLIPVisionModel):
    """CLIP's vision tower behind a convolutional stem."""

    config: ConvStemCLIPVisionConfig

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        super().__init__(config)
        self.embeddings.patch_embedding = ConvStem(config)


class ConvStemCLIPModel(CLIPModel):
    """CLIP with that vision tower."""

    config: ConvStemCLIPConfig

    def __init__(self, config: ConvStemCLIPConfig) -> None:
        super().__init__(config)
        self.vision_model = ConvStemCLIPVisionModel._from_config(config.vision_config)


# A captioner names its encoder by model type; the library has to know whom to call.
AutoConfig.register(ConvStemCLIPVisionConfig.model_type, ConvStemCLIPVisionConfig)
AutoModel.register(ConvStemCLIPVisionConfig, ConvStemCLIPVisionModel)
