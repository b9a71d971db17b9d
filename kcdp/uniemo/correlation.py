"""The emotional correlation coefficient: how much an attribute of a picture has to do with an emotion (section III-B).

The paper's formulas 5 and 6 are lost in print; what is here is reconstructed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch.nn import functional as F

from kcdp.uniemo.query_chain import ChainOutput

Kind = Literal["scene", "object"]


def estimate(probabilities: torch.Tensor, memberships: Sequence[Sequence[int]], num_attributes: int) -> torch.Tensor:
    """alpha[attribute, emotion]: what a classifier says of the pictures that carry an attribute, on average.

    Args:
        probabilities: (N, K), the classifier's softmax for each picture; rows sum to 1.
        memberships: the indices of the attributes that each of the N pictures carries.
        num_attributes: A.

    Returns (A, K); rows sum to 1, but those of attributes that no picture carries are 0: nothing is known of them.
    Raises ValueError when pictures and memberships differ in number, or for an attribute outside 0 to A - 1.
    """
    if len(memberships) != len(probabilities):
        raise ValueError(f"There are {len(probabilities)} pictures but attributes for {len(memberships)}.")
    pairs = [(row, attribute) for row, carried in enumerate(memberships) for attribute in set(carried)]
    wrong = [attribute for _, attribute in pairs if not 0 <= attribute < num_attributes]
    if wrong:
        raise ValueError(f"There is no attribute {wrong[0]}; they are numbered from 0 to {num_attributes - 1}.")
    carries = torch.zeros(num_attributes, len(probabilities), dtype=probabilities.dtype, device=probabilities.device)
    for row, attribute in pairs:
        carries[attribute, row] = 1
    return carries @ probabilities / carries.sum(dim=1, keepdim=True).clamp(min=1)


class EmotionalCorrelation(ModelMixin, ConfigMixin):
    """A table of attributes: the vector of each one's name, and its coefficient for each emotion.

    What a query found is named by the attribute whose text is nearest. Nothing here learns.

    Args:
        attributes: the names of A attributes; of the scenes first, if `num_scenes` is given.
        num_classes: K.
        embed_dim: P, width of the space that pictures and texts share.
        num_scenes: how many of the attributes are scenes, the rest being objects, so that a scene query is never told
            that it saw a cat; None does not tell them apart.
        threshold: cosine below which an attribute counts as unknown.

    Raises ValueError without an attribute, or when `num_scenes` leaves no scene or no object.
    """

    @register_to_config
    def __init__(
        self,
        attributes: list[str],
        num_classes: int = 8,
        embed_dim: int = 768,
        num_scenes: int | None = None,
        threshold: float = 0.0,
    ) -> None:
        super().__init__()
        if not attributes:
            raise ValueError("The correlation needs at least one attribute; give their names.")
        if num_scenes is not None and not 1 <= num_scenes < len(attributes):
            raise ValueError(
                f"Of {len(attributes)} attributes {num_scenes} cannot be scenes: at least one has to be a scene, "
                "and one an object."
            )
        self.register_buffer("embeds", torch.zeros(len(attributes), embed_dim))
        self.register_buffer("coefficients", torch.zeros(len(attributes), num_classes))

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        attributes: Sequence[str],
        embeds: torch.Tensor,
        coefficients: torch.Tensor,
        num_scenes: int | None = None,
        threshold: float = 0.0,
    ) -> EmotionalCorrelation:
        """A table of A names, their text vectors (A, P) of any length, and coefficients (A, K) from `estimate`.

        Raises ValueError when the three differ in number, and as the class does.
        """
        if not len(attributes) == len(embeds) == len(coefficients):
            raise ValueError(
                f"There are {len(attributes)} attributes, {len(embeds)} vectors and {len(coefficients)} rows of "
                "coefficients; give one of each."
            )
        table = cls(list(attributes), coefficients.shape[1], embeds.shape[1], num_scenes, threshold)
        table.embeds.copy_(F.normalize(embeds, dim=-1))
        table.coefficients.copy_(coefficients)
        return table

    def nearest(
        self, embeds: torch.Tensor, threshold: float | None = None, kind: Kind | None = None
    ) -> tuple[torch.Tensor, list[str | None], torch.Tensor]:
        """The attribute whose text is nearest to each of `embeds` (B, P), unit vectors.

        Args:
            embeds: from the chain.
            threshold: in place of the configured one.
            kind: look among scenes or among objects alone, where the table tells them apart.

        Returns indices (B,) int64, names, cosines (B,); an attribute further off than the threshold is -1 and None.
        """
        scenes = self.config.num_scenes
        first, last = 0, len(self.embeds)
        if scenes is not None and kind is not None:
            first, last = (0, scenes) if kind == "scene" else (scenes, last)
        # In 32 bits: halves of two near cosines are often the same.
        cosines, indices = (embeds.float() @ self.embeds[first:last].float().T).max(dim=1)
        limit = self.config.threshold if threshold is None else threshold
        indices = torch.where(cosines < limit, -1, indices + first)
        names = [None if index < 0 else self.config.attributes[index] for index in indices.tolist()]
        return indices, names, cosines

    def coefficients_of(
        self,
        embeds: torch.Tensor,
        weights: torch.Tensor,
        threshold: float | None = None,
        kind: Kind | None = None,
    ) -> torch.Tensor:
        """alpha (B,) in [0, 1] of what queries found, for the emotions that are meant.

        `embeds` (B, P) and the rest as for `nearest`; `weights` (B, K) of the emotions: one-hot for a label, a classifier's
        probabilities where there is none. An unknown attribute has 0.
        """
        indices = self.nearest(embeds, threshold, kind)[0]
        alpha = (self.coefficients[indices.clamp(min=0)] * weights).sum(dim=1)
        return alpha.masked_fill(indices < 0, 0)

    def alphas(self, output: ChainOutput, weights: torch.Tensor) -> torch.Tensor:
        """(B, 2): the alpha of each picture's scene and of its object for `weights` (B, K); 0 for a chain without queries."""
        if output.scene_embeds is None or output.object_embeds is None:
            return weights.new_zeros(len(weights), 2)
        found: tuple[tuple[Kind, torch.Tensor], ...] = (
            ("scene", output.scene_embeds),
            ("object", output.object_embeds),
        )
        return torch.stack([self.coefficients_of(embeds, weights, kind=kind) for kind, embeds in found], dim=1)
