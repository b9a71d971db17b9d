"""Compressed content, unpacked up to a limit."""

from __future__ import annotations

import zlib

from kcdp.imaging.limits import ImageError, ImageLimits

GZIP = b"\x1f\x8b"


def unpacked(content: bytes, limits: ImageLimits) -> bytes:
    """The content itself, or what it holds if it is a gzip stream.

    Raises ImageError for more than `limits.max_unpacked_bytes`, and for a stream that is damaged or ends too early.
    """
    if content.startswith(GZIP):
        stream = zlib.decompressobj(wbits=31)
        try:
            content = stream.decompress(content, limits.max_unpacked_bytes + 1)
        except zlib.error:
            raise ImageError("The picture is damaged; save or download it again.") from None
        if len(content) <= limits.max_unpacked_bytes and not stream.eof:
            raise ImageError("The picture is cut short; save or download it again.")
    if len(content) > limits.max_unpacked_bytes:
        raise ImageError(
            f"The picture holds more than the {limits.max_unpacked_bytes / 2**20:.3g} MB of text allowed in a drawing; "
            "simplify it or export it as PNG or GIF."
        )
    return content
