"""Sets without an index, where the name of a folder or a file is the label: Emo8, ArtPhoto, Twitter I and II."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kcdp.emotions import POLARITY
from train.data.sets.entry import Entry, SetError, mikels, pictures_below, with_test, with_validation


def read_split_folders(root: Path) -> Iterator[Entry]:
    """Entries of the image folder `root/{train,val,test}/<emotion>` (Emo8; FI as some have it); `val` may be missing.

    Raises SetError when `train` or `test` is, or has no folder of an emotion.
    """
    validated = (root / "val").is_dir()
    for split in ("train", "val", "test") if validated else ("train", "test"):
        folder = root / split
        classes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        if not classes:
            raise SetError(f"There are no folders {folder}/<emotion>; unpack the data set there, or give another root.")
        for path in (path for name in classes for path in pictures_below(name)):
            group = path.relative_to(root).as_posix()
            yield Entry(
                path=path,
                label=mikels(path.parent.name),
                split=with_validation(group) if split == "train" and not validated else split,
                group=group,
            )


def read_artphoto(root: Path) -> Iterator[Entry]:
    """Entries of the pictures in `root`, whose names begin with the emotion: `sad_0042.jpg`.

    The set has no splits (Machajdik and Hanbury, ACM MM 2010). Raises SetError when there is no picture.
    """
    found = pictures_below(root)
    if not found:
        raise SetError(f"There are no pictures such as sad_0042.jpg in {root}; unpack the data set there.")
    for path in found:
        yield Entry(path=path, label=mikels(path.stem.split("_")[0]), split=with_test(path.name), group=path.name)


def read_twitter(root: Path) -> Iterator[Entry]:
    """Entries of `root/{negative,positive}`; there are no splits. Raises SetError when a folder is missing."""
    for label in POLARITY.labels:
        for path in pictures_below(root / label):
            group = f"{label}/{path.name}"
            yield Entry(path=path, label=label, split=with_test(group), group=group)
