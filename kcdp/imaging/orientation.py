"""How a camera was held: the orientation in EXIF, and nothing else of it."""

from __future__ import annotations

import struct

from PIL import Image

#: How to turn a picture upright, by its orientation (EXIF 2.32, tag 0x0112); 1 is upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION, _SHORT = 0x0112, 3


def orientation_of(exif: bytes | None) -> int:
    """The orientation that an EXIF block (with or without its "Exif" header) states, 1 to 8; 1 where it states none.

    Reads that one tag, so that faults elsewhere in the block, which are common, do not matter.
    """
    if not exif:
        return 1
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number, value = struct.unpack_from(f"{order}HHIH", tiff, place)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and number == 1 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """The (width, height) of a picture of `size` once it is upright."""
    return size[::-1] if orientation >= 5 else size


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as its orientation says; the picture itself where that is 1."""
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)
