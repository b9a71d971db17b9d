"""Many pictures: found in files and folders, read in batches, and written to one file that an interrupted run goes on with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np

from kcdp.decoded import DecodedPicture
from kcdp.imaging import PACK_SUFFIXES, PICTURE_SUFFIXES, ImageError
from kcdp.imaging.packs import open_pack
from kcdp.results import VerdictOutput

#: Pictures a batch: of more, reading is hardly faster, and what a kill undoes is one batch.
BATCH_SIZE = 16


@dataclass(frozen=True)
class PictureFile:
    """A picture to read: `name` is unique and stands in its result, `source` is its path or content.

    Of a pack that is damaged from somewhere on, `source` is the error that says so.
    """

    name: str
    source: Path | bytes | ImageError

    def decode(self) -> DecodedPicture:
        """The picture; raises ImageError with one sentence."""
        if isinstance(self.source, ImageError):
            raise self.source
        return DecodedPicture.load(self.source)

    def belongs_to(self, rank: int, world_size: int) -> bool:
        """Whether it is process `rank` of `world_size` that reads it: by its name alone, in whatever order files are found."""
        return name_hash(self.name) % world_size == rank


def name_hash(name: str) -> int:
    """64 bits that stand for a name; the chance that any two of a million agree is 3e-8."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big")


def find_pictures(paths: Iterable[str | Path]) -> Iterator[PictureFile]:
    """The pictures at `paths`: files, what is in folders and their subfolders by `PICTURE_SUFFIXES`, and the stickers of packs.

    Folders are walked as they are read, without a list of what is in them; links to folders are not followed. A sticker of a
    pack is named `PACK/NAME`. What ends a pack, at once or behind some stickers, stands in a result named as the pack.
    Raises ImageError with one sentence for a path where nothing is, and for a folder that cannot be read.
    """
    for path in map(Path, paths):
        if path.is_dir():
            yield from _walk(path)
        elif path.exists():
            yield from _in_file(path)
        else:
            raise ImageError(f"There is no file or folder '{path}'; check the path.")


def is_pack(path: str | Path) -> bool:
    """Whether a file is a pack of pictures, by the end of its name."""
    return Path(path).suffix.lower() in PACK_SUFFIXES


def _in_file(path: Path) -> Iterator[PictureFile]:
    if not is_pack(path):
        yield PictureFile(str(path), path)
        return
    yield from stickers(path, str(path))


def stickers(pack: Path, name: str) -> Iterator[PictureFile]:
    """The stickers of a pack, each named `name/STICKER`; the error that ends it comes last, as a picture that is `name`."""
    try:
        for sticker, content in open_pack(pack):
            yield PictureFile(f"{name}/{sticker}", content)
    except ImageError as error:
        yield PictureFile(name, error)


def _walk(folder: Path) -> Iterator[PictureFile]:
    subfolders = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    subfolders.append(entry.path)
                elif is_pack(entry.name) or os.path.splitext(entry.name)[1].lower() in PICTURE_SUFFIXES:
                    yield from _in_file(Path(entry.path))
    except OSError as error:
        raise ImageError(f"The folder '{folder}' cannot be read ({error.strerror}); check its rights.") from error
    for subfolder in sorted(subfolders):
        yield from _walk(Path(subfolder))


