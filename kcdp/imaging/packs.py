"""Packs of stickers in a ZIP archive: WhatsApp's .wastickers, LINE's, plain ones; and .lottie, which is one sticker."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kcdp.imaging import lottie
from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import DEFAULT_LIMITS, ImageError, ImageLimits
from kcdp.imaging.sources import checked_path, quoted
from kcdp.imaging.suffixes import PACK_SUFFIXES, PICTURE_SUFFIXES

_NOBODY = "The pack"
_DAMAGED = "The pack is damaged or cut short; save or download it again."
#: The end of a ZIP archive: signature, four numbers of discs and files, the length and place of its directory, and the
#: length of a comment that follows.
_END = struct.Struct("<4s4HIIH")
_END_SIGNATURE = b"PK\5\6"
_LONGEST_COMMENT = 2**16 - 1
_ZIP64_SIGNATURE = b"PK\6\7"
#: The bit of an entry that is encrypted.
_LOCKED = 0x1
#: What belongs to a LINE pack and is no sticker of it, and the folders whose pictures move, the preferred one last.
_LINE_FURNITURE = re.compile(r"(?i)(tab_o(n|ff)|preview|main|tab)\b|.*_key\b")
_LINE_FOLDERS = ("popup", "animation")
_ARCHIVES = (*PACK_SUFFIXES, ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class PackLimits:
    """How large a pack may be: as a file, unpacked in all, in files (stickers and others), and in letters of a name."""

    max_bytes: int = 256 * 2**20
    max_unpacked_bytes: int = 512 * 2**20
    max_files: int = 1000
    max_name: int = 200


DEFAULT_PACK_LIMITS = PackLimits()


def open_pack(
    source: str | Path | bytes, *, limits: ImageLimits = DEFAULT_LIMITS, pack: PackLimits = DEFAULT_PACK_LIMITS
) -> Iterator[tuple[str, bytes]]:
    """Every sticker of a pack in the order of their names: the name, with folders, and the content of its file.

    WhatsApp's stickers are the WebP files of its pack; LINE's the pictures but for tabs, keys and previews, an
    animation in place of the still that it moves; a plain archive's all pictures. They are not decoded: a damaged one
    comes as it is, for `load_frames` to tell. Nothing is written to the disk.

    Raises ImageError, with one sentence, for what is no archive, breaks a limit, is unsafe, or holds no picture.
    """
    name = _NOBODY if isinstance(source, bytes) else checked_path(source)[1]
    try:
        with _opened(source, pack) as file:
            yield from _stickers(file, limits, pack)
    except ImageError as error:
        raise ImageError(str(error).replace(_NOBODY, name, 1)) from error.__cause__


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a .lottie file; any other archive is refused with a sentence about where packs are read."""
    pack = replace(DEFAULT_PACK_LIMITS, max_unpacked_bytes=limits.max_unpacked_bytes)
    try:
        with _archive(BytesIO(content), pack) as archive:
            files = _files(archive, pack)
            if "manifest.json" not in files:
                # What is wrong with it as a pack, if anything is, would be wrong there, too.
                _sticker_names(files)
                raise ImageError(
                    "The picture is a ZIP archive, and one picture is wanted here; open a pack of stickers in the tab "
                    "“Many pictures”, or unpack it and choose one."
                )
            unpacked = dict(_unpacked(archive, files, files, pack.max_unpacked_bytes, pack))
    except ImageError as error:
        raise ImageError(str(error).replace(_NOBODY, "The picture", 1)) from error.__cause__
    yield from lottie.decode(lottie.from_dotlottie(unpacked), limits)


@contextmanager
def _opened(source: str | Path | bytes, pack: PackLimits) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield BytesIO(source)
        return
    path, _ = checked_path(source)
    if not path.is_file():
        raise ImageError("The pack was not found, or is no file; check the path.")
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ImageError(f"The pack could not be read ({error.strerror}); check the path and the disk.") from error


def _stickers(file: BinaryIO, limits: ImageLimits, pack: PackLimits) -> Iterator[tuple[str, bytes]]:
    found = False
    with _archive(file, pack) as archive:
        files = _files(archive, pack)
        for name, data in _unpacked(archive, files, _sticker_names(files), limits.max_bytes, pack):
            if _is_picture(name, data):
                found = True
                yield name, data
    if not found:
        raise ImageError("The pack holds no picture that can be read; choose another one.")


@contextmanager
def _archive(file: BinaryIO, pack: PackLimits) -> Iterator[zipfile.ZipFile]:
    """An archive whose directory is read; whatever the library raises about it as ImageError."""
    _check_end(file, pack)
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except ImageError:
        raise
    except Exception as error:
        # Besides BadZipFile: zlib.error, LZMAError, EOFError, OverflowError, UnicodeDecodeError, NotImplementedError.
        raise ImageError(_DAMAGED) from error


