"""A published data set as records: read once, streamed to an Arrow file in the cache, and mapped into memory from there."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from datasets import Dataset
from datasets.arrow_writer import ArrowWriter
from filelock import FileLock
from tqdm.auto import tqdm

from kcdp.emotions import MIKELS_8, LabelSpace
from train.data.cache import content_key
from train.data.records import FEATURES, Coded, content_id, make_record
from train.data.sets import named
from train.data.sets.checking import checked
from train.data.sets.entry import Entry, SetError
from train.data.sets.labels import mapping
from train.data.wording import normalise, with_article
from train.english import listed
from train.files import write_file

logger = logging.getLogger(__name__)

#: Raise when a reader or a record changes: sets are then read again.
VERSION = 2
_ROWS_A_BATCH = 10_000


def _stamp(root: Path) -> list[tuple[str, int, int]]:
    """What changes when a file comes, goes or is edited: (path, time, size) of each."""
    found, folders = [], [os.fspath(root)]
    while folders:
        with os.scandir(folders.pop()) as inside:
            for entry in inside:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                with suppress(OSError):  # a link to nowhere
                    facts = entry.stat()
                    found.append((os.path.relpath(entry.path, root), facts.st_mtime_ns, facts.st_size))
    return sorted(found)


def caption(entry: Entry) -> str:
    """What an entry without a caption shows, by its annotations: "a picture of a dog and a tree, beach"."""
    things = [with_article(normalise(name)) for name in entry.objects[:3]]
    phrase = f"a picture of {listed(things)}" if things else "a picture"
    return f"{phrase}, {normalise(entry.scene)}" if entry.scene else phrase


def _record(entry: Entry, name: str, root: Path, content: str, emotion: str | None) -> dict[str, Any]:
    relative = entry.path.relative_to(root).as_posix()
    return make_record(
        entry.path,
        list(entry.captions) or [caption(entry)],
        identity=content_id(f"{name} {relative} {content}".encode()),
        scene=entry.scene,
        objects=entry.objects,
        emotion=emotion,
        domain=name,
        style=name,
        group=f"{name} {entry.group}",
        split=entry.split,
        license=f"terms of {named(name).title}",
    )


def _records(name: str, root: Path, space: LabelSpace) -> Iterator[dict[str, Any]]:
    """Records of the readable pictures whose label `space` has, or that have none; a warning counts the rest."""
    chosen = named(name)
    labels: dict[str | None, str | None] = {None: None, **mapping(chosen.title, chosen.space, space)}
    left_out: Counter[str] = Counter()
    for entry, fault, content in tqdm(checked(chosen.reader(root)), desc=chosen.title, mininterval=5):
        if fault is not None:
            left_out["cannot be read"] += 1
            logger.info("%s %s.", entry.path, fault)
        elif entry.label not in labels:
            left_out[f"have the unknown label '{entry.label}'"] += 1
        elif entry.label is not None and labels[entry.label] is None:
            left_out[f"are {entry.label}, which {space.name} drops"] += 1
        else:
            yield _record(entry, name, root, content, labels[entry.label])
    for reason, count in left_out.items():
        logger.warning(
            "%s: %d pictures %s and are left out; train/validate.py lists them.", chosen.title, count, reason
        )


def check_set(name: str, root: str | Path, space: LabelSpace) -> None:
    """Raise SetError when there is no such set or folder, or the set's labels have no place in `space`."""
    chosen = named(name)
    mapping(chosen.title, chosen.space, space)
    if not Path(root).is_dir():
        raise SetError(f"There is no folder {root}; give the root folder of {chosen.title}.")


def _write_records(path: Path, name: str, root: Path, space: LabelSpace) -> None:
    with ArrowWriter(path=str(path), features=FEATURES, writer_batch_size=_ROWS_A_BATCH) as writer:
        for record in _records(name, root, space):
            writer.write(record)
        count, _ = writer.finalize()
    if not count:
        raise SetError(f"No picture of {named(name).title} below {root} can be used; run train/validate.py on it.")


def load_set(name: str, root: str | Path, space: LabelSpace, cache_dir: Path) -> Dataset:
    """The pictures of a published set below `root`, as records of the domain `name`, labelled in `space`.

    Records hold the paths of their pictures, never the bytes, and lie in an Arrow file in `cache_dir`; they are made again
    when a file below `root` comes, goes or is edited. Unreadable pictures, unknown labels and labels that
    `space` drops are left out, with a warning that counts them.

    Raises SetError when there is no such set, its labels have no place in `space`, an index file is missing or malformed,
    or no picture is left.
    """
    check_set(name, root, space)
    root = Path(root).resolve()
    cache_dir.mkdir(parents=True, exist_ok=True)
    path = cache_dir / f"{name}-{content_key(VERSION, str(root), space.name, _stamp(root))}.arrow"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            write_file(path, lambda aside: _write_records(aside, name, root, space))
    return Dataset.from_file(str(path))


def relabelled(records: Dataset, space: LabelSpace) -> Dataset:
    """Records of Mikels-8 with their emotions in another space; raises SetError when it cannot be reached."""
    if space == MIKELS_8:
        return records
    labels: dict[str | None, str | None] = {None: None, **mapping("What the recipe names", MIKELS_8, space)}
    emotions = [labels[emotion] for emotion in Coded.of(records, "emotion")]
    changed = records.remove_columns("emotion").add_column("emotion", emotions, feature=FEATURES["emotion"])
    return changed.select_columns(list(FEATURES))
