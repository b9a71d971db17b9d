"""What the page keeps of a reading."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from kcdp import plots
from kcdp.decoded import DecodedPicture
from kcdp.results import AttentionMap, VerdictOutput


@dataclass(frozen=True)
class Understanding:
    """What the page keeps of a verdict: itself, and the frame that its attention maps are of, no larger than an overlay."""

    verdict: VerdictOutput
    frame: Image.Image

    @classmethod
    def of(cls, picture: DecodedPicture, verdict: VerdictOutput) -> Understanding:
        """The verdict on a picture."""
        frame = picture.middle.copy()
        frame.thumbnail((plots.OVERLAY_SIDE, plots.OVERLAY_SIDE))
        return cls(verdict, frame)

    @property
    def attention(self) -> tuple[AttentionMap, ...]:
        """The maps of both models."""
        return self.verdict.attention

    def overlays(self) -> list[tuple[Image.Image, str]]:
        """For every attention map the picture with its heat, and what it is of."""
        return [(plots.overlay(self.frame, item.heat), item.text) for item in self.attention]
