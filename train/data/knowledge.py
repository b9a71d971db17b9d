"""What a frozen foundation says of a dataset's pictures, computed once: latents, captions, triplets and their encodings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn

from kcdp.imaging import to_pictures
from kcdp.knowledge.encoder import Pooling
from kcdp.knowledge.knowledge import Knowledge
from kcdp.knowledge.triplets import TripletParser
from kcdp.results import Triplet
from train.data.cache import cached_array, cached_json, content_key, fingerprint
from train.data.dataset import PictureDataset


class KnowledgeParts(Protocol):
    """The frozen networks that a picture's knowledge comes from; `train.core.foundation.Foundation` has them."""

    vae: AutoencoderKL
    text_encoder: nn.Module
    captioner: nn.Module
    captioning: Mapping[str, Any]
    parser: TripletParser

    @property
    def knowledge(self) -> Knowledge:
        """Captioner, parser and encoder in a row."""


class KnowledgeCache:
    """Latents, k and its pooled vectors of every picture of a dataset, from disk; with `images`, the captioner's i too.

    The captions are the captioner's own, of the plain picture: never those that the data set gives, which nobody has
    at inference. View 0 is the plain picture; `views` more are augmented.
    """

    def __init__(
        self,
        dataset: PictureDataset,
        foundation: KnowledgeParts,
        condition: str,
        views: int,
        pooling: Pooling = "sentence",
        images: bool = False,
    ) -> None:
        self.dataset, self.foundation, self.condition, self.pooling = dataset, foundation, condition, pooling
        #: A view's latents (N, C, h, w), or what stands for them under a frozen denoiser.
        self.latents = dataset.latents(foundation.vae, 0)
        if views:
            self.latents += dataset.latents(foundation.vae, views)
        knowledge = foundation.knowledge
        said = (fingerprint(foundation.captioner), dict(foundation.captioning), foundation.parser.version)
        captioned = content_key("captions", dataset.decoded.key, *said)

        def describe(rows: slice) -> list:
            captions = knowledge.captions(to_pictures(dataset.plain(torch.arange(rows.start, rows.stop))))
            found = knowledge.parser(captions)
            return [
                [caption, [list(triplet) for triplet in some]] for caption, some in zip(captions, found, strict=True)
            ]

        #: Caption and triplets of every picture.
        self.described = cached_json(dataset.cache_dir, captioned, len(dataset), describe, chunk=256)
        encoded = content_key("knowledge", captioned, fingerprint(foundation.text_encoder), condition, pooling)

        def encode(rows: slice) -> np.ndarray:
            chosen = self.described[rows]
            triplets = [[Triplet(*triplet) for triplet in row[1]] for row in chosen]
            encoding = knowledge.encode([row[0] for row in chosen], triplets, condition, pooling)
            return torch.cat([encoding.states, encoding.pooled], dim=1).half().cpu().numpy()

        #: A name for what every picture's latents and k come from.
        self.key = content_key(encoded, fingerprint(foundation.vae), vars(dataset.augmentation))
        #: (N, T + 2, D): the states, then the two pooled vectors.
        self.encodings = cached_array(dataset.cache_dir, encoded, len(dataset), encode, chunk=256)

        def look(rows: slice) -> torch.Tensor:
            pictures = to_pictures(dataset.plain(torch.arange(rows.start, rows.stop)))
            return knowledge.images(pictures).half().cpu()

        looked = content_key("captioner-images", dataset.decoded.key, fingerprint(foundation.captioner))
        #: i (N, W) of every plain picture; None where it is not asked for.
        self.images = cached_array(dataset.cache_dir, looked, len(dataset), look, chunk=256) if images else None

    def blank(self) -> tuple[torch.Tensor, torch.Tensor]:
        """k (1, T, D) and pooled vectors (1, 2, D) of a picture about which nothing is said."""
        encoding = self.foundation.knowledge.encode([""], [[]], self.condition, self.pooling)
        return encoding.states.cpu(), encoding.pooled.cpu()

    def _batch(self, latents: list[np.ndarray], indices: torch.Tensor) -> dict[str, torch.Tensor]:
        encodings = torch.from_numpy(np.array(self.encodings[indices.numpy()])).float()
        batch = {
            "latents": torch.from_numpy(np.stack(latents)).float(),
            "states": encodings[:, :-2].contiguous(),
            "pooled": encodings[:, -2:].contiguous(),
        }
        if self.images is not None:
            batch["images"] = torch.from_numpy(np.array(self.images[indices.numpy()])).float()
        return batch

    def draw(self, indices: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """A random view of each picture: latents (B, C, h, w), states (B, T, D), pooled (B, 2, D), maybe images (B, W)."""
        views = torch.randint(0, len(self.latents), (len(indices),), generator=generator)
        return self._batch([self.latents[v][i] for v, i in zip(views.tolist(), indices.tolist(), strict=True)], indices)

    def view(self, number: int, indices: torch.Tensor) -> dict[str, torch.Tensor]:
        """The batch of these pictures in view `number`; number 0 is the plain pictures."""
        return self._batch([self.latents[number][i] for i in indices.tolist()], indices)
