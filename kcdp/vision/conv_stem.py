"""CLIP whose vision tower begins with a convolutional network: what a small model needs to learn from few pictures.

A transformer on raw 16 x 16 patches has to find out by itself that neighbouring pixels belong together: one of this size
was still blind after 34,000 pictures. A few convolutions in front (Xiao et al. 2021, "Early convolutions help
transformers see better") know it from the start; and here they can be taken from the latent encoder, which learns on
latents, four times as fast as on pixels.
"""

from typing import ClassVar, cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, CLIPVisionModel

from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.vision.embeddings import MeanTokenEmbeddings


class ConvStemCLIPVisionConfig(CLIPVisionConfig):
    """CLIPVisionConfig and the sizes of the stem; `patch_size` is that of the stem's second level.

    Pixels are in [-1, 1]: what is subtracted from those in [0, 1], and what they are divided by, is a half.
    """

    model_type = "conv_stem_clip_vision_model"

    code_channels: int = 16
    code_size: int = 8
    stem_widths: list[int] | tuple[int, ...] = (64, 128, 192)
    image_mean: list[float] | tuple[float, ...] = (0.5, 0.5, 0.5)
    image_std: list[float] | tuple[float, ...] = (0.5, 0.5, 0.5)


class ConvStemCLIPConfig(CLIPConfig):
    """CLIPConfig with a vision tower that begins with convolutions."""

    model_type = "conv_stem_clip"
    sub_configs_defaults: ClassVar[dict[str, type]] = {  # type: ignore[assignment]
        "vision_config": ConvStemCLIPVisionConfig,
        "text_config": CLIPTextConfig,
    }


class ConvStem(nn.Module):
    """Pictures (B, 3, H, W) to patch embeddings (B, D, H / p, W / p); stands where CLIP has one strided convolution.

    A linear code of lapped blocks, as the autoencoder's (`PatchAutoencoderKL.linear_encoder`), then a latent encoder; the
    second level and, enlarged, what is coarser together make the embeddings.

    Raises ValueError when the patch size is not twice that of a block, or there are fewer than two levels.
    """

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        super().__init__()
        block = config.code_size
        if config.patch_size != 2 * block or len(config.stem_widths) < 2:
            raise ValueError(
                f"A stem of {len(config.stem_widths)} levels over blocks of {block} pixels cannot make patches of "
                f"{config.patch_size}; give two levels or more, and patches of {2 * block}."
            )
        self.code = nn.Conv2d(3, config.code_channels, 2 * block, stride=block, padding=block // 2)
        self.path = LatentEncoder(config.code_channels, tuple(config.stem_widths))
        self.project = nn.Conv2d(sum(config.stem_widths[1:]), config.hidden_size, kernel_size=1)

    @property
    def weight(self) -> torch.Tensor:
        """What CLIP asks for the data type of its patch embedding."""
        return self.code.weight

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) -> patch embeddings (B, D, H / p, W / p)."""
        _, second, *coarser = self.path(self.code(pixel_values))
        enlarged = [F.interpolate(level, size=second.shape[-2:], mode="nearest") for level in coarser]
        return self.project(torch.cat([second, *enlarged], dim=1))


class ConvStemEmbeddings(MeanTokenEmbeddings):
    """The tower's embeddings, with patches of a `ConvStem`."""

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        super().__init__(config)
        self.patch_embedding = ConvStem(config)  # type: ignore[assignment]


class ConvStemCLIPVisionModel(CLIPVisionModel):
    """CLIP's vision tower behind a convolutional stem."""

    config: ConvStemCLIPVisionConfig

    def __init__(self, config: ConvStemCLIPVisionConfig) -> None:
        super().__init__(config)
        self.embeddings = ConvStemEmbeddings(config)
        self.post_init()
        # CLIP's initial weights are for transformers; ResNet's are for what comes before batch normalisation.
        for module in cast(ConvStem, self.embeddings.patch_embedding).path.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ConvStemCLIPModel(CLIPModel):
    """CLIP with that vision tower."""

    config: ConvStemCLIPConfig

    def __init__(self, config: ConvStemCLIPConfig) -> None:
        super().__init__(config)
        self.vision_model = ConvStemCLIPVisionModel._from_config(config.vision_config)


# A captioner names its encoder by model type, a folder the CLIP in it; the library has to know whom to call.
for _config, _model in ((ConvStemCLIPVisionConfig, ConvStemCLIPVisionModel), (ConvStemCLIPConfig, ConvStemCLIPModel)):
    AutoConfig.register(_config.model_type, _config)
    AutoModel.register(_config, _model)
