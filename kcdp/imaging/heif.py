"""HEIC and HEIF photos: the primary picture; the gain map, depth and thumbnails beside it are not looked at."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO

from kcdp.imaging.boxes import coded_colour
from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import ImageError, ImageLimits, check_size
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.profiles import coded_profile


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The primary picture of a HEIC or HEIF file.

    libheif turns it as its item properties say. The orientation in EXIF is not looked at: it describes the camera, and
    readers must not turn by it (ISO/IEC 23008-12, A.2.5).
    """
    if find_spec("pillow_heif") is None:
        raise ImageError("The picture is a HEIC photo, whose reader is not installed; run: pip install pillow-heif")
    from pillow_heif import open_heif

    file = open_heif(BytesIO(content))
    photo = file[file.primary_index]
    check_size(photo.size, limits)
    coded = coded_colour(content)
    icc = photo.info.get("icc_profile") or (coded_profile(*coded, video=True) if coded else None)
    yield Frame(to_rgba(photo.to_pillow(), icc))
