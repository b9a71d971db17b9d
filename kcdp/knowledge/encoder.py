"""Knowledge as the denoiser reads it: k = concat(c, t), the states of a caption and of its triplets, summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import CLIPTextModel, PreTrainedTokenizerBase

from kcdp.results import Triplet

CONDITIONS = ("both", "caption", "triplets")


@dataclass(frozen=True)
class KnowledgeEncoding:
    """Encoded knowledge of a batch.

    `states` is (B, 2L, D), the L caption states before the L triplet states, or (B, L, D) when one of the two alone is
    the condition. `pooled` is (B, 2, D), the end-of-text states of the caption and of the triplets (summed); the half
    that is not part of the condition is zero.
    """

    states: torch.Tensor
    pooled: torch.Tensor


@dataclass(frozen=True)
class KnowledgeEncoder:
    """Turns captions and triplets into k with a CLIP text encoder T (KCDP, section 4.1).

    L is the longest text that tokenizer and text encoder take (77 for CLIP), D the text encoder's width. The text
    encoder stays frozen: no gradient is kept.
    """

    text_encoder: CLIPTextModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def length(self) -> int:
        """L, the number of tokens that every text is padded or cut to."""
        return min(self.tokenizer.model_max_length, self.text_encoder.config.max_position_embeddings)

    @torch.no_grad()
    def encode(
        self, captions: Sequence[str], triplets: Sequence[Sequence[Triplet]], condition: str = "both"
    ) -> KnowledgeEncoding:
        """c = T(caption), t = sum_i T(triplet_i), or c where a caption has no triplet; k = concat(c, t).

        `captions` and `triplets` are parallel, one entry a picture. `condition` picks both halves of k or one of them
        (the ablation of table 4). All texts go through one call of the text encoder, equal texts only once.
        Raises ValueError for an unknown condition, and when the two lists are empty or differ in length.
        """
        if condition not in CONDITIONS:
            raise ValueError(f"Unknown condition '{condition}'; choose one of {', '.join(CONDITIONS)}.")
        if not captions:
            raise ValueError("No caption to encode; give at least one.")
        if len(captions) != len(triplets):
            raise ValueError(
                f"{len(captions)} captions but triplets for {len(triplets)}; give one list for each caption."
            )
        caption_texts = [[caption] for caption in captions]
        triplet_texts = [
            [str(triplet) for triplet in found] or [caption] for caption, found in zip(captions, triplets, strict=True)
        ]
        halves = [
            texts
            for name, texts in (("caption", caption_texts), ("triplets", triplet_texts))
            if condition in (name, "both")
        ]
        rows = {text: row for row, text in enumerate(dict.fromkeys(t for half in halves for own in half for t in own))}
        states, pooled = self.encode_prompts(list(rows))
        summed = [_sum_rows(_counts(half, rows, states), states, pooled) for half in halves]
        missing = [torch.zeros_like(summed[0][1])]
        pooled_halves = [half_pooled for _, half_pooled in summed]
        if condition == "caption":
            pooled_halves = pooled_halves + missing
        elif condition == "triplets":
            pooled_halves = missing + pooled_halves
        return KnowledgeEncoding(
            states=torch.cat([half_states for half_states, _ in summed], dim=1),
            pooled=torch.stack(pooled_halves, dim=1),
        )

    @torch.no_grad()
    def encode_prompts(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states (K, L, D) and end-of-text states (K, D) of K > 0 texts, padded or cut to L tokens."""
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self.length, return_tensors="pt"
        )
        # No attention mask, as in Stable Diffusion: the denoiser learned with states in which padding attends too.
        encoded = self.text_encoder(tokens.input_ids.to(self.text_encoder.device))
        return encoded.last_hidden_state, encoded.pooler_output


def _counts(texts: Sequence[Sequence[str]], rows: dict[str, int], like: torch.Tensor) -> torch.Tensor:
    """How often each of U unique texts belongs to each of B pictures: (B, U), dtype and device of `like`."""
    pairs = torch.tensor([(owner, rows[text]) for owner, own in enumerate(texts) for text in own]).T
    counts = torch.sparse_coo_tensor(pairs, torch.ones(pairs.shape[1]), (len(texts), len(rows)))
    return counts.to_dense().to(like)


def _sum_rows(counts: torch.Tensor, states: torch.Tensor, pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums (B, U) x (U, L, D) and (B, U) x (U, D); a product, since adding by index is not deterministic on a GPU."""
    return torch.einsum("bu,uld->bld", counts, states), counts @ pooled
