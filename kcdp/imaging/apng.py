"""Animated PNG: frames composited as the specification of fcTL says (W3C PNG, third edition, 11.3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from PIL import Image

from kcdp.imaging.frames import Frame, shown_for
from kcdp.imaging.layers import Layer, composited
from kcdp.imaging.limits import ImageError, ImageLimits, check_animation, check_size
from kcdp.imaging.orientation import orientation_of, upright
from kcdp.imaging.png import Control, PngFile, parse, pixels

_BACKGROUND, _PREVIOUS = 1, 2
_OVER = 1


def frames(file: PngFile, limits: ImageLimits) -> Iterator[Frame]:
    """Every frame of an animated file on a canvas that begins clear; the default image is no frame of it."""
    controls = [control for control in file.controls if control.data]
    check_animation(len(controls), file.size, limits)
    layers = [_layer(file, control) for control in controls]
    if layers[0].after == "back":
        layers[0] = replace(layers[0], after="clear")
    return composited(file.size, layers, clear_colours=file.has_transparency)


def _layer(file: PngFile, control: Control) -> Layer:
    x, y = control.place
    box = (x, y, x + control.size[0], y + control.size[1])
    if box[2] > file.size[0] or box[3] > file.size[1]:
        raise ImageError("The picture has a frame that reaches beyond its edge; save the animation again.")
    return Layer(
        paint=partial(_paint, file, control),
        box=box,
        duration=shown_for(control.duration),
        after="clear" if control.dispose == _BACKGROUND else "back" if control.dispose == _PREVIOUS else "stay",
        covers=control.size == file.size and not (control.blend == _OVER and file.has_transparency),
    )


def _paint(file: PngFile, control: Control, canvas: Image.Image) -> None:
    part = pixels(file, control.size, control.data)
    if control.blend != _OVER or part.mode != "RGBA":
        if part.mode != canvas.mode:
            part.putalpha(255)  # in place, where pasting would convert a copy
        canvas.paste(part, control.place)
        return
    # What is clear all around changes nothing and is most of many frames.
    box = part.getbbox()
    if box is not None:
        canvas.alpha_composite(part, (control.place[0] + box[0], control.place[1] + box[1]), box)


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
