"""Animated PNG and GIF files of random parts, each with what is right: composited slowly, in floating point."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from kcdp.imaging import GROUND
from tests.image_files import chunk

#: A frame on the canvas: pixels (H, W, 4) from 0 to 1, left, top.
Part = tuple[np.ndarray, int, int]


@dataclass(frozen=True)
class Animation:
    """A file, and the frames that it shows on `GROUND` as floats (H, W, 3), with their durations in milliseconds."""

    data: bytes
    frames: list[np.ndarray]
    durations: list[float]


def _on_ground(canvas: np.ndarray) -> np.ndarray:
    return 255 * canvas[..., :3] * canvas[..., 3:] + np.array(GROUND) * (1 - canvas[..., 3:])


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Porter and Duff's "over" of straight alpha."""
    alpha = above[..., 3:] + below[..., 3:] * (1 - above[..., 3:])
    colour = above[..., :3] * above[..., 3:] + below[..., :3] * below[..., 3:] * (1 - above[..., 3:])
    return np.concatenate([np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0), alpha], -1)


def composited(size: tuple[int, int], parts: list[Part], keep: list[str], over: list[bool]) -> list[np.ndarray]:
    """What each frame shows; `keep` says what becomes of it afterwards: "stay", "clear" or "back"."""
    canvas, shown = np.zeros((size[1], size[0], 4)), []
    for (pixels, left, top), after, blended in zip(parts, keep, over, strict=True):
        old = canvas.copy()
        place = (slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1]))
        canvas[place] = _over(pixels, canvas[place]) if blended else pixels
        shown.append(_on_ground(canvas))
        if after == "clear":
            canvas[place] = 0
        elif after == "back":
            canvas = old
    return shown


