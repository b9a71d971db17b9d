"""Which of a data set's pictures can be read: found out before training, in as many threads as there are cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from kcdp.imaging import ImageError
from train.data.pictures import read_picture
from train.data.records import content_id
from train.data.sets.entry import Entry

#: Entries that are on their way at once.
_WINDOW = 1024


def _check_file(path: Path) -> tuple[str | None, str]:
    """Why training cannot use a picture, in a few words, or None; and the id of the file's content. Read to its end."""
    try:
        content = path.read_bytes()
        if not content:
            return "is empty", content_id(content)
        read_picture(content)
    except FileNotFoundError:
        return "is missing", ""
    except OSError as error:
        return f"cannot be read ({error.strerror})", ""
    except ImageError as error:
        return str(error).removeprefix("The picture ").removesuffix("."), content_id(content)
    return None, content_id(content)


def checked(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str | None, str]]:
    """Every entry in its order, with why training cannot use its picture (None when it can) and the id of the picture's content."""
    entries = iter(entries)
    with ThreadPoolExecutor() as threads:
        while window := list(islice(entries, _WINDOW)):
            found = threads.map(_check_file, (entry.path for entry in window))
            yield from ((entry, *result) for entry, result in zip(window, found, strict=True))
