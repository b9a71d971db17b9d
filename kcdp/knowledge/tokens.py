"""Texts to tokens, from several threads."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from transformers import BatchEncoding, PreTrainedTokenizerBase

#: Held while a tokenizer is called. How it pads and cuts is part of its state, which every call sets anew: of two threads, one
#: would set it for the other.
tokenizing = Lock()


def tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], length: int | None = None, **options: Any
) -> BatchEncoding:
    """`texts`, each padded or cut to `length` tokens, or as long as it is; safe to call from several threads."""
    fitted = {} if length is None else {"padding": "max_length", "truncation": True, "max_length": length}
    with tokenizing:
        return tokenizer(list(texts), **fitted, **options)
