"""Videos: Telegram's .webm stickers with their transparency, .mp4 and .mov."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from PIL import Image

from kcdp.imaging.frames import Frame
from kcdp.imaging.late import LateImage
from kcdp.imaging.limits import ImageError, ImageLimits, check_frames, check_size

if TYPE_CHECKING:
    from av import VideoCodecContext, VideoFrame, VideoStream
    from av.container import InputContainer

_DAMAGED = "The picture is a video that is damaged or cut short; save or download it again."
#: FFmpeg's own decoders of these codecs drop the transparency that WebM carries beside the picture.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
#: From this height on, colours whose matrix a file does not name are taken for HDTV's (BT.709), but not those of newer
#: codecs: as Chromium does.
_HD = 720
_UNNAMED = 2
_NEWER = ("vp9", "av1")
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
#: How many frames fewer than the length that a file states may be there: rounding, not a download that broke off.
_MISSING = 1.5


def decode_webm(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a WebM or Matroska video, decoded when they are looked at."""
    return _frames(content, limits, "matroska")


def decode_mp4(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of an MP4 or QuickTime video, decoded when they are looked at."""
    return _frames(content, limits, "mp4")


def _frames(content: bytes, limits: ImageLimits, container: str) -> Iterator[Frame]:
    if find_spec("av") is None:
        raise ImageError("The picture is a video, whose reader is not installed; run: pip install av")
    film = _Film(_opened(content, container), limits)
    for number, duration in enumerate(film.durations):
        image = LateImage(film.mode, film.size, partial(film.frame, number))
        yield Frame(image, duration if len(film.durations) > 1 else 0.0)


def _opened(content: bytes, container: str) -> InputContainer:
    import av  # here, so that the page does not wait for it

    # Only the demuxer of the recognised container: others read playlists that lead to other files and addresses.
    return av.open(BytesIO(content), "r", format=container, metadata_errors="ignore")


class _Film:
    """The picture track of a video: `durations` of its frames in ms, `mode` and `size` of them as they are shown.

    The times come from the container, so that only frames that are asked for are decoded, each from the key frame
    before it.
    """

    def __init__(self, container: InputContainer, limits: ImageLimits) -> None:
        if not container.streams.video:
            raise ImageError("The picture is a video file without a picture track; choose another one.")
        self._container, self._stream = container, container.streams.video[0]
        coded = (self._stream.codec_context.width, self._stream.codec_context.height)
        self._square = _square(coded, self._stream.sample_aspect_ratio)
        check_size(coded, limits)
        check_size(self._square, limits)
        self._times: list[int] = []
        self._keys: list[int] = []
        self.durations = self._timeline(limits)
        if len(self._times) * coded[0] * coded[1] > limits.max_video_pixels:
            raise ImageError(
                f"The picture is a video of {len(self._times)} frames of {coded[0]} x {coded[1]} pixels, "
                "too much to decode; scale it down or shorten it."
            )
        self._limits, self._left = limits, limits.max_draw_seconds
        self._decoder, self.mode = _decoder(self._stream)
        self._shown: VideoFrame | None = None
        self._next: VideoFrame | None = None
        self._turn = 0
        self._go_to(self._times[0])
        if self._shown is None:
            raise ImageError(_DAMAGED)
        # How a frame is to be turned is written beside it.
        self._turn = round(self._shown.rotation) % 360
        self.size: tuple[int, int] = self._square[::-1] if self._turn in (90, 270) else self._square

    def _timeline(self, limits: ImageLimits) -> list[float]:
        """Find when frames begin, in the track's time base, and which are key frames; returns how long each shows."""
        count, last, rest = 0, 0, 0
        for packet in self._container.demux(self._stream):
            count += packet.pts is not None
            check_frames(count, limits)
            if packet.pts is None or packet.is_discard:
                continue
            self._times.append(packet.pts)
            if packet.is_keyframe:
                self._keys.append(packet.pts)
            if packet.pts >= last:
                last, rest = packet.pts, packet.duration or 0
        self._times, self._keys = sorted(set(self._times)), sorted(self._keys)
        if not self._times or not self._keys or self._stream.time_base is None or count < self._stream.frames:
            raise ImageError(_DAMAGED)
        ms = float(1000 * self._stream.time_base)
        steps = [(after - before) * ms for before, after in pairwise(self._times)]
        durations = [*steps, rest * ms or (steps[-1] if steps else 0.0)]
        if sum(durations) < _stated_length(self._stream) - _MISSING * max(durations):
            raise ImageError(_DAMAGED)
        return durations

    def frame(self, number: int) -> Image.Image:
        """A frame as it is shown, in RGBA or RGB."""
        wanted = self._times[number]
        key = self._keys[max(0, bisect_right(self._keys, wanted) - 1)]
        if self._shown is None or _time(self._shown) > wanted or key > _time(self._next or self._shown):
            self._go_to(key)
        while self._next is not None and _time(self._next) <= wanted:
            self._shown, self._next = self._next, next(self._coming, None)
        if self._shown is None:
            raise ImageError(_DAMAGED)
        return self._picture(self._shown)

    def _go_to(self, key: int) -> None:
        self._container.seek(key, stream=self._stream)
        self._decoder.flush_buffers()
        self._coming = self._decoded()
        self._shown, self._next = next(self._coming, None), next(self._coming, None)

    def _decoded(self) -> Iterator[VideoFrame]:
        """The frames from where the container stands."""
        started = time.monotonic()
        for packet in self._container.demux(self._stream):
            for frame in self._decoder.decode(packet):
                check_size((frame.width, frame.height), self._limits)
                if frame.pts is not None:
                    self._left -= time.monotonic() - started
                    yield frame
                    started = time.monotonic()
                if time.monotonic() - started > self._left:
                    raise ImageError(
                        f"The picture is a video that takes longer to decode than the {self._limits.max_draw_seconds:g} s "
                        "allowed; scale it down or shorten it."
                    )

    def _picture(self, frame: VideoFrame) -> Image.Image:
        width, height = self._square
        older = self._stream.codec_context.codec.canonical_name not in _NEWER
        unnamed = frame.colorspace == _UNNAMED and frame.height >= _HD and older
        pixels = frame.reformat(
            width, height, "rgba" if self.mode == "RGBA" else "rgb24", src_colorspace="ITU709" if unnamed else None
        )
        image = Image.fromarray(pixels.to_ndarray())
        return image.transpose(_TURNS[self._turn]) if self._turn in _TURNS else image


def _time(frame: VideoFrame) -> int:
    assert frame.pts is not None
    return frame.pts


def _square(coded: tuple[int, int], aspect: Fraction | None) -> tuple[int, int]:
    """The size at which pixels of this (width over height) aspect are shown, the height as it is coded."""
    return (round(coded[0] * aspect), coded[1]) if aspect else coded


def _decoder(stream: VideoStream) -> tuple[VideoCodecContext, str]:
    """Who decodes a track with all that it has, and the mode of its pictures: RGBA where it has transparency."""
    import av

    coder = stream.codec_context
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    other = _ALPHA_DECODERS.get(coder.name) if tags.get("alpha_mode") == "1" else None
    if other is not None:
        decoder = cast("VideoCodecContext", av.CodecContext.create(other, "r"))
        decoder.extradata = coder.extradata
        return decoder, "RGBA"
    format = coder.format
    return coder, "RGBA" if format is not None and any(part.is_alpha for part in format.components) else "RGB"


def _stated_length(stream: VideoStream) -> float:
    """How long a track of a WebM file says it is, in ms, in the tag that FFmpeg writes; 0 where it does not say."""
    stated = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if stated is None:
        return 0.0
    hours, minutes, seconds = (float(part) for part in stated.groups())
    return 1000 * (3600 * hours + 60 * minutes + seconds)
