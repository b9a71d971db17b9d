"""What the renderer draws, as records: drawn once, kept as Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from datasets import Dataset
from filelock import FileLock
from tqdm.auto import tqdm

from kcdp.emotions import MIKELS_8
from train.data.neutral import without_feelings
from train.data.records import from_parquet, make_record, to_dataset
from train.data.visual_captions import drawing_caption
from train.drawn import draw, draw_sticker, draw_things
from train.drawn.renderer import Drawing
from train.files import write_file

#: Raise when the renderer changes what it draws: pictures of the old kind are then drawn again.
VERSION = 2
LICENSE = "Apache-2.0"


def drawing_records(drawings: Iterable[Drawing], domain: str, name: str, first: int = 0) -> Iterator[dict[str, Any]]:
    """Drawings as records of `domain`; the group of each is `name` and its number from `first` on, and decides its split.

    A tenth is of the validation split, a tenth of the test split.
    """
    for number, drawing in enumerate(drawings, start=first):
        group = f"{name} {number}"
        seen = drawing_caption(drawing.caption, drawing.attributes)
        share = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) % 10
        yield make_record(
            drawing.image,
            list(dict.fromkeys([seen, without_feelings(drawing.caption) or seen])),
            domain=domain,
            style=drawing.attributes["style"],
            group=group.replace(" ", "-"),
            license=LICENSE,
            emotion=drawing.emotion,
            split=("val", "test")[share] if share < 2 else "train",
        )


def _cached(name: str, records: Iterable[dict[str, Any]], count: int, cache_dir: Path) -> Dataset:
    """`count` records in `cache_dir`, made by one of all processes, which says how far it is, where they are not there yet."""
    path = cache_dir / f"{name}.parquet"
    if not path.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                write_file(path, to_dataset(tqdm(records, desc="drawing", total=count, mininterval=5)).to_parquet)
    return from_parquet(path)


def drawn_pictures(count: int, cache_dir: Path, seed: int = 0) -> Dataset:
    """`count` drawn stickers, scenes and things as records of the domain `drawn`."""
    records = drawing_records(map(draw, range(seed, seed + count)), "drawn", "drawn", seed)
    return _cached(f"drawn-v{VERSION}-{count}-{seed}", records, count, cache_dir)


def drawn_things(count: int, cache_dir: Path) -> Dataset:
    """`count` drawn things in emotional surroundings as records of the domain `things`."""
    records = drawing_records(draw_things(count), "things", "drawn thing")
    return _cached(f"things-v{VERSION}-{count}", records, count, cache_dir)


def drawn_stickers(count: int, cache_dir: Path, first: int) -> Dataset:
    """Stickers `first` to `first` + `count` - 1, every emotion in turn, as records of the domain `drawn` and the style `sticker`.

    Surroundings have the face's feeling, so that each shows one alone. Seven in ten are of the training split.
    """

    def records() -> Iterator[dict[str, Any]]:
        for number in range(first, first + count):
            emotion = MIKELS_8.labels[number % len(MIKELS_8)]
            one = draw_sticker(number, emotion)
            # Every emotion in every split.
            place = number // len(MIKELS_8) % 10
            yield make_record(
                one.image,
                [one.plain],
                domain="drawn",
                style="sticker",
                group=f"sticker-{number}",
                license=LICENSE,
                emotion=emotion,
                split="val" if place < 1 else "test" if place < 3 else "train",
            )

    return _cached(f"stickers-v{VERSION}-{count}-{first}", records(), count, cache_dir)
