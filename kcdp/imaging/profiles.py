"""ICC profiles of colour spaces that a file names by numbers instead of carrying a profile."""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np

#: x and y of red, green, blue and white.
Chromaticities = tuple[tuple[float, float], ...]

_D65 = (0.3127, 0.3290)
SRGB: Chromaticities = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)

#: Colour primaries by their number in ITU-T H.273, table 2, as far as browsers tell them from sRGB's.
PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
#: ICC's parametric curve of type 3 (Y = (a X + b)^g from d on, c X below): g, a, b, c, d.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
#: What BT.709 and its kin are displayed with (ITU-R BT.1886).
_TELEVISION = 2.4
#: Transfer characteristics by their number in ITU-T H.273, table 3: a gamma or a curve. Those of HDR are left out.
TRANSFERS: dict[int, float | tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 11, 14, 15), _TELEVISION),
    4: 2.2,
    5: 2.8,
    8: 1.0,
    13: _SRGB_CURVE,
}

#: XYZ of D50, ICC's profile connection space, and the Bradford cone responses (ICC.1:2010, annex E).
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def _xyz(point: tuple[float, float]) -> np.ndarray:
    """XYZ (3,) of a chromaticity at Y = 1."""
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _colorants(points: Chromaticities) -> np.ndarray:
    """XYZ of full red, green and blue as columns (3, 3), adapted to D50."""
    primaries, white = np.stack([_xyz(point) for point in points[:3]], axis=1), _xyz(points[3])
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD
    return adapted @ primaries @ np.diag(np.linalg.solve(primaries, white))


def _fixed(*values: float) -> bytes:
    """Numbers as ICC's s15Fixed16."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


@lru_cache(maxsize=32)
def rgb_profile(points: Chromaticities, transfer: float | tuple[float, ...]) -> bytes:
    """An ICC profile (version 4) of an RGB space; `transfer` is a gamma, or a curve as in `TRANSFERS`.

    Raises ValueError for chromaticities that span no space, or a gamma that is not above 0.
    """
    curve = transfer if isinstance(transfer, tuple) else (transfer,)
    if curve[0] <= 0 or any(y <= 0 for _, y in points):
        raise ValueError("Chromaticities and gamma must be above 0.")
    try:
        columns = _colorants(points).T
    except np.linalg.LinAlgError:
        raise ValueError("The chromaticities span no colour space.") from None
    shape = b"para" + bytes(4) + struct.pack(">HH", 3 if len(curve) == 5 else 0, 0) + _fixed(*curve)
    text = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 6, 28) + "RGB".encode("utf-16-be")
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ " + bytes(4) + _fixed(*_D50)}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True):
        tags[name] = b"XYZ " + bytes(4) + _fixed(*column)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), shape)
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp")
    return head.ljust(68, b"\0") + _fixed(*_D50) + bytes(48) + struct.pack(">I", len(tags)) + table + body


def coded_profile(primaries: int, transfer: int, video: bool = False) -> bytes | None:
    """The profile of two numbers of H.273 (in PNG's cICP, AVIF's and HEIC's nclx); None for sRGB, HDR and unknown ones.

    In files of a `video` codec (AVIF, HEIC) the curves of television mean sRGB's to browsers, in PNG they do not.
    """
    if video and TRANSFERS.get(transfer) == _TELEVISION:
        transfer = 13
    if (primaries, transfer) == (1, 13) or primaries not in PRIMARIES or transfer not in TRANSFERS:
        return None
    return rgb_profile(PRIMARIES[primaries], TRANSFERS[transfer])
