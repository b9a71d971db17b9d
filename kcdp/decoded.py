"""A picture that is read once and passed on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from kcdp.imaging import load_frames


@dataclass(frozen=True)
class DecodedPicture:
    """The frames of a picture as `load_frames` gives them: RGB, upright, opaque; a still has one.

    Both pipelines take it in the place of a path, so that a file is decoded once however many models look at it.
    """

    frames: tuple[Image.Image, ...]

    @classmethod
    def load(cls, source: Image.Image | str | Path | bytes | DecodedPicture) -> DecodedPicture:
        """Read a picture; one that is decoded already comes back as it is. Raises ImageError with one sentence."""
        return source if isinstance(source, DecodedPicture) else cls(tuple(load_frames(source)))

    @property
    def middle(self) -> Image.Image:
        """The frame that stands for the picture."""
        return self.frames[len(self.frames) // 2]
