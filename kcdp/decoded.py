"""A picture that is read once and passed on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from kcdp.imaging import flatten, read_frames


@dataclass(frozen=True)
class DecodedPicture:
    """The frames of a picture as `read_frames` gives them, laid on `GROUND`: RGB, upright, opaque; a still has one.

    `times` are, for each frame, when it shows first and for how long it stands, in milliseconds.

    Both pipelines take it in the place of a path, so that a file is decoded once however many models look at it.
    """

    frames: tuple[Image.Image, ...]
    times: tuple[tuple[float, float], ...]

    @classmethod
    def load(cls, source: Image.Image | str | Path | bytes | DecodedPicture) -> DecodedPicture:
        """Read a picture; one that is decoded already comes back as it is. Raises ImageError with one sentence."""
        if isinstance(source, DecodedPicture):
            return source
        found = read_frames(source)
        frames = tuple(flatten(frame.image) for frame in found)
        return cls(frames, tuple((frame.start, frame.duration) for frame in found))

    @property
    def middle(self) -> Image.Image:
        """The frame that stands for the picture."""
        return self.frames[len(self.frames) // 2]
