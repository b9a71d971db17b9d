"""Prompts in which one token is no word but an emotion (section III-B)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextModel, CLIPTextModelWithProjection, PreTrainedTokenizerBase
from transformers.masking_utils import create_causal_mask

from kcdp.knowledge.encoder import KnowledgeEncoder
from kcdp.knowledge.tokens import tokenize
from kcdp.offload import bring, execution_device

#: Where the emotion stands in a prompt.
PLACEHOLDER = "<emotion>"

#: The emotions of one prompt: each a vector (T,) and its weight.
WeightedTokens = Sequence[tuple[torch.Tensor, float]]


def blend(tokens: WeightedTokens, widths: Sequence[int] = ()) -> torch.Tensor:
    """One vector (T,) of several: the direction of their mean by weight, as long as they are.

    Vectors of different emotions are nearly at right angles, so that their plain mean is shorter than any vector that the
    denoiser has learned with, and moves the picture less. Of two vectors this is a point on the great circle between them.

    Args:
        tokens: the vectors and their weights.
        widths: of the parts that have a length of their own, one a text encoder; one part if not given.

    Raises ValueError without a vector, for a weight below 0, or when all weights are 0.
    """
    weights = [weight for _, weight in tokens]
    if not tokens or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(
            f"A prompt needs emotions with weights of 0 or above, not all of them 0; the weights are {weights}."
        )
    vectors = torch.stack([vector for vector, _ in tokens])
    return blend_rows(vectors[None], vectors.new_tensor(weights)[None], widths)[0]


def blend_rows(vectors: torch.Tensor, weights: torch.Tensor, widths: Sequence[int] = ()) -> torch.Tensor:
    """`blend` of the K vectors of each of B prompts: (B, K, T) and weights (B, K) of 0 or above, none all 0, -> (B, T)."""
    shares = (weights / weights.sum(dim=1, keepdim=True))[..., None]
    blended = []
    for part in vectors.split(list(widths) or [vectors.shape[2]], dim=2):
        length = (shares * part.norm(dim=2, keepdim=True)).sum(dim=1)
        blended.append(length * F.normalize((shares * part).sum(dim=1), dim=1))
    # One alone stays exactly as it is.
    single, alone = shares.argmax(dim=1, keepdim=True), (weights > 0).sum(dim=1, keepdim=True) == 1
    return torch.where(alone, vectors.take_along_dim(single, dim=1)[:, 0], torch.cat(blended, dim=1))


def token_ids(
    tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (B, L) of prompts with one position kept for the emotion, and where that is: (B,) int64.

    Each prompt is start, words, emotion, words, end, padded with the tokenizer's own padding as a plain prompt is. What is
    too long is cut at the end; words before the emotion only where they would push it out. A prompt that does not say where
    the emotion stands has it in front.

    Raises ValueError when a prompt has the placeholder more than once.
    """
    sides: list[str] = []
    for prompt in prompts:
        before, found, after = prompt.partition(PLACEHOLDER)
        if PLACEHOLDER in after:
            raise ValueError(f"A prompt can have {PLACEHOLDER} only once; this one has it more often: '{prompt}'.")
        sides.extend((before, after) if found else ("", prompt))
    encoded = tokenize(tokenizer, sides, length, add_special_tokens=False)
    words = [
        [token for token, real in zip(ids, mask, strict=True) if real]
        for ids, mask in zip(encoded.input_ids, encoded.attention_mask, strict=True)
    ]
    rows, places = [], []
    for before_ids, after_ids in zip(words[::2], words[1::2], strict=True):
        before_ids = before_ids[: length - 3]
        # The emotion's own id is never looked at: another vector takes the place of its embedding.
        row = [tokenizer.bos_token_id, *before_ids, tokenizer.eos_token_id, *after_ids][: length - 1]
        row.append(tokenizer.eos_token_id)
        rows.append(row + [tokenizer.pad_token_id] * (length - len(row)))
        places.append(1 + len(before_ids))
    return torch.tensor(rows), torch.tensor(places)


