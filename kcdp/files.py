"""Files that are whole or not there, also where the disk is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or leave what was there. Raises OSError, and then nothing of the new one is left."""
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_bytes(content)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def is_disk_full(error: BaseException) -> bool:
    """Whether it is room on a disk, or in somebody's share of it, that was missing."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
