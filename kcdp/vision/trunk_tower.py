"""CLIP's vision tower on a convolutional network that has seen ImageNet.

Twenty thousand pictures do not teach a small network what a spider is; a million photos did. The network's own maps
become the tokens of a few transformer layers, in which queries and classes can meet. A captioner's tower also names the
likeliest words of the picture, and the decoder reads them beside the patches (Tag2Text: Huang et al. 2024): what a small
decoder cannot learn to recognise, a linear layer on the network's features can.
"""

from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, CLIPVisionModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from kcdp.vision.efficientnet import PIXEL_MEAN, PIXEL_STD, EfficientNetLite
from kcdp.vision.embeddings import MeanTokenEmbeddings

#: Pixels between the centres of two tokens: the stride of the finer map.
STRIDE = 16


class TrunkVisionConfig(CLIPVisionConfig):
    """CLIPVisionConfig whose patches are the fields of the trunk's finer map; see `TrunkPatches`."""

    model_type = "trunk_clip_vision_model"

    image_size: int = 128
    patch_size: int = STRIDE
    image_mean: list[float] | tuple[float, ...] = (PIXEL_MEAN,) * 3
    image_std: list[float] | tuple[float, ...] = (PIXEL_STD,) * 3


class TrunkPatches(nn.Module):
    """Pictures (B, 3, H, W) to patch embeddings (B, D, H / 16, W / 16); stands where CLIP has one strided convolution.

    The finer map says where something is, the last map what: both are projected, the last one enlarged, and added.

    Raises ValueError when the configuration's patches are not 16 pixels, or its pictures no multiple of 32.
    """

    def __init__(self, config: TrunkVisionConfig) -> None:
        super().__init__()
        if config.patch_size != STRIDE or config.image_size % (2 * STRIDE):
            raise ValueError(
                f"The trunk makes patches of {STRIDE} pixels of pictures whose side is a multiple of {2 * STRIDE}; the "
                f"configuration asks for patches of {config.patch_size} and pictures of {config.image_size}."
            )
        self.trunk = EfficientNetLite()
        self.fine = nn.Conv2d(self.trunk.fine_channels, config.hidden_size, kernel_size=1, bias=False)
        self.coarse = nn.Conv2d(self.trunk.channels, config.hidden_size, kernel_size=1)

    @property
    def weight(self) -> torch.Tensor:
        """What CLIP asks for the data type of its patch embedding."""
        return self.coarse.weight

    def project(self, fine: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """The trunk's two maps, as its `forward` gives them, as patch embeddings."""
        coarse = F.interpolate(self.coarse(last), size=fine.shape[-2:], mode="nearest")
        return self.fine(fine) + coarse

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) -> patch embeddings (B, D, H / p, W / p)."""
        return self.project(*self.trunk(pixel_values))


class TrunkEmbeddings(MeanTokenEmbeddings):
    """The tower's embeddings, with patches of a trunk."""

    patch_embedding: TrunkPatches  # type: ignore[assignment]

    def __init__(self, config: TrunkVisionConfig) -> None:
        super().__init__(config)
        self.patch_embedding = TrunkPatches(config)

    def arrange(self, patches: torch.Tensor) -> torch.Tensor:
        """Patch embeddings (B, D, h, w) -> tokens (B, 1 + h w, D), as `forward` makes them of pictures."""
        places = self.position_embedding(self.position_ids)
        tokens = patches.flatten(2).transpose(1, 2) + places[:, 1:]
        first = self.class_embedding + places[:, :1] + tokens.mean(dim=1, keepdim=True)
        return torch.cat([first, tokens], dim=1)


