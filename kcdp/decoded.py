"""A picture that is read once and passed on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from kcdp.imaging import flatten, read_frames, to_tensor

if TYPE_CHECKING:
    import torch

#: Longer side, in pixels, to which frames are reduced: twice what the largest models see, and no more memory than that.
MAX_SIDE = 1024


@dataclass(frozen=True)
class DecodedPicture:
    """The frames of a picture as `read_frames` gives them, laid on `GROUND` and of at most `MAX_SIDE`: RGB, upright, opaque.

    A still has one frame. `times` are, for each frame, when it shows first and for how long it stands, in milliseconds.

    Both pipelines take it in the place of a path, so that a file is decoded once however many models look at it.
    """

    frames: tuple[Image.Image, ...]
    times: tuple[tuple[float, float], ...]
    _tensors: dict[int, torch.Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def load(cls, source: Image.Image | str | Path | bytes | DecodedPicture) -> DecodedPicture:
        """Read a picture; one that is decoded already comes back as it is. Raises ImageError with one sentence."""
        if isinstance(source, DecodedPicture):
            return source
        found = read_frames(source)
        frames = tuple(_reduced(flatten(frame.image)) for frame in found)
        return cls(frames, tuple((frame.start, frame.duration) for frame in found))

    def tensor(self, size: int) -> torch.Tensor:
        """Its frames as `to_tensor` gives them, (F, 3, size, size), computed once: do not change it in place."""
        if size not in self._tensors:
            self._tensors[size] = to_tensor(self.frames, size)
        return self._tensors[size]

    @property
    def middle(self) -> Image.Image:
        """The frame that stands for the picture."""
        return self.frames[len(self.frames) // 2]


def _reduced(image: Image.Image) -> Image.Image:
    """A copy without metadata, its longer side at most `MAX_SIDE`."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    bare.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return bare
