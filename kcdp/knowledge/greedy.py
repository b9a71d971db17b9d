"""Greedy captions without the library's machinery: what `generate` writes, in an eighth of its decoder's time.

A step of a small decoder is half a millisecond of matrix products; `generate` and BERT's own forward spend ten times that
on masks, caches and checks that a picture's caption, which begins with one token and pads nothing, does not need. What is left
is the time to read the weights from memory once a word, so those that lose nothing by it are read in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional as F
from transformers import BertLMHeadModel, PreTrainedModel, VisionEncoderDecoderModel
from transformers.models.bert.modeling_bert import BertAttention, BertLayer

#: Settings of a generation that `greedy` follows; with others `generate` is asked.
_KNOWN = {"bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "use_cache", "transformers_version"}


def fits(model: PreTrainedModel) -> bool:
    """Whether `greedy` writes what `model.generate` does: an encoder before BERT, all weights here, no special settings."""
    if not isinstance(model, VisionEncoderDecoderModel) or type(model.decoder) is not BertLMHeadModel:
        return False
    settings = model.generation_config.to_diff_dict()
    return (
        type(model).forward is VisionEncoderDecoderModel.forward
        and all(name in _KNOWN or name.startswith("_") or not value for name, value in settings.items())
        and isinstance(settings.get("eos_token_id"), int)
        and not any(hasattr(module, "_hf_hook") for module in model.decoder.modules())
    )


#: For each layer of a decoder its weight, in which version, and that packed in 16 bits; None where that would lose something.
#: The weight is held, so that no other can come to lie where it did.
_packed: WeakKeyDictionary[nn.Linear, tuple[torch.Tensor, int, Any]] = WeakKeyDictionary()


def _pack(linear: nn.Linear) -> Any:
    """The weight as FBGEMM reads it, in 16 bits while it computes in 32; None where a number would change, or without FBGEMM."""
    weight = linear.weight.detach()
    if (weight.device.type, weight.dtype) != ("cpu", torch.float32) or not torch.equal(weight.half().float(), weight):
        return None
    try:
        return torch.ops.quantized.linear_prepack_fp16(weight, linear.bias)
    except RuntimeError:  # of a processor that it does not know
        return None


def _product(linear: nn.Linear) -> Callable[[torch.Tensor], torch.Tensor]:
    """A linear layer for few rows: the same numbers as `linear` gives, to the last bits."""
    weight = linear.weight
    known = _packed.get(linear)
    if known is None or (known[0].data_ptr(), known[1]) != (weight.data_ptr(), weight._version):
        known = _packed[linear] = weight.detach(), weight._version, _pack(linear)
    packed = known[2]
    return linear if packed is None else lambda rows: torch.ops.quantized.linear_dynamic_fp16(rows, packed)


class _Attention:
    """One of a layer's attentions, from a single word."""

    def __init__(self, attention: BertAttention) -> None:
        self.query, self.dense = _product(attention.self.query), _product(attention.output.dense)
        self.norm = attention.output.LayerNorm
        self.split = (-1, attention.self.num_attention_heads, 1, attention.self.attention_head_size)

    def __call__(self, hidden: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, D), of what it attends to."""
        found = F.scaled_dot_product_attention(self.query(hidden).view(self.split), keys, values)
        return self.norm(self.dense(found.flatten(1)) + hidden)


class _Layer:
    """One layer of the decoder and what it has read: (B, heads, length, width / heads) of the words so far, and of the picture."""

    def __init__(self, layer: BertLayer, states: torch.Tensor, length: int) -> None:
        own, cross = layer.attention.self, layer.crossattention.self
        self.own = _Attention(layer.attention)
        self.cross = _Attention(layer.crossattention)
        self.key, self.value = _product(own.key), _product(own.value)
        self.widen, self.narrow = _product(layer.intermediate.dense), _product(layer.output.dense)
        self.activation, self.norm = layer.intermediate.intermediate_act_fn, layer.output.LayerNorm
        self.split = (-1, own.num_attention_heads, own.attention_head_size)
        shape = (len(states), own.num_attention_heads, length, own.attention_head_size)
        self.keys, self.values = states.new_empty(shape), states.new_empty(shape)
        self.seen = [
            projection(states).unflatten(-1, self.split[1:]).transpose(1, 2) for projection in (cross.key, cross.value)
        ]

    def step(self, hidden: torch.Tensor, place: int) -> torch.Tensor:
        """(B, D) of the word at `place` -> (B, D)."""
        self.keys[:, :, place] = self.key(hidden).view(self.split)
        self.values[:, :, place] = self.value(hidden).view(self.split)
        past = slice(place + 1)
        hidden = self.own(hidden, self.keys[:, :, past], self.values[:, :, past])
        hidden = self.cross(hidden, *self.seen)
        return self.norm(self.narrow(self.activation(self.widen(hidden))) + hidden)


@torch.inference_mode()
def greedy(
    model: VisionEncoderDecoderModel,
    pixel_values: torch.Tensor,
    min_new_tokens: int = 1,
    max_new_tokens: int = 24,
    repetition_penalty: float = 1.0,
) -> torch.Tensor:
    """Pictures (B, 3, H, W) -> tokens (B, 1 + n), n <= `max_new_tokens`, as `model.generate` without beams; see `fits`."""
    states = model.encoder(pixel_values=pixel_values).last_hidden_state
    if hasattr(model, "enc_to_dec_proj"):
        states = model.enc_to_dec_proj(states)
    # `fits` has seen that it is a BertLMHeadModel; the library's types know any module.
    decoder: Any = model.decoder
    bert, head, settings = decoder.bert, decoder.cls.predictions, model.generation_config
    transform, vocabulary = _product(head.transform.dense), _product(head.decoder)
    end, padding = settings.eos_token_id, settings.pad_token_id
    layers = [_Layer(layer, states, max_new_tokens) for layer in bert.encoder.layer]
    written = torch.full((len(states), 1), settings.decoder_start_token_id, device=states.device)
    finished = torch.zeros(len(states), dtype=torch.bool, device=states.device)
    places = bert.embeddings.position_embeddings.weight + bert.embeddings.token_type_embeddings.weight[0]
    for place in range(max_new_tokens):
        hidden = bert.embeddings.LayerNorm(bert.embeddings.word_embeddings(written[:, -1]) + places[place])
        for layer in layers:
            hidden = layer.step(hidden, place)
        hidden = head.transform.LayerNorm(head.transform.transform_act_fn(transform(hidden)))
        scores = vocabulary(hidden).float()
        if repetition_penalty != 1.0:
            said = scores.gather(1, written)
            said = torch.where(said < 0, said * repetition_penalty, said / repetition_penalty)
            scores.scatter_(1, written, said)
        if place < min_new_tokens:
            scores[:, end] = -torch.inf
        found = scores.argmax(1)
        if padding is not None:
            found = torch.where(finished, padding, found)
        written = torch.cat([written, found[:, None]], dim=1)
        finished |= found == end
        if finished.all():
            break
    return written
