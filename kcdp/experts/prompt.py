"""Prompts in which one token is no word but an emotion (section III-B)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import CLIPTextModel, PreTrainedTokenizerBase
from transformers.masking_utils import create_causal_mask

from kcdp.knowledge.encoder import tokenize

#: Where the emotion stands in a prompt.
PLACEHOLDER = "<emotion>"

#: The emotions of one prompt: each a vector (T,) and its weight.
WeightedTokens = Sequence[tuple[torch.Tensor, float]]


def blend(tokens: WeightedTokens) -> torch.Tensor:
    """One vector (T,) of several: their mean by weight.

    Raises ValueError without a vector, for a weight below 0, or when all weights are 0.
    """
    weights = [weight for _, weight in tokens]
    if not tokens or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(
            f"A prompt needs emotions with weights of 0 or above, not all of them 0; the weights are {weights}."
        )
    return sum(vector * (weight / sum(weights)) for vector, weight in tokens)


def token_ids(
    tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (B, L) of prompts with one position kept for the emotion, and where that is: (B,) int64.

    Each prompt is start, words, emotion, words, end, padded with the tokenizer's own padding as a plain prompt is. What is
    too long is cut at the end; words before the emotion only where they would push it out. A prompt that does not say where
    the emotion stands has it in front.

    Raises ValueError when a prompt has the placeholder more than once.
    """
    sides = []
    for prompt in prompts:
        before, found, after = prompt.partition(PLACEHOLDER)
        if PLACEHOLDER in after:
            raise ValueError(f"A prompt can have {PLACEHOLDER} only once; this one has it more often: '{prompt}'.")
        sides += [before, after] if found else ["", prompt]
    encoded = tokenize(tokenizer, sides, length, add_special_tokens=False)
    words = [
        [token for token, real in zip(ids, mask, strict=True) if real]
        for ids, mask in zip(encoded.input_ids, encoded.attention_mask, strict=True)
    ]
    rows, places = [], []
    for before, after in zip(words[::2], words[1::2], strict=True):
        before = before[: length - 3]
        # The emotion's own id is never looked at: another vector takes the place of its embedding.
        row = [tokenizer.bos_token_id, *before, tokenizer.eos_token_id, *after][: length - 1]
        row.append(tokenizer.eos_token_id)
        rows.append(row + [tokenizer.pad_token_id] * (length - len(row)))
        places.append(1 + len(before))
    return torch.tensor(rows), torch.tensor(places)


def encode_prompts(
    text_encoder: CLIPTextModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    tokens: Sequence[WeightedTokens],
) -> torch.Tensor:
    """Token states (B, L, T) of B prompts, each with its emotions in the place of its `PLACEHOLDER`.

    Several emotions in one prompt become their mean by weight. What the text encoder does is what it does with ids, but for
    that one embedding, and no attention mask: padding attends too, as in Stable Diffusion. Gradients reach the vectors;
    nothing of the text encoder is changed or hooked, so threads can share it.

    Args:
        text_encoder: of width T.
        tokenizer: its own.
        prompts: B > 0 texts.
        tokens: for each prompt its emotions, vectors (T,) on the text encoder's device with weights of 0 or above.

    Raises ValueError when prompts and tokens differ in number, and as `blend` and `token_ids` do.
    """
    if len(prompts) != len(tokens):
        raise ValueError(f"There are {len(prompts)} prompts but emotions for {len(tokens)}; give them for each.")
    length = min(tokenizer.model_max_length, text_encoder.config.max_position_embeddings)
    ids, places = (part.to(text_encoder.device) for part in token_ids(tokenizer, prompts, length))
    return encode_ids(text_encoder, ids, places, torch.stack([blend(own) for own in tokens]))


def encode_ids(
    text_encoder: CLIPTextModel, ids: torch.Tensor, places: torch.Tensor, vectors: torch.Tensor
) -> torch.Tensor:
    """Token states (B, L, T) of what `token_ids` gave, with `vectors` (B, T) at their places; see `encode_prompts`."""
    words = text_encoder.embeddings.token_embedding(ids)
    emotion = torch.arange(ids.shape[1], device=ids.device) == places[:, None]
    own = vectors[:, None].to(words.dtype)
    # The model's own forward takes ids alone; its parts take embeddings.
    hidden = text_encoder.embeddings(inputs_embeds=torch.where(emotion[..., None], own, words))
    mask = create_causal_mask(
        config=text_encoder.config, inputs_embeds=hidden, attention_mask=None, past_key_values=None
    )
    states = text_encoder.encoder(inputs_embeds=hidden, attention_mask=mask, is_causal=True).last_hidden_state
    return text_encoder.final_layer_norm(states)
