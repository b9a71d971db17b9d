"""What a caller gives for a picture, as the bytes of a file."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path

from kcdp.imaging.limits import ImageError, ImageLimits


def checked_path(source: object) -> tuple[Path, str]:
    """The path that `source` is, and the name of its file for messages."""
    if source is None:
        raise ImageError("There is no picture; choose one first.")
    if not isinstance(source, (str, os.PathLike)):
        kind = type(source).__name__
        raise ImageError(f"A picture cannot be of type {kind}; give a PIL picture, a path, or the bytes of a file.")
    text = os.fspath(source)
    if not isinstance(text, str):
        raise ImageError("A path of bytes cannot be told from the bytes of a picture; give the path as text.")
    if not text.strip():
        raise ImageError("The path is empty; choose a picture first.")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://|data:", text):
        raise ImageError("The picture is a link, and nothing is downloaded here; download it first and give the file.")
    return Path(text), quoted(Path(text).name or text)


def quoted(text: str) -> str:
    """A file's name fit for one line of a message."""
    shown = "".join(
        "?" if unicodedata.category(letter).startswith(("C", "Z")) and letter != " " else letter for letter in text
    )
    return f"“{shown if len(shown) <= 60 else shown[:40] + '…' + shown[-19:]}”"


def read(path: Path, name: str, limits: ImageLimits) -> bytes:
    """The content of a file, at most one byte more than is allowed."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"{name} is a folder; choose one picture in it.")
        if not stat.S_ISREG(mode):
            raise ImageError(f"{name} is not a file but a device or pipe; choose a picture file.")
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ImageError(f"{name} was not found; check the path.") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read; change its permissions or copy it elsewhere.") from None
    except OSError as error:
        raise ImageError(f"{name} could not be read ({error.strerror}); check the path and the disk.") from error
    except ImageError:
        raise
    except ValueError:
        raise ImageError(f"{name} is not a possible path; check its characters.") from None
