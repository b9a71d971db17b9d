"""JPEG XL stills, by a reader that is not installed with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from PIL import Image

from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import ImageError, ImageLimits, check_size
from kcdp.imaging.modes import to_rgba


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The picture of a JPEG XL file; libjxl turns it upright."""
    if find_spec("pylibjxl") is None:
        raise ImageError("The picture is a JPEG XL picture, whose reader is not installed; run: pip install pylibjxl")
    import pylibjxl

    head = pylibjxl.probe(content)
    check_size((head["width"], head["height"]), limits)
    if head["have_animation"]:
        raise ImageError(
            "The picture is an animated JPEG XL, of which only stills are read; export it as GIF, WebP or APNG."
        )
    pixels, metadata = pylibjxl.decode(content, metadata=True)
    yield Frame(to_rgba(Image.fromarray(pixels), metadata.get("icc")))
