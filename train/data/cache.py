"""Caches on disk: whatever is computed from pictures, each result keyed by its content.

All processes of a run fill a cache together, on one machine or on several with one file system: each takes its share of
the chunks, then what others have not begun. A chunk is locked by whoever computes it, and a lock goes with its process,
so what a killed process has not finished is finished by the others, or by the next run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate import PartialState
from filelock import FileLock, Timeout
from torch import nn

from train.files import write_file, write_text

#: Rows a chunk: a killed computation loses at most this many.
CHUNK = 512


def content_key(*parts: Any) -> str:
    """A name (32 hexadecimal digits) for JSON-like `parts`: content ids, model fingerprints, settings."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(*modules: nn.Module) -> str:
    """A name for the weights of `modules`: every parameter and buffer, by name, shape, type and value."""
    digest = hashlib.sha256()
    for module in modules:
        for name, value in sorted(module.state_dict().items()):
            value = value.detach().cpu().contiguous()
            digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
            digest.update(value.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:32]


def _write_array(path: Path, array: np.ndarray) -> None:
    def write(aside: Path) -> None:
        with aside.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    write_file(path, write)


def _write_values(path: Path, values: list[Any]) -> None:
    write_text(path, json.dumps(values, ensure_ascii=False))


def _fill(
    target: Path,
    count: int,
    chunk: int,
    compute: Callable[[slice], Sized],
    write: Callable[[Path, Any], None],
    merge: Callable[[Path, Sequence[Path]], None],
) -> None:
    """Compute `count` rows together with all other processes; return when `target` is there.

    Args:
        target: the whole; its pieces are in a folder beside it until it is there.
        count, chunk: rows in all, and at most in a piece.
        compute: gives the values of some rows.
        write: puts them into a file.
        merge: makes the whole, in the file that it is given, of all pieces in their order.

    Raises ValueError when `compute` returns another number of rows than it was asked for.
    """
    state = PartialState()
    folder = target.with_name(f"{target.stem}.{chunk}.chunks")
    folder.mkdir(parents=True, exist_ok=True)
    pieces = {folder / f"{start:09d}": slice(start, min(start + chunk, count)) for start in range(0, count, chunk)}

    def lock_of(name: str) -> FileLock:
        # Not in the folder, which goes when the whole is there: a late process may still be asking.
        return FileLock(target.with_name(f"{target.stem}.{name}.lock"), poll_interval=0.1)

    def complete(piece: Path, wait: bool) -> None:
        if piece.exists() or target.exists():
            return
        try:
            lock = lock_of(piece.name).acquire(blocking=wait)
        except Timeout:
            return
        with lock:
            # Meanwhile another process may have finished it, or everything.
            if piece.exists() or target.exists():
                return
            rows = pieces[piece]
            values = compute(rows)
            if len(values) != rows.stop - rows.start:
                raise ValueError(f"Asked for {rows.stop - rows.start} rows to cache, got {len(values)}.")
            write(piece, values)

    order = list(pieces)
    own = order[state.process_index :: state.num_processes]
    # From the end, for the others begin with the first of theirs.
    rest = sorted(set(order).difference(own), reverse=True)
    for wait in (False, True):
        for piece in own + rest:
            complete(piece, wait)
    with lock_of("whole"):
        if not target.exists():
            write_file(target, lambda aside: merge(aside, order))
    shutil.rmtree(folder, ignore_errors=True)
    for spent in target.parent.glob(f"{target.stem}.*.lock"):
        spent.unlink(missing_ok=True)


def cached_array(
    cache_dir: str | Path,
    key: str,
    count: int,
    compute: Callable[[slice], np.ndarray | torch.Tensor],
    chunk: int = CHUNK,
) -> np.ndarray:
    """`compute` over rows 0 to `count`, at most `chunk` at a time, from the cache where it is there already.

    `compute(rows)` returns an array (len(rows), ...) whose trailing shape and type are the same for every call; it must
    not wait for other processes. Chunks are files of their own until all are done, so that a killed run goes on where it
    stopped; then they become one file. Returns a read-only memory map (count, ...). `key` comes from `content_key`.

    Raises ValueError when `count` is 0 or `compute` returns another number of rows than it was asked for.
    """
    if count < 1:
        raise ValueError("There is nothing to compute: the dataset is empty.")

    def values(rows: slice) -> np.ndarray:
        found = compute(rows)
        return found.detach().cpu().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)

    def merge(aside: Path, pieces: Sequence[Path]) -> None:
        first = np.load(pieces[0], mmap_mode="r")
        whole = np.lib.format.open_memmap(aside, mode="w+", dtype=first.dtype, shape=(count, *first.shape[1:]))
        for number, piece in enumerate(pieces):
            whole[number * chunk : (number + 1) * chunk] = np.load(piece, mmap_mode="r")
        whole.flush()

    path = Path(cache_dir) / f"{key}.npy"
    if not path.exists():
        _fill(path, count, chunk, values, _write_array, merge)
    return np.load(path, mmap_mode="r")


class Rows:
    """Some rows of an array on disk, read when they are asked for: indexed along its first axis like an array."""

    def __init__(self, whole: np.ndarray, rows: np.ndarray) -> None:
        self._whole, self._rows = whole, rows
        self.shape, self.dtype = (len(rows), *whole.shape[1:]), whole.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        return self._whole[self._rows[index]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype) if dtype else self[:]


def cached_part(cache_dir: str | Path, key: str, rows: np.ndarray) -> Rows | None:
    """Some `rows` of what `cached_array` once computed under `key`; None where that is not there."""
    path = Path(cache_dir) / f"{key}.npy"
    return Rows(np.load(path, mmap_mode="r"), rows) if path.exists() else None


class JsonRows(Sequence[Any]):
    """JSON values in an Arrow file, read when they are asked for: those of millions of pictures fill no memory."""

    def __init__(self, path: Path) -> None:
        self._texts = pa.ipc.open_file(pa.memory_map(str(path))).read_all()["json"]

    @staticmethod
    def write(path: Path, parts: Sequence[Path]) -> None:
        """Put the JSON lists in the files `parts` together, one part at a time in memory."""
        schema = pa.schema({"json": pa.string()})
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as whole:
            for part in parts:
                values = json.loads(part.read_text(encoding="utf-8"))
                texts = [json.dumps(value, ensure_ascii=False) for value in values]
                whole.write_batch(pa.record_batch([pa.array(texts, pa.string())], schema))

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, rows: int | slice) -> Any:
        if isinstance(rows, slice):
            return [json.loads(text) for text in self._texts[rows].to_pylist()]
        return json.loads(self._texts[rows].as_py())


def cached_json(
    cache_dir: str | Path, key: str, count: int, compute: Callable[[slice], list[Any]], chunk: int = CHUNK
) -> JsonRows:
    """`cached_array` for what is not a number, such as captions and triplets: `count` JSON values, none where it is 0."""
    path = Path(cache_dir) / f"{key}.arrow"
    if not path.exists():
        _fill(path, count, chunk, compute, _write_values, JsonRows.write)
    return JsonRows(path)
