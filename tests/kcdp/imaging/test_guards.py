"""The limits that hold for every format, each tried on a sound file with the limit lowered, and on the file cut short."""

from __future__ import annotations

import gzip
import io
import re
from functools import cache

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, load_frames
from tests.image_files import animated, encoded, film
from tests.sticker_files import greys, layer, lottie, moving, square, video, zipped

pylibjxl = pytest.importorskip("pylibjxl")
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480"><rect width="320" height="480"/></svg>'


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PICTURE).save(buffer)
    return buffer.getvalue()


def moved() -> bytes:
    way = moving((0, [100, 100, 0]), (60, [400, 300, 0]))
    return lottie(layer(square((0.2, 0.6, 0.1)), place=way), width=640, height=480)


def dotlottie() -> bytes:
    return zipped({"manifest.json": b'{"animations": [{"id": "a"}]}', "animations/a.json": moved()})


MAKERS = {
    "png": lambda: encoded(PICTURE, "PNG"),
    "jpeg": lambda: encoded(PICTURE, "JPEG"),
    "webp": lambda: encoded(PICTURE, "WEBP"),
    "avif": lambda: encoded(PICTURE, "AVIF"),
    "bmp": lambda: encoded(PICTURE, "BMP"),
    "tiff": lambda: encoded(PICTURE, "TIFF"),
    "gif": lambda: encoded(PICTURE, "GIF"),
    "ico": lambda: encoded(PICTURE, "ICO", sizes=[(64, 48)]),
    "jxl": lambda: pylibjxl.encode(np.asarray(PICTURE)),
    "heic": heic,
    "svg": lambda: SVG,
    "svgz": lambda: gzip.compress(SVG),
    "apng": lambda: animated(film(size=64), "PNG"),
    "animated webp": lambda: animated(film(size=64), "WEBP"),
    "animated gif": lambda: animated(film(size=64), "GIF"),
    "animated avif": lambda: animated(film(size=64, mode="RGB"), "AVIF"),
    "lottie": moved,
    "tgs": lambda: gzip.compress(moved()),
    "dotlottie": dotlottie,
    "webm": lambda: video(greys(), "webm", "libvpx-vp9", "yuv420p"),
    "webm with alpha": lambda: video(greys(alpha=True), "webm", "libvpx-vp9", "yuva420p"),
    "mp4": lambda: video(greys(), "mp4", "libx264", "yuv420p"),
    "mov": lambda: video(greys(), "mov", "libx264", "yuv420p"),
}  # fmt: skip
ANIMATED = [name for name in MAKERS if name not in list(MAKERS)[:12]]
#: Of these a part is shown, as browsers do, or its first bytes are another sound file.
_SHOWN_IN_PART = ("gif", "animated gif")


@cache
def sound(name: str) -> bytes:
    return MAKERS[name]()


def sentence(content: bytes, limits: ImageLimits) -> str:
    """The one sentence that refuses a file."""
    with pytest.raises(ImageError) as caught:
        load_frames(content, limits=limits)
    message = str(caught.value)
    assert re.fullmatch(r"The picture [^\n]+\.", message) and not re.search(r"[.!?]\s", message)
    assert len(message) < 220
    return message


@pytest.mark.parametrize("name", MAKERS)
def test_sound_files_pass(name):
    assert load_frames(sound(name))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    "limits, fault",
    [
        ({"max_bytes": 60}, "too large"),
        ({"max_pixels": 64 * 48 - 1}, "too many pixels"),
        ({"min_side": 3000}, "too small"),
    ],
)
def test_limits_of_every_picture(name, limits, fault):
    assert fault in sentence(sound(name), ImageLimits(**limits))


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ANIMATED])
def test_the_limit_of_a_strip(name):
    assert "too narrow a strip" in sentence(sound(name), ImageLimits(max_aspect=1.3))


@pytest.mark.parametrize("name", ANIMATED)
def test_limits_of_every_animation(name):
    assert "frames" in sentence(sound(name), ImageLimits(max_frames=7))


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in _SHOWN_IN_PART])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_files_that_are_cut_short_are_refused(name, part):
    content = sound(name)
    sentence(content[: int(part * len(content))], ImageLimits())
