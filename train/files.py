"""Files and folders that are written aside and then renamed, so that nobody reads half of one and no old one is lost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a file beside `path`, then rename it; its folder is made.

    The name beside it has no suffix of a kind of file, and no two writers get the same. Of a failed write nothing stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{uuid4().hex[:12]}.part")
    try:
        write(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`write_file` of text in UTF-8."""
    write_file(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """`write_file` of JSON that a person can read."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_picture(path: Path, picture: Image.Image) -> None:
    """`write_file` of a PNG."""
    write_file(path, lambda aside: picture.save(aside, "PNG"))


def _old(target: Path) -> Path:
    return target.with_name(target.name + ".old")


def replace_folder(source: Path, target: Path) -> None:
    """Put the finished folder `source` where `target` is, so that a reader never sees half of it.

    A folder cannot be renamed over another: whoever is killed between the two renames leaves the previous one under
    another name, where `recover_folder` finds it.
    """
    old = _old(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(target, old)
    os.replace(source, target)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Bring back what `replace_folder` had put aside when it was killed."""
    if not target.exists() and _old(target).exists():
        os.replace(_old(target), target)


def write_folder(target: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a folder beside `target`, then rename it into place."""
    aside = target.with_name(target.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    write(aside)
    replace_folder(aside, target)
