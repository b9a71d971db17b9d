"""Pillow as every decoder uses it: without warnings, and for the one format that was recognised."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image

# One at a time: Python's warning filters belong to the whole process, and two threads would restore each other's.
_lock = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """A block in which nothing warns. Blocks of other threads wait: pixels are best decoded behind it."""
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def opened(content: bytes, kind: str) -> Image.Image:
    """A file of Pillow's format `kind` with its header read and no pixel decoded."""
    with quiet():
        return Image.open(BytesIO(content), formats=(kind,))
