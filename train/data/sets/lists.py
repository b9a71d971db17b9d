"""Sets whose index is a list of pictures: FI (You et al., AAAI 2016), EmotionROI (Peng et al., ICIP 2016), Abstract."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from kcdp.emotions import MIKELS_8
from train.data.sets.entry import Entry, SetError, below, mikels, read_rows, read_text, with_test, with_validation
from train.data.sets.folders import read_split_folders

_FI_LABELS = tuple(sorted(MIKELS_8.labels))


def read_fi(root: Path) -> Iterator[Entry]:
    """Entries of `root/{train,test}.json` and, if it is there, `val.json`: rows `["Amusement/x.jpg", 0]`.

    The number is the label's place among the eight in alphabetical order. The pictures are below `root` or `root/images`,
    or there in a folder of their split. Without lists, the folders `root/{train,val,test}/<emotion>` are read.

    Raises SetError when a list is missing or malformed, and there are no such folders.
    """
    if not (root / "train.json").is_file() and (root / "train").is_dir():
        yield from read_split_folders(root)
        return
    pictures = root / "images" if (root / "images").is_dir() else root
    validated = (root / "val.json").is_file()
    for split in ("train", "val", "test") if validated else ("train", "test"):
        index = root / f"{split}.json"
        for number, row in read_rows(index):
            if len(row) != 2:
                raise SetError(f"Row {number} of {index} is not [picture, label number]; fetch the file again.")
            path = below(pictures, row[0], index, number)
            if (pictures / split).is_dir() and path.relative_to(pictures).parts[0] != split:
                path = pictures / split / path.relative_to(pictures)
            known = isinstance(row[1], int) and 0 <= row[1] < len(_FI_LABELS)
            group = path.relative_to(pictures).as_posix()
            yield Entry(
                path=path,
                label=_FI_LABELS[row[1]] if known else str(row[1]),
                split=with_validation(group) if split == "train" and not validated else split,
                group=group,
            )


def read_emotion_roi(root: Path) -> Iterator[Entry]:
    """Entries of `root/training_testing_split/{training,testing}.txt`: lines `<class>/<file>`, below `root/images`.

    Raises SetError when a list is missing or a line has no class.
    """
    for split, name in (("train", "training"), ("test", "testing")):
        index = root / "training_testing_split" / f"{name}.txt"
        for number, line in enumerate(read_text(index).split("\n"), start=1):
            if not line.strip():
                continue
            path = below(root / "images", line.strip().replace("\\", "/").removeprefix("images/"), index, number)
            group = path.relative_to(root / "images").as_posix()
            if "/" not in group:
                raise SetError(f"Row {number} of {index} names no class; write <class>/<file>.")
            yield Entry(
                path=path,
                label=group.split("/")[0].lower(),
                split=with_validation(group) if split == "train" else split,
                group=group,
            )


def read_abstract(root: Path) -> Iterator[Entry]:
    """Entries of `root/ABSTRACT_groundTruth.csv`: a picture beside it, and its votes for each emotion.

    The emotion with the most votes is the label; a picture without one such is left out (Machajdik and Hanbury, ACM MM
    2010).

    Raises SetError when the file is missing, lacks one of the eight emotions, or a row has no votes.
    """
    index = root / "ABSTRACT_groundTruth.csv"
    rows = csv.reader(read_text(index).split("\n"), quotechar="'", skipinitialspace=True)
    header = [mikels(name) for name in next(rows, [])[1:]]
    missing = [label for label in MIKELS_8.labels if label not in header]
    if missing:
        raise SetError(f"The index file {index} has no column for {missing[0]}; fetch it again.")
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            votes = {label: float(vote) for label, vote in zip(header, row[1:], strict=True)}
        except ValueError:
            raise SetError(
                f"Row {number} of {index} has no votes for the eight emotions; fetch the file again."
            ) from None
        path = below(root, row[0].strip("'\" "), index, number)
        most = [label for label, vote in votes.items() if vote == max(votes.values())]
        if len(most) == 1:
            yield Entry(path=path, label=most[0], split=with_test(path.name), group=path.name)
