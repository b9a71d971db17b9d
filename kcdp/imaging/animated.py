"""WebP and AVIF, still or animated: their own libraries composite, and say when each frame shows."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from kcdp.imaging.boxes import coded_colour
from kcdp.imaging.frames import Frame, shown_for
from kcdp.imaging.limits import ImageLimits, check_animation
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.orientation import orientation_of, upright
from kcdp.imaging.pillow import opened
from kcdp.imaging.profiles import coded_profile


def _frames(image: Image.Image, limits: ImageLimits, icc: bytes | None) -> Iterator[Frame]:
    count: int = getattr(image, "n_frames", 1)
    check_animation(count, image.size, limits)
    turn = orientation_of(image.info.get("exif"))
    for number in range(count):
        image.seek(number)
        image.load()
        # A copy: the picture is overwritten by the next frame.
        shown = to_rgba(image, icc)
        yield Frame(upright(shown.copy() if shown is image else shown, turn), shown_for(image.info.get("duration", 0)))


def decode_webp(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a WebP file."""
    image = opened(content, "WEBP")
    return _frames(image, limits, image.info.get("icc_profile"))


def decode_avif(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of an AVIF file."""
    image = opened(content, "AVIF")
    coded = coded_colour(content)
    return _frames(
        image, limits, image.info.get("icc_profile") or (coded_profile(*coded, video=True) if coded else None)
    )
