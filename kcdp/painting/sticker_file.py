"""Sticker files as messengers want them: square, transparent, cut close, of few bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Literal, get_args

from PIL import Image, ImageFilter

Kind = Literal["png", "webp"]

#: Side of a messenger's sticker, the room around it, and the usual width of its white rim, in pixels.
SIDE, MARGIN, EDGE = 512, 16, 10
#: Most bytes of a still sticker that all of them take.
MOST_BYTES = 100_000
#: Opacity from which a pixel belongs to the sticker, of 255.
_SEEN = 8
#: Qualities of WebP that are tried, in turn, until a file is small enough.
_QUALITIES = (95, 90, 80, 70, 60, 50, 40, 30, 20, 10)


def sticker_picture(image: Image.Image, side: int = SIDE, margin: int = MARGIN, edge: int = 0) -> Image.Image:
    """The sticker alone, as large as goes, in the middle of a transparent square.

    Args:
        image: RGBA; what is opaque in it is the sticker.
        side: of the square in pixels.
        margin: least room around the sticker, its edge included.
        edge: width of a white rim around it, as of a sticker that was cut out; 0 for none.

    Raises ValueError for a picture without opacity, one that is clear everywhere, or a side without room for a sticker.
    """
    if image.mode != "RGBA":
        raise ValueError(f"A sticker needs a transparent ground: an RGBA picture, not {image.mode}.")
    room = side - 2 * (margin + edge)
    if room < 1 or margin < 0 or edge < 0:
        raise ValueError(f"A margin of {margin} and an edge of {edge} leave no room in {side} pixels.")
    box = image.getchannel("A").point(lambda opacity: 255 * (opacity >= _SEEN)).getbbox()
    if box is None:
        raise ValueError("There is nothing to be seen in this picture, so there is no sticker.")
    cut = image.crop(box)
    scale = room / max(cut.size)
    # Pillow weighs colours with opacity, so nothing bleeds in from what is clear. But where its sharper filters overshoot,
    # opacity is clipped and colours are not: a sticker would have a bright rim.
    size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
    cut = cut.resize(size, Image.Resampling.HAMMING)
    square = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    square.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return _with_edge(square, edge) if edge else square


def _with_edge(sticker: Image.Image, edge: int) -> Image.Image:
    """The sticker on its own outline, grown by `edge` pixels and white."""
    # Of half the width a blur reaches as far out on straight outlines and around corners; what it reaches is made opaque.
    reached = sticker.getchannel("A").filter(ImageFilter.GaussianBlur(edge / 2))
    opacity = reached.point(lambda level: min(255, level * 20))
    rim = Image.new("RGBA", sticker.size, (255, 255, 255, 255))
    rim.putalpha(opacity)
    return Image.alpha_composite(rim, sticker)


def sticker_file(image: Image.Image, kind: Kind = "webp", most_bytes: int = MOST_BYTES) -> bytes:
    """A file of an RGBA picture; WebP of the best quality that stays within `most_bytes`, PNG exact however large.

    Raises ValueError for another kind, and when even the smallest WebP is too large.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"'{kind}' is no kind of sticker file; choose one of {', '.join(get_args(Kind))}.")
    # The pixels alone: Pillow carries over what came with a picture.
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    if kind == "png":
        return _saved(bare, "PNG", optimize=True)
    exact = _saved(bare, "WEBP", lossless=True, quality=80, method=4)
    if len(exact) <= most_bytes:
        return exact
    for quality in _QUALITIES:
        found = _saved(bare, "WEBP", quality=quality, alpha_quality=90, method=4)
        if len(found) <= most_bytes:
            return found
    raise ValueError(f"This picture does not fit into {most_bytes} bytes; save it as PNG, or make it smaller.")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    data = BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()
