"""Decoded pictures, all of one size, and how they become so."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from datasets import Dataset
from PIL import Image

from kcdp.imaging import ImageError, clear_square, read_frames
from train.data.cache import cached_array
from train.data.records import rows_of

logger = logging.getLogger(__name__)

#: Raise when `kcdp.imaging` reads a file otherwise than before: pictures are then decoded again.
READING = 2
_IDS_AT_ONCE = 1 << 16


def read_picture(source: str | Path | bytes) -> Image.Image:
    """The frame that stands for a file, read as the app reads it: RGB, or RGBA where something may be transparent.

    Raises ImageError when it cannot be used.
    """
    frames = read_frames(source)
    return frames[len(frames) // 2].image


def letterbox(picture: Image.Image, size: int) -> np.ndarray:
    """A picture as uint8 RGBA (4, size, size), its sides kept in proportion and the rest of the square transparent."""
    return np.asarray(clear_square(picture, size)).transpose(2, 0, 1)


def picture_ids(records: Dataset) -> np.ndarray:
    """`id` of every record as a number, big-endian uint64 (N,)."""
    pieces = [bytes.fromhex("".join(piece.to_pylist())) for piece in records.data.column("id").chunks]
    return np.frombuffer(b"".join(pieces), dtype=">u8")[rows_of(records)]


def _stored(records: Dataset) -> np.ndarray:
    """Which records hold their picture, and not only its path: bool (N,)."""
    pieces = [pc.is_valid(pc.struct_field(piece, "bytes")) for piece in records.data.column("image").chunks]
    whole = np.concatenate([np.empty(0, dtype=bool), *(piece.to_numpy(zero_copy_only=False) for piece in pieces)])
    return whole[rows_of(records)]


def _key(ids: np.ndarray, size: int) -> str:
    """`content_key("pictures", [id, ...], size, READING)`, without millions of texts at once."""
    digest = hashlib.sha256(b'["pictures", [')
    for start in range(0, len(ids), _IDS_AT_ONCE):
        names = ids[start : start + _IDS_AT_ONCE].tobytes().hex()
        listed = ", ".join(f'"{names[place : place + 16]}"' for place in range(0, len(names), 16))
        digest.update(f"{', ' if start else ''}{listed}".encode())
    digest.update(f"], {size}, {READING}]".encode())
    return digest.hexdigest()[:32]


def _places(ids: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Where each of `ids` stands among `known`, int64 (N,); None when one of them does not."""
    order = np.argsort(known, kind="stable")
    found = np.searchsorted(known, ids, sorter=order)
    if len(found) and found.max() == len(known):
        return None
    places = order[found]
    return places if np.array_equal(known[places], ids) else None


class PictureCache:
    """The pictures of a dataset, all of one size; row i is record i of the dataset.

    Pictures that the records hold are decoded once, into one memory-mapped file. Those of which they have the path are
    decoded whenever they are asked for, in threads: there may be millions. One that cannot be read any more is empty (all
    transparent), and a warning names it.

    One whose pictures are all in an older one of the same folder and size reads from that, so a part of a
    dataset is never decoded again.
    """

    def __init__(self, records: Dataset, cache_dir: str | Path, size: int = 128) -> None:
        ids, stored = picture_ids(records), _stored(records)
        folder = Path(cache_dir)
        self.key, self.size = _key(ids, size), size
        #: Key of the cache whose computed results these pictures may read, and the row of each picture there.
        self.source_key, self.rows = self.key, np.arange(len(ids))
        #: Row of each picture in the decoded ones; -1 for one that is a path.
        self._places = np.full(len(ids), -1, dtype=np.int64)
        self._images = records.select_columns("image").with_format("arrow")
        self._threads: ThreadPoolExecutor | None = None
        older = self._older(folder, ids, decoded=bool(stored.all()))
        if older is not None:
            self.source_key, self.rows = older
        if stored.all():
            self._places = self.rows
            self._pixels = self._decoded(folder, self.source_key, stored)
        elif stored.any():
            own = ids[stored]
            key, rows = self._older(folder, own, decoded=True) or (_key(own, size), np.arange(len(own)))
            self._places[stored] = rows
            self._pixels = self._decoded(folder, key, stored)
            self._index(folder, key, own)
        if older is None:
            self._index(folder, self.key, ids)

    def _index(self, folder: Path, key: str, ids: np.ndarray) -> None:
        """Tell later ones which pictures this one has, unless that is told already."""
        cached_array(folder, f"{key}.{self.size}.{READING}.ids", len(ids), lambda rows: ids[rows], chunk=len(ids))

    def _decoded(self, folder: Path, key: str, stored: np.ndarray) -> np.ndarray:
        """The decoded pictures under `key`; if they are not there, they are those of the `stored` rows."""
        path = folder / f"{key}.npy"
        if path.exists():
            return np.load(path, mmap_mode="r")
        own = np.flatnonzero(stored)
        return cached_array(folder, key, len(own), lambda rows: np.stack(list(map(self._read, self._files(own[rows])))))

    def _older(self, folder: Path, ids: np.ndarray, decoded: bool) -> tuple[str, np.ndarray] | None:
        """Key of a cache that has all these pictures, and has `decoded` them if need be; and the row of each there."""
        for index in sorted(folder.glob(f"*.{self.size}.{READING}.ids.npy")):
            key = index.name.split(".")[0]
            if not decoded or (folder / f"{key}.npy").exists():
                places = _places(ids, np.load(index))
                if places is not None:
                    return key, places
        return None

    def _files(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """Bytes or path of each of some records."""
        return self._images[rows.tolist()]["image"].to_pylist()

    def _read(self, file: dict[str, Any]) -> np.ndarray:
        """One picture as `letterbox` makes it."""
        try:
            return letterbox(read_picture(file["path"] if file["bytes"] is None else file["bytes"]), self.size)
        except ImageError as error:
            name = file["path"] or "A picture"
            logger.warning("%s cannot be read any more (%s) and is taken for empty.", name, error)
            return np.zeros((4, self.size, self.size), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray | torch.Tensor) -> torch.Tensor:
        """uint8 RGBA, not premultiplied: (4, H, W) for one index, (B, 4, H, W) for several."""
        wanted = np.arange(len(self))[rows.cpu().numpy() if isinstance(rows, torch.Tensor) else rows]
        places = self._places[wanted]
        if (places >= 0).all():
            return torch.from_numpy(np.array(self._pixels[places]))
        flat, places = np.atleast_1d(wanted), np.atleast_1d(places)
        pictures = np.empty((len(flat), 4, self.size, self.size), dtype=np.uint8)
        if (places >= 0).any():
            pictures[places >= 0] = self._pixels[places[places >= 0]]
        self._threads = self._threads or ThreadPoolExecutor()
        for place, picture in zip(
            np.flatnonzero(places < 0), self._threads.map(self._read, self._files(flat[places < 0])), strict=True
        ):
            pictures[place] = picture
        return torch.from_numpy(pictures.reshape(*wanted.shape, *pictures.shape[1:]))
