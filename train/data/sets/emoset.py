"""EmoSet (Yang et al., ICCV 2023): pictures with an emotion and, many of them, a scene and objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.data.sets.entry import Entry, SetError, below, mikels, read_rows


def _annotation(path: Path) -> dict[str, Any] | None:
    """The annotation of a picture; None when the file is missing or is no JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _names(value: Any) -> tuple[str, ...]:
    """An attribute's names: a list of them, or one alone."""
    values = value if isinstance(value, list) else [value]
    return tuple(name for name in values if isinstance(name, str) and name.strip())


def read_emoset(root: Path) -> Iterator[Entry]:
    """Entries of `root/{train,val,test}.json`, whose rows are (emotion, picture, annotation) or have an id in between.

    Raises SetError when one of the three files is missing or malformed, or a row has another number of fields.
    """
    for split in ("train", "val", "test"):
        index = root / f"{split}.json"
        for number, row in read_rows(index):
            if len(row) not in (3, 4) or not isinstance(row[0], str):
                raise SetError(
                    f"Row {number} of {index} is not (emotion, picture, annotation) or (emotion, id, picture, "
                    "annotation); fetch the file again."
                )
            path = below(root, row[-2], index, number)
            named = below(root, row[-1], index, number) if row[-1] else None
            found = _annotation(named) if named else {}
            scene = _names((found or {}).get("scene"))
            yield Entry(
                path=path,
                label=mikels(row[0]),
                split=split,
                group=path.relative_to(root).as_posix(),
                scene=scene[0] if scene else None,
                objects=_names((found or {}).get("object")),
                lost=named if found is None else None,
            )
