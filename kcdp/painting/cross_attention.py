"""Cross-attention of a denoiser that paints: what it looks for in a prompt is asked at every step, what the prompt says once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch.nn import functional as F

#: For each layer the condition that it has seen last, and its keys and values, (B, heads, T, D / heads) each.
_Known = dict[int, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]
# A context variable, so that paintings in several threads have one each; outside of `keys_once` nothing is kept.
_known: ContextVar[_Known | None] = ContextVar("cross_attention_keys", default=None)


@contextmanager
def keys_once() -> Iterator[None]:
    """Inside, layers with `OnceProcessor` compute the keys and values of a condition once, however many steps look at it."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


class OnceProcessor:
    """diffusers' `AttnProcessor2_0` for cross-attention without masks or norms of its own, for use in `keys_once`."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Attend from (B, N, C) to the condition (B, T, D); returns (B, N, C)."""
        known = _known.get()
        seen, key, value = (None, None, None) if known is None else known.get(id(attn), (None, None, None))
        if seen is not encoder_hidden_states or key is None or value is None:
            key, value = (
                layer(encoder_hidden_states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
                for layer in (attn.to_k, attn.to_v)
            )
            if known is not None:
                known[id(attn)] = encoder_hidden_states, key, value
        query = attn.to_q(hidden_states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
        attended = (
            F.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask).transpose(1, 2).flatten(2)
        )
        for layer in attn.to_out:
            attended = layer(attended)
        return attended / attn.rescale_output_factor


def watch_prompts(unet: UNet2DConditionModel) -> None:
    """Give `OnceProcessor` to every cross-attention of a denoiser that computes as it does; the others stay as they are."""
    for name, module in unet.named_modules():
        if not name.endswith("attn2") or not isinstance(module, Attention):
            continue
        special = (module.spatial_norm, module.group_norm, module.norm_cross, module.norm_q, module.norm_k)
        usual = type(module.processor) is AttnProcessor2_0 and not module.residual_connection
        if usual and all(part is None for part in special):
            module.set_processor(OnceProcessor())