def _box(rng: np.random.Generator, size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = int(rng.integers(1, size[0] + 1)), int(rng.integers(1, size[1] + 1))
    return int(rng.integers(size[0] - width + 1)), int(rng.integers(size[1] - height + 1)), width, height


# PNG


def packed_rows(samples: np.ndarray, depth: int, filtered: int = 0) -> bytes:
    """Samples (H, W, C) as the rows of a PNG, not compressed; filter 0, or 2 ("up") where `filtered` is 2."""
    height = len(samples)
    if depth == 16:
        rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    elif depth == 8:
        rows = samples.astype(np.uint8).reshape(height, -1)
    else:
        bits = (samples.reshape(height, -1)[..., None] >> np.arange(depth)[::-1]) & 1
        rows = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    if filtered == 2:
        rows = np.concatenate([rows[:1], rows[1:] - rows[:-1]])
    return b"".join(bytes([filtered]) + row.tobytes() for row in rows)


def png_file(samples: np.ndarray, depth: int, colour_type: int, *chunks: bytes) -> bytes:
    """A still PNG of samples (H, W, C), `chunks` between header and pixels."""
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(packed_rows(samples, depth))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    )


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def meaning(samples: np.ndarray, depth: int, colour_type: int, palette: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Samples (H, W, C) as pixels (H, W, 4) from 0 to 1; `clear` is what tRNS says, empty where there is none."""
    if colour_type == 3:
        alphas = np.concatenate([clear, np.full(len(palette) - len(clear), 255)])
        return np.concatenate([palette, alphas[:, None]], 1)[samples[..., 0]] / 255
    values = samples / (2**depth - 1)
    colour = values[..., :1].repeat(3, -1) if colour_type in (0, 4) else values[..., :3]
    if colour_type in (4, 6):
        alpha = values[..., -1:]
    else:
        alpha = np.ones((*samples.shape[:2], 1))
        if len(clear):
            alpha[(samples == clear).all(-1)] = 0
    return np.concatenate([colour, alpha], -1)


def random_apng(seed: int, frames: int = 5) -> Animation:
    """An animated PNG of a random colour type and depth, with random boxes, disposal, blending, tRNS and still."""
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(8, 25)), int(rng.integers(8, 25)))
    colour_type = int(rng.choice(list(CHANNELS)))
    depth = int(rng.choice(DEPTHS[colour_type]))
    # Few levels, so that a clear one is met, and whole steps of 8 bits, so that 16 are no matter of rounding.
    levels = np.unique(np.linspace(0, 255, 5).round().astype(int) * 257 >> 16 - depth)
    palette = rng.integers(0, 256, (min(2**depth, 16), 3))
    clear = np.array([], dtype=int)
    chunks = []
    if colour_type == 3:
        chunks.append(chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
        levels = np.arange(len(palette))
        clear = rng.integers(0, 256, rng.integers(0, len(palette) + 1))
        if len(clear):
            chunks.append(chunk(b"tRNS", clear.astype(np.uint8).tobytes()))
    elif colour_type in (0, 2) and rng.random() < 0.7:
        clear = rng.choice(levels, CHANNELS[colour_type])
        chunks.append(chunk(b"tRNS", clear.astype(">u2").tobytes()))

    def samples(width: int, height: int) -> np.ndarray:
        drawn = rng.choice(levels, (height, width, CHANNELS[colour_type]))
        if len(clear) and colour_type != 3:
            drawn[rng.random((height, width)) < 0.3] = clear
        return drawn

    still = rng.random() < 0.3
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"acTL", struct.pack(">II", frames, 0))
    )
    if still:
        data += chunk(b"IDAT", zlib.compress(packed_rows(samples(*size), depth)))
    parts, keep, over, durations, number = [], [], [], [], 0
    for index in range(frames):
        first = index == 0 and not still
        left, top, width, height = (0, 0, *size) if first else _box(rng, size)
        dispose, blend = int(rng.integers(3)), int(rng.integers(2))
        delay, unit = int(rng.choice([0, 1, 5, 20])), int(rng.choice([0, 100, 1000, 30]))
        control = struct.pack(">5I2H2B", number, width, height, left, top, delay, unit, dispose, blend)
        data += chunk(b"fcTL", control)
        drawn = samples(width, height)
        rows = zlib.compress(packed_rows(drawn, depth, int(rng.choice([0, 2]))))
        # In two pieces, as large frames are.
        for piece in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            if first:
                data += chunk(b"IDAT", piece)
            else:
                number += 1
                data += chunk(b"fdAT", struct.pack(">I", number) + piece)
        number += 1
        parts.append((meaning(drawn, depth, colour_type, palette, clear), left, top))
        keep.append(["stay", "clear", "clear" if index == 0 else "back"][dispose])
        over.append(blend == 1)
        time = 1000 * delay / (unit or 100)
        durations.append(100.0 if time <= 10 else time)
    return Animation(data + chunk(b"IEND", b""), composited(size, parts, keep, over), durations)


# GIF


def lzw(indices: np.ndarray, bits: int) -> bytes:
    """Palette indices as a GIF's compressed data, with a clear code before the codes grow: valid, and not small."""
    clear, width = 1 << bits, bits + 1
    codes = []
    for place, index in enumerate(indices.ravel()):
        if place % (clear - 2 or 1) == 0:
            codes.append(clear)
        codes.append(int(index))
    codes.append(clear + 1)
    stream = np.packbits(((np.array(codes)[:, None] >> np.arange(width)) & 1).ravel(), bitorder="little").tobytes()
    pieces = [stream[start : start + 255] for start in range(0, len(stream), 255)]
    return bytes([bits]) + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"


def interlaced(rows: np.ndarray) -> np.ndarray:
    """Rows in the order of an interlaced GIF: every eighth, then those between."""
    return np.concatenate([rows[start::step] for start, step in ((0, 8), (4, 8), (2, 4), (1, 2))])


def random_gif(seed: int, frames: int = 6) -> Animation:
    """A GIF with random boxes, palettes, clear colours, interlacing and disposals in any order."""
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(8, 25)), int(rng.integers(8, 25)))
    bits = int(rng.integers(2, 6))
    common = rng.integers(0, 256, (1 << bits, 3))
    data = b"GIF89a" + struct.pack("<HHBBB", *size, 0x80 | bits - 1, int(rng.integers(1 << bits)), 0)
    data += common.astype(np.uint8).tobytes()
    parts, keep, durations = [], [], []
    for _ in range(frames):
        left, top, width, height = _box(rng, size)
        dispose, delay = int(rng.integers(5)), int(rng.choice([0, 1, 2, 7, 30]))
        clear = int(rng.integers(1 << bits)) if rng.random() < 0.7 else None
        own = rng.integers(0, 256, (1 << bits, 3)) if rng.random() < 0.4 else None
        rows = rng.integers(0, 1 << bits, (height, width))
        if clear is not None:
            rows[rng.random((height, width)) < 0.4] = clear
        woven = bool(rng.random() < 0.3)
        if rng.random() < 0.9 or clear is not None:
            data += struct.pack("<BBBBHBB", 0x21, 0xF9, 4, dispose << 2 | (clear is not None), delay, clear or 0, 0)
        else:
            dispose = delay = 0
        data += struct.pack(
            "<B4HB", 0x2C, left, top, width, height, woven << 6 | (0 if own is None else 0x80 | bits - 1)
        )
        if own is not None:
            data += own.astype(np.uint8).tobytes()
        data += lzw(interlaced(rows) if woven else rows, bits)
        alpha = np.ones((height, width, 1)) if clear is None else (rows != clear)[..., None]
        parts.append((np.concatenate([(common if own is None else own)[rows] / 255, alpha], -1), left, top))
        keep.append(["stay", "stay", "clear", "back", "back"][dispose])
        durations.append(100.0 if delay <= 1 else 10.0 * delay)
    return Animation(data + b";", composited(size, parts, keep, [True] * frames), durations)
