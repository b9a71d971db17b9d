"""A dataset of pictures to draw batches from: mixed domains, balanced, with every random choice under a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from diffusers import AutoencoderKL

from train.data.augment import AugmentConfig, augment, plain
from train.data.cache import Rows, cached_array, cached_part, content_key, fingerprint
from train.data.pictures import PictureCache
from train.data.records import DRAWN, Coded, labels

#: The words in which a caption says what a labelled picture shows; half of a labelled picture's captions end so.
FEELING = ", showing {emotion}"


class PictureDataset:
    """Records of one split with their decoded pictures.

    Args:
        records: rows of the record schema.
        cache_dir: where decoded pictures and computed latents live.
        emotions: the label space's labels, in order.
        shares: how often each domain is drawn, in any unit; a domain that is not named counts as much as the named ones
            do on average. Empty: every picture is as likely as any other.
        balance: within a domain, draw every emotion (and the unlabelled) in proportion to count ** (1 - balance).
        size: side of the pictures in pixels.
        augmentation: how far augmented views stray.
        feelings: whether captions may say the emotion at the end; without, none does, whoever asks.
    """

    def __init__(
        self,
        records: Dataset,
        cache_dir: str | Path,
        emotions: Sequence[str],
        shares: Mapping[str, float] | None = None,
        balance: float = 0.0,
        size: int = 128,
        augmentation: AugmentConfig | None = None,
        feelings: bool = True,
    ) -> None:
        self.records, self.cache_dir, self.size = records, Path(cache_dir), size
        self.emotions, self.feelings = tuple(emotions), feelings
        self.augmentation = augmentation or AugmentConfig()
        self.store = PictureCache(records, cache_dir, size)
        self.domains, self.styles = Coded.of(records, "domain"), Coded.of(records, "style")
        self.labels = torch.from_numpy(labels(records, self.emotions))
        self._captions = records.select_columns("captions").with_format("arrow")
        self.weights = self._weights(shares or {}, balance)

    def __len__(self) -> int:
        return len(self.labels)

    def _weights(self, shares: Mapping[str, float], balance: float) -> torch.Tensor:
        """Drawing weight (N,) of every picture, float64."""
        kinds = self.domains.codes.astype(np.int64) * (len(self.emotions) + 1) + self.labels.numpy() + 1
        _, kind, counts = np.unique(kinds, return_inverse=True, return_counts=True)
        weights = (counts.astype(np.float64) ** -balance)[kind]
        if shares:
            usual = sum(shares.values()) / len(shares)
            for code, domain in enumerate(self.domains.names):
                inside = self.domains.codes == code
                weights[inside] *= shares.get(domain, usual) / weights[inside].sum()
        return torch.from_numpy(weights)

    def real(self) -> torch.Tensor:
        """Indices, int64, of the data sets' pictures; of the drawn ones where there are no others."""
        drawn = torch.from_numpy(self.domains.within(DRAWN))
        return (drawn if drawn.all() else ~drawn).nonzero().flatten()

    def at_once(self, count: int) -> int:
        """How many pictures need no more memory than `count` of 512 pixels: fewer of larger ones, and not more of small ones."""
        return max(1, count * 512**2 // max(self.size, 512) ** 2)

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Indices (count,) of pictures, drawn with replacement by weight."""
        return torch.multinomial(self.weights, count, replacement=True, generator=generator)

    def augmented(self, indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Random views (B, 3, size, size) in [-1, 1]."""
        return augment(self.store[indices], self.augmentation, generator)

    def plain(self, indices: torch.Tensor) -> torch.Tensor:
        """The pictures (B, 3, size, size) in [-1, 1] on the plain ground."""
        return plain(self.store[indices])

    def captions(self, indices: torch.Tensor, generator: torch.Generator, feelings: bool = True) -> list[str]:
        """One caption of each picture; with `feelings`, half of the labelled ones say the emotion at the end.

        Of a dataset without feelings none does.
        """
        feelings = feelings and self.feelings
        chosen = torch.rand(len(indices), 2, generator=generator).tolist()
        texts = []
        captions = self._captions[indices.tolist()]["captions"].to_pylist()
        for index, known, (which, feeling) in zip(indices.tolist(), captions, chosen, strict=True):
            text = known[int(which * len(known))]
            label = int(self.labels[index])
            if feelings and label >= 0 and feeling < 0.5 and self.emotions[label] not in text:
                text += FEELING.format(emotion=self.emotions[label])
            texts.append(text)
        return texts

    def texts(self) -> list[str]:
        """Every caption once, in a fixed order, plus the words for emotions: what a tokenizer learns from."""
        known = dict.fromkeys(
            text
            for batch in self._captions.iter(10_000)
            for captions in batch["captions"].to_pylist()
            for text in captions
        )
        return [*known, *(FEELING.format(emotion=emotion) for emotion in self.emotions if self.feelings)]

    @torch.no_grad()
    def latents(self, vae: AutoencoderKL, views: int, batch_size: int = 64) -> list[np.ndarray | Rows]:
        """Scaled latents (N, C, h, w) float16, on disk, of each augmented view, or of the plain pictures if `views` is 0.

        Computed once: cached by the pictures, the weights of `vae` and the augmentation; a part of a dataset whose latents
        are there already reads from those.
        """
        vae = vae.eval()
        parts = ("linear_encoder", "quant_conv")
        weights = fingerprint(vae.encoder, *(child for name, child in vae.named_children() if name in parts))

        def compute(view: int, rows: slice) -> torch.Tensor:
            encoded = []
            for part in torch.arange(rows.start, rows.stop).split(self.at_once(batch_size)):
                generator = torch.Generator().manual_seed(int(part[0]) * 64 + view)
                pictures = self.augmented(part, generator) if views else self.plain(part)
                mode = vae.encode(pictures.to(vae.device, vae.dtype)).latent_dist.mode()
                encoded.append((mode * vae.config.scaling_factor).half().cpu())
            return torch.cat(encoded)

        augmentation = vars(self.augmentation) if views else None
        return [
            self.cached(partial(compute, view), "latents", weights, augmentation, view) for view in range(max(views, 1))
        ]

    def cached(self, compute: Callable[[slice], torch.Tensor], *settings: Any) -> np.ndarray | Rows:
        """`cached_array` of these pictures by their content and `settings`, the first of which is a name.

        A part of a dataset of which it is there reads from that.
        """
        name, *others = settings
        store = self.store
        if store.source_key != store.key:
            part = cached_part(self.cache_dir, content_key(name, store.source_key, *others), store.rows)
            if part is not None:
                return part
        return cached_array(self.cache_dir, content_key(name, store.key, *others), len(self), compute)
