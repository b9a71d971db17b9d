"""Decoded pictures, all of one size, and how they become so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from PIL import Image

from train.data.store import cached_array, content_key, write_json


def letterbox(picture: Image.Image, size: int) -> np.ndarray:
    """A picture as uint8 RGBA (4, size, size), its sides kept in proportion and the rest of the square transparent."""
    picture = picture.convert("RGBA")
    if picture.size != (size, size):
        scale = size / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        # Premultiplied, so that the colours hidden under transparent pixels do not bleed into the rim.
        inner = picture.convert("RGBa").resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")
        picture = Image.new("RGBA", (size, size))
        picture.paste(inner, ((size - width) // 2, (size - height) // 2))
    return np.asarray(picture).transpose(2, 0, 1)


class PictureStore:
    """All pictures of a dataset, decoded once into one memory-mapped file; row i is record i of the dataset.

    A store whose pictures are all in an older store of the same folder and size reads from that one, so a part of a
    dataset is never decoded again.
    """

    def __init__(self, records: Dataset, cache_dir: str | Path, size: int = 128) -> None:
        ids = records["id"][:]
        folder = Path(cache_dir)
        self.key = content_key("pictures", ids, size)
        self.size = size
        #: Key of the store that has the pixels, and the row of each picture in it.
        self.source_key, self.rows = self.key, np.arange(len(ids))
        older = self._older(folder, ids)
        if older is not None:
            self.source_key, self._pixels, self.rows = older
            return
        images = records["image"]

        def decode(rows: slice) -> np.ndarray:
            return np.stack([letterbox(picture, size) for picture in images[rows]])

        self._pixels = cached_array(folder, self.key, len(ids), decode)
        write_json(folder / f"{self.key}.{size}.ids.json", ids)

    def _older(self, folder: Path, ids: list[str]) -> tuple[str, np.ndarray, np.ndarray] | None:
        """Key and pixels of a store that has all these pictures, and the row of each there."""
        for index in sorted(folder.glob(f"*.{self.size}.ids.json")):
            row = {name: position for position, name in enumerate(json.loads(index.read_text(encoding="utf-8")))}
            pixels = folder / f"{index.name.split('.')[0]}.npy"
            if pixels.exists() and all(name in row for name in ids):
                return pixels.stem, np.load(pixels, mmap_mode="r"), np.array([row[name] for name in ids])
        return None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray | torch.Tensor) -> torch.Tensor:
        """uint8 RGBA, not premultiplied: (4, H, W) for one index, (B, 4, H, W) for several."""
        if isinstance(rows, torch.Tensor):
            rows = rows.cpu().numpy()
        return torch.from_numpy(np.array(self._pixels[self.rows[rows]]))
