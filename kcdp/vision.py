"""CLIP whose vision tower begins with convolutions: what a small model needs to learn from few pictures.

A transformer on raw 16 x 16 patches has to find out by itself that neighbouring pixels belong together: one of this size
was still blind after 34,000 pictures. A few strided convolutions in front (Xiao et al. 2021, "Early convolutions help
transformers see better") know it from the start, and cost no more than the layers that they make unnecessary.
"""

import itertools
from typing import ClassVar

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, CLIPVisionModel
from transformers.models.clip.modeling_clip import CLIPVisionEmbeddings

from kcdp.convolution import ResidualBlock, conv_norm


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
        widths = (config.num_channels, *config.stem_widths, config.hidden_size)
        layers: list[nn.Module] = []
        for inside, outside in itertools.pairwise(widths):
            layers.append(conv_norm(inside, outside, stride=2))
            # The finest level that a residual block is cheap on, and the last: where parts of a face become a face.
            if outside in widths[-2:]:
                layers.append(ResidualBlock(outside))
        super().__init__(*layers)

    @property
    def weight(self) -> torch.Tensor:
        """What CLIP asks for the data type of its patch embedding."""
        return self[0][0].weight


class ConvStemEmbeddings(CLIPVisionEmbeddings):
    """CLIP's vision embeddings whose class token begins as the mean of the patches.

    A transformer that has learned nothing yet is then a convolutional network with mean pooling, which learns at once.
    """

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        super().__init__(config)
        self.patch_embedding = ConvStem(config)

    def forward(self, pixel_values: torch.Tensor, interpolate_pos_encoding: bool = False) -> torch.Tensor:
        """Pictures (B, 3, H, W) -> tokens (B, 1 + patches, D), the class token first."""
        tokens = super().forward(pixel_values, interpolate_pos_encoding)
        patches = tokens[:, 1:]
        return torch.cat([tokens[:, :1] + patches.mean(dim=1, keepdim=True), patches], dim=1)


class ConvStemCLIPVisionModel(CLIPVisionModel):
    """CLIP's vision tower behind a convolutional stem."""

    config: ConvStemCLIPVisionConfig

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        super().__init__(config)
        self.embeddings = ConvStemEmbeddings(config)
        self.post_init()
        # CLIP's initial weights are for transformers; ResNet's are for what comes before batch normalisation.
        for module in self.embeddings.patch_embedding.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ConvStemCLIPModel(CLIPModel):
    """CLIP with that vision tower."""

    config: ConvStemCLIPConfig

    def __init__(self, config: ConvStemCLIPConfig) -> None:
        super().__init__(config)
        self.vision_model = ConvStemCLIPVisionModel._from_config(config.vision_config)


# A captioner names its encoder by model type; the library has to know whom to call.
AutoConfig.register(ConvStemCLIPVisionConfig.model_type, ConvStemCLIPVisionConfig)
AutoModel.register(ConvStemCLIPVisionConfig, ConvStemCLIPVisionModel)
