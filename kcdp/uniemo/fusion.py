"""Fusion of class token and expert queries into one vector that a prompt can carry (section III-B, reconstructed)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from kcdp.uniemo.query_chain import ChainOutput

Use = Literal["cls", "cls+scene", "cls+object", "all"]


def pooled_features(output: ChainOutput) -> torch.Tensor:
    """Inputs of the fusion and of the emotion space: (B, 3, W), class token, mean scene query, mean object query.

    A chain without queries has zeros in their places.
    """
    queries = (output.scene, output.object)
    # The mean of nothing would not be a number.
    pooled = [states.sum(dim=1) / max(1, states.shape[1]) for states in queries]
    return torch.stack([output.cls, *pooled], dim=1)


class DirectionHead(nn.Linear):
    """A linear classifier of a vector's direction: inputs (B, T) are first brought to length sqrt(T).

    Fused vectors are as short as a token's embedding; read as they are, logits would take thousands of steps to grow.
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(B, T) -> logits (B, K)."""
        return super().forward(F.normalize(inputs, dim=-1) * math.sqrt(self.in_features))


class EmotionFusion(ModelMixin, ConfigMixin):
    """F = M_cls(CLS) + alpha_S M_S(Q_S) + alpha_O M_O(Q_O), and with `token_length` brought to the size of a token's embedding.

    Why the size, of which the paper says nothing: F stands among the embeddings of ordinary words, to which position
    embeddings of that size are added before anything normalises. The plain sum is longer or shorter with every alpha,
    and a vector ten times as long as a word drowns its own position. So there the sum says the direction only, and the
    length is one learned number that begins at the mean length of the text encoder's token embeddings. How much an
    attribute counts is in the direction still.

    `head` says the emotion of F, and the rows of its weight are the emotions' prototypes, for the emotional condition loss.

    Args:
        width: W, of the vision tower.
        text_dim: T, of the text encoder; of each where there are two, as SDXL has. F is as long as both together, and
            each part of it has a length of its own.
        num_classes: K.
        token_norm: mean length of the text encoder's token embeddings, or of each.
        use: what is fused; the rows of table V. Without the correlation coefficient, alphas are 1.
        token_length: bring F to the length of a token; without, F is the sum as it is, as in the paper.

    Raises ValueError for an unknown `use`, a `token_norm` that is not above 0, or not one for each text encoder.
    """

    @register_to_config
    def __init__(
        self,
        width: int = 1024,
        text_dim: int | Sequence[int] = 768,
        num_classes: int = 8,
        token_norm: float | Sequence[float] = 0.4,
        use: Use = "all",
        token_length: bool = True,
    ) -> None:
        super().__init__()
        if use not in get_args(Use):
            raise ValueError(f"Unknown use '{use}'; choose one of {', '.join(get_args(Use))}.")
        lengths = [token_norm] if isinstance(token_norm, (int, float)) else list(token_norm)
        if min(lengths) <= 0:
            raise ValueError(f"The length of a token's embedding must be above 0, not {min(lengths)}.")
        if len(lengths) != len(self.text_dims):
            raise ValueError(
                f"There are {len(self.text_dims)} text encoders but {len(lengths)} lengths of their tokens' embeddings; "
                "give one for each."
            )

        def mapper() -> nn.Sequential:
            return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, sum(self.text_dims)))

        self.map_cls = mapper()
        self.map_scene = mapper() if use in ("cls+scene", "all") else None
        self.map_object = mapper() if use in ("cls+object", "all") else None
        logs = [math.log(length) for length in lengths]
        self.log_norm = nn.Parameter(torch.tensor(logs if len(logs) > 1 else logs[0])) if token_length else None
        self.head = DirectionHead(sum(self.text_dims), num_classes)

    @property
    def text_dims(self) -> tuple[int, ...]:
        """T of each text encoder."""
        widths = self.config.text_dim
        return (widths,) if isinstance(widths, int) else tuple(widths)

    @property
    def prototypes(self) -> torch.Tensor:
        """A vector for each emotion, (K, T), in the space of F."""
        return self.head.weight

    def forward(
        self,
        cls: torch.Tensor,
        scene: torch.Tensor,
        object: torch.Tensor,
        alpha_scene: torch.Tensor,
        alpha_object: torch.Tensor,
    ) -> torch.Tensor:
        """Class token and mean-pooled queries, each (B, W), and their coefficients (B,) -> F (B, T).

        T is the sum of `text_dims`.
        """
        fused = self.map_cls(cls)
        if self.map_scene is not None:
            fused = fused + alpha_scene[:, None] * self.map_scene(scene)
        if self.map_object is not None:
            fused = fused + alpha_object[:, None] * self.map_object(object)
        if self.log_norm is None:
            return fused
        parts = zip(self.log_norm.exp().flatten(), fused.split(self.text_dims, dim=-1), strict=True)
        return torch.cat([length * F.normalize(part, dim=-1) for length, part in parts], dim=-1)
