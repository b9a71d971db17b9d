"""Stickers for the tests of imaging: Lottie animations written by hand, videos by ffmpeg (or PyAV without it), archives."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

RED = (220, 30, 40)


def still(value: Any) -> dict[str, Any]:
    """A property of Lottie that does not move."""
    return {"a": 0, "k": value}


def moving(*steps: tuple[float, list[float]]) -> dict[str, Any]:
    """A property that moves from value to value at an even speed; each step is its frame and value."""
    even = {"i": {"x": [1], "y": [1]}, "o": {"x": [0], "y": [0]}}
    return {"a": 1, "k": [{"t": frame, "s": value, **(even if frame < steps[-1][0] else {})} for frame, value in steps]}


def square(colour: Sequence[float], side: float = 200, opacity: float = 100) -> dict[str, Any]:
    """A group with a square around its layer's place; the colour in 0 to 1."""
    place = {"ty": "tr", "p": still([0, 0]), "a": still([0, 0]), "s": still([100, 100]), "r": still(0), "o": still(100)}
    fill = {"ty": "fl", "c": still([*colour, 1]), "o": still(opacity), "r": 1}
    box = {"ty": "rc", "p": still([0, 0]), "s": still([side, side]), "r": still(0), "d": 1}
    return {"ty": "gr", "it": [box, fill, place]}


def layer(
    *shapes: dict[str, Any], place: dict[str, Any] | None = None, first: int = 0, end: int = 60, **more: Any
) -> dict:
    """A layer of shapes at (256, 256) or at `place`."""
    moves = {"o": still(100), "r": still(0), "p": place or still([256, 256, 0]), "a": still([0, 0, 0])}
    moves |= {"s": still([100, 100, 100]), **more.pop("ks", {})}
    return {"ind": 1, "ty": 4, "sr": 1, "ks": moves, "shapes": list(shapes), "ip": first, "op": end, "st": 0, **more}


def lottie(*layers: dict, end: float = 60, rate: float = 60, width: int = 512, height: int = 512, **more: Any) -> bytes:
    """A Lottie animation of frames 0 to `end`, as JSON."""
    head = {"tgs": 1, "v": "5.5.2", "fr": rate, "ip": 0, "op": end, "w": width, "h": height, "assets": []}
    return json.dumps({**head, "layers": list(layers), **more}).encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def video(frames: np.ndarray, kind: str, codec: str, pixels: str, rate: int = 10, **options: str) -> bytes:
    """Frames (N, H, W, 3 or 4) as a video file of this kind ("webm", "mp4", "mov")."""
    writer = _with_ffmpeg if shutil.which("ffmpeg") else _with_pyav
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"video.{kind}"
        writer(frames, path, codec, pixels, rate, options)
        return path.read_bytes()


def _with_ffmpeg(frames: np.ndarray, path: Path, codec: str, pixels: str, rate: int, options: dict[str, str]) -> None:
    _, height, width, channels = frames.shape
    source = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgba" if channels == 4 else "rgb24",
        "-s",
        f"{width}x{height}",
        "-r",
        str(rate),
    ]
    chosen = [part for key, value in options.items() for part in (f"-{key}", value)]
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        *source,
        "-i",
        "-",
        "-c:v",
        codec,
        "-pix_fmt",
        pixels,
        *chosen,
        str(path),
    ]
    subprocess.run(command, input=frames.tobytes(), check=True)


def _with_pyav(frames: np.ndarray, path: Path, codec: str, pixels: str, rate: int, options: dict[str, str]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate), options=options)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pixels
        for pixels_of_frame in frames:
            frame = av.VideoFrame.from_ndarray(pixels_of_frame, format="rgba" if frames.shape[3] == 4 else "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def greys(count: int = 12, side: int = 64, alpha: bool = False) -> np.ndarray:
    """Frames that tell their number: a ground of RED (clear with `alpha`), a square of the grey 20 + 16 n in the middle."""
    frames = np.zeros((count, side, side, 4 if alpha else 3), np.uint8)
    if not alpha:
        frames[:] = RED
    for number in range(count):
        frames[number, side // 4 : -side // 4, side // 4 : -side // 4] = 20 + 16 * number
        if alpha:
            frames[number, side // 4 : -side // 4, side // 4 : -side // 4, 3] = 255
    return frames


def number_of(image: Any) -> float:
    """Which of `greys` a picture is."""
    pixels = np.asarray(image).astype(float)
    return (pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, 1] - 20) / 16
