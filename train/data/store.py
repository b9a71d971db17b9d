"""Caches on disk: whatever is computed from pictures, each result keyed by its content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

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
    aside = path.with_name(f"{path.stem}.{os.getpid()}.part.npy")
    np.save(aside, array, allow_pickle=False)
    os.replace(aside, path)


def cached_array(
    cache_dir: str | Path,
    key: str,
    count: int,
    compute: Callable[[slice], np.ndarray | torch.Tensor],
    chunk: int = CHUNK,
) -> np.ndarray:
    """`compute` over rows 0 to `count`, at most `chunk` at a time, from the cache where it is there already.

    `compute(rows)` returns an array (len(rows), ...) whose trailing shape and type are the same for every call. Chunks
    are files of their own until all are done, so that a killed run goes on where it stopped; then they become one file.
    Returns a read-only memory map (count, ...). `key` comes from `content_key`.

    Raises ValueError when `count` is 0 or `compute` returns another number of rows than it was asked for.
    """
    if count < 1:
        raise ValueError("There is nothing to compute: the dataset is empty.")
    path = Path(cache_dir) / f"{key}.npy"
    if not path.exists():
        chunks = Path(cache_dir) / f"{key}.{chunk}.chunks"
        chunks.mkdir(parents=True, exist_ok=True)
        starts = range(0, count, chunk)
        for start in starts:
            piece = chunks / f"{start:09d}.npy"
            if piece.exists():
                continue
            rows = slice(start, min(start + chunk, count))
            values = compute(rows)
            values = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
            if len(values) != rows.stop - rows.start:
                raise ValueError(f"Asked for {rows.stop - rows.start} rows to cache, got {len(values)}.")
            _write_array(piece, values)
        first = np.load(chunks / f"{0:09d}.npy", mmap_mode="r")
        aside = path.with_name(f"{key}.{os.getpid()}.part")
        whole = np.lib.format.open_memmap(aside, mode="w+", dtype=first.dtype, shape=(count, *first.shape[1:]))
        for start in starts:
            whole[start : start + chunk] = np.load(chunks / f"{start:09d}.npy", mmap_mode="r")
        whole.flush()
        del whole
        os.replace(aside, path)
        shutil.rmtree(chunks, ignore_errors=True)
    return np.load(path, mmap_mode="r")


def cached_part(cache_dir: str | Path, key: str, rows: np.ndarray) -> np.ndarray | None:
    """Some `rows` of what `cached_array` once computed under `key`, in memory; None where that is not there."""
    path = Path(cache_dir) / f"{key}.npy"
    return np.load(path, mmap_mode="r")[rows] if path.exists() else None


def cached_json(
    cache_dir: str | Path, key: str, count: int, compute: Callable[[slice], list[Any]], chunk: int = CHUNK
) -> list[Any]:
    """`cached_array` for what is not a number, such as captions and triplets: a list of `count` JSON values."""
    path = Path(cache_dir) / f"{key}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    chunks = Path(cache_dir) / f"{key}.{chunk}.chunks"
    chunks.mkdir(parents=True, exist_ok=True)
    values: list[Any] = []
    for start in range(0, count, chunk):
        piece = chunks / f"{start:09d}.json"
        if not piece.exists():
            rows = slice(start, min(start + chunk, count))
            found = compute(rows)
            if len(found) != rows.stop - rows.start:
                raise ValueError(f"Asked for {rows.stop - rows.start} rows to cache, got {len(found)}.")
            write_json(piece, found)
        values += json.loads(piece.read_text(encoding="utf-8"))
    write_json(path, values)
    shutil.rmtree(chunks, ignore_errors=True)
    return values


def write_json(path: Path, values: list[Any]) -> None:
    """Write JSON values to `path`, aside first and then renamed."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    aside.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    os.replace(aside, path)
