"""The record that every loader yields: one schema for drawn pictures, emoji, cartoons, photos and image folders."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import datasets
import numpy as np
from datasets import Dataset, Features, List, Value
from PIL import Image

DOMAINS = ("drawn", "emoji", "cartoons", "photos", "folder")
SPLITS = ("train", "val", "test")

#: `id` names the picture's encoded bytes, so that whatever is computed from a picture can be cached by it.
#: `captions` are two to four ways to say what the picture shows, plainest first; `caption` is the first of them.
#: `noun` is the head noun of the subject ("face" for "a loudly crying face"), null where nothing tells it.
#: `emotion` is null when it is unknown or unclear: null is not "neutral".
#: `style` is the vendor, the cartoon style or the photo source. `group` must not cross splits.
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
    }
)


def content_id(data: bytes) -> str:
    """Sixteen hexadecimal digits that name these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def encode_picture(picture: Image.Image) -> bytes:
    """A picture as PNG, lightly compressed: it is read once and then lives in a `PictureStore`."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def make_record(
    image: bytes | Image.Image,
    captions: list[str],
    *,
    domain: str,
    style: str,
    group: str,
    license: str,
    emotion: str | None = None,
    noun: str | None = None,
    split: str = "train",
) -> dict[str, Any]:
    """One row of `FEATURES`; `image` is an encoded file or a picture.

    Raises ValueError for an unknown domain or split, or when there is no caption.
    """
    if domain not in DOMAINS:
        raise ValueError(f"'{domain}' is not one of the domains: {', '.join(DOMAINS)}.")
    if split not in SPLITS:
        raise ValueError(f"'{split}' is not one of the splits: {', '.join(SPLITS)}.")
    if not captions or not captions[0]:
        raise ValueError(f"The record of group '{group}' has no caption; every picture needs at least one.")
    data = image if isinstance(image, bytes) else encode_picture(image)
    return {
        "id": content_id(data),
        "image": {"bytes": data, "path": None},
        "caption": captions[0],
        "captions": captions,
        "noun": noun,
        "emotion": emotion,
        "domain": domain,
        "style": style,
        "group": group,
        "split": split,
        "license": license,
    }


def complete(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A drawn row, which has a picture and one caption, as a row of `FEATURES`; a row that is one stays as it is."""
    if "id" in row:
        return row
    facts = {name: row[name] for name in ("domain", "style", "group", "license", "emotion", "split")}
    return make_record(row["image"], [row["caption"]], **facts)


def to_dataset(records: Iterable[Mapping[str, Any]]) -> Dataset:
    """Rows of `make_record`, or of `train.data.drawn.draw_records`, as an in-memory dataset.

    An empty one keeps the columns.
    """
    rows = [complete(row) for row in records]
    return Dataset.from_dict({name: [row[name] for row in rows] for name in FEATURES}, features=FEATURES)


def concatenate(parts: Iterable[Dataset]) -> Dataset:
    """Several domains as one dataset, in the given order; raises ValueError when there is none."""
    present = [part for part in parts if len(part)]
    if not present:
        raise ValueError("There are no records to train on; give at least one domain with pictures.")
    return datasets.concatenate_datasets(present)


def captions(record: Mapping[str, Any], rng: Random) -> str:
    """One of the record's captions, each as likely as the others."""
    return rng.choice(record["captions"])


def labels(records: Dataset, names: tuple[str, ...]) -> np.ndarray:
    """Emotion of every record as an index into `names`, int64 (N,), -1 where it is null.

    Raises ValueError for an emotion that is not in `names`.
    """
    index: dict[str | None, int] = {name: position for position, name in enumerate(names)}
    index[None] = -1
    emotions = records["emotion"][:]
    unknown = sorted({emotion for emotion in emotions if emotion not in index})
    if unknown:
        raise ValueError(f"Unknown emotion {unknown[0]!r}; the label space has {', '.join(names)}.")
    return np.array([index[emotion] for emotion in emotions], dtype=np.int64)
