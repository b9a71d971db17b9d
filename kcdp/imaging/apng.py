"""Animated PNG: frames composited as the specification of fcTL says (W3C PNG, third edition, 11.3.6)."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from kcdp.imaging.frames import Frame, cleared, shown_for
from kcdp.imaging.limits import ImageError, ImageLimits, check_animation, check_size
from kcdp.imaging.orientation import orientation_of, upright
from kcdp.imaging.png import Control, PngFile, parse, pixels

_BACKGROUND, _PREVIOUS = 1, 2
_OVER = 1


def frames(file: PngFile, limits: ImageLimits) -> Iterator[Frame]:
    """Every frame of an animated file on a canvas that begins clear; the default image is no frame of it."""
    controls = [control for control in file.controls if control.data]
    check_animation(len(controls), file.size, limits)
    canvas = Image.new("RGBA", file.size)
    for number, control in enumerate(controls):
        x, y = control.place
        box = (x, y, x + control.size[0], y + control.size[1])
        if box[2] > file.size[0] or box[3] > file.size[1]:
            raise ImageError("The picture has a frame that reaches beyond its edge; save the animation again.")
        shown = _drawn(canvas, pixels(file, control.size, control.data), control)
        yield Frame(shown, shown_for(control.duration))
        if control.dispose == _BACKGROUND or (control.dispose == _PREVIOUS and number == 0):
            canvas = cleared(shown, box)
        elif control.dispose != _PREVIOUS:
            canvas = shown


def _drawn(canvas: Image.Image, part: Image.Image, control: Control) -> Image.Image:
    """The canvas with a frame on it; the canvas itself stays as it is."""
    if control.blend == _OVER and part.mode == "RGBA":
        # What is clear all around changes nothing and is most of many frames.
        box = part.getbbox()
        if box is None:
            return canvas
        shown = canvas.copy()
        shown.alpha_composite(part, (control.place[0] + box[0], control.place[1] + box[1]), box)
        return shown
    if control.size == canvas.size:
        return part.convert("RGBA")
    shown = canvas.copy()
    shown.paste(part, control.place)
    return shown


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a PNG file, animated or not."""
    file = parse(content)
    turn = orientation_of(file.chunks.get(b"eXIf"))
    if b"acTL" in file.chunks and file.controls:
        for frame in frames(file, limits):
            yield Frame(upright(frame.image, turn), frame.duration)
        return
    check_size(file.size, limits)
    yield Frame(upright(pixels(file, file.size, file.data), turn))
