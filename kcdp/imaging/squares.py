"""Pictures laid on the ground, fitted into squares, and as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kcdp.imaging.modes import to_rgba

if TYPE_CHECKING:
    import torch

#: What transparent pictures lie on: a light neutral grey, on which a white sticker still has an outline and black line
#: art stays legible, and which few pictures have as a colour of their own.
GROUND = (245, 245, 245)


def flatten(image: Image.Image, ground: tuple[int, int, int] = GROUND) -> Image.Image:
    """A picture of any mode in RGB, what is transparent laid on `ground` (0 to 255).

    Numbers of more than 8 bits are scaled as `to_rgba` says. Raises ImageError for pixels that are not finite numbers.
    """
    image = to_rgba(image)
    if image.mode == "RGB":
        return image
    if image.getchannel("A").getextrema()[0] == 255:
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, (*ground, 255)), image).convert("RGB")


def _inner(size: tuple[int, int], side: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Size of a picture whose longer side is `side`, and its place in the middle of a square."""
    scale = side / max(size)
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return (width, height), ((side - width) // 2, (side - height) // 2)


def fit_square(image: Image.Image, size: int, ground: tuple[int, int, int] = GROUND) -> Image.Image:
    """The whole picture inside a square of `size` pixels, RGB; stickers lose their point when their rim is cropped.

    The longer side is resized to `size` (Lanczos), the rest is `ground`. What is transparent is laid on `ground` before
    the resize, so that colours hidden under it cannot bleed into the rim.
    """
    image = flatten(image, ground)
    inner, place = _inner(image.size, size)
    if image.size != inner:
        image = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if inner == (size, size):
        return image
    square = Image.new("RGB", (size, size), ground)
    square.paste(image, place)
    return square


def clear_square(image: Image.Image, size: int) -> Image.Image:
    """`fit_square` on a clear ground: RGBA, not premultiplied; training lays it on grounds of many colours.

    Resized premultiplied, so that colours hidden under transparent pixels cannot bleed into the rim.
    """
    image = to_rgba(image)
    inner, place = _inner(image.size, size)
    if image.size != inner:
        between = "RGBa" if image.mode == "RGBA" else "RGB"
        image = image.convert(between).resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    image = image.convert("RGBA")
    if inner == (size, size):
        return image
    square = Image.new("RGBA", (size, size))
    square.paste(image, place)
    return square


def to_tensor(images: Sequence[Image.Image], size: int) -> torch.Tensor:
    """Pictures as a float tensor (B, 3, size, size) in [-1, 1], each fitted into its square on `GROUND`.

    Raises ValueError when there is none.
    """
    import torch  # here, so that the app's page does not wait for it

    if not images:
        raise ValueError("There is no picture to turn into a tensor; give at least one.")
    pixels = torch.from_numpy(np.stack([np.asarray(fit_square(image, size)) for image in images]))
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)


def to_pictures(pixels: torch.Tensor) -> list[Image.Image]:
    """RGB pictures from a tensor (B, 3, H, W); its values in [-1, 1], those outside clipped. Inverse of `to_tensor`."""
    levels = pixels.detach().float().clamp(-1, 1).add(1).mul(127.5).round().byte()
    return [Image.fromarray(picture) for picture in levels.permute(0, 2, 3, 1).cpu().numpy()]
