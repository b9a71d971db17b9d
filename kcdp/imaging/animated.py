"""WebP and AVIF, still or animated: their own libraries composite, and say when each frame shows."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import partial

from PIL import Image

from kcdp.imaging.boxes import coded_colour
from kcdp.imaging.frames import Frame, shown_for
from kcdp.imaging.late import LateImage
from kcdp.imaging.limits import ImageLimits, check_animation
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.orientation import orientation_of, turned_size, upright
from kcdp.imaging.pillow import opened
from kcdp.imaging.profiles import coded_profile


def _frames(
    image: Image.Image, limits: ImageLimits, icc: bytes | None, durations: Sequence[float] = ()
) -> Iterator[Frame]:
    """All frames; those of an animation whose `durations` (ms) are known when they are looked at."""
    count: int = getattr(image, "n_frames", 1)
    check_animation(count, image.size, limits)
    turn = orientation_of(image.info.get("exif"))
    size = turned_size(image.size, turn)
    mode = "RGBA" if image.mode == "RGBA" else "RGB"

    def frame(number: int) -> Image.Image:
        image.seek(number)
        # A copy: the picture is overwritten by the next frame.
        shown = to_rgba(image, icc)
        return upright(shown.copy() if shown is image else shown, turn)

    for number in range(count):
        if count > 1 and count == len(durations):
            yield Frame(LateImage(mode, size, partial(frame, number)), shown_for(durations[number]))
        else:
            shown = frame(number)
            yield Frame(shown, shown_for(image.info.get("duration", 0)))


def decode_webp(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a WebP file."""
    image = opened(content, "WEBP")
    return _frames(image, limits, image.info.get("icc_profile"), _webp_durations(content))


def _webp_durations(content: bytes) -> list[float]:
    """How long the frames of an animated WebP show, in milliseconds, as its ANMF chunks (RFC 9649, 2.7.1.4) say."""
    durations, place = [], 12
    while place + 24 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, place)
        if kind == b"ANMF":
            durations.append(float(int.from_bytes(content[place + 20 : place + 23], "little")))
        place += 8 + length + length % 2
    return durations


def decode_avif(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of an AVIF file."""
    image = opened(content, "AVIF")
    coded = coded_colour(content)
    return _frames(
        image, limits, image.info.get("icc_profile") or (coded_profile(*coded, video=True) if coded else None)
    )
