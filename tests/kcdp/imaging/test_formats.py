"""A file format that somebody adds is a decoder in a module of its own, a row and a suffix."""

from __future__ import annotations

from pathlib import Path

import pytest

import kcdp.batch
import kcdp.imaging.formats
from kcdp.batch import find_pictures
from kcdp.imaging import ImageError, load_frames
from kcdp.imaging.formats import FORMATS
from kcdp.imaging.frames import Format
from kcdp.imaging.suffixes import PICTURE_SUFFIXES
from tests.temporary_module import added_module

#: Portable pixmaps, of which the header says size and the rest is pixels.
DECODER = '''
    from PIL import Image

    from kcdp.imaging.frames import Frame
    from kcdp.imaging.limits import check_size


    def decode(content, limits):
        """The picture of a plain binary pixmap."""
        _, size, _, pixels = content.split(b"\\n", 3)
        size = tuple(map(int, size.split()))
        check_size(size, limits)
        yield Frame(Image.frombytes("RGB", size, pixels))
'''
PIXMAP = b"P6\n9 8\n255\n" + bytes((200, 10, 20)) * 72


def test_a_format_that_is_added_is_read_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "red.ppm").write_bytes(PIXMAP)
    with pytest.raises(ImageError, match="not in a picture format that can be read"):
        load_frames(PIXMAP)
    assert list(find_pictures([tmp_path])) == []
    decode = added_module(tmp_path, "pixmap", DECODER).decode
    monkeypatch.setattr(kcdp.imaging.formats, "FORMATS", (*FORMATS, Format("PPM", rb"P6\s", decode)))
    monkeypatch.setattr(kcdp.batch, "PICTURE_SUFFIXES", (*PICTURE_SUFFIXES, ".ppm"))
    (picture,) = load_frames(PIXMAP)
    assert (picture.size, picture.getpixel((8, 7))) == ((9, 8), (200, 10, 20))
    (found,) = find_pictures([tmp_path])
    assert load_frames(found.source)[0].tobytes() == picture.tobytes()
    with pytest.raises(ImageError, match="damaged or cut short"):
        load_frames(PIXMAP[:-1])
    with pytest.raises(ImageError, match=r"use .* dotLottie or PPM"):
        load_frames(b"\x01\x02 something else")
