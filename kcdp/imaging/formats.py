"""The formats that are read: one row each, tried in this order."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress

from kcdp.imaging import animated, apng, gif, heif, ico, jxl, lottie, packs, still, svg, tiff, video
from kcdp.imaging.frames import Format
from kcdp.imaging.strangers import STRANGERS

#: XML, or this element after a comment at most; in UTF-16, whatever it is.
_SVG = (
    rb"(?i)(\xef\xbb\xbf)?\s*(<\?xml\b|<!doctype\s+(\w+:)?svg\b|(<!--.*)?<(\w+:)?svg[\s>])|\xff\xfe<\x00|\xfe\xff\x00<"
)

#: To read another format, write its decoder in a module of its own and add a row. Nothing else is tried: some of
#: Pillow's other readers start programs or are rarely used, and what is rarely used is rarely safe.
FORMATS = (
    Format("PNG", rb"\x89PNG", apng.decode),
    Format("JPEG", rb"\xff\xd8\xff", still.decode_jpeg),
    Format("WebP", rb"RIFF....WEBP", animated.decode_webp),
    Format("GIF", rb"GIF8[79]a", gif.decode),
    Format("AVIF", rb"....ftyp.{0,56}avi[fs]", animated.decode_avif),
    Format("BMP", rb"BM.{4}\x00{4}", still.decode_bmp),
    Format("TIFF", rb"II[*+]\x00|MM\x00[*+]", tiff.decode),
    Format("HEIC", rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", heif.decode),
    Format("WebM", rb"\x1a\x45\xdf\xa3", video.decode_webm),
    Format("MP4", rb"....(ftyp|moov|mdat|wide|skip|free)", video.decode_mp4),
    Format("Lottie", rb'(\xef\xbb\xbf)?\s*\{.*"(tgs|layers|assets|ip|op|fr)"\s*:', lottie.decode),
    Format("SVG", _SVG, svg.decode),
    Format("ICO", rb"\x00\x00[\x01\x02]\x00[^\x00]\x00", ico.decode),
    Format("JPEG XL", rb"\xff\x0a|\x00\x00\x00\x0cJXL ", jxl.decode),
    Format("dotLottie", rb"PK(\x03\x04|\x05\x06)", packs.decode),
)

#: Bytes of a file that say what it is.
_HEAD = 4096


def _head(content: bytes) -> bytes:
    """The first bytes of a file, or of what it holds if it is a gzip stream of text."""
    head = content[:_HEAD]
    if head.startswith(b"\x1f\x8b"):
        with suppress(zlib.error):
            unpacked = zlib.decompressobj(wbits=31).decompress(content, _HEAD)
            if _matches(rb"\s*[{<]", unpacked):
                return unpacked
    return head


def _matches(pattern: bytes, head: bytes) -> bool:
    return re.match(pattern, head, re.DOTALL) is not None


def recognised(content: bytes) -> Format | None:
    """The format of a file, by how it begins; None where it is none of `FORMATS`."""
    head = _head(content)
    return next((format for format in FORMATS if _matches(format.signature, head)), None)


def why_unknown(content: bytes) -> str:
    """What a file is that is none of `FORMATS`, and what to do about it, to follow the name in a sentence."""
    head = _head(content)
    *names, last = (format.name for format in FORMATS)
    readable = f"use {', '.join(names)} or {last}"
    for signature, what, remedy in STRANGERS:
        if _matches(signature, head):
            return f"is {what}, which cannot be read here; {remedy}"
    if not head.strip(b"\0"):
        return "holds nothing but zeros; save or download it again"
    if _matches(rb"[\t\n\f\r\x20-\x7e\x80-\xff]+\Z", head):
        return f"is a text file and not a picture; {readable}"
    return f"is not in a picture format that can be read here; {readable}"
