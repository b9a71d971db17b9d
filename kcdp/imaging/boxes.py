"""The boxes of AVIF and HEIC files (ISO/IEC 14496-12), as far as they say what the colours mean."""

from __future__ import annotations

import struct
from collections.abc import Iterator

#: Boxes that hold boxes, and how many bytes of their own come first. From the file to a `colr` box leads meta, iprp and
#: ipco for a picture, moov to av01 for a sequence.
_HOLDERS = {
    b"meta": 4,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"stsd": 8,
    b"av01": 78,
}


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Every box of known holders and what it holds, outer ones first."""
    place = 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        head = 8
        if size == 1 and place + 16 <= len(content):
            (size,), head = struct.unpack_from(">Q", content, place + 8), 16
        elif size == 0:
            size = len(content) - place
        if size < head:
            return
        body = content[place + head : place + size]
        yield kind, body
        if kind in _HOLDERS:
            yield from _boxes(body[_HOLDERS[kind] :])
        place += size


def coded_colour(content: bytes) -> tuple[int, int] | None:
    """Primaries and transfer characteristics (numbers of ITU-T H.273) that the first `nclx` states; None without one."""
    for kind, body in _boxes(memoryview(content)):
        if kind == b"colr" and len(body) >= 10 and body[:4] == b"nclx":
            primaries, transfer = struct.unpack_from(">2H", body, 4)
            return primaries, transfer
    return None
