"""Any folder of pictures with a metadata.jsonl, in the layout of the `datasets` image folder, as records."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from kcdp.emotions import MIKELS_8
from kcdp.imaging import ImageError
from train.data.pictures import read_picture
from train.data.records import SPLITS, make_record, to_dataset
from train.data.wording import with_feeling

logger = logging.getLogger(__name__)


class FolderError(ValueError):
    """An image folder that cannot be used; the message says what to mend."""


_SPLIT_NAMES = {split: split for split in SPLITS} | {"validation": "val"}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} cannot be read ({error}); save it as UTF-8.") from None


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            raise FolderError(f"Line {number} of {path} is not JSON; write one object a line.") from None
        if not isinstance(row, dict) or not isinstance(row.get("file_name"), str):
            raise FolderError(f"Line {number} of {path} has no file_name; name the picture there.")
        yield number, row


def _picture(path: Path) -> bytes | None:
    """The encoded picture, or None when training cannot use it."""
    try:
        content = path.read_bytes()
        read_picture(content)
    except (OSError, ImageError):
        return None
    return content


def _captions(row: dict[str, Any], emotion: str | None) -> list[str]:
    """The row's text and a variant that names the emotion; without a text, a phrase that fits any picture."""
    text = str(row.get("text") or row.get("caption") or "").strip()
    phrase = text or "a picture"
    return [phrase] if emotion is None else [phrase, with_feeling(phrase, emotion, shows=False)]


def load_folder(root: str | Path, emotions: Sequence[str] = MIKELS_8.labels) -> Dataset:
    """Pictures of `root` as records of the domain `folder`.

    Each line of `root/metadata.jsonl` is an object: `file_name` (below `root`), and, all optional, `text` or `caption`,
    `emotion` (one of `emotions`, or null), `split` (train, val or validation, test; default train), `license`. Pictures
    that are missing or broken are left out; a warning counts and names them.

    Raises FolderError when there is no metadata.jsonl, a line of it is wrong, or no picture is left.
    """
    root = Path(root)
    metadata = root / "metadata.jsonl"
    if not metadata.is_file():
        raise FolderError(f"{root} has no metadata.jsonl; write one line a picture, with its file_name and text.")
    records, unreadable = [], []
    for number, row in _lines(metadata):
        name, emotion, split = row["file_name"], row.get("emotion"), row.get("split", "train")
        if emotion is not None and emotion not in emotions:
            raise FolderError(f"Line {number} of {metadata}: unknown emotion {emotion!r}; use {', '.join(emotions)}.")
        if split not in _SPLIT_NAMES:
            raise FolderError(f"Line {number} of {metadata}: unknown split {split!r}; use {', '.join(SPLITS)}.")
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()):
            raise FolderError(f"Line {number} of {metadata}: {name} lies outside {root}; keep the pictures inside.")
        data = _picture(path)
        if data is None:
            unreadable.append(name)
            continue
        records.append(
            make_record(
                data,
                _captions(row, emotion),
                emotion=emotion,
                domain="folder",
                style=root.name,
                group=f"folder {name}",
                split=_SPLIT_NAMES[split],
                license=str(row.get("license") or "unknown"),
            )
        )
    if unreadable:
        logger.warning(
            "%d of %d pictures in %s cannot be read and are left out: %s",
            len(unreadable),
            len(unreadable) + len(records),
            root,
            ", ".join(unreadable),
        )
    if not records:
        raise FolderError(f"No picture that {metadata} names can be read; check the file names.")
    return to_dataset(records)
