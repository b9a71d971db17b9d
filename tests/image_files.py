"""Picture files for the tests of imaging, good ones and such as no program would write."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

RED, GREEN, BLUE, CLEAR = (220, 30, 40, 255), (20, 160, 60, 255), (30, 60, 200, 255), (0, 0, 0, 0)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 32, height: int = 24, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def smooth(width: int = 32, height: int = 24) -> Image.Image:
    """A slope of colours, which lossy formats keep within a few levels."""
    x, y = np.meshgrid(np.linspace(40, 200, width), np.linspace(60, 180, height))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], -1).astype(np.uint8))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header alone says how large it is."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def film(count: int = 8, size: int = 16, mode: str = "RGBA") -> list[Image.Image]:
    """A square that steps over a clear ground, in another grey each time."""
    frames = []
    for number in range(count):
        frame = Image.new(mode, (size, size), CLEAR if mode == "RGBA" else "white")
        grey = 20 + 16 * number
        frame.paste((grey, grey, grey, 255)[: len(mode)], (number, number, number + 6, number + 6))
        frames.append(frame)
    return frames


def animated(frames: list[Image.Image], kind: str, **options) -> bytes:
    options = {"duration": 40, **options}
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], loop=0, **options)


def patch(left: int, top: int, side: int, color: int, disposal: int) -> bytes:
    """A frame for `gif_of`: a square of one of its colours, and what happens to it afterwards."""
    image = encoded(Image.new("P", (side, side), color), "GIF", optimize=False)
    block = image.index(b",", 13 + 3 * 2 ** ((image[10] & 7) + 1))
    return (
        b"!\xf9\x04"
        + struct.pack("<BHBB", disposal << 2, 4, 0, 0)
        + b","
        + struct.pack("<HHHHB", left, top, side, side, 0)
        + image[block + 10 : image.rindex(b";")]
    )


def blank(side: int) -> bytes:
    """A frame for `gif_of` without pixels."""
    return b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\0"


def gif_of(*frames: bytes, side: int = 16) -> bytes:
    colors = bytes([*RED[:3], *GREEN[:3], *BLUE[:3], 0, 0, 0])
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0xF1, 0, 0) + colors + b"".join(frames) + b";"
