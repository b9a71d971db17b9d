"""SER30K (Liu et al., ACM MM 2022): stickers with the text that stands on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kcdp.emotions import SER_7
from train.data.sets.entry import Entry, SetError, below, read_json


def _label(value: Any) -> str | None:
    """The label of `anno`, 1 to 7 in the order of SER-7; another value as it is."""
    if value is None:
        return None
    number = str(value).strip()
    return SER_7.labels[int(number) - 1] if number in {"1", "2", "3", "4", "5", "6", "7"} else number


def read_ser30k(root: Path) -> Iterator[Entry]:
    """Entries of `root/Annotations/image-level/{train,val,test}.json`; the pictures are `root/Images/<topic>/<file>`.

    Raises SetError when one of the three files is missing or malformed.
    """
    for split in ("train", "val", "test"):
        index = root / "Annotations" / "image-level" / f"{split}.json"
        found = read_json(index)
        rows = found.get("annotations") if isinstance(found, dict) else None
        if not isinstance(rows, list):
            raise SetError(f"The index file {index} has no list 'annotations'; fetch it again.")
        for number, row in enumerate(rows, start=1):
            missing = {"topic", "file_name", "anno"} - set(row) if isinstance(row, dict) else {"topic"}
            if missing:
                raise SetError(f"Row {number} of {index} has no '{min(missing)}'; fetch the file again.")
            path = below(root, f"Images/{row['topic']}/{row['file_name']}", index, number)
            text = str(row.get("text") or "").strip()
            yield Entry(
                path=path,
                label=_label(row["anno"]),
                split=split,
                group=path.relative_to(root).as_posix(),
                captions=(f'a sticker that says "{text}"',) if text else (),
            )
