"""Pictures of every mode that Pillow has, as 8-bit RGB or RGBA in sRGB."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageCms

from kcdp.imaging.colour import to_srgb
from kcdp.imaging.limits import ImageError


def to_rgba(image: Image.Image, icc: bytes | None = None) -> Image.Image:
    """A picture of any mode in RGB, or in RGBA (not premultiplied) where it has transparency; `icc` is its profile.

    Numbers of more than 8 bits are scaled: modes I and F by the smallest of 1 (F only), 255 and 65535 that holds them
    all, or from lowest to highest when none does. Raises ImageError for pixels that are not finite numbers.
    """
    image.load()
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bit(image)
    elif image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(lab, srgb, "LAB", "RGB").apply(image)
    elif image.mode == "1":
        image = _two_levels(image)
    elif image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("L", "RGB") and image.has_transparency_data:
        image = image.convert(f"{image.mode}A")
    return to_srgb(image, icc)


def _two_levels(image: Image.Image) -> Image.Image:
    """Black and white as L, its clear level, which Pillow states as 0 or 1, as one of L's."""
    clear = image.info.get("transparency")
    image = image.convert("L")
    if isinstance(clear, int):
        image.info["transparency"] = 255 if clear else 0
    return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Greys of 16-bit, 32-bit or float modes as L, or as LA where one grey is declared transparent."""
    values = np.asarray(image)
    clear = image.info.get("transparency")
    if values.dtype.kind == "u":
        grey = Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    else:
        grey = _scaled(values.astype(np.float64), (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0))
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def _scaled(values: np.ndarray, fulls: tuple[float, ...]) -> Image.Image:
    """Greys (H, W) as L, by the first of `fulls` that holds them all, or from lowest to highest."""
    if not np.isfinite(values).all():
        raise ImageError("The picture has pixels that are not finite numbers (NaN or infinity); save it as 8-bit PNG.")
    low, high = float(values.min()), float(values.max())
    full = next((full for full in fulls if low >= 0 and high <= full), None)
    if full is None:
        levels = (values - low) * (255 / max(high - low, np.finfo(np.float64).tiny))
    else:
        levels = values * (255 / full)
    return Image.fromarray(levels.round().astype(np.uint8))
