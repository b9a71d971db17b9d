"""ICO icons and CUR cursors: the largest of their pictures."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kcdp.imaging import apng
from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import ImageError, ImageLimits, check_size
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.pillow import opened

_DAMAGED = "The picture is an icon that is damaged or cut short; save or download it again."
_HEAD, _ENTRY = struct.Struct("<HHH"), struct.Struct("<BBBBHHII")
_ICON = 1


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The picture of an icon that has most pixels, of several the one with most bits a pixel."""
    _, kind, count = _HEAD.unpack_from(content)
    entries = [_ENTRY.unpack_from(content, _HEAD.size + _ENTRY.size * number) for number in range(count)]
    # A width or height of 0 is 256. What a cursor has in the place of the bits is a position.
    width, height, colours, _, planes, bits, length, place = max(
        entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[5] * (kind == _ICON))
    )
    picture = content[place : place + length]
    if len(picture) < length or length < 16:
        raise ImageError(_DAMAGED)
    if picture.startswith(b"\x89PNG"):
        yield from apng.decode(picture, limits)
        return
    # Two bitmaps of this size, one over the other: the colours and the mask.
    wide, high = struct.unpack_from("<ii", picture, 4)
    check_size((wide, abs(high) // 2), limits)
    alone = _HEAD.pack(0, _ICON, 1) + _ENTRY.pack(
        width, height, colours, 0, planes, bits, length, _HEAD.size + _ENTRY.size
    )
    yield Frame(to_rgba(opened(alone + picture, "ICO")))
