"""The three open picture sets (emoji, cartoons, photos) as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
from datasets import Dataset

from train.data.records import make_record, to_dataset
from train.data.wording import cartoon_captions, emoji_captions, photo_captions

Row = Mapping[str, Any]


def _emoji(row: Row) -> dict[str, Any]:
    # The keywords that a caption names differ from vendor to vendor, and are the same every time.
    rng = Random(f"{row['codepoint']} {row['vendor']}")
    captions, noun = emoji_captions(
        row["name"], row["keywords"] or [], row["subgroup"], row["vendor"], row["emotion"], rng
    )
    return make_record(
        row["image"]["bytes"],
        captions,
        noun=noun,
        emotion=row["emotion"],
        domain="emoji",
        style=row["vendor"],
        group=f"emoji {row['codepoint']}",
        split=row["split"],
        license=row["license"],
    )


def _cartoon(row: Row) -> dict[str, Any]:
    captions, noun = cartoon_captions(row["name"], row["expression"], row["emotion"])
    return make_record(
        row["image"]["bytes"],
        captions,
        noun=noun,
        emotion=row["emotion"],
        domain="cartoons",
        style=row["style"],
        group=f"cartoon {row['image']['path']}",
        split=row["split"],
        license=row["license"],
    )


def _photo(row: Row) -> dict[str, Any]:
    captions, noun = photo_captions(row["caption"], row["emotion"])
    return make_record(
        row["image"]["bytes"],
        captions,
        noun=noun,
        emotion=row["emotion"],
        domain="photos",
        style=row["source"],
        group=f"{row['source']} {row['theme']}",
        split=row["split"],
        license=row["license"],
    )


#: Domain -> (file name, columns it must have, row to record).
SOURCES: dict[str, tuple[str, tuple[str, ...], Callable[[Row], dict[str, Any]]]] = {
    "emoji": (
        "emoji.parquet",
        ("image", "vendor", "codepoint", "name", "keywords", "subgroup", "emotion", "split", "license"),
        _emoji,
    ),
    "cartoons": (
        "cartoons.parquet",
        ("image", "style", "name", "expression", "emotion", "split", "license"),
        _cartoon,
    ),
    "photos": (
        "photos.parquet",
        ("image", "source", "theme", "caption", "emotion", "split", "license"),
        _photo,
    ),
}


def load_parquet(path: str | Path, domain: str) -> Dataset:
    """One picture set as records; `domain` is a key of `SOURCES`.

    Raises FileNotFoundError when there is no such file, ValueError when a column is missing.
    """
    _, columns, to_record = SOURCES[domain]
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no {path}; check data_root.")
    missing = sorted(set(columns) - set(pq.read_schema(path).names))
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}; is it the {domain} file?")
    return to_dataset(map(to_record, pq.read_table(path, columns=list(columns)).to_pylist()))


def load_domains(data_root: str | Path) -> dict[str, Dataset]:
    """Every picture set that is in the folder `data_root`, by domain.

    Raises FileNotFoundError when none of them is there.
    """
    root = Path(data_root)
    found = {domain: root / file for domain, (file, _, _) in SOURCES.items() if (root / file).is_file()}
    if not found:
        names = ", ".join(file for file, _, _ in SOURCES.values())
        raise FileNotFoundError(f"{root} holds none of {names}; point data_root at the folder with them.")
    return {domain: load_parquet(path, domain) for domain, path in found.items()}