def _last_layers(
    text_encoder: Any, ids: torch.Tensor, places: torch.Tensor, vectors: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token states (B, L, T) after the last layer but one and after the last, not normalised.

    They are of what `token_ids` gave, with `vectors` (B, T) at their places.
    """
    words = text_encoder.embeddings.token_embedding(ids)
    emotion = torch.arange(ids.shape[1], device=ids.device) == places[:, None]
    own = vectors[:, None].to(words.dtype)
    # The model's own forward takes ids alone; its parts take embeddings.
    hidden = before = text_encoder.embeddings(inputs_embeds=torch.where(emotion[..., None], own, words))
    mask = create_causal_mask(
        config=text_encoder.config, inputs_embeds=hidden, attention_mask=None, past_key_values=None
    )
    for layer in text_encoder.encoder.layers:
        hidden, before = layer(hidden, mask, is_causal=True), hidden
    return before, hidden


@dataclass(frozen=True)
class Condition:
    """The text condition of a denoiser for B pictures.

    `states` (B, L, T) of all words. `added` is what SDXL's denoiser takes beside them: `text_embeds` (B, P), the sentence
    in one vector, and `time_ids` (B, 6), height and width of the original, top and left of the crop, height and width of
    the picture, all in pixels; empty for Stable Diffusion.
    """

    states: torch.Tensor
    added: dict[str, torch.Tensor] = field(default_factory=dict)

    def repeated(self, count: int) -> Condition:
        """This one, of one picture or of `count`, for as many."""
        added = {name: value.expand(count, *value.shape[1:]) for name, value in self.added.items()}
        return Condition(self.states.expand(count, *self.states.shape[1:]), added)

    @staticmethod
    def joined(parts: Sequence[Condition]) -> Condition:
        """One batch of several, one behind the other; all have the same parts."""
        added = {name: torch.cat([part.added[name] for part in parts]) for name in parts[0].added}
        return Condition(torch.cat([part.states for part in parts]), added)

    def replaced(self, other: Condition, rows: torch.Tensor) -> Condition:
        """`other`, of one picture, in the `rows` (B,) that are true, and this one in the others."""

        def chosen(own: torch.Tensor, instead: torch.Tensor) -> torch.Tensor:
            return torch.where(rows.reshape(-1, *[1] * (own.ndim - 1)), instead.to(own), own)

        added = {name: chosen(value, other.added[name]) for name, value in self.added.items()}
        return Condition(chosen(self.states, other.states), added)

    def to(self, dtype: torch.dtype) -> Condition:
        """This condition in another precision: every tensor as `dtype`."""
        return Condition(self.states.to(dtype), {name: value.to(dtype) for name, value in self.added.items()})

    def __getitem__(self, rows: torch.Tensor) -> Condition:
        """The conditions of the pictures `rows`, int64."""
        return Condition(self.states[rows], {name: value[rows] for name, value in self.added.items()})


@dataclass(frozen=True)
class PromptEncoder:
    """The text side of a text-to-image model: Stable Diffusion's one text encoder, or the two of SDXL.

    Of two, the states are those of the last layer but one, not normalised, side by side, and the second says the whole
    sentence in one vector as well. An emotion is then a vector for either encoder, one behind the other.

    Args:
        text_encoders: one `CLIPTextModel`, and for SDXL a `CLIPTextModelWithProjection` behind it.
        tokenizers: of each its own.
        size: side of the pictures in pixels, which SDXL wants to be told.
    """

    text_encoders: tuple[CLIPTextModel | CLIPTextModelWithProjection, ...]
    tokenizers: tuple[PreTrainedTokenizerBase, ...]
    size: int

    @classmethod
    def of(
        cls,
        size: int,
        *pairs: tuple[CLIPTextModel | CLIPTextModelWithProjection | None, PreTrainedTokenizerBase | None],
    ) -> PromptEncoder:
        """Of text encoders, each with its tokenizer; a pair of None, which a model of fewer has, is left out."""
        encoders, tokenizers = zip(*(pair for pair in pairs if pair[0] is not None), strict=True)
        return cls(encoders, tokenizers, size)

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of each text encoder; an emotion's vector is as long as all of them together."""
        return tuple(encoder.config.hidden_size for encoder in self.text_encoders)

    @property
    def length(self) -> int:
        """Most tokens that every text encoder takes, start, end and the emotion among them."""
        pairs = zip(self.text_encoders, self.tokenizers, strict=True)
        return min(KnowledgeEncoder(encoder, tokenizer).length for encoder, tokenizer in pairs)

    @property
    def embeddings(self) -> tuple[torch.Tensor, ...]:
        """The vectors (V, T) of all tokens, of each text encoder."""
        return tuple(cast(nn.Embedding, encoder.get_input_embeddings()).weight for encoder in self.text_encoders)

    def with_emotions(self, prompts: Sequence[str], tokens: Sequence[WeightedTokens]) -> Condition:
        """B > 0 prompts, each with its emotions in the place of its `PLACEHOLDER`.

        Several emotions in one prompt become one vector, see `blend`. `tokens` are the emotions of each prompt: vectors, as
        long as all `widths` together, on the text encoders' device, with weights of 0 or above.

        Raises ValueError when prompts and tokens differ in number, and as `blend` and `token_ids` do.
        """
        if len(prompts) != len(tokens):
            raise ValueError(f"There are {len(prompts)} prompts but emotions for {len(tokens)}; give them for each.")
        return self.encode_tokens(*self.tokens(prompts), torch.stack([blend(own, self.widths) for own in tokens]))

    def tokens(self, prompts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids (B, E, L) of prompts for each of E text encoders, and where the emotion is in them: (B, E) int64.

        See `token_ids`, whose errors it raises.
        """
        pairs = zip(self.text_encoders, self.tokenizers, strict=True)
        read = [
            token_ids(tokenizer, prompts, KnowledgeEncoder(encoder, tokenizer).length) for encoder, tokenizer in pairs
        ]
        ids, places = zip(*read, strict=True)
        return torch.stack(ids, dim=1), torch.stack(places, dim=1)

    def encode_tokens(self, ids: torch.Tensor, places: torch.Tensor, vectors: torch.Tensor) -> Condition:
        """The condition of the ids (B, E, L) and places (B, E) of `tokens`, with `vectors` (B, T) as embeddings at those places.

        T is the sum of `widths`.

        What a text encoder does is what it does with ids, but for that one embedding, and no attention mask: padding
        attends too, as in Stable Diffusion. Gradients reach the vectors; nothing of the text encoders is changed or hooked,
        so threads can share them.
        """
        states = []
        for number, (encoder, own) in enumerate(
            zip(self.text_encoders, vectors.split(self.widths, dim=1), strict=True)
        ):
            # The text tower itself: one with a projection holds it as `text_model`.
            model: Any = getattr(encoder, "text_model", encoder)
            # Its parts are called, not itself.
            bring(model)
            device = execution_device(model)
            words, here = ids[:, number].to(device), places[:, number].to(device)
            before, last = _last_layers(model, words, here, own)
            states.append(before)
        if len(states) == 1:
            return Condition(model.final_layer_norm(last))
        # The first end behind the emotion, whose own id says end as well.
        behind = torch.arange(words.shape[1], device=device) > here[:, None]
        ends = ((words == self.tokenizers[-1].eos_token_id) & behind).int().argmax(dim=1)
        pooled = model.final_layer_norm(last[torch.arange(len(words), device=device), ends])
        return self._of_two(states, cast(CLIPTextModelWithProjection, encoder).text_projection(pooled))

    @torch.no_grad()
    def plain(self, texts: Sequence[str]) -> Condition:
        """Texts without an emotion, as the library's own pipelines encode them."""
        if len(self.text_encoders) == 1:
            return Condition(KnowledgeEncoder(self.text_encoders[0], self.tokenizers[0]).encode_prompts(texts)[0])
        states = []
        for encoder, tokenizer in zip(self.text_encoders, self.tokenizers, strict=True):
            ids = tokenize(tokenizer, texts, KnowledgeEncoder(encoder, tokenizer).length, return_tensors="pt").input_ids
            encoded = encoder(ids.to(execution_device(encoder)), output_hidden_states=True)
            states.append(encoded.hidden_states[-2])
        return self._of_two(states, encoded.text_embeds)

    def nothing(self) -> Condition:
        """(1, L, T): what guidance leads away from where a call does not say.

        The empty prompt for Stable Diffusion; zeros for SDXL, as it was trained.
        """
        empty = self.plain([""])
        if len(self.text_encoders) == 1:
            return empty
        added = {**empty.added, "text_embeds": torch.zeros_like(empty.added["text_embeds"])}
        return Condition(torch.zeros_like(empty.states), added)

    def _of_two(self, states: Sequence[torch.Tensor], pooled: torch.Tensor) -> Condition:
        sizes = pooled.new_tensor([self.size, self.size, 0, 0, self.size, self.size])
        return Condition(
            torch.cat(list(states), dim=2), {"text_embeds": pooled, "time_ids": sizes.expand(len(pooled), -1)}
        )
