"""Everything that turns a picture into language: caption, triplets, k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, overload

import torch
from PIL import Image

from kcdp.knowledge.captioner import Captioner
from kcdp.knowledge.encoder import KnowledgeEncoder, KnowledgeEncoding, Pooling
from kcdp.knowledge.propositions import Proposition
from kcdp.knowledge.triplets import TripletParser
from kcdp.results import Triplet


class PictureCaptioner(Protocol):
    """Anything that says in a sentence what a picture shows: `kcdp.knowledge.captioner.Captioner`, or one of your own."""

    def __call__(self, images: list[Image.Image]) -> list[str]:
        """One caption for every RGB picture."""


@dataclass(frozen=True)
class Knowledge:
    """Captioner, parser and encoder in a row (KCDP, section 4.1)."""

    captioner: PictureCaptioner
    parser: TripletParser
    encoder: KnowledgeEncoder

    def captions(self, images: Sequence[Image.Image]) -> list[str]:
        """One caption for every RGB picture."""
        return self.captioner(list(images))

    @overload
    def triplets(self, caption: str) -> list[Triplet]: ...  # type: ignore[overload-overlap]  # a string is a sequence of strings

    @overload
    def triplets(self, caption: Sequence[str]) -> list[list[Triplet]]: ...

    def triplets(self, caption: str | Sequence[str]) -> list[Triplet] | list[list[Triplet]]:
        """The propositions of one caption, or of each of a list, parsed together; none where it states none ("sorry")."""
        return self.parser(caption)

    def propositions(self, captions: Sequence[str]) -> list[list[Proposition]]:
        """The triplets of every caption, parsed together, with the places of their words in it."""
        return self.parser.propositions(captions)

    def images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """i (B, W): every RGB picture as the captioner's encoder sees it.

        Raises ValueError for a captioner of the caller's own, which says what it sees in words alone.
        """
        if not isinstance(self.captioner, Captioner):
            raise ValueError("These experts look through the bundle's captioner too; leave `own_captioner` out.")
        return self.captioner.embed(images)

    def encode(
        self,
        captions: Sequence[str],
        triplets: Sequence[Sequence[Triplet]],
        condition: str = "both",
        pooling: Pooling = "sentence",
    ) -> KnowledgeEncoding:
        """k = concat(c, t) of every caption with its triplets; see `KnowledgeEncoder.encode`."""
        return self.encoder.encode(list(captions), [list(found) for found in triplets], condition, pooling)
