"""Colours as a browser shows them: embedded ICC profiles are converted to sRGB, broken ones ignored."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

#: Profiles larger than this are ignored; those of printers, with their tables, have one or two million bytes.
MAX_PROFILE_BYTES = 8 * 2**20
#: Which pictures a profile's colour space fits: the mode that holds their colours.
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
#: A profile whose colours are nowhere further from sRGB's than this, in levels of 255, is sRGB.
_SAME = 1


def _levels(count: int) -> np.ndarray:
    return np.linspace(0, 255, count).round().astype(np.uint8)


@lru_cache(maxsize=32)
def _transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion of `mode` (L, RGB or CMYK) to sRGB; None for sRGB itself and for a profile that does not fit.

    Relative colorimetric without compensation of the black point: for displays' profiles it is the same as perceptual,
    for printers' it is what browsers come nearest to.
    """
    # Unless told not to, littleCMS shortens a grey curve to a few points, and dark greys are ten levels off.
    flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        if _SPACES.get(profile.profile.xcolor_space) != mode:
            return None
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if mode == "RGB":
        cube = np.stack(np.meshgrid(*[_levels(17)] * 3), -1).reshape(-1, 17, 3)
        shown = np.asarray(transform.apply(Image.fromarray(cube)))
        return None if np.abs(shown.astype(int) - cube).max() <= _SAME else transform
    return transform


@lru_cache(maxsize=32)
def _grey_table(icc: bytes) -> bytes | None:
    """The sRGB colours of the 256 greys, as a palette; None for a profile that does not fit."""
    transform = _transform(icc, "L")
    return None if transform is None else transform.apply(Image.fromarray(_levels(256)[None])).tobytes()


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """A picture of mode L, LA, RGB, RGBA or CMYK in RGB, or RGBA where it has alpha; `icc` says what its numbers mean.

    A profile that is broken, or of another colour space than the picture, is ignored; a grey picture may have one of
    RGB, for its tone curve.
    """
    plain = "RGBA" if image.mode.endswith("A") else "RGB"
    if not icc or len(icc) > MAX_PROFILE_BYTES:
        return image if image.mode == plain else image.convert(plain)
    if plain == "RGBA":
        colours = to_srgb(image.convert(image.mode[:-1]), icc)
        colours.putalpha(image.getchannel("A"))
        return colours
    if image.mode == "L":
        table = _grey_table(icc)
        if table is not None:
            image = image.copy()
            image.putpalette(table)
            return image.convert("RGB")
        image = image.convert("RGB")
    transform = _transform(icc, image.mode)
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    return transform.apply(image)
