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


#: Queries, keys and values of N texts of L tokens, each (H, N, L, D / H).
Heads = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class KnowledgeAttention(nn.Module):
    """s_i = mean over tokens of MHA(CLIP(p_i) (+) k): multi-head self-attention over a prompt joined with knowledge.

    Equal to `nn.MultiheadAttention` on every (picture, prompt) pair's joined sequence followed by a mean. No pair is joined,
    though: what a prompt's tokens say to each other is the same for every picture, and what a picture's say for every
    prompt, so a pair has only the scores of one's tokens with the other's. And the mean comes first: of the probabilities,
    before values are weighed and projected by it (that is affine, so the two commute).
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
        #: What `_heads_of_prompts` has given, of what memory in which version, and that memory, held so that no other comes to lie there.
        self._known: tuple[list[object], list[torch.Tensor], Heads] | None = None

    def forward(self, prompts: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Prompts (K, L, D) and knowledge (B, T, D) -> s (B, K, D)."""
        query, key, value = self._heads_of_prompts(prompts)  # (H, K, L, D / H)
        query_of_k, key_of_k, value_of_k = self._heads(states)  # (H, B, T, D / H)
        pairs = (-1, len(states), len(prompts), prompts.shape[1], states.shape[1])
        own, own_sum, own_log = _exponentials(query @ key.mT, -1)
        own_of_k, own_of_k_sum, own_of_k_log = _exponentials(query_of_k @ key_of_k.mT, -1)
        # Both (H, B, K, L, T): a prompt's tokens ask those of k, and are asked by them.
        asking, asking_sum, asking_log = _exponentials((query.flatten(1, 2)[:, None] @ key_of_k.mT).view(pairs), -1)
        asked, asked_sum, asked_log = _exponentials((key.flatten(1, 2)[:, None] @ query_of_k.mT).view(pairs), -2)
        # What of a token's attention stays on its own side: two softmaxes are one, weighed by their sums of exponentials.
        share = torch.sigmoid(own_log[:, None] - asking_log)  # (H, B, K, L)
        share_of_k = torch.sigmoid(own_of_k_log[:, :, None] - asked_log)  # (H, B, K, T)
        # Sums over the tokens that attend, each divided by what makes its exponentials probabilities.
        to_prompt = ((share / own_sum[:, None]).transpose(1, 2) @ own).transpose(1, 2)
        to_prompt = to_prompt + (asked @ ((1 - share_of_k) / asked_sum)[..., None]).squeeze(-1)
        to_k = (share_of_k / own_of_k_sum[:, :, None]) @ own_of_k
        to_k = to_k + (((1 - share) / asking_sum)[..., None, :] @ asking).squeeze(-2)
        found = (to_prompt.transpose(1, 2) @ value).transpose(1, 2) + to_k @ value_of_k
        mean = found / (prompts.shape[1] + states.shape[1])
        return self.out_proj(mean.permute(1, 2, 0, 3).flatten(2))

    def _heads_of_prompts(self, prompts: torch.Tensor) -> Heads:
        """`_heads` of prompts, which are the same for every picture: computed once where no gradient is asked for."""
        made_of = [prompts, self.in_proj.weight, self.in_proj.bias]
        if torch.is_grad_enabled() or any(tensor.is_inference() for tensor in made_of):
            return self._heads(prompts)
        state: list[object] = [
            (tensor.data_ptr(), tensor._version, tensor.shape, tensor.stride(), tensor.dtype) for tensor in made_of
        ]
        if self._known is None or self._known[0] != state:
            self._known = state, [tensor.detach() for tensor in made_of], self._heads(prompts)
        return self._known[2]

    def _heads(self, tokens: torch.Tensor) -> Heads:
        """Tokens (N, L, D) in heads, the queries scaled."""
        query, key, value = self.in_proj(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(2, 3, 0, 1, 4)
        return query * query.shape[-1] ** -0.5, key, value


def _exponentials(scores: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Exponentials of scores below their largest over `dim`, their sums, and the logarithms of the sums of what `exp` gives."""
    top = scores.detach().amax(dim, keepdim=True)
    exponentials = (scores - top).exp()
    total = exponentials.sum(dim)
    return exponentials, total, top.squeeze(dim) + total.log()


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