def _check_end(file: BinaryIO, pack: PackLimits) -> None:
    """Raises ImageError unless the end of the archive is there and states a directory within the limits.

    Before `zipfile` reads the directory, all of it, into memory; it goes by the stated length, not by the count.
    """
    size = file.seek(0, 2)
    if size > pack.max_bytes:
        raise ImageError(f"The pack is larger than the {pack.max_bytes / 2**20:.3g} MB allowed; split it.")
    file.seek(0)
    begins = file.read(2) == b"PK"
    file.seek(max(0, size - _END.size - _LONGEST_COMMENT))
    tail = file.read()
    place = tail.rfind(_END_SIGNATURE)
    if place < 0 or len(tail) - place < _END.size:
        raise ImageError(_DAMAGED if begins else "The pack is no ZIP archive; choose a .zip or .wastickers file.")
    _, _, _, _, count, length, _, _ = _END.unpack_from(tail, place)
    # 46 bytes a file, its name in UTF-8, and room for what programs add. ZIP64 states its numbers elsewhere.
    longest = pack.max_files * (46 + 4 * pack.max_name + 256)
    if count > pack.max_files or length > longest or tail[max(0, place - 20) : place].startswith(_ZIP64_SIGNATURE):
        raise ImageError(f"The pack holds more than the {pack.max_files} files allowed; split it.")
    file.seek(0)


def _files(archive: zipfile.ZipFile, pack: PackLimits) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their names. Raises ImageError for names, kinds and numbers that no sound pack has."""
    files: dict[str, zipfile.ZipInfo] = {}
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > pack.max_files:
        raise ImageError(f"The pack holds more than the {pack.max_files} files allowed; split it.")
    for entry in entries:
        # Programs on Windows write their own separators.
        name = entry.filename.replace("\\", "/")
        parts = name.split("/")
        if len(name) > pack.max_name:
            raise ImageError(f"The pack has a name of more than the {pack.max_name} letters allowed; shorten it.")
        if ".." in parts or parts[0] in ("", "~") or ":" in parts[0] or not name.isprintable():
            raise ImageError(
                f"The pack has a file whose name is not safe, {quoted(name)}; unpack it and choose pictures."
            )
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ImageError(f"The pack has a link or device in it, {quoted(name)}; unpack it and choose pictures.")
        if entry.flag_bits & _LOCKED:
            raise ImageError("The pack is locked with a password; unpack it and choose pictures.")
        if name in files:
            raise ImageError(f"The pack has two files of the name {quoted(name)}; unpack it and choose pictures.")
        files[name] = entry
    return files


def _unpacked(
    archive: zipfile.ZipFile, files: dict[str, zipfile.ZipInfo], names: Iterable[str], most: int, pack: PackLimits
) -> Iterator[tuple[str, bytes]]:
    """The content of these files, each of at most `most` bytes, all together of no more than the pack may unpack to."""
    left = pack.max_unpacked_bytes
    for name in names:
        allowed = min(most, left)
        data = b""
        if files[name].file_size <= allowed:
            with archive.open(files[name]) as stream:
                # What the directory says is not what comes out: one byte more tells.
                data = stream.read(allowed + 1)
        if files[name].file_size > allowed or len(data) > allowed:
            raise ImageError(
                f"The pack unpacks to more than the {pack.max_unpacked_bytes / 2**20:.3g} MB allowed; split it."
                if allowed < most
                else f"The pack holds a file larger than the {most / 2**20:.3g} MB allowed, {quoted(name)}; leave it out."
            )
        left -= len(data)
        yield name, data


def _sticker_names(files: Iterable[str]) -> list[str]:
    """The names that may be stickers, in natural order: 2.png before 10.png."""
    paths = {name: PurePosixPath(name) for name in files}
    for name, path in paths.items():
        if path.suffix.lower() in _ARCHIVES:
            raise ImageError(f"The pack holds another archive, {quoted(name)}; unpack it first.")
    names = [name for name, path in paths.items() if not _is_hidden(path)]
    marks = {paths[name].name.lower() for name in names}
    if marks & {"title.txt", "author.txt"} and any(mark.endswith(".webp") for mark in marks):
        names = [name for name in names if name.lower().endswith(".webp")]
    elif "productinfo.meta" in marks:
        names = _of_line([name for name in names if not _LINE_FURNITURE.match(paths[name].name)])
    elif {"main.png", "tab.png"} <= marks:
        names = [name for name in names if paths[name].name.lower() not in ("main.png", "tab.png")]
    return sorted(names, key=_natural)


def _is_hidden(path: PurePosixPath) -> bool:
    return path.parts[0] == "__MACOSX" or any(part.startswith(".") for part in path.parts)


def _of_line(names: list[str]) -> list[str]:
    """Of the stickers of a LINE pack those of the folder that shows most: popup, animation, the stills beside them."""
    best: dict[str, tuple[int, str]] = {}
    for name in names:
        path = PurePosixPath(name)
        folder = path.parent.name.lower().split("@")[0]
        rank = _LINE_FOLDERS.index(folder) + 1 if folder in _LINE_FOLDERS else 0
        key = path.stem.lower().removesuffix("@2x")
        best[key] = max(best.get(key, (-1, "")), (rank, name))
    return [name for _, name in best.values()]


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a name by their value."""
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def _is_picture(name: str, data: bytes) -> bool:
    """Whether a file is one by its name, or else by how it begins; JSON, which many packs describe themselves in, by that."""
    from kcdp.imaging.formats import recognised  # which lists the reader of archives, too

    suffix = PurePosixPath(name).suffix.lower()
    return (suffix in PICTURE_SUFFIXES and suffix != ".json") or recognised(data) is not None
