"""TIFF (revision 6.0): its first page."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ImageChops

from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import ImageLimits, check_size
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.orientation import orientation_of, upright
from kcdp.imaging.pillow import opened, quiet

_BITS, _PHOTOMETRIC, _ORIENTATION = 0x0102, 0x0106, 0x0112
_SHORT = 3
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1


def _prepared(content: bytes) -> tuple[bytes, bool]:
    """The file with its orientation set to upright, and whether it is a deep grey whose 0 is white, which is taken back.

    Pillow inverts greys of up to 8 bits and forgets it for deeper ones; it also turns a TIFF by itself, with the help of
    every other tag, whose faults are then its own.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(content[:4])
    if order is None:
        return content, False
    changed, deep, white_at = bytearray(content), False, None
    try:
        (start,) = struct.unpack_from(f"{order}I", content, 4)
        (count,) = struct.unpack_from(f"{order}H", content, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number, value = struct.unpack_from(f"{order}HHIH", content, place)
            if tag == _ORIENTATION and kind == _SHORT:
                struct.pack_into(f"{order}H", changed, place + 8, 1)
            elif tag == _BITS:
                deep = number == 1 and value > 8
            elif tag == _PHOTOMETRIC and value == _WHITE_IS_ZERO:
                white_at = place + 8
    except struct.error:
        return content, False
    if deep and white_at is not None:
        struct.pack_into(f"{order}H", changed, white_at, _BLACK_IS_ZERO)
    return bytes(changed), deep and white_at is not None


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The first page of a TIFF file."""
    turn = orientation_of(content)
    content, inverted = _prepared(content)
    image = opened(content, "TIFF")
    check_size(image.size, limits)
    image.info.pop("xmp", None)
    with quiet():
        picture = to_rgba(image, image.info.get("icc_profile"))
    if inverted:
        picture = ImageChops.invert(picture)
    yield Frame(upright(picture, turn))
