"""Counterfactual-Enhanced Language-Image Emotional Alignment (section 4.2, eq. 8, 9 and 11)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F


def emotion_prompts(labels: Sequence[str]) -> list[str]:
    """One prompt p_i for each emotion; the prompts of the other emotions are its counterfactuals p*."""
    return [f"A {label} photo of" for label in labels]


class KnowledgeAttention(nn.Module):
    """s_i = mean over tokens of MHA(CLIP(p_i) (+) k): multi-head self-attention over a prompt joined with knowledge.

    Equal to `nn.MultiheadAttention` on every (picture, prompt) pair's joined sequence followed by a mean, but prompts
    and knowledge are projected once each rather than once a pair, and the output projection acts on the mean (it is
    affine, so the two commute).
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.in_proj = nn.Linear(dim, 3 * dim)
        self.out_proj = nn.Linear(dim, dim)
        # As nn.MultiheadAttention starts its own.
        nn.init.xavier_uniform_(self.in_proj.weight)
        nn.init.zeros_(self.in_proj.bias)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, prompts: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Prompts (K, L, D) and knowledge (B, T, D) -> s (B, K, D)."""
        pairs = (len(states), len(prompts))
        from_prompts = self.in_proj(prompts)[None].expand(*pairs, -1, -1)
        from_states = self.in_proj(states)[:, None].expand(*pairs, -1, -1)
        joined = torch.cat([from_prompts, from_states], dim=2).flatten(0, 1)
        query, key, value = joined.unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.out_proj(attended.mean(dim=2).flatten(1)).unflatten(0, pairs)


class CLIEA(ModelMixin, ConfigMixin):
    """Y_{v,k,p}: how close a picture is to the prompt of each emotion, given its knowledge (eq. 9).

    The two parts of table 3 are switches:

    - `use_mha`: s_i by `KnowledgeAttention`; without, s_i is the plain mean of the same tokens;
    - `use_mapping`: v' = Linear(v); without, v' = v through a fixed random orthonormal map (the identity where the
      widths agree), which gets v into a space of the text's width and learns nothing.

    With neither, nothing here learns. The table's "CLIP (vanilla)" is another thing, see `clip_similarities`.

    Args:
        visual_dim: length of v.
        text_dim: width D of the text states.
        num_heads: heads of the attention.

    Raises ValueError when `num_heads` does not divide `text_dim`.
    """

    @register_to_config
    def __init__(
        self,
        visual_dim: int = 1024,
        text_dim: int = 768,
        num_heads: int = 8,
        use_mha: bool = True,
        use_mapping: bool = True,
    ) -> None:
        super().__init__()
        if text_dim % num_heads:
            raise ValueError(f"The number of heads must divide the text width {text_dim}; {num_heads} does not.")
        self.attention = KnowledgeAttention(text_dim, num_heads) if use_mha else None
        self.mapping = nn.Linear(visual_dim, text_dim) if use_mapping else None
        if not use_mapping:
            fixed = torch.eye(text_dim)
            if visual_dim != text_dim:
                fixed = torch.empty(text_dim, visual_dim)
                nn.init.orthogonal_(fixed, generator=torch.Generator().manual_seed(0))
            self.register_buffer("fixed_mapping", fixed)

    def forward(
        self, v: torch.Tensor, states: torch.Tensor, prompts: torch.Tensor, owner: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v (B, visual_dim), knowledge k (B, T, D), prompt states (K, L, D) -> cosines (B, K) in [-1, 1].

        With `owner` (B,) int64 there are fewer k than v, and the k of each v is that of this number: views of a picture share it.
        """
        visual = F.linear(v, self.fixed_mapping) if self.mapping is None else self.mapping(v)
        if self.attention is None:
            tokens = prompts.shape[1] + states.shape[1]
            textual = (prompts.sum(dim=1)[None] + states.sum(dim=1)[:, None]) / tokens
        else:
            textual = self.attention(prompts, states)
        if owner is not None:
            textual = textual[owner]
        return F.cosine_similarity(visual[:, None], textual, dim=-1)


def clip_similarities(image_embeds: torch.Tensor, prompt_embeds: torch.Tensor) -> torch.Tensor:
    """Table 3's "CLIP (vanilla)": cosines (B, K) between CLIP embeddings of pictures (B, P) and of prompts (K, P)."""
    return F.cosine_similarity(image_embeds[:, None], prompt_embeds[None], dim=-1)


def tie(similarities: torch.Tensor) -> torch.Tensor:
    """Total indirect effect of each emotion's prompt (eq. 8): (B, K) -> (B, K).

    TIE_i = Y_{p_i} - mean over j != i of Y_{p_j}: the factual prompt's outcome minus that of the counterfactual ones.
    Raises ValueError for fewer than two emotions, which leave no counterfactual.
    """
    classes = similarities.shape[-1]
    if classes < 2:
        raise ValueError("The effect of a prompt needs at least two emotions to compare.")
    others = (similarities.sum(dim=-1, keepdim=True) - similarities) / (classes - 1)
    return similarities - others


def pseudo_labels(similarities: torch.Tensor) -> torch.Tensor:
    """The emotion whose prompt is nearest (eq. 11): (B, K) -> int64 (B,)."""
    return similarities.argmax(dim=-1)
