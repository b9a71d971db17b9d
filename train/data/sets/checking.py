"""Which of a data set's pictures can be read: found out before training, in as many threads as there are cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from PIL import Image

from train.data.pictures import UNREADABLE
from train.data.sets.entry import Entry

#: Entries that are on their way at once.
_WINDOW = 1024


def fault_of(path: Path) -> str | None:
    """Why a picture cannot be read to its end, in a few words; None when it can."""
    if not path.is_file():
        return "is missing"
    try:
        with Image.open(path) as picture:
            # A JPEG at an eighth of its sides: still read to the end, but quickly.
            picture.draft("RGB", (1, 1))
            picture.load()
    except UNREADABLE as error:
        return "is empty" if path.stat().st_size == 0 else f"is broken ({' '.join(str(error).split())})"
    return None


def checked(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str | None]]:
    """Every entry in its order, with what `fault_of` says of its picture."""
    entries = iter(entries)
    with ThreadPoolExecutor() as threads:
        while window := list(islice(entries, _WINDOW)):
            yield from zip(window, threads.map(fault_of, (entry.path for entry in window)), strict=True)
