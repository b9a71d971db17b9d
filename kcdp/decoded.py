"""A picture that is read once and passed on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from kcdp.imaging import flatten, read_frames

#: Longer side, in pixels, to which frames are reduced: twice what the largest models see, and no more memory than that.
MAX_SIDE = 1024


@dataclass(frozen=True)
class DecodedPicture:
    """What is looked at in a picture: frames, RGB, upright, opaque and of at most `MAX_SIDE`; a still has one.

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
        read = read_frames(source)
        frames = [flatten(frame.image) for frame in read]
        for frame in frames:
            frame.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return cls(tuple(frames), tuple((frame.start, frame.duration) for frame in read))

    @property
    def middle(self) -> Image.Image:
        """The frame that stands for the picture."""
        return self.frames[len(self.frames) // 2]