class TrunkVisionModel(CLIPVisionModel):
    """CLIP's vision tower behind EfficientNet-Lite0.

    >>> tower = TrunkVisionModel(TrunkVisionConfig(hidden_size=64, num_attention_heads=1, num_hidden_layers=2))
    >>> tower(pixel_values=torch.zeros(1, 3, 128, 128)).last_hidden_state.shape
    torch.Size([1, 65, 64])
    """

    config: TrunkVisionConfig
    embeddings: TrunkEmbeddings

    def __init__(self, config: TrunkVisionConfig) -> None:
        super().__init__(config)
        self.embeddings = TrunkEmbeddings(config)
        self.post_init()

    def read(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures (B, 3, H, W) -> the mean of the trunk's last map (B, 1280), hidden states (B, 1 + h w, D), the class token's
        (B, D): what `forward` calls `last_hidden_state` and `pooler_output`.
        """
        patches = self.embeddings.patch_embedding
        fine, last = patches.trunk(pixel_values.to(patches.weight.dtype))
        tokens = self.pre_layrnorm(self.embeddings.arrange(patches.project(fine, last)))
        hidden = self.encoder(inputs_embeds=tokens).last_hidden_state
        return last.mean(dim=(2, 3)), hidden, self.post_layernorm(hidden[:, 0])


class WordTags(nn.Module):
    """The words that a picture is likeliest to be described with, as tokens for a decoder."""

    def __init__(self, channels: int, width: int, num_words: int, num_tags: int) -> None:
        super().__init__()
        self.num_tags = num_tags
        self.words = nn.Linear(channels, num_words)
        self.embedding = nn.Embedding(num_words, width)
        self.certainty = nn.Linear(1, width)

    def forward(self, mean: torch.Tensor) -> torch.Tensor:
        """The mean of the trunk's last map (B, 1280) -> tokens (B, num_tags, D), the likeliest word first."""
        likely = self.words(mean.detach()).log_softmax(dim=-1).topk(self.num_tags, dim=-1)
        return self.embedding(likely.indices) + self.certainty(likely.values.detach()[..., None])


class TaggingVisionConfig(TrunkVisionConfig):
    """TrunkVisionConfig with a vocabulary of `num_words`, of which `num_tags` are told of each picture."""

    model_type = "tagging_clip_vision_model"

    num_words: int = 1000
    num_tags: int = 8


class TaggingVisionModel(TrunkVisionModel):
    """The tower with `num_tags` words after its patches: what a caption decoder attends to.

    >>> config = TaggingVisionConfig(hidden_size=64, num_attention_heads=1, num_hidden_layers=2, num_words=20, num_tags=4)
    >>> TaggingVisionModel(config)(pixel_values=torch.zeros(1, 3, 128, 128)).last_hidden_state.shape
    torch.Size([1, 69, 64])
    """

    config: TaggingVisionConfig

    def __init__(self, config: TaggingVisionConfig) -> None:
        super().__init__(config)
        self.tags = WordTags(EfficientNetLite.channels, config.hidden_size, config.num_words, config.num_tags)
        self.post_init()

    def forward(self, pixel_values: torch.Tensor, **_: object) -> BaseModelOutputWithPooling:
        """Pictures (B, 3, H, W) -> hidden states (B, 1 + h w + num_tags, D), and the class token's (B, D)."""
        mean, hidden, pooled = self.read(pixel_values)
        hidden = torch.cat([hidden, self.tags(mean)], dim=1)
        return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=pooled)


class TrunkCLIPConfig(CLIPConfig):
    """CLIPConfig with such a vision tower."""

    model_type = "trunk_clip"
    sub_configs_defaults: ClassVar[dict[str, type]] = {  # type: ignore[assignment]
        "vision_config": TrunkVisionConfig,
        "text_config": CLIPTextConfig,
    }


class TrunkCLIPModel(CLIPModel):
    """CLIP with that vision tower."""

    config: TrunkCLIPConfig

    def __init__(self, config: TrunkCLIPConfig) -> None:
        super().__init__(config)
        self.vision_model = TrunkVisionModel._from_config(config.vision_config)


# A captioner names its encoder by model type, a folder the CLIP in it; the library has to know whom to call.
for _config, _model in (
    (TrunkVisionConfig, TrunkVisionModel),
    (TaggingVisionConfig, TaggingVisionModel),
    (TrunkCLIPConfig, TrunkCLIPModel),
):
    AutoConfig.register(_config.model_type, _config)
    AutoModel.register(_config, _model)
