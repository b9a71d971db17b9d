"""What every decoder yields, and which frames of an animation are looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from PIL import Image

from kcdp.imaging.late import LateImage
from kcdp.imaging.limits import ImageLimits


@dataclass(frozen=True)
class Frame:
    """One picture of a file as a person sees it.

    `image` is the whole canvas, composited and upright, in sRGB: mode RGBA (not premultiplied), or RGB where the format
    or the file has no transparency. `duration` is how long it shows, in milliseconds; after sampling, the time that it
    stands for, and 0 for a still. `start` is when it shows first, in milliseconds: a decoder leaves it.
    """

    image: Image.Image
    duration: float = 0.0
    start: float = 0.0


#: The content of a file to all its frames in order, each an image of its own that the decoder does not touch again; a
#: still yields one. It calls `check_size` or `check_animation` with what the header says before it decodes a pixel, and
#: raises ImageError with one sentence that begins with "The picture". Any other exception is taken for a damaged file.
#: The caller may stop early, or call it again for a second pass.
Decoder = Callable[[bytes, ImageLimits], Iterator[Frame]]


@dataclass(frozen=True)
class Format:
    """A kind of file: its `name` in messages, how its first bytes look, and who decodes it.

    `signature` is a regular expression (DOTALL) matched from the first byte of the file's first 4096, of what a gzip
    stream holds if it is one.
    """

    name: str
    signature: bytes
    decode: Decoder


#: Frames of an animation are kept until it is known which are wanted, up to this many pixels (4 bytes each); those of a
#: larger one are decoded a second time.
KEPT_PIXELS = 40_000_000
#: Alpha up to this, of 255, is invisible.
_INVISIBLE = 7


def shown_for(duration: float) -> float:
    """How long browsers show a frame whose file says `duration`, in milliseconds: 100 where it says 10 or less."""
    return 100.0 if duration <= 10 else duration


def cleared(canvas: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """A canvas (RGBA) whose box is transparent black; the canvas itself stays as it is."""
    if box[0] <= 0 and box[1] <= 0 and box[2] >= canvas.width and box[3] >= canvas.height:
        return Image.new("RGBA", canvas.size)
    canvas = canvas.copy()
    canvas.paste((0, 0, 0, 0), box)
    return canvas


def is_empty(image: Image.Image) -> bool:
    """Whether nothing of a picture can be seen."""
    if image.mode != "RGBA":
        return False
    alpha = image.getchannel("A")
    # The middle first: most often that is all there is to look at.
    middle = alpha.getpixel((alpha.width // 2, alpha.height // 2))
    return middle <= _INVISIBLE and alpha.getextrema()[1] <= _INVISIBLE  # type: ignore[operator]


def distinct(frames: Sequence[Frame]) -> list[Frame]:
    """Frames without empty ones (unless all are) and with each picture once, standing for the time of all its repeats."""
    found: dict[tuple[str, tuple[int, int], bytes], Frame] = {}
    for frame in [frame for frame in frames if not is_empty(frame.image)] or frames[:1]:
        key = (frame.image.mode, frame.image.size, frame.image.tobytes())
        known = found.get(key)
        found[key] = frame if known is None else replace(known, duration=known.duration + frame.duration)
    return list(found.values())


def sample(decoded: Callable[[], Iterator[Frame]], count: int) -> list[Frame]:
    """All frames of an animation that has at most `count`; of a longer one those of `count` evenly spaced times.

    `decoded` begins a pass over all frames. Of the time T in which something shows, the times are (i + 1/2) T / count,
    so neither the beginning nor the end; a picture that shows at several of them is one frame.
    """
    durations: list[float] = []
    visible: list[int] = []
    kept: dict[int, Frame] = {}
    pixels = 0
    for number, frame in enumerate(decoded()):
        durations.append(max(frame.duration, 1.0))
        # One that is decoded when somebody looks at it keeps no pixels, and is not looked at here.
        late = isinstance(frame.image, LateImage)
        if late or not is_empty(frame.image):
            visible.append(number)
        pixels += 0 if late else frame.image.width * frame.image.height
        if pixels <= KEPT_PIXELS or number == 0:
            kept[number] = frame
        elif len(kept) > 1:
            kept = {0: kept[0]}
    if len(durations) == 1:
        kept[0].image.load()
        return [replace(kept[0], duration=0.0)]
    starts = [0.0, *accumulate(durations)]
    wanted = _wanted(durations, visible or [0], count) if len(durations) > count else dict(enumerate(durations))
    if not wanted.keys() <= kept.keys():
        last = max(wanted)
        kept = {number: frame for number, frame in zip(range(last + 1), decoded(), strict=False) if number in wanted}
    frames = [replace(kept[number], start=starts[number], duration=time) for number, time in wanted.items()]
    for frame in frames:
        frame.image.load()
    return distinct(frames) if len(durations) > count else frames


def _wanted(durations: Sequence[float], visible: Sequence[int], count: int) -> dict[int, float]:
    """Which of the visible frames show at `count` evenly spaced times, and the time (ms) that each stands for."""
    ends = list(accumulate(durations[number] for number in visible))
    step = ends[-1] / count
    wanted: dict[int, float] = {}
    for place in range(count):
        number = visible[bisect_right(ends, (place + 0.5) * step)]
        wanted[number] = wanted.get(number, 0.0) + step
    return wanted
