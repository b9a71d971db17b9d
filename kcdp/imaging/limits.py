"""How large a picture may be, and the error of one that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence for the person who gave it.

    Where the sentence begins with "The picture", `load_frames` puts the file's name instead, which decoders do not know.
    """


@dataclass(frozen=True)
class ImageLimits:
    """How large a picture may be, checked on what its header says before a pixel is decoded, and how it is sampled.

    `max_pixels` is for one frame (50 million: the largest phone photos), `max_animation_pixels` for all frames of an
    animation together (a 512 px sticker of 900 frames, some seconds to decode), `max_video_pixels` the same of a video,
    whose frames cost less. Sides are in pixels; `max_aspect` is the longer over the shorter one. An animation gives at
    most `sampled_frames` frames, evenly spaced in time. `max_unpacked_bytes` is what compressed text may unpack to (a
    Telegram sticker, an SVGZ), `max_elements` and `max_depth` how many elements it may have and how deep they may be
    nested; `max_svg_elements` is the same of an SVG drawing, whose elements take 60 us of a processor's time each where
    they are plain rectangles. A separate process may take `max_draw_seconds` and `max_draw_bytes` of memory to draw them.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 50_000_000
    max_frames: int = 1000
    max_animation_pixels: int = 250_000_000
    min_side: int = 8
    max_aspect: float = 16.0
    sampled_frames: int = 4
    max_video_pixels: int = 1_000_000_000
    max_unpacked_bytes: int = 8 * 2**20
    max_elements: int = 50_000
    max_svg_elements: int = 30_000
    max_depth: int = 100
    max_draw_seconds: float = 10.0
    max_draw_bytes: int = 2**30

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}; every limit must be above 0.")


DEFAULT_LIMITS = ImageLimits()


def check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    """Raises ImageError when a picture of this (width, height) in pixels is beyond the limits."""
    width, height = size
    if width * height == 0:
        raise ImageError(f"The picture has no pixels ({width} x {height}); choose another one.")
    if width * height > limits.max_pixels:
        raise ImageError(
            f"The picture has too many pixels, {width} x {height} where {limits.max_pixels / 1e6:.3g} million are allowed; "
            "scale it down first."
        )
    if min(size) < limits.min_side:
        raise ImageError(
            f"The picture is too small, {width} x {height} pixels; each side needs at least {limits.min_side} pixels."
        )
    if max(size) > limits.max_aspect * min(size):
        raise ImageError(
            f"The picture is too narrow a strip, {width} x {height} pixels; crop it to at most {limits.max_aspect:g} : 1."
        )


def check_frames(count: int, limits: ImageLimits) -> None:
    """Raises ImageError when an animation has more frames than the limits allow."""
    if count > limits.max_frames:
        raise ImageError(
            f"The picture has {count} frames, more than the {limits.max_frames} allowed; shorten the animation."
        )


def check_animation(count: int, size: tuple[int, int], limits: ImageLimits) -> None:
    """Raises ImageError when an animation of `count` frames of this (width, height) is beyond the limits."""
    check_size(size, limits)
    check_frames(count, limits)
    if count > 1 and count * size[0] * size[1] > limits.max_animation_pixels:
        raise ImageError(
            f"The picture has {count} frames of {size[0]} x {size[1]} pixels, too much to decode; "
            "scale the animation down or shorten it."
        )
