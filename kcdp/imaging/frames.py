"""What every decoder yields, and which frames of an animation are looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, islice
from typing import cast

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
#: How many times as many late frames are looked at as are wanted: an odd number, so that the middle ones are among them.
_LOOKS = 3
#: Alpha up to this, of 255, is invisible.
_INVISIBLE = 7
#: Pictures that differ in this many pixels (width, height), spread over them, need no closer look.
_GLANCE = (32, 32)


def shown_for(duration: float) -> float:
    """How long browsers show a frame whose file says `duration`, in milliseconds: 100 where it says 10 or less."""
    return 100.0 if duration <= 10 else duration


def is_empty(image: Image.Image, glance: bytes) -> bool:
    """Whether nothing of a picture can be seen; `glance` is its `_glance`, which most often is all there is to look at."""
    if image.mode != "RGBA" or max(glance[3::4]) > _INVISIBLE:
        return False
    return image.getbbox() is None or cast("tuple[int, int]", image.getchannel("A").getextrema())[1] <= _INVISIBLE


def _glance(image: Image.Image) -> bytes:
    """A few pixels of a picture: taken once a picture, for it costs as much as a small one's decoding."""
    return image.resize(_GLANCE, Image.Resampling.NEAREST).tobytes()


def distinct(frames: Sequence[Frame]) -> list[Frame]:
    """Frames without empty ones (unless all are) and with each picture once, standing for the time of all its repeats."""
    if len(frames) == 1:
        return list(frames)
    found: list[Frame] = []
    alike: dict[bytes, list[int]] = {}
    seen = [(frame, _glance(frame.image)) for frame in frames]
    for frame, glance in [(frame, glance) for frame, glance in seen if not is_empty(frame.image, glance)] or seen[:1]:
        others = alike.setdefault(glance, [])
        place = next((other for other in others if _same(found[other], frame)), None)
        if place is None:
            others.append(len(found))
            found.append(frame)
        else:
            found[place] = replace(found[place], duration=found[place].duration + frame.duration)
    return found


def sample(decoded: Callable[[], Iterator[Frame]], count: int) -> list[Frame]:
    """All frames of an animation that has at most `count`; of a longer one those of `count` evenly spaced times.

    `decoded` begins a pass over all frames. The times are (i + 1/2) T / count, so neither the beginning nor the end; T
    is the time in which something shows, a picture's repeats counted where it shows first: two pictures that take turns
    are both seen. Of frames that are decoded when somebody looks at them, a few times as many as wanted are looked at.
    """
    return _sample(decoded, count, _LOOKS * count)


def _sample(decoded: Callable[[], Iterator[Frame]], count: int, most: int | None) -> list[Frame]:
    """`sample`, of late frames `most` looked at, or all for None."""
    frames = _sampled(decoded(), most)
    opening = list(islice(frames, 2))
    if len(opening) == 1:
        opening[0].image.load()
        return [replace(opening[0], duration=0.0)]
    durations: list[float] = []
    #: How long each picture shows in all, by the number of its first frame.
    spans: dict[int, float] = {}
    alike: dict[bytes, list[int]] = {}
    kept: dict[int, Frame] = {}
    pixels = 0
    for number, frame in enumerate(chain(opening, frames)):
        durations.append(max(frame.duration, 1.0))
        first, glance = number, _glance(frame.image)
        if not is_empty(frame.image, glance):
            others = alike.setdefault(glance, [])
            first = next((other for other in others if other in kept and _same(kept[other], frame)), number)
            others += [number] if first == number else []
            spans[first] = spans.get(first, 0.0) + durations[number]
        if first == number or number < count:
            pixels += frame.image.width * frame.image.height
            if pixels <= KEPT_PIXELS or number == 0:
                kept[number] = frame
    few = len(durations) <= count
    if not spans and most is not None and not few:
        # What shows for a moment may lie between the looks.
        return _sample(decoded, count, None)
    wanted = dict(enumerate(durations)) if few else _evenly_spaced(spans or {0: durations[0]}, count)
    if not wanted.keys() <= kept.keys():
        passed = zip(range(max(wanted) + 1), _sampled(decoded(), most), strict=False)
        kept = {number: frame for number, frame in passed if number in wanted}
    starts = [0.0, *accumulate(durations)]
    chosen = [Frame(kept[number].image, time, kept[number].start or starts[number]) for number, time in wanted.items()]
    return chosen if few else distinct(chosen)


def _sampled(frames: Iterator[Frame], most: int | None) -> Iterator[Frame]:
    """The frames of a pass; of late ones those that show at `most` even times, each for the time that it stands for."""
    first = next(frames)
    if most is None or not isinstance(first.image, LateImage):
        yield first
        yield from frames
        return
    late = [first, *frames]
    durations = [max(frame.duration, 1.0) for frame in late]
    starts = [0.0, *accumulate(durations)]
    spans = dict(enumerate(durations))
    for number, time in (_evenly_spaced(spans, most) if len(late) > most else spans).items():
        yield Frame(late[number].image, time, starts[number])


def _same(one: Frame, other: Frame) -> bool:
    return one.image.mode == other.image.mode and one.image.tobytes() == other.image.tobytes()


def _evenly_spaced(spans: dict[int, float], count: int) -> dict[int, float]:
    """Which of the pictures that show for `spans` (ms) show at `count` even times, and the time that each stands for."""
    numbers, ends = list(spans), list(accumulate(spans.values()))
    step = ends[-1] / count
    wanted: dict[int, float] = {}
    for place in range(count):
        number = numbers[bisect_right(ends, (place + 0.5) * step)]
        wanted[number] = wanted.get(number, 0.0) + step
    return wanted
