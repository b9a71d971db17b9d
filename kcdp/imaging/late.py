"""Pictures that are decoded when somebody looks at them, so that a long animation costs only its sampled frames."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image


class LateImage(Image.Image):
    """A picture of known size in mode RGBA or RGB whose pixels `draw` makes when they are first asked for.

    Pillow itself waits like this with files that it has opened: every method that needs pixels calls `load`.
    """

    #: What makes the pixels; None once they are there, and in a copy that Python made.
    _draw: Callable[[], Image.Image] | None = None

    def __init__(self, mode: str, size: tuple[int, int], draw: Callable[[], Image.Image]) -> None:
        super().__init__()
        self._mode = mode
        self._size = size
        self._draw = draw

    def load(self) -> Image.core.PixelAccess | None:
        """Draw the pixels unless they are there; raises what `draw` raises, ValueError for one of another form."""
        if self._draw is not None:
            drawn = self._draw()
            drawn.load()
            if (drawn.mode, drawn.size) != (self.mode, self.size):
                raise ValueError(f"{self.mode} of {self.size} was announced, {drawn.mode} of {drawn.size} drawn.")
            self.im = drawn.im
            self._draw = None
        return super().load()
