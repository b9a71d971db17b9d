"""Sentence vectors of captions, and the contrastive loss of pictures against their own and other captions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from kcdp.vision import ConvStemCLIPModel
from train.data.cache import cached_array, content_key, fingerprint
from train.data.dataset import PictureDataset


class CachedVectors:
    """Vectors of texts, each computed once for as long as this object lives."""

    def __init__(self, encode: Callable[[list[str]], torch.Tensor]) -> None:
        self.encode = encode
        self.vectors: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> torch.Tensor:
        """(B, D), on the CPU."""
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if new:
            self.vectors.update(zip(new, self.encode(new).cpu().clone(), strict=True))
        return torch.stack([self.vectors[text] for text in texts])


class SentenceEncoder:
    """Sentence vectors by a frozen text tower; `cached` computes those of each text once."""

    def __init__(self, clip: ConvStemCLIPModel | CLIPTextModelWithProjection, tokenizer: CLIPTokenizer) -> None:
        self.clip, self.tokenizer, self.cached = clip, tokenizer, CachedVectors(self)

    @torch.no_grad()
    def __call__(self, texts: list[str], batch_size: int = 256) -> torch.Tensor:
        """Unit sentence vectors (N, D) on the CPU."""
        vectors = []
        for start in range(0, len(texts), batch_size):
            tokens = self.tokenizer(
                texts[start : start + batch_size], padding=True, truncation=True, return_tensors="pt"
            )
            pooled = self.clip.text_model(input_ids=tokens.input_ids.to(self.clip.device)).pooler_output
            vectors.append(F.normalize(self.clip.text_projection(pooled), dim=-1).cpu())
        return torch.cat(vectors)


def caption_tokens(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Token ids (B, longest), start and end tokens included."""
    return tokenizer(texts, padding=True, truncation=True, return_tensors="pt").input_ids


def caption_bank(dataset: PictureDataset, sentences: SentenceEncoder) -> torch.Tensor:
    """Unit sentence vectors (N, D) of every caption of a dataset, computed once."""
    texts = dataset.texts()
    key = content_key("bank", texts, fingerprint(sentences.clip.text_model, sentences.clip.text_projection))
    vectors = cached_array(dataset.cache_dir, key, len(texts), lambda rows: sentences(texts[rows]).half())
    return torch.from_numpy(np.array(vectors)).float()


def bank_sample(bank: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """`count` random vectors of a bank (N, D), with replacement."""
    return bank[torch.randint(0, len(bank), (count,), generator=generator)]


def neighbour_targets(captions: torch.Tensor, bank: torch.Tensor, temperature: float = 0.05) -> torch.Tensor:
    """Which captions of a bank fit a picture: (B, 1 + N), rows sum to 1, its own caption first.

    `captions` (B, D) and `bank` (N, D) are unit sentence vectors. Captions that mean nearly the same share the weight, so a
    small model is not trained to push them apart, and pictures need not be each other's negatives: batches may be small.
    """
    near = torch.cat([torch.ones(len(captions), 1, device=captions.device), captions @ bank.T], dim=1)
    return (near / temperature).softmax(1)


def neighbour_loss(
    pictures: torch.Tensor, captions: torch.Tensor, bank: torch.Tensor, scale: torch.Tensor | float
) -> torch.Tensor:
    """Cross-entropy () of unit picture vectors (B, D) against `neighbour_targets`."""
    logits = torch.cat([(pictures * captions).sum(1, keepdim=True), pictures @ bank.T], dim=1) * scale
    return F.cross_entropy(logits, neighbour_targets(captions, bank))
