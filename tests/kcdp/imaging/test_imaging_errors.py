"""Uploads that are no usable picture, and the one sentence that each of them gets."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import threading
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from kcdp.imaging import ImageError, ImageLimits, load_frames
from tests.image_files import animated, blank, encoded, film, gif_of, noise, patch, png_of_size, smooth


def corrupted(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("sticker.png", b"x")
    return buffer.getvalue()


PICTURE = Image.fromarray(noise(64, 48))
PNG, JPEG = encoded(PICTURE, "PNG"), encoded(PICTURE, "JPEG")
WEBP, GIF = encoded(PICTURE, "WEBP"), encoded(PICTURE, "GIF")
LOTTIE = json.dumps({"tgs": 1, "v": "5.5.2", "fr": 60, "ip": 0, "op": 180, "layers": 1}).encode()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/>'
FTYP = b"\0\0\0\x18ftyp"

BAD_BYTES = {
    "empty": (b"", "empty"),
    "zeros": (bytes(500), "zeros"),
    "random": (random.Random(1).randbytes(500), "not in a picture format"),
    "text": (b"Dear cat,\nthis is not a picture.\n", "text file"),
    "text in utf-8": ("Größe, naïveté, 絵文字\n".encode() * 400, "text file"),
    "json": (b'{"emotion": "awe"}', "text file"),
    "html": (b"<!DOCTYPE html><html><body><svg></svg></body></html>", "web page"),
    "cut svg": (SVG, "SVG"),
    "cut svg with declaration": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n" + SVG, "SVG"),
    "cut svgz": (gzip.compress(SVG), "SVG"),
    "lottie": (LOTTIE, "Lottie"),
    "tgs": (gzip.compress(LOTTIE), "Lottie"),
    "zip": (zipped(), "ZIP"),
    "gzip": (gzip.compress(bytes(99)), "archive"),
    "cut gzip": (b"\x1f\x8b\x08", "archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "archive"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "PDF"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
    "psd": (b"8BPS\0\1" + bytes(30), "Photoshop"),
    "heic": (FTYP + b"heic\0\0\0\0mif1heic", "damaged"),
    "heif": (FTYP + b"mif1\0\0\0\0mif1heic", "damaged"),
    "mp4": (FTYP + b"isom\0\0\2\0isomiso2", "damaged"),
    "mov": (FTYP + b"qt  \0\0\0\0qt  ", "damaged"),
    "webm": (b"\x1a\x45\xdf\xa3" + bytes(30), "damaged"),
    "avi": (b"RIFF\0\1\0\0AVI LIST", "video"),
    "mpeg": (b"\0\0\1\xba" + bytes(30), "video"),
    "jxl": (b"\xff\x0a" + bytes(30), "damaged"),
    "jpeg 2000": (encoded(PICTURE, "JPEG2000"), "JPEG 2000"),
    "cut ico": (encoded(PICTURE, "ICO")[:99], "icon"),
    "ppm": (encoded(PICTURE, "PPM"), "not in a picture format"),
    "tga": (encoded(PICTURE, "TGA"), "not in a picture format"),
    "cut png": (PNG[: len(PNG) // 2], "cut short"),
    "png without end": (PNG[:-12], "cut short"),
    "cut png header": (PNG[:20], "cut short"),
    "png signature": (PNG[:8], "cut short"),
    "png header checksum": (corrupted(PNG, 18), "damaged"),
    "png pixel checksum": (corrupted(PNG, len(PNG) // 2), "damaged"),
    "png of no width": (png_of_size(0, 10), "no pixels"),
    "png of few pixels": (png_of_size(64, 64), "cut short"),
    "cut jpeg": (JPEG[: len(JPEG) // 2], "cut short"),
    "jpeg start": (JPEG[:4], "cut short"),
    "cut webp": (WEBP[: len(WEBP) // 2], "cut short"),
    "cut gif": (GIF[: len(GIF) // 2], "cut short"),
    "gif header": (GIF[:13], "cut short"),
    "cut avif": (encoded(PICTURE, "AVIF")[:300], "cut short"),
    "cut bmp": (encoded(PICTURE, "BMP")[:300], "cut short"),
    "bmp start": (encoded(PICTURE, "BMP")[:14], "cut short"),
    "cut tiff": (encoded(PICTURE, "TIFF")[:300], "cut short"),
    "cut animation": (animated(film(), "PNG")[:-300], "cut short"),
    "pixel bomb": (png_of_size(100_000, 100_000), "too many pixels"),
    "many pixels": (png_of_size(9_000, 9_000), "9000 x 9000"),
    "more pixels than Pillow warns of": (png_of_size(12_000, 12_000), "12000 x 12000"),
    "one pixel": (encoded(Image.new("RGB", (1, 1)), "PNG"), "too small, 1 x 1"),
    "long strip": (encoded(Image.new("RGB", (2000, 10)), "PNG"), "too narrow a strip"),
    "tall strip": (encoded(Image.new("L", (9, 300)), "PNG"), "too narrow a strip"),
    "large gif animation": (gif_of(*[blank(16)] * 99, side=4000), "99 frames of 4000 x 4000"),
    "endless gif animation": (gif_of(*[blank(16)] * 1500), "1500 frames"),
    "gif frame beyond its screen": (gif_of(patch(0, 0, 16, 0, 1), blank(9000)), "9000 x 9000"),
}


def assert_sentence(error: ImageError, fault: str) -> None:
    message = str(error)
    assert fault in message
    assert re.fullmatch(r"[^\n]+\.", message) and not re.search(r"[.!?]\s", message), "one sentence"
    assert "Error" not in message and "/tmp" not in message and "object at" not in message
    assert len(message) < 220


@pytest.mark.parametrize("name", BAD_BYTES)
def test_bad_content_gets_one_sentence(name, tmp_path):
    data, fault = BAD_BYTES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError) as caught:
            load_frames(data)
        assert_sentence(caught.value, fault)
        path = tmp_path / "sticker.png"
        path.write_bytes(data)
        with pytest.raises(ImageError) as caught:
            load_frames(path)
    assert_sentence(caught.value, fault)
    assert "“sticker.png”" in str(caught.value)


BAD_SOURCES = {
    "nothing": (None, "no picture"),
    "array": (np.zeros((16, 16, 3), np.uint8), "type ndarray"),
    "array of NaN": (np.full((16, 16), np.nan), "type ndarray"),
    "tensor": (torch.zeros(3, 16, 16), "type Tensor"),
    "list": ([PNG], "type list"),
    "number": (7, "type int"),
    "open file": (io.BytesIO(PNG), "type BytesIO"),
    "path of bytes": (os.fsencode("x.png"), "text file"),
    "no name": ("", "path is empty"),
    "spaces": ("  ", "path is empty"),
    "missing": ("nowhere/cat.png", "“cat.png” was not found"),
    "below a file": (__file__ + "/cat.png", "not found"),
    "folder": (Path("/"), "folder"),
    "link": ("https://example.org/cat.png", "download it first"),
    "data link": ("data:image/png;base64,iVBORw0KGgo=", "download it first"),
    "null byte": ("cat\0.png", "not a possible path"),
    "lone surrogate": ("cat\udc00\ud800.png", "not a possible path"),
    "endless name": ("x" * 5000, "could not be read"),
    "device": ("/dev/null", "device or pipe"),
    "no width": (Image.new("RGB", (0, 9)), "no pixels"),
    "small picture": (Image.new("RGB", (3, 9)), "too small"),
    "picture of NaN": (Image.fromarray(np.full((16, 16), np.nan, np.float32)), "not finite"),
    "picture of infinity": (Image.fromarray(np.full((16, 16), np.inf, np.float32)), "not finite"),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_bad_sources_get_one_sentence(name):
    source, fault = BAD_SOURCES[name]
    with pytest.raises(ImageError) as caught:
        load_frames(source)
    assert_sentence(caught.value, fault)


def test_a_closed_picture_gets_one_sentence(tmp_path):
    (tmp_path / "cat.gif").write_bytes(animated(film(), "GIF"))
    with Image.open(tmp_path / "cat.gif") as image:
        pass
    with pytest.raises(ImageError) as caught:
        load_frames(image)
    assert_sentence(caught.value, "closed")


def test_unreadable_files_get_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)

    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError) as caught:
        load_frames(path)
    assert_sentence(caught.value, "may not be read")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="device or pipe"):
        load_frames(tmp_path / "pipe.png")


def test_large_files_are_not_even_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(ImageError) as caught:
        load_frames(path, limits=ImageLimits(max_bytes=2**20))
    assert_sentence(caught.value, "more than the 1 MB")
    with pytest.raises(ImageError, match="too large"):
        load_frames(bytes(2000), limits=ImageLimits(max_bytes=1999))


def test_names_cannot_break_the_message(tmp_path):
    path = tmp_path / f"evil\n\u202egnp{'x' * 100}.png"
    path.write_bytes(b"text")
    with pytest.raises(ImageError) as caught:
        load_frames(path)
    assert_sentence(caught.value, "“evil??gnpxxx")


def test_nothing_is_decoded_before_the_limits_are_checked(monkeypatch):
    def decode(_):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    limits = ImageLimits(max_pixels=64 * 48 - 1, max_frames=7, min_side=1)
    for data, fault in (
        (PNG, "pixels"),
        (JPEG, "pixels"),
        (WEBP, "pixels"),
        (GIF, "pixels"),
        (animated(film(), "WEBP"), "8 frames"),
    ):
        with pytest.raises(ImageError, match=fault):
            load_frames(data, limits=limits)


@pytest.mark.parametrize("name", ["max_bytes", "sampled_frames", "max_aspect"])
def test_limits_are_above_zero(name):
    with pytest.raises(ValueError, match=name):
        ImageLimits(**{name: 0})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF"])
def test_flipped_bytes_give_frames_or_a_sentence_but_nothing_else(kind):
    chance = random.Random(0)
    frames = film(3)
    data = animated(frames, kind) if kind in ("PNG", "WEBP", "GIF") else encoded(smooth(), kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            spoiled = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            try:
                assert all(frame.mode == "RGB" for frame in load_frames(bytes(spoiled)))
            except ImageError as error:
                assert_sentence(error, "picture")


def test_files_are_closed_and_warning_filters_left_alone(tmp_path):
    good, bad = tmp_path / "good.gif", tmp_path / "bad.png"
    good.write_bytes(animated(film(), "GIF"))
    bad.write_bytes(PNG[:-40])
    filters, open_files = (
        list(warnings.filters),
        len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
    )

    def work() -> None:
        for _ in range(5):
            load_frames(good)
            with pytest.raises(ImageError):
                load_frames(bad)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == filters
    if open_files:
        assert len(os.listdir("/proc/self/fd")) == open_files
