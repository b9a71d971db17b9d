"""Knowledge as the denoiser reads it: k = concat(c, t), the states of a caption and of its triplets, summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from transformers import CLIPTextModel, CLIPTextModelWithProjection, PreTrainedTokenizerBase

from kcdp.knowledge.tokens import tokenize
from kcdp.offload import execution_device
from kcdp.results import Triplet

CONDITIONS = ("both", "caption", "triplets")
#: How a text becomes one vector: its end-of-text state, or the sum of its different words' embeddings. The state has learned
#: which sentence it is; a classifier of few pictures learns from words what they mean in sentences that it has not read.
Pooling = Literal["sentence", "words"]


@dataclass(frozen=True)
class KnowledgeEncoding:
    """Encoded knowledge of a batch.

    `states` is (B, 2L, D), the L caption states before the L triplet states, or (B, L, D) when one of the two alone is
    the condition. `pooled` is (B, 2, D), a vector of the caption (see `Pooling`) and one of the triplets (summed); the
    half that is not part of the condition is zero.
    """

    states: torch.Tensor
    pooled: torch.Tensor


@dataclass(frozen=True)
class KnowledgeEncoder:
    """Turns captions and triplets into k with a CLIP text encoder T (KCDP, section 4.1).

    L is the longest text that tokenizer and text encoder take (77 for CLIP), D the text encoder's width. The text
    encoder stays frozen: no gradient is kept.
    """

    text_encoder: CLIPTextModel | CLIPTextModelWithProjection
    tokenizer: PreTrainedTokenizerBase

    @property
    def length(self) -> int:
        """L, the number of tokens that every text is padded or cut to."""
        return min(self.tokenizer.model_max_length, self.text_encoder.config.max_position_embeddings)

    @torch.no_grad()
    def encode(
        self,
        captions: Sequence[str],
        triplets: Sequence[Sequence[Triplet]],
        condition: str = "both",
        pooling: Pooling = "sentence",
    ) -> KnowledgeEncoding:
        """c = T(caption), t = sum_i T(triplet_i), or c where a caption has no triplet; k = concat(c, t).

        `captions` and `triplets` are parallel, one entry a picture. `condition` picks both halves of k or one of them
        (the ablation of table 4), `pooling` what `pooled` is. All texts go through one call of the text encoder, equal
        texts only once. Raises ValueError for an unknown condition or pooling, and when the two lists are empty or differ
        in length.
        """
        if pooling not in get_args(Pooling):
            raise ValueError(f"Unknown pooling '{pooling}'; choose one of {', '.join(get_args(Pooling))}.")
        if condition not in CONDITIONS:
            raise ValueError(f"Unknown condition '{condition}'; choose one of {', '.join(CONDITIONS)}.")
        if not captions:
            raise ValueError("No caption to encode; give at least one.")
        if len(captions) != len(triplets):
            raise ValueError(
                f"{len(captions)} captions but triplets for {len(triplets)}; give one list for each caption."
            )
        texts = {
            "caption": [[caption] for caption in captions],
            "triplets": [[str(triplet) for triplet in own] or [captions[row]] for row, own in enumerate(triplets)],
        }
        asked = [half for half in texts if condition in (half, "both")]
        unique = list(dict.fromkeys(text for half in asked for own in texts[half] for text in own))
        states, pooled = self.encode_prompts(unique)
        if pooling == "words":
            pooled = self.encode_words(unique)
        counts = {half: _counts(texts[half], unique).to(states) for half in asked}
        nothing = pooled.new_zeros(len(captions), pooled.shape[1])
        # Sums as matrix products: adding by index is not deterministic on a GPU.
        return KnowledgeEncoding(
            states=torch.cat([torch.einsum("bu,uld->bld", counts[half], states) for half in asked], dim=1),
            pooled=torch.stack([counts[half] @ pooled if half in asked else nothing for half in texts], dim=1),
        )

    @torch.no_grad()
    def encode_prompts(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states (K, L, D) and end-of-text states (K, D) of K > 0 texts, padded or cut to L tokens."""
        tokens = tokenize(self.tokenizer, texts, self.length, return_tensors="pt")
        # No attention mask, as in Stable Diffusion: the denoiser learned with states in which padding attends too.
        encoded = self.text_encoder(tokens.input_ids.to(execution_device(self.text_encoder)))
        return encoded.last_hidden_state, encoded.pooler_output

    @torch.no_grad()
    def encode_words(self, texts: Sequence[str]) -> torch.Tensor:
        """(K, D) of K > 0 texts, cut to L tokens: the text encoder's input embeddings of a text's different tokens, summed.

        A text without a word is a vector of zeros.
        """
        device = execution_device(self.text_encoder)
        tokens = tokenize(self.tokenizer, texts, self.length, return_tensors="pt").input_ids.to(device)
        embeddings: Any = self.text_encoder.get_input_embeddings()
        table = embeddings.weight.to(device)
        said = table.new_zeros(len(texts), len(table)).scatter(1, tokens, 1)
        said[:, self.tokenizer.all_special_ids] = 0
        return said @ table


def _counts(texts: Sequence[Sequence[str]], unique: Sequence[str]) -> torch.Tensor:
    """How often each of U unique texts belongs to each of B pictures: (B, U) float32."""
    rows = {text: row for row, text in enumerate(unique)}
    owners, columns = torch.tensor([(owner, rows[text]) for owner, own in enumerate(texts) for text in own]).T
    return torch.zeros(len(texts), len(unique)).index_put((owners, columns), torch.ones(()), accumulate=True)
