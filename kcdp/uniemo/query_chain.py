"""The hierarchical emotional understanding chain with learnable expert queries (section III-A, eq. 1 to 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionModel
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

BlockKeys = Literal["patches", "all"]
Strategy = Literal["multi-stage", "single-step", "none"]

#: log(1 / tau) to begin with, as CLIP keeps it; tau is 0.07.
LOGIT_SCALE = math.log(1 / 0.07)


def tower_pixels(vision: CLIPVisionModel, pictures: torch.Tensor) -> torch.Tensor:
    """Square pictures (B, 3, H, H) in [-1, 1] as a tower wants them: (B, 3, S, S), its own size, colours scaled.

    `image_mean` and `image_std` in the tower's configuration are what is subtracted from pixels in [0, 1] and divided by,
    for each colour; CLIP's own numbers where it has none, as the configurations on the Hub.
    """
    config = vision.config
    if pictures.shape[-1] != config.image_size:
        side: Any = config.image_size
        pictures = F.interpolate(pictures, size=(side, side), mode="bicubic", antialias=True).clamp(-1, 1)
    usual = {"image_mean": OPENAI_CLIP_MEAN, "image_std": OPENAI_CLIP_STD}
    mean, std = (pictures.new_tensor(getattr(config, name, own))[:, None, None] for name, own in usual.items())
    return ((pictures / 2 + 0.5 - mean) / std).to(vision.dtype)


@dataclass(frozen=True)
class ChainOutput:
    """Outputs of the chain for B pictures, with M queries of either kind.

    `cls` (B, W): the class token after the tower's last layer and norm. `scene`, `object` (B, M, W): the queries after the
    last layer, as they are in the sequence; without queries (B, 0, W). `scene_embeds`, `object_embeds` (B, P): unit
    vectors in the space that pictures and texts share, from the mean of the queries right after their interactive block.
    `logits` (B, K). `scene_attention`, `object_attention` (B, h, w): where the last layer of the interactive block looked,
    mean over heads and queries, each map sums to 1.

    Embeddings are None without queries, maps also where nobody asked for them.
    """

    cls: torch.Tensor
    scene: torch.Tensor
    object: torch.Tensor
    scene_embeds: torch.Tensor | None
    object_embeds: torch.Tensor | None
    logits: torch.Tensor
    scene_attention: torch.Tensor | None = None
    object_attention: torch.Tensor | None = None


class InteractiveLayer(nn.Module):
    """Cross-attention from queries to image tokens, then a feed-forward network, each with its residual (eq. 2).

    The tower's hidden states grow from layer to layer, so both sides are normalised first, as the tower itself does.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.norm_queries = nn.LayerNorm(width)
        self.norm_tokens = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, num_heads, batch_first=True)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(
        self, queries: torch.Tensor, tokens: torch.Tensor, attention: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Queries (B, M, W), tokens (B, n, W) -> refined queries, and with `attention` weights (B, M, n), mean over heads."""
        keys = self.norm_tokens(tokens)
        found, weights = self.attention(self.norm_queries(queries), keys, keys, need_weights=attention)
        queries = queries + found
        return queries + self.mlp(self.norm_mlp(queries)), weights


class InteractiveBlock(nn.Module):
    """Refines queries by what the image tokens say (eq. 2), and adds that to them in small measure (eq. 3).

    `beta` is a weight for each channel that begins at the value given; None lets the refined queries take the place of
    what they were made from, as the released code does.
    """

    def __init__(self, width: int, num_heads: int, num_layers: int, beta: float | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(InteractiveLayer(width, num_heads) for _ in range(num_layers))
        self.beta = None if beta is None else nn.Parameter(torch.full((width,), beta))

    def forward(
        self, queries: torch.Tensor, tokens: torch.Tensor, attention: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Queries (B, M, W) after all layers, and the attention weights of the last one."""
        refined, weights = queries, None
        for number, layer in enumerate(self.layers, 1):
            refined, weights = layer(refined, tokens, attention and number == len(self.layers))
        return refined if self.beta is None else queries + self.beta * refined, weights


class ExpertQueryChain(ModelMixin, ConfigMixin):
    """Scene queries, then object queries, join the tokens of a vision tower and are taught what they stand for.

    The tower's N layers fall into three stages. Scene queries run with the class token and the patches through layers 1
    to L1 (eq. 1), object queries join for L1 + 1 to L2, and all go on together to N. After its own stage each set of
    queries looks at the patches once more, in its interactive block.

    The tower is not part of this network: it is shared with others and passed in. Gradients flow through it.

    Args:
        width, num_heads, num_layers: of the tower; the blocks' attention has as many heads.
        scene_layer, object_layer: L1 and L2, the layers after which the interactive blocks stand.
        num_queries: M, queries of either kind.
        block_layers: layers of an interactive block.
        block_keys: what the blocks look at, "patches" (paper) or "all" with the class token (released).
        beta: where the weights of eq. 3 begin; None lets the refined queries replace the others (released).
        strategy: "multi-stage"; "single-step" has both kinds join at layer 1; "none" is the tower with its head alone.
        embed_dim: P, width of the space that pictures and texts share.
        num_classes: K.
        head_dim, dropout: hidden width and dropout of the emotion head.

    Raises ValueError for unknown `block_keys` or `strategy`, heads that do not divide the width, layers in the wrong
    order, or fewer than one query.
    """

    @register_to_config
    def __init__(
        self,
        width: int = 1024,
        num_heads: int = 16,
        num_layers: int = 24,
        scene_layer: int = 8,
        object_layer: int = 16,
        num_queries: int = 32,
        block_layers: int = 2,
        block_keys: BlockKeys = "patches",
        beta: float | None = 1e-4,
        strategy: Strategy = "multi-stage",
        embed_dim: int = 768,
        num_classes: int = 8,
        head_dim: int = 768,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        for name, value, known in (("block_keys", block_keys, BlockKeys), ("strategy", strategy, Strategy)):
            if value not in get_args(known):
                raise ValueError(f"Unknown {name} '{value}'; choose one of {', '.join(get_args(known))}.")
        if width % num_heads:
            raise ValueError(f"The number of heads must divide the width {width}; {num_heads} does not.")
        if not 1 <= scene_layer < object_layer <= num_layers:
            raise ValueError(
                f"The scene's layer must come before the object's, both from 1 to {num_layers}; "
                f"they are {scene_layer} and {object_layer}."
            )
        if num_queries < 1:
            raise ValueError(f"The chain needs at least one query of either kind, not {num_queries}.")
        if strategy != "none":
            self.scene_queries = nn.Parameter(0.02 * torch.randn(num_queries, width))
            self.object_queries = nn.Parameter(0.02 * torch.randn(num_queries, width))
            self.scene_block = InteractiveBlock(width, num_heads, block_layers, beta)
            self.object_block = InteractiveBlock(width, num_heads, block_layers, beta)
            self.scene_projection = nn.Linear(width, embed_dim, bias=False)
            self.object_projection = nn.Linear(width, embed_dim, bias=False)
            #: log(1 / tau) of eq. 4.
            self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE))
        self.head = nn.Sequential(
            nn.Linear(width, head_dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(head_dim, num_classes)
        )

    def forward(self, vision: CLIPVisionModel, pixel_values: torch.Tensor, attention: bool = True) -> ChainOutput:
        """Pictures (B, 3, H, W), prepared as `vision` wants them -> `ChainOutput`, with maps if `attention`.

        Raises ValueError when width or number of layers of `vision` are not those of the configuration.
        """
        return self.forward_tokens(vision, self.embed(vision, pixel_values), attention)

    def embed(self, vision: CLIPVisionModel, pixel_values: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) -> the tokens before the first layer (B, 1 + n, W), the class token first."""
        return vision.pre_layrnorm(vision.embeddings(pixel_values))

    def forward_tokens(self, vision: CLIPVisionModel, tokens: torch.Tensor, attention: bool = True) -> ChainOutput:
        """Tokens (B, 1 + n, W) of `embed` through the tower's layers with the queries; raises ValueError as `forward` does."""
        config = self.config
        tower = (vision.config.hidden_size, vision.config.num_hidden_layers)
        if tower != (config.width, config.num_layers):
            raise ValueError(
                f"The chain is made for a tower of width {config.width} with {config.num_layers} layers; "
                f"this one has width {tower[0]} and {tower[1]}."
            )
        # Without queries both kinds are there all the time, none of each.
        scene = objects = tokens[:, :0]
        scene_embeds = object_embeds = scene_map = object_map = None
        asking = config.strategy != "none"
        if asking:
            scene = self.scene_queries.expand(len(tokens), -1, -1)
        if config.strategy == "single-step":
            objects = self.object_queries.expand(len(tokens), -1, -1)
        for number, layer in enumerate(vision.encoder.layers, 1):
            sizes = (tokens.shape[1], scene.shape[1], objects.shape[1])
            states = layer(torch.cat([tokens, scene, objects], dim=1), attention_mask=None)
            tokens, scene, objects = states.split(sizes, dim=1)
            if asking and number == config.scene_layer:
                scene, scene_map = self._refine(self.scene_block, scene, tokens, attention)
                scene_embeds = F.normalize(self.scene_projection(scene.mean(dim=1)), dim=-1)
                if config.strategy == "multi-stage":
                    objects = self.object_queries.expand(len(tokens), -1, -1)
            if asking and number == config.object_layer:
                objects, object_map = self._refine(self.object_block, objects, tokens, attention)
                object_embeds = F.normalize(self.object_projection(objects.mean(dim=1)), dim=-1)
        cls = vision.post_layernorm(tokens[:, 0])
        return ChainOutput(cls, scene, objects, scene_embeds, object_embeds, self.head(cls), scene_map, object_map)

    def _refine(
        self, block: InteractiveBlock, queries: torch.Tensor, tokens: torch.Tensor, attention: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Queries (B, M, W) after their block, and with `attention` the map (B, h, w) over a square of patches."""
        patches_alone = self.config.block_keys == "patches"
        queries, weights = block(queries, tokens[:, 1:] if patches_alone else tokens, attention)
        if weights is None:
            return queries, None
        patches = weights.mean(dim=1)[:, 0 if patches_alone else 1 :]
        side = math.isqrt(patches.shape[1])
        return queries, (patches / patches.sum(dim=1, keepdim=True)).unflatten(1, (side, side))
