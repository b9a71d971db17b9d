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


@lru_cache(maxsize=32)
def _transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion of `mode` (L, RGB or CMYK) to sRGB; None for sRGB itself and for a profile that does not fit.

    Perceptual, as browsers do: for displays' profiles it is the same as relative colorimetric.
    """
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        if _SPACES.get(profile.profile.xcolor_space) != mode:
            return None
        transform = ImageCms.buildTransform(
            profile, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if mode == "CMYK":
        return transform
    levels = np.linspace(0, 255, 256 if mode == "L" else 17).round().astype(np.uint8)
    colours = levels[:, None] if mode == "L" else np.stack(np.meshgrid(*[levels] * 3), -1).reshape(-1, 17, 3)
    shown = np.asarray(transform.apply(Image.fromarray(colours))).astype(int)
    plain = colours[..., None] if mode == "L" else colours
    return None if np.abs(shown - plain).max() <= _SAME else transform


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """A picture of mode L, LA, RGB, RGBA or CMYK in RGB, or RGBA where it has alpha; `icc` says what its numbers mean.

    A profile that is broken, or of another colour space than the picture, is ignored.
    """
    plain = {"LA": "RGBA", "RGBA": "RGBA"}.get(image.mode, "RGB")
    mode = {"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)
    transform = _transform(icc, mode) if icc and len(icc) <= MAX_PROFILE_BYTES else None
    if transform is None:
        return image if image.mode == plain else image.convert(plain)
    if mode == image.mode:
        return transform.apply(image)
    colours = transform.apply(image.convert(mode))
    colours.putalpha(image.getchannel("A"))
    return colours
