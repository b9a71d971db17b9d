"""What every decoder yields, and which frames of an animation are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from kcdp.imaging.limits import ImageLimits


@dataclass(frozen=True)
class Frame:
    """One picture of a file as a person sees it.

    `image` is the whole canvas, composited and upright, in sRGB: mode RGBA (not premultiplied), or RGB where the format
    or the file has no transparency. `duration` is how long it shows, in milliseconds; 0 for a still. `start` is when it
    shows first, in milliseconds: the sampler sets it, a decoder leaves it.
    """

    image: Image.Image
    duration: float = 0.0
    start: float = 0.0


#: The content of a file to all its frames in order, each an image of its own that the decoder does not touch again; a
#: still yields one. It calls `check_size` or `check_animation` with what the header says before it decodes a pixel, and
#: raises ImageError with one sentence (which may begin with `{name}`). Any other exception is taken for a damaged file.
#: The caller may stop early, or call it again for a second pass.
Decoder = Callable[[bytes, ImageLimits], Iterator[Frame]]


@dataclass(frozen=True)
class Format:
    """A kind of file: its `name` in messages, how its first bytes look, and who decodes it.

    `signature` is a regular expression (DOTALL) matched from the first byte of the file's first 4096, of what a gzip
    stream holds if it is one.
    """

    name: str
    signature: bytes
    decode: Decoder
