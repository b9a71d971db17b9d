"""What the builders of the picture sets share: rendering, encoding, label tables and writing Parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import resvg_py
from datasets import Dataset, Features
from PIL import Image

from kcdp.imaging import clear_square
from train.data.pictures import read_picture
from train.files import write_file

#: Side of the pictures in a built set, pixels.
SIZE = 128


class BuildError(ValueError):
    """A checkout or a list of renders that cannot be used; the message says what to mend."""


def render(path: Path) -> Image.Image:
    """An SVG or bitmap file as RGBA of `SIZE` x `SIZE`, its proportions kept.

    Raises BuildError when it is not a readable picture.
    """
    try:
        if path.suffix.lower() == ".svg":
            svg = resvg_py.svg_to_bytes(svg_path=str(path), width=SIZE, height=SIZE, skip_system_fonts=True)
            return clear_square(read_picture(svg), SIZE)
        return clear_square(read_picture(path), SIZE)
    except (OSError, ValueError) as error:
        raise BuildError(f"{path} cannot be read as a picture ({error}); check it out again or remove it.") from error


def encode(picture: Image.Image) -> bytes:
    """WebP, lossless or of quality 90, whichever is smaller."""
    files = []
    for options in ({"lossless": True}, {"quality": 90}):
        buffer = io.BytesIO()
        picture.save(buffer, format="WEBP", method=6, **options)
        files.append(buffer.getvalue())
    return min(files, key=len)


def write_parquet(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any], path: Path) -> None:
    """The rows as a Parquet file whose `image` column `datasets` knows, written aside and renamed.

    Raises BuildError when there is no row.
    """
    if not rows:
        raise BuildError(f"No picture was found, so {path} was not written; check the folders that were given.")
    features = Features({"image": datasets.Image(), **columns})
    table = Dataset.from_dict({name: [row[name] for row in rows] for name in features}, features=features)
    write_file(path, table.to_parquet)
