"""Animations that are stored layer upon layer: any frame is composited from the last one that needs none before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PIL import Image

from kcdp.imaging.frames import Frame
from kcdp.imaging.late import LateImage

#: Left, top, right and bottom, in pixels.
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Layer:
    """One frame as a file has it.

    `paint` puts its pixels on a canvas (RGBA or RGB), in place and inside `box`, and on none of its own; `duration` is in
    milliseconds, as for `Frame`. `after` says what becomes of the box when the frame's time is over: it stays, is made
    clear, or goes back to what was there before. `covers` says that nothing is left of what was on the canvas.
    """

    paint: Callable[[Image.Image], None]
    box: Box
    duration: float
    after: Literal["stay", "clear", "back"]
    covers: bool


def composited(size: tuple[int, int], layers: Sequence[Layer], clear_colours: bool) -> Iterator[Frame]:
    """The frames of an animation, on a canvas of `size` (width, height) that begins clear; drawn when looked at.

    `clear_colours` says whether a layer that covers the canvas may have transparent pixels itself. Where it has none and
    nothing is cleared, the canvas is RGB, on which opaque layers need no conversion.
    """
    opaque = not clear_colours and layers[0].covers and layers[0].after == "stay"
    mode = "RGB" if opaque and all(layer.after != "clear" for layer in layers) else "RGBA"
    canvas = _Canvas(mode, size, layers)
    for number, layer in enumerate(layers):
        yield Frame(LateImage(mode, size, partial(canvas.frame, number)), layer.duration)


class _Canvas:
    """What the layers are painted on: goes on from the frame that it shows where it can."""

    def __init__(self, mode: str, size: tuple[int, int], layers: Sequence[Layer]) -> None:
        self._mode, self._size, self._layers = mode, size, layers
        self._begins = _begins(size, layers)
        self._clear(0)

    def _clear(self, number: int) -> None:
        """Begin anew, as if frame `number` were the first."""
        self._image = Image.new(self._mode, self._size)
        self._begun, self._shown = number, number - 1
        self._under: Image.Image | None = None

    def frame(self, number: int) -> Image.Image:
        """A frame as it shows, in a picture of its own."""
        if not self._begun <= self._begins[number] <= self._shown + 1 <= number + 1:
            self._clear(self._begins[number])
        while self._shown < number:
            self._next()
        return self._image.copy()

    def _next(self) -> None:
        if self._shown >= self._begun:
            ended = self._layers[self._shown]
            if ended.after == "clear":
                self._image.paste((0, 0, 0, 0), _inside(ended.box, self._size))
            elif self._under is not None:
                self._image.paste(self._under, ended.box[:2])
        self._shown += 1
        layer = self._layers[self._shown]
        self._under = self._image.crop(layer.box) if layer.after == "back" else None
        layer.paint(self._image)


def _begins(size: tuple[int, int], layers: Sequence[Layer]) -> list[int]:
    """For every frame the last one, itself at most, on whose beginning the canvas may as well be clear."""
    begins: list[int] = []
    begin = 0
    #: What may be anything but clear before the frame; None where all is clear.
    painted: Box | None = None
    for number, layer in enumerate(layers):
        begins.append(number if painted is None or layer.covers else begin)
        if layer.after == "back":
            begin = number + 1 if painted is None else begin
            continue
        begin, box = begins[number], _inside(layer.box, size)
        painted = box if painted is None else _around(painted, box)
        if layer.after == "clear" and painted == box:
            painted = None
    return begins


def _inside(box: Box, size: tuple[int, int]) -> Box:
    return max(0, box[0]), max(0, box[1]), min(size[0], box[2]), min(size[1], box[3])


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
