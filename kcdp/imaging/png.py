"""PNG (W3C, third edition): its chunks, its pixels with every kind of transparency, and what its numbers mean."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile

from kcdp.imaging.colour import MAX_PROFILE_BYTES
from kcdp.imaging.limits import ImageError
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.profiles import SRGB, coded_profile, rgb_profile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What writers state who mean sRGB; its curve is near to, but not, this power.
_SRGB_GAMMA = 45455
_CUT = "The picture is damaged or cut short; save or download it again."
#: Chunks whose checksum must be right; the others are left out when theirs is wrong, as browsers do.
_CHECKED = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"}
#: Of the others, those that are read, once.
_READ = {b"PLTE", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"eXIf", b"acTL"}


@dataclass
class Control:
    """An fcTL chunk and the data of its frame: where it goes, for how long (milliseconds), and how it is composited."""

    size: tuple[int, int]
    place: tuple[int, int]
    duration: float
    dispose: int
    blend: int
    data: list[bytes | memoryview] = field(default_factory=list)


@dataclass
class PngFile:
    """The parts of a PNG file that decide what it looks like; `controls` are the frames of an animated one."""

    size: tuple[int, int]
    #: Bit depth, colour type, compression, filter and interlace method.
    header: bytes
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    data: list[bytes | memoryview] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return self.header[0]

    @property
    def colour_type(self) -> int:
        return self.header[1]

    @property
    def has_transparency(self) -> bool:
        """Whether a pixel may be anything but opaque."""
        return self.colour_type in (4, 6) or b"tRNS" in self.chunks

    @cached_property
    def icc(self) -> bytes | None:
        """What the numbers of a file mean, by the first of cICP, iCCP, sRGB and gAMA with cHRM; None for sRGB."""
        chunks = self.chunks
        if len(chunks.get(b"cICP", b"")) == 4:
            return coded_profile(*chunks[b"cICP"][:2])
        if b"iCCP" in chunks:
            _, _, packed = chunks[b"iCCP"].partition(b"\0")
            try:
                return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE_BYTES)
            except zlib.error:
                return None
        if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
            return None
        (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
        if b"cHRM" not in chunks and gamma == _SRGB_GAMMA:
            return None
        points = SRGB
        if len(chunks.get(b"cHRM", b"")) == 32:
            white, *primaries = ((x / 100_000, y / 100_000) for x, y in struct.iter_unpack(">2I", chunks[b"cHRM"]))
            points = (*primaries, white)
        try:
            return rgb_profile(points, 100_000 / gamma)
        except (ValueError, ZeroDivisionError, struct.error):
            return None


def parse(content: bytes) -> PngFile:
    """The chunks of a PNG file; raises ImageError where one that matters is cut short or has a wrong checksum."""
    view, place, found = memoryview(content), 8, None
    while True:
        if place + 12 > len(content):
            raise ImageError(_CUT)
        length, kind = struct.unpack_from(">I4s", content, place)
        body, end = view[place + 8 : place + 8 + length], place + 12 + length
        if end > len(content):
            raise ImageError(_CUT)
        if kind in _CHECKED or kind in _READ:
            right = zlib.crc32(view[place + 4 : end - 4]) == struct.unpack_from(">I", content, end - 4)[0]
            if not right and kind in _CHECKED:
                raise ImageError(_CUT)
            if found is None:
                if kind != b"IHDR" or length != 13:
                    raise ImageError(_CUT)
                found = PngFile(struct.unpack_from(">II", body), bytes(body[8:]))
            elif kind == b"IEND":
                return found
            elif right:
                _add(found, kind, body)
        place = end


def _add(file: PngFile, kind: bytes, body: memoryview) -> None:
    if kind in _READ:
        file.chunks.setdefault(kind, bytes(body))
    elif kind == b"fcTL":
        if len(body) != 26:
            raise ImageError(_CUT)
        _, width, height, x, y, delay, unit, dispose, blend = struct.unpack(">5I2H2B", body)
        file.controls.append(Control((width, height), (x, y), 1000 * delay / (unit or 100), dispose, blend))
    elif kind == b"IDAT":
        file.data.append(body)
        # The still is the first frame where a frame was announced before it, and otherwise no frame at all.
        if file.controls:
            file.controls[0].data.append(body)
    elif kind == b"fdAT" and file.controls:
        file.controls[-1].data.append(body[4:])


def _chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _opened(file: PngFile, size: tuple[int, int], data: list[bytes | memoryview]) -> ImageFile.ImageFile:
    """Pixel data of a file, whole or of one frame, as a picture that Pillow has still to decode."""
    parts: list[bytes | memoryview] = [SIGNATURE, _chunk(b"IHDR", struct.pack(">II", *size) + file.header)]
    if b"PLTE" in file.chunks:
        parts.append(_chunk(b"PLTE", file.chunks[b"PLTE"]))
    # The checksums of the pixels were looked at in `parse`, and Pillow looks at none.
    parts += [struct.pack(">I4s", sum(map(len, data)), b"IDAT"), *data, bytes(4), _chunk(b"IEND")]
    image = Image.open(BytesIO(b"".join(parts)), formats=("PNG",))
    if image.size != size:
        raise ImageError(_CUT)
    return image


def pixels(file: PngFile, size: tuple[int, int], data: list[bytes | memoryview]) -> Image.Image:
    """Pixel data of a file, whole or of one frame, in RGB, or in RGBA where the file has transparency; sRGB."""
    opened, clear = _opened(file, size, data), file.chunks.get(b"tRNS")
    image: Image.Image = opened
    if clear is not None and file.colour_type == 2 and len(clear) == 6:
        image = _with_clear_colour(file, opened, size, data, struct.unpack(">3H", clear))
    elif clear is not None and file.colour_type == 0 and len(clear) == 2:
        # Pillow scales greys of 1, 2 and 4 bits to 8 and leaves the clear one as it was.
        level = struct.unpack(">H", clear)[0] & (2**file.depth - 1)
        image.load()
        image = image.convert("L") if file.depth == 1 else image
        image.info["transparency"] = level if file.depth == 16 else level * (255 // (2**file.depth - 1))
    elif clear is not None and file.colour_type == 3:
        image.load()
        image.info["transparency"] = clear[:256]
    return to_rgba(image, file.icc)


def _with_clear_colour(
    file: PngFile,
    image: ImageFile.ImageFile,
    size: tuple[int, int],
    data: list[bytes | memoryview],
    clear: tuple[int, ...],
) -> Image.Image:
    """RGB pixels as RGBA, one colour of them clear; with 16 bits all of them count, and Pillow reads the upper 8."""
    if file.depth == 16:
        low = _opened(file, size, data)
        # Read as little-endian, a number's upper byte is what is its lower one.
        low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]
        parts = [(image, [level >> 8 for level in clear]), (low, [level & 255 for level in clear])]
    else:
        parts = [(image, [level & 255 for level in clear])]
    same = np.ones(size[::-1], dtype=bool)
    for part, levels in parts:
        same &= (np.asarray(part) == np.array(levels, dtype=np.uint8)).all(axis=2)
    image.putalpha(Image.fromarray(np.where(same, 0, 255).astype(np.uint8)))
    return image
