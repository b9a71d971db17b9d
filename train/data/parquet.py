"""The four open picture sets (emoji, cartoons, kinds of characters, photos) as records, captioned by what is seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
from datasets import Dataset

from train.data.neutral import without_feelings
from train.data.records import make_record, to_dataset
from train.data.visual_captions import cartoon_caption, emoji_caption, kind_caption, with_keywords
from train.data.wording import head_noun, subject_of_emoji

Row = Mapping[str, Any]


def _record(row: Row, captions: Sequence[str], domain: str, style: str, group: str, noun: str) -> dict[str, Any]:
    """A row as a record; captions that are there twice, or empty, once or not."""
    return make_record(
        row["image"]["bytes"],
        [caption for caption in dict.fromkeys(captions) if caption],
        noun=noun,
        emotion=row["emotion"],
        domain=domain,
        style=style,
        group=group,
        split=row["split"],
        license=row["license"],
    )


def _emoji(row: Row) -> dict[str, Any]:
    # The keywords that a caption names differ from vendor to vendor, and are the same every time.
    rng = Random(f"{row['codepoint']} {row['vendor']}")
    seen = emoji_caption(row["codepoint"], row["name"])
    captions = [seen, with_keywords(seen, row["keywords"] or [], rng)]
    noun = subject_of_emoji(row["name"]).noun
    return _record(row, captions, "emoji", row["vendor"], f"emoji {row['codepoint']}", noun)


def _cartoon(row: Row) -> dict[str, Any]:
    seen = cartoon_caption(row["style"], row["name"], row["expression"])
    subject = cartoon_caption(row["style"], row["name"], None)
    return _record(
        row, [seen, subject], "cartoons", row["style"], f"cartoon {row['image']['path']}", head_noun(subject)
    )


def _kind(row: Row) -> dict[str, Any]:
    seen = kind_caption(row["caption"])
    # A symbol of another vendor is the same symbol: it stays in one split with it.
    codepoint = (row["expression"] or "").partition("emoji=")[2]
    group = f"emoji {codepoint}" if codepoint else f"kind {row['image']['path']}"
    return _record(row, [seen, without_feelings(row["caption"])], "kinds", row["style"], group, head_noun(seen))


#: What becomes of a Caltech photo whose number in its category is one of these, of twenty: that set comes all as training
#: pictures, and a tenth has to say what captions make of photos that nobody has learned from.
_CALTECH_SPLITS = {9: "val", 19: "test"}


def _split_caltech(rows: Iterable[Row]) -> Iterator[Row]:
    """Photos as they come, a tenth of each of Caltech's categories held out, each of its pictures a theme of its own."""
    numbers: Counter[str] = Counter()
    for row in rows:
        if row["source"] == "caltech101":
            number = numbers[row["theme"]]
            numbers[row["theme"]] += 1
            theme = f"{row['theme']} {number}"
            row = {**row, "split": _CALTECH_SPLITS.get(number % 20, row["split"]), "theme": theme}
        yield row


def _photo(row: Row) -> dict[str, Any]:
    seen = without_feelings(row["caption"])
    subject = re.sub(r"^a photo of ", "", seen)
    group = f"{row['source']} {row['theme']}"
    return _record(row, [seen, subject], "photos", row["source"], group, head_noun(subject))


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
    "kinds": (
        "kinds.parquet",
        ("image", "style", "caption", "expression", "emotion", "split", "license"),
        _kind,
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
    rows = pq.read_table(path, columns=list(columns)).to_pylist()
    return to_dataset(map(to_record, _split_caltech(rows) if domain == "photos" else rows))


def domain_files(data_root: str | Path) -> dict[str, Path]:
    """The files of picture sets that are in the folder `data_root`, by domain."""
    root = Path(data_root)
    return {domain: root / file for domain, (file, _, _) in SOURCES.items() if (root / file).is_file()}


def load_domains(data_root: str | Path) -> dict[str, Dataset]:
    """Every picture set that is in the folder `data_root`, by domain.

    Raises FileNotFoundError when none of them is there.
    """
    files = domain_files(data_root)
    if not files:
        names = ", ".join(file for file, _, _ in SOURCES.values())
        raise FileNotFoundError(f"{data_root} holds none of {names}; point data_root at the folder with them.")
    return {domain: load_parquet(path, domain) for domain, path in files.items()}