@dataclass(frozen=True)
class PictureResult:
    """What was read from one picture, or `error`, a sentence that says why nothing was; `picture` is as it was decoded."""

    name: str
    verdict: VerdictOutput | None = None
    error: str | None = None
    picture: DecodedPicture | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-clean: `path`, and `error` or all of `VerdictOutput.to_dict()`."""
        return {"path": self.name} | ({"error": self.error} if self.verdict is None else self.verdict.to_dict())


#: A verdict for each of some pictures.
Read = Callable[[Sequence[DecodedPicture]], Sequence[VerdictOutput]]


def understand_pictures(
    read: Read, pictures: Iterable[PictureFile], batch_size: int = BATCH_SIZE
) -> Iterator[list[PictureResult]]:
    """Read pictures, a batch at a time, while the next batch is decoded.

    In memory are two batches, however many pictures there are. A picture that cannot be decoded has its error in its result.
    """
    remaining = iter(pictures)
    with ThreadPoolExecutor(1, thread_name_prefix="decoder") as pool:

        def decode_next() -> list[tuple[str, Future[DecodedPicture]]]:
            return [(item.name, pool.submit(item.decode)) for item in islice(remaining, batch_size)]

        batch = decode_next()
        while batch:
            following = decode_next()
            yield _read_batch(read, batch)
            batch = following


def _read_batch(read: Read, batch: Sequence[tuple[str, Future[DecodedPicture]]]) -> list[PictureResult]:
    errors: dict[int, str] = {}
    decoded: dict[int, DecodedPicture] = {}
    for number, (_, future) in enumerate(batch):
        try:
            decoded[number] = future.result()
        except ImageError as error:
            errors[number] = str(error)
    outputs = dict(zip(decoded, read(list(decoded.values())) if decoded else [], strict=True))
    return [
        PictureResult(name, outputs[number], picture=decoded[number])
        if number in outputs
        else PictureResult(name, error=errors[number])
        for number, (name, _) in enumerate(batch)
    ]


class ResultFile:
    """Results as JSON lines, one a picture; what is in the file already is known by its `path`.

    Several processes write a file each, `PATH.part-RANK`, which `merge_parts` brings into the one. A line that a kill cut short is
    taken away when the file is opened. Use it as a context manager.
    """

    def __init__(self, path: str | Path, rank: int = 0, world_size: int = 1) -> None:
        """Raises OSError when the folder cannot be written to."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if world_size == 1:
            merge_parts(self.path)
        self._own = self.path if world_size == 1 else self.path.with_name(f"{self.path.name}.part-{rank}")
        names = (row["path"] for file in _files(self.path) for row in _rows(file))
        self._known = np.unique(np.fromiter(map(name_hash, names), np.uint64))
        _cut_torn_line(self._own)
        self._stream = self._own.open("a", encoding="utf-8", errors="surrogatepass")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __contains__(self, name: str) -> bool:
        key = np.uint64(name_hash(name))
        place = int(np.searchsorted(self._known, key))
        return place < len(self._known) and self._known[place] == key

    def __len__(self) -> int:
        return len(self._known)

    def write(self, results: Iterable[PictureResult]) -> None:
        """Add results, so that a kill from now on does not undo them."""
        for result in results:
            self._stream.write(json.dumps(result.to_dict(), ensure_ascii=False) + "\n")
        self._stream.flush()


def merge_parts(path: Path) -> None:
    """Bring what several processes have written into the one file, each picture once, and remove the parts.

    Nothing is lost whenever it is killed: the new file is complete before it takes the old one's place.
    """
    files = _files(path)
    if len(files) == 1:
        return
    aside = path.with_name(f"{path.name}.merging")
    written: set[int] = set()
    try:
        with aside.open("w", encoding="utf-8", errors="surrogatepass") as stream:
            for row in (row for file in files for row in _rows(file)):
                key = name_hash(row["path"])
                if key not in written:
                    written.add(key)
                    stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(aside, path)
    except OSError:
        # Of a disk that is full it takes what the others need.
        aside.unlink(missing_ok=True)
        raise
    for part in files[1:]:
        part.unlink()


def _files(path: Path) -> list[Path]:
    """The file of results, whether it is there or not, and the parts of it."""
    return [path, *sorted(path.parent.glob(f"{_literal(path.name)}.part-*"))]


def _literal(name: str) -> str:
    """A file name as a pattern for `glob` that means itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The whole lines of a file of results; none where there is no file. Lines that are no result are left out."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                if isinstance(row, dict) and isinstance(row.get("path"), str):
                    yield row


def _cut_torn_line(path: Path) -> None:
    """Take away what stands behind the last line break of a file."""
    if not path.is_file():
        return
    with path.open("rb+") as stream:
        end = stream.seek(0, os.SEEK_END)
        position = end
        while position > 0:
            start = max(0, position - 65536)
            stream.seek(start)
            found = stream.read(position - start).rfind(b"\n")
            if found >= 0:
                stream.truncate(start + found + 1)
                return
            position = start
        stream.truncate(0)
