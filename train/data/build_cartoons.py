"""Builds cartoons.parquet from a folder of DiceBear avatars.

    python -m train.data.build_cartoons --renders ~/avatars --out data/cartoons.parquet

The folder holds the SVG files that `createAvatar(style, options).toString()` of `@dicebear/core` gives, and
renders.jsonl with one object a line: `file_name` (below the folder), `style` (such as "micah"), `options` (what the
avatar was created with) and, optional, `subject` ("a cartoon person with a mohawk"). The expression (brows, eyes, mouth,
face, mood) is looked up in `tables/cartoon_labels.csv`; one that is not there has no emotion. About 80 % of the pictures
are train, 10 % val and 10 % test, by their content; of equal pictures only the first is kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Value

from train.data.building import BuildError, encode, render, write_parquet
from train.data.records import content_id
from train.data.wording import read_table

COLUMNS = {name: Value("string") for name in ("source", "style", "name", "expression", "emotion", "split", "license")}
LICENSES: Mapping[str, str] = {
    "adventurer": "CC BY 4.0 (Lisa Wischofsky)",
    "avataaars": "Free for personal and commercial use (Pablo Stanley, avataaars.com)",
    "big-smile": "CC BY 4.0 (Ashley Seo)",
    "bottts": "Free for personal and commercial use (Pablo Stanley, bottts.com)",
    "dylan": "CC BY 4.0 (Natalia Spivak)",
    "fun-emoji": "CC BY 4.0 (Davis Uche)",
    "lorelei": "CC0 1.0 (Lisa Wischofsky)",
    "micah": "CC BY 4.0 (Micah Lanier)",
    "open-peeps": "CC0 1.0 (Pablo Stanley)",
    "personas": "CC BY 4.0 (Draftbit)",
    "pixel-art": "CC0 1.0 (DiceBear)",
    "toon-head": "CC BY 4.0 (Johan Melin)",
}
_SUBJECTS = {
    "bottts": "a cartoon robot",
    "fun-emoji": "a square emoji face",
    "pixel-art": "a pixel art person",
}
#: The parts that make an expression, in the order in which the label table writes them.
_PARTS = ("eyebrows", "eyes", "mouth")
_OTHER_PARTS = {"open-peeps": ("face",), "dylan": ("mood",)}


def expression_of(style: str, options: Mapping[str, Any]) -> str:
    """The expression among DiceBear's options, as the label table writes it.

    >>> expression_of("personas", {"mouth": ["smile"], "eyes": "wink", "hair": ["bun"]})
    'eyes=wink;mouth=smile'
    """
    values = {part: options[part] for part in _OTHER_PARTS.get(style, _PARTS) if options.get(part)}
    return ";".join(f"{part}={value if isinstance(value, str) else value[0]}" for part, value in values.items())


def split_of(picture_id: str) -> str:
    """train, val or test for a picture's content id, about 80, 10 and 10 of a hundred."""
    share = int(picture_id, 16) % 10
    return ("val", "test")[share] if share < 2 else "train"


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise BuildError(f"There is no {path}; write one line a picture, with file_name, style and options.")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row["file_name"], row["options"].items(), LICENSES[row["style"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            known = ", ".join(LICENSES)
            raise BuildError(
                f"Line {number} of {path} needs file_name, options and a style out of {known}; mend that line."
            ) from None
        rows.append(row)
    return rows


def build(renders: Path, out: Path) -> int:
    """Writes the Parquet file and returns its number of rows."""
    labels = {(row["style"], row["expression"]): row for row in read_table("cartoon_labels.csv")}
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for line in _lines(renders / "renders.jsonl"):
        style, expression = line["style"], expression_of(line["style"], line["options"])
        data = encode(render(renders / line["file_name"]))
        picture_id = content_id(data)
        if picture_id in seen:
            continue
        seen.add(picture_id)
        label = labels.get((style, expression), {})
        subject = line.get("subject") or _SUBJECTS.get(style, "a cartoon person")
        rows.append(
            {
                "image": {"bytes": data, "path": f"{style}_{picture_id}.webp"},
                "source": "cartoon",
                "style": style,
                "name": f"{subject} {label.get('predicate') or ''}".strip(),
                "expression": expression,
                "emotion": label.get("emotion"),
                "split": split_of(picture_id),
                "license": LICENSES[style],
            }
        )
    write_parquet(rows, COLUMNS, out)
    return len(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; ends with one line of text when something is wrong with what was given."""
    parser = argparse.ArgumentParser(description="Build cartoons.parquet from a folder of DiceBear avatars.")
    parser.add_argument("--renders", type=Path, required=True, help="folder with SVG files and renders.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="the Parquet file to write")
    given = parser.parse_args(arguments)
    try:
        print(f"{build(given.renders, given.out)} pictures in {given.out}")
    except BuildError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
