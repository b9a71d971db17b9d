"""What every reader of a published data set yields, and what the readers share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from kcdp.emotions import MIKELS_8, LabelSpace

#: Characters of a list that are read at once.
_BLOCK = 1 << 20
_OPENING, _SEPARATOR = re.compile(r"\s*\[\s*"), re.compile(r"\s*([,\]])\s*")
_SUFFIXES = frozenset(
    f".{name}" for name in ["jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "bmp", "webp", "avif", "tif", "tiff"]
)


class SetError(ValueError):
    """A data set that cannot be used as it lies on disk; the message names the file, the fault and what to do."""


@dataclass(frozen=True)
class Entry:
    """One picture that a data set speaks of; whether the file can be read is another question.

    `path` is below the set's root. `label` is the set's own, in normal spelling: null where nobody gave one, and kept as
    it was found where the set's label space does not know it. `group` must not cross splits. `lost` is an annotation file
    that is named but missing or malformed.
    """

    path: Path
    label: str | None
    split: str
    group: str
    captions: tuple[str, ...] = ()
    scene: str | None = None
    objects: tuple[str, ...] = ()
    lost: Path | None = None


@dataclass(frozen=True)
class PictureSet:
    """A published data set: its name in print, the space of its labels, and what reads it from its root folder.

    `reader` yields entries lazily and raises SetError when an index file or a folder is missing or malformed.
    """

    title: str
    space: LabelSpace
    reader: Callable[[Path], Iterator[Entry]]


def is_picture(path: Path) -> bool:
    """Whether the name of a file is a picture's."""
    return path.suffix.lower() in _SUFFIXES


def pictures_below(folder: Path) -> list[Path]:
    """The pictures that lie in `folder` itself, by name; raises SetError when there is no such folder."""
    if not folder.is_dir():
        raise SetError(f"There is no folder {folder}; unpack the data set there, or give another root folder.")
    return sorted(path for path in folder.iterdir() if is_picture(path))


def below(root: Path, name: Any, index: Path, row: int) -> Path:
    """The file that row `row` of an index names; raises SetError when that is no path below `root`."""
    parts = PurePosixPath(name.replace("\\", "/")) if isinstance(name, str) and name.strip() else None
    if parts is None or parts.is_absolute() or ".." in parts.parts:
        raise SetError(f"Row {row} of {index} names {name!r}, which is no file below {root}; correct the row.")
    return root / parts


def read_text(path: Path) -> str:
    """An index file; raises SetError when it is missing or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SetError(
            f"There is no index file {path}; unpack the data set there, or give another root folder."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SetError(f"The index file {path} cannot be read ({error}); fetch it again.") from None


def read_json(path: Path) -> Any:
    """A small JSON index; raises SetError when it is missing or malformed."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SetError(f"The index file {path} is not JSON from line {error.lineno} on; fetch it again.") from None


def _block(file: TextIO) -> str:
    """The next characters of a list; raises SetError where they are not UTF-8."""
    try:
        return file.read(_BLOCK)
    except UnicodeDecodeError as error:
        raise SetError(f"The index file {file.name} cannot be read ({error}); fetch it again.") from None


def read_rows(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a JSON list of lists, numbered from 1; one block of the file is in memory at a time.

    Raises SetError when the file is missing, is no such list, or breaks off.
    """
    if not path.is_file():
        read_text(path)
    decode, row = json.JSONDecoder().raw_decode, 0
    with path.open(encoding="utf-8-sig") as file:
        text = _block(file)
        opening = _OPENING.match(text)
        if opening is None:
            raise SetError(f"The index file {path} is no JSON list; fetch it again.")
        position = opening.end()
        while row or not text.startswith("]", position):
            try:
                value, end = decode(text, position)
                separator = _SEPARATOR.match(text, end)
            except json.JSONDecodeError:
                separator = None
            if separator is None:
                # The block may end inside this row, unless rows are never that long.
                more = _block(file) if len(text) - position < 4 * _BLOCK else ""
                if not more:
                    raise SetError(f"The index file {path} is not JSON after row {row}; fetch it again.")
                text, position = (text[position:] + more).lstrip(), 0
                continue
            row += 1
            if not isinstance(value, list):
                raise SetError(f"Row {row} of {path} is no list but {value!r}; fetch the file again.")
            yield row, value
            if separator[1] == "]":
                return
            position = separator.end()


def _draw(text: str, parts: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % parts


def with_validation(group: str) -> str:
    """The split of a training picture in a set that has no validation split: a fixed tenth is `val`, by its group."""
    return "val" if _draw(f"val {group}", 10) == 0 else "train"


def with_test(group: str) -> str:
    """The split of a picture in a set that has no splits: a fixed fifth is `test`, the rest as `with_validation`."""
    return "test" if _draw(f"test {group}", 5) == 0 else with_validation(group)


def mikels(name: str) -> str:
    """A Mikels-8 label from a spelling of it ("Content", "sad"); what is none of them comes back as it was."""
    word = name.strip().strip("'\"").lower()
    found = [label for label in MIKELS_8.labels if len(word) > 2 and label.startswith(word)]
    return found[0] if len(found) == 1 else name
