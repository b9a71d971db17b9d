"""JPEG and BMP: one picture a file; the previews and gain maps beside a JPEG are not looked at."""

from __future__ import annotations

from collections.abc import Iterator

from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import ImageLimits, check_size
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.orientation import orientation_of, upright
from kcdp.imaging.pillow import opened


def decode_jpeg(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The picture of a JPEG file."""
    image = opened(content, "JPEG")
    check_size(image.size, limits)
    exif, icc = image.info.get("exif"), image.info.get("icc_profile")
    yield Frame(upright(to_rgba(image, icc), orientation_of(exif)))


def decode_bmp(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The picture of a BMP file."""
    image = opened(content, "BMP")
    check_size(image.size, limits)
    yield Frame(to_rgba(image))
