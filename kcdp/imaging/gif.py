"""GIF (CompuServe, version 89a): its blocks, and its frames composited as browsers do."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from kcdp.imaging.frames import Frame, shown_for
from kcdp.imaging.layers import Layer, composited
from kcdp.imaging.limits import ImageError, ImageLimits, check_animation, check_size

_CUT = "The picture is damaged or cut short; save or download it again."
_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_HAS_PALETTE, _INTERLACED = 0x80, 0x40
_BACKGROUND = 2
#: Restore to previous: 3 in the specification; 4 is what programs write that take the number for a bit.
_PREVIOUS = (3, 4)


@dataclass(frozen=True)
class _Part:
    """One image of a file: where it goes, its palette, which of its colours is clear, and its compressed indices."""

    box: tuple[int, int, int, int]
    palette: bytes | None
    clear: int | None
    dispose: int
    duration: float
    interlaced: bool
    data: bytes


def _blocks(content: bytes, place: int) -> int:
    """Where a chain of sub-blocks that begins at `place` ends; IndexError when it does not."""
    while size := content[place]:
        place += size + 1
    return place + 1


def _parts(content: bytes) -> tuple[tuple[int, int], list[_Part]]:
    """The (width, height) of the screen and the images on it; one that is cut short is left out with all behind it."""
    if len(content) < 13:
        raise ImageError(_CUT)
    screen, flags = struct.unpack_from("<HH", content, 6), content[10]
    common, place = None, 13
    if flags & _HAS_PALETTE:
        place += 3 << (flags & 7) + 1
        common = content[13:place]
    parts: list[_Part] = []
    clear, dispose, duration = None, 0, 0.0
    try:
        while (kind := content[place]) != _TRAILER:
            if kind == _EXTENSION:
                if content[place + 1] == _GRAPHIC_CONTROL and content[place + 2] >= 4:
                    packed, delay, index = struct.unpack_from("<BHB", content, place + 3)
                    clear, dispose, duration = index if packed & 1 else None, packed >> 2 & 7, 10.0 * delay
                place = _blocks(content, place + 2)
            elif kind == _IMAGE:
                x, y, width, height, flags = struct.unpack_from("<4HB", content, place + 1)
                place += 10
                palette = common
                if flags & _HAS_PALETTE:
                    palette = content[place : place + (3 << (flags & 7) + 1)]
                    place += len(palette)
                end = _blocks(content, place + 1)
                if end > len(content):
                    break
                box = (x, y, x + width, y + height)
                interlaced = bool(flags & _INTERLACED)
                parts.append(_Part(box, palette, clear, dispose, duration, interlaced, content[place:end]))
                place, clear, dispose, duration = end, None, 0, 0.0
            else:
                place += 1
    except (IndexError, struct.error):
        pass
    if not parts:
        raise ImageError(_CUT)
    return screen, parts


def _indices(part: _Part) -> Image.Image:
    """Palette indices of a part, as mode L."""
    size = (part.box[2] - part.box[0], part.box[3] - part.box[1])
    # The decoder's own arguments: bits of a first code, rows interlaced, no index that is clear.
    return Image.frombytes("L", size, part.data[1:], "gif", part.data[0], int(part.interlaced), -1)


def _colours(part: _Part, mode: str) -> Image.Image:
    """A part in `mode`: its palette's colours, opaque but for the clear one in RGBA; greys where it has no palette."""
    indices = _indices(part)
    palette = np.full((256, 4), 255, dtype=np.uint8)
    palette[:, :3] = np.arange(256, dtype=np.uint8)[:, None]
    if part.palette is not None:
        palette[:, :3] = 0
        palette[: len(part.palette) // 3, :3] = np.frombuffer(part.palette, dtype=np.uint8).reshape(-1, 3)
    if part.clear is not None:
        palette[part.clear] = 0
    indices.putpalette(palette.tobytes(), "RGBA")
    return indices.convert(mode)


def _paint(part: _Part, canvas: Image.Image) -> None:
    colours = _colours(part, canvas.mode if part.clear is None else "RGBA")
    canvas.paste(colours, part.box[:2], None if part.clear is None else colours)


def _layer(part: _Part, screen: tuple[int, int]) -> Layer:
    return Layer(
        paint=partial(_paint, part),
        box=part.box,
        duration=shown_for(part.duration),
        after="clear" if part.dispose == _BACKGROUND else "back" if part.dispose in _PREVIOUS else "stay",
        covers=part.clear is None and part.box[:2] == (0, 0) and part.box[2] >= screen[0] and part.box[3] >= screen[1],
    )


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a GIF file on a canvas that begins clear, whatever background colour the file names."""
    screen, parts = _parts(content)
    # As browsers do, for the sake of files whose screen is wrong.
    screen = (max(screen[0], parts[0].box[2]), max(screen[1], parts[0].box[3]))
    check_animation(len(parts), screen, limits)
    for part in parts:
        # What lies beyond the screen is decoded, too.
        if (part.box[2] - part.box[0]) * (part.box[3] - part.box[1]) > limits.max_pixels:
            check_size((part.box[2] - part.box[0], part.box[3] - part.box[1]), limits)
    return composited(screen, [_layer(part, screen) for part in parts], clear_colours=False)
