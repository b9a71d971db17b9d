"""Any upload to the frames that are looked at, or one sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from io import IOBase
from pathlib import Path

from PIL import Image, ImageFile

from kcdp.imaging.formats import recognised, why_unknown
from kcdp.imaging.frames import Frame, distinct, sample, shown_for
from kcdp.imaging.limits import DEFAULT_LIMITS, ImageError, ImageLimits, check_animation
from kcdp.imaging.modes import to_rgba
from kcdp.imaging.orientation import orientation_of, upright
from kcdp.imaging.pillow import quiet
from kcdp.imaging.sources import checked_path, read
from kcdp.imaging.squares import flatten

#: What can be given for a picture: decoded, a path, or the bytes of a file.
Source = Image.Image | str | Path | bytes
_ANYBODY = "The picture"
#: Formats of Pillow whose frames are an animation; the pages of a TIFF and the previews beside a JPEG are not.
_ANIMATED = ("PNG", "WEBP", "GIF", "AVIF")


def read_frames(source: Source, *, limits: ImageLimits = DEFAULT_LIMITS) -> list[Frame]:
    """What is to be looked at in a picture, with its transparency: a still's one frame, or moments of an animation.

    Of a longer animation the frames at `limits.sampled_frames` evenly spaced times, of a shorter one all; none that is
    empty (unless all are) and none twice: `start` and `duration` say when a frame shows and for how long it stands.
    `source` is a PIL picture, a path, or the bytes of a file; an open PIL picture is left at the frame where it stood.

    Raises ImageError, with one sentence, for everything that is not a usable picture.
    """
    return [replace(frame, image=_bare(frame.image)) for frame in distinct(_sampled(source, limits))]


def load_frames(source: Source, *, limits: ImageLimits = DEFAULT_LIMITS) -> list[Image.Image]:
    """The frames of a picture, upright, opaque on `GROUND`, in RGB (sRGB) and of their own size.

    A still gives one frame, an animation of at most `limits.sampled_frames` frames all of them as they are, a longer
    one those at as many evenly spaced times, as `read_frames` does. Raises ImageError as that does.
    """
    return [_bare(flatten(frame.image)) for frame in _sampled(source, limits)]


def _sampled(source: Source, limits: ImageLimits) -> list[Frame]:
    if isinstance(source, Image.Image):
        return _of_picture(source, limits)
    if isinstance(source, bytes):
        content, name = source, _ANYBODY
    else:
        path, name = checked_path(source)
        content = read(path, name, limits)
    return _of_file(content, limits, name)


def _of_file(content: bytes, limits: ImageLimits, name: str) -> list[Frame]:
    if not content:
        raise ImageError(f"{name} is empty; choose a file that holds a picture.")
    if len(content) > limits.max_bytes:
        raise ImageError(
            f"{name} is too large, more than the {limits.max_bytes / 2**20:.3g} MB allowed; save it smaller."
        )
    format = recognised(content)
    if format is None:
        raise ImageError(f"{name} {why_unknown(content)}.")
    with _sentences(name):
        return sample(partial(format.decode, content, limits), limits.sampled_frames)


def _of_picture(image: Image.Image, limits: ImageLimits) -> list[Frame]:
    """Frames of a PIL picture; of one that stands in an open file and was not touched, those of the file."""
    with _sentences(_ANYBODY):
        content = _untouched(image, limits)
        if content is not None:
            return _of_file(content, limits, _ANYBODY)
        position = image.tell()
        try:
            with quiet():
                return sample(partial(_seek_through, image, limits), limits.sampled_frames)
        finally:
            with suppress(EOFError, ValueError):
                image.seek(position)


def _untouched(image: Image.Image, limits: ImageLimits) -> bytes | None:
    """The file of a PIL picture whose pixels nobody has asked for yet, or of an animation; None where there is none."""
    if not isinstance(image, ImageFile.ImageFile):
        return None
    # A still that was decoded may have been drawn on; an animation is decoded anew for every frame.
    stream = image.fp if image.tile else getattr(image, "_fp", None) if getattr(image, "n_frames", 1) > 1 else None
    if not isinstance(stream, IOBase) or stream.closed:
        return None
    position = stream.tell()
    stream.seek(0)
    content = stream.read(limits.max_bytes + 1)
    stream.seek(position)
    found = recognised(content)
    return content if found is not None and found.name.upper() == image.format else None


def _seek_through(image: Image.Image, limits: ImageLimits) -> Iterator[Frame]:
    """Every frame of a PIL picture, as Pillow composites it."""
    count: int = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
    check_animation(count, image.size, limits)
    turn = orientation_of(image.info.get("exif"))
    for number in range(count):
        if count > 1:
            image.seek(number)
        image.load()
        shown = to_rgba(image, image.info.get("icc_profile"))
        shown = shown.copy() if shown is image else shown
        yield Frame(upright(shown, turn), shown_for(image.info.get("duration", 0)))


def _bare(image: Image.Image) -> Image.Image:
    """The pixels alone: metadata that stayed would turn a frame again, or keep the whole file in memory."""
    bare = image if type(image) is Image.Image else image.copy()
    bare.info = {}
    return bare


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Whatever is raised about the picture `name` as an ImageError that names it."""
    try:
        yield
    except ImageError as error:
        raise ImageError(str(error).replace(_ANYBODY, name, 1)) from error.__cause__
    except Image.DecompressionBombError:
        raise ImageError(f"{name} has far too many pixels; scale it down first.") from None
    except Exception as error:
        # Decoders answer hostile bytes with anything, from SyntaxError to struct.error and OverflowError.
        if "closed" in str(error):
            raise ImageError(f"{name} was closed before it was read; give its path instead.") from error
        raise ImageError(f"{name} is damaged or cut short; save or download it again.") from error
