"""The record that every loader yields: one schema for drawn pictures, emoji, cartoons, photos, folders and published sets."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import datasets
import numpy as np
from datasets import Dataset, Features, List, Value
from PIL import Image

from train.data.sets import SETS

#: What we draw ourselves: stickers and scenes, and things in emotional surroundings. They are many, and easy.
DRAWN = ("drawn", "things")
#: The open picture sets, each a Parquet file (`train.data.parquet`).
OPEN_SETS = ("emoji", "cartoons", "kinds", "photos")
SPLITS = ("train", "val", "test")

#: `id` names the picture's encoded bytes, so that whatever is computed from a picture can be cached by it.
#: `captions` are two to four ways to say what the picture shows, plainest first; `caption` is the first of them.
#: `noun` is the head noun of the subject ("face" for "a loudly crying face"), null where nothing tells it.
#: `emotion` is null when it is unknown or unclear: null is not "neutral".
#: `style` is the vendor, the cartoon style or the photo source. `group` must not cross splits.
#: `scene` and `objects` are what people have annotated, in their spelling; null or empty where nobody has.
#: The picture of a published set is a path, and its `id` names the place and the content of the file; others are bytes.
FEATURES = Features(
    {
        "id": Value("string"),
        "image": datasets.Image(),
        "caption": Value("string"),
        "captions": List(Value("string")),
        "noun": Value("string"),
        "emotion": Value("string"),
        "domain": Value("string"),
        "style": Value("string"),
        "group": Value("string"),
        "split": Value("string"),
        "license": Value("string"),
        "scene": Value("string"),
        "objects": List(Value("string")),
    }
)


def photo_domains() -> tuple[str, ...]:
    """Domains of photographs, for the most part."""
    return ("photos", *SETS)


def domains() -> tuple[str, ...]:
    """Every domain that a record can be of: drawings, open picture sets, a folder of the user's, and published sets."""
    return (*DRAWN, *OPEN_SETS, "folder", *SETS)


def content_id(data: bytes) -> str:
    """Sixteen hexadecimal digits that name these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def encode_picture(picture: Image.Image) -> bytes:
    """A picture as PNG, lightly compressed: it is read once and then lives in a `PictureCache`."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def make_record(
    image: bytes | Image.Image | Path,
    captions: list[str],
    *,
    domain: str,
    style: str,
    group: str,
    license: str,
    emotion: str | None = None,
    noun: str | None = None,
    split: str = "train",
    scene: str | None = None,
    objects: Sequence[str] = (),
    identity: str | None = None,
) -> dict[str, Any]:
    """One row of `FEATURES`; `image` is an encoded file, a picture, or the path of one, which is not read.

    A path needs an `identity` (16 hexadecimal digits) to name it; bytes are named by what they are.

    Raises ValueError for an unknown domain or split, when there is no caption, or for a path without an identity.
    """
    if domain not in domains():
        raise ValueError(f"'{domain}' is not one of the domains: {', '.join(domains())}.")
    if split not in SPLITS:
        raise ValueError(f"'{split}' is not one of the splits: {', '.join(SPLITS)}.")
    if not captions or not captions[0]:
        raise ValueError(f"The record of group '{group}' has no caption; every picture needs at least one.")
    if isinstance(image, Path):
        if identity is None:
            raise ValueError(f"The record of {image} needs an identity; nothing else names a picture that is not read.")
        stored: dict[str, Any] = {"bytes": None, "path": str(image)}
    else:
        data = image if isinstance(image, bytes) else encode_picture(image)
        stored, identity = {"bytes": data, "path": None}, content_id(data)
    return {
        "id": identity,
        "image": stored,
        "caption": captions[0],
        "captions": captions,
        "noun": noun,
        "emotion": emotion,
        "domain": domain,
        "style": style,
        "group": group,
        "split": split,
        "license": license,
        "scene": scene,
        "objects": list(objects),
    }


def to_dataset(records: Iterable[Mapping[str, Any]]) -> Dataset:
    """Rows of `make_record` as an in-memory dataset; an empty one keeps the columns."""
    rows = list(records)
    return Dataset.from_dict({name: [row[name] for row in rows] for name in FEATURES}, features=FEATURES)


def from_parquet(path: str | Path) -> Dataset:
    """Records that `to_dataset(...).to_parquet(path)` left; columns that older files lack are null."""
    return Dataset.from_parquet(str(path), features=FEATURES)


def concatenate(parts: Iterable[Dataset]) -> Dataset:
    """Several domains as one dataset, in the given order; raises ValueError when there is none."""
    present = [part for part in parts if len(part)]
    if not present:
        raise ValueError("There are no records to train on; give at least one domain with pictures.")
    return datasets.concatenate_datasets(present)


def rows_of(records: Dataset) -> np.ndarray | slice:
    """Which rows of the table under `records` it has, in its order."""
    # `datasets` has no public name for it, and going through its rows is a hundred times slower.
    indices = records._indices
    return slice(None) if indices is None else indices.column(0).to_numpy()


@dataclass(frozen=True, eq=False)
class Coded(Sequence[str | None]):
    """A column of few different texts as numbers: `names[codes[row]]` is the text of a row, a code of -1 is null."""

    names: tuple[str, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, records: Dataset, name: str) -> Coded:
        """A column of `records`; names are in the order of their first record, and each is there."""
        rows, column = rows_of(records), records.data.column(name)
        chosen = column if isinstance(rows, slice) else column.take(rows)
        encoded = chosen.combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return cls(tuple(encoded.dictionary.to_pylist()), codes)

    def within(self, names: Collection[str]) -> np.ndarray:
        """Which rows have one of these texts, bool (N,)."""
        return np.isin(self.codes, [code for code, name in enumerate(self.names) if name in names])

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, row: int) -> str | None: ...

    @overload
    def __getitem__(self, row: slice) -> Coded: ...

    def __getitem__(self, row: int | slice) -> str | Coded | None:
        if isinstance(row, slice):
            return Coded(self.names, self.codes[row])
        code = self.codes[row]
        return None if code < 0 else self.names[code]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Texts, and None for null, as NumPy would make them of a list."""
        values = np.array(self.names) if self.codes.min(initial=0) >= 0 else np.array([*self.names, None])
        return values[self.codes].astype(dtype) if dtype else values[self.codes]


def labels(records: Dataset, names: tuple[str, ...]) -> np.ndarray:
    """Emotion of every record as an index into `names`, int64 (N,), -1 where it is null.

    Raises ValueError for an emotion that is not in `names`.
    """
    emotions = Coded.of(records, "emotion")
    unknown = sorted(set(emotions.names) - set(names))
    if unknown:
        raise ValueError(f"Unknown emotion {unknown[0]!r}; the label space has {', '.join(names)}.")
    places = np.array([*(names.index(name) for name in emotions.names), -1], dtype=np.int64)
    return places[emotions.codes]


def labelled_rows(records: Dataset) -> np.ndarray:
    """The rows that have an emotion, int64, ascending."""
    return np.flatnonzero(Coded.of(records, "emotion").codes >= 0)


def with_shares(records: Dataset, shares: Mapping[str, float]) -> Dataset:
    """`records` without the domains that have a share of 0: what is never drawn has no say in what is kept, either."""
    domains = Coded.of(records, "domain")
    unused = {name for name in domains.names if shares.get(name) == 0}
    return records.select(np.flatnonzero(~domains.within(unused))) if unused else records
