"""Lottie animations: Telegram's .tgs (Lottie in gzip), .json, and .lottie (dotLottie, in a ZIP archive)."""

from __future__ import annotations

import json
import math
import mimetypes
from base64 import b64encode
from collections.abc import Iterator
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, NoReturn

from PIL import Image

from kcdp.imaging.confined import Drawing, drawn_size
from kcdp.imaging.frames import Frame
from kcdp.imaging.late import LateImage
from kcdp.imaging.limits import ImageError, ImageLimits, check_frames, check_size
from kcdp.imaging.lottie_shown import as_rlottie_reads
from kcdp.imaging.unpacked import unpacked

#: Where a .lottie archive has its pictures, by its version.
_PICTURES = ("images", "i")
_DAMAGED = "The picture is a damaged Lottie animation; save or download it again."


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The frames of a Lottie animation, plain or in gzip, drawn when they are looked at."""
    if find_spec("rlottie_python") is None:
        raise ImageError(
            "The picture is a Lottie animation, whose reader is not installed; run: pip install rlottie-python"
        )
    text = unpacked(content, limits)
    animation = _parsed(text)
    _check_tree(animation, limits)
    _check_assets(animation, limits)
    size = drawn_size(_number(animation, "w"), _number(animation, "h"))
    rate = _number(animation, "fr")
    length = _number(animation, "op", positive=False) - _number(animation, "ip", positive=False)
    if length <= 0:
        raise ImageError(_DAMAGED)
    # The end is not part of it; rlottie would draw it as one frame more, a repetition.
    count = max(1, math.floor(length))
    check_size(size, limits)
    check_frames(count, limits)
    drawing = Drawing("lottie", json.dumps(as_rlottie_reads(animation)).encode(), size, limits)
    for number in range(count):
        yield Frame(LateImage("RGBA", size, partial(_draw, drawing, size, number)), 1000 / rate if count > 1 else 0.0)


def from_dotlottie(files: dict[str, bytes]) -> bytes:
    """The first animation of a .lottie archive (dotLottie 1 and 2), its `files` by name, with its pictures embedded."""
    try:
        manifest = json.loads(files["manifest.json"])
        listed = [animation["id"] for animation in manifest["animations"]]
        name = manifest.get("initial", {}).get("animation", listed[0])
        places = (f"animations/{name}.json", f"a/{name}.json")
        animation = _parsed(next(files[place] for place in places if place in files))
        for asset in animation.get("assets", []):
            picture = next(
                (files[f"{folder}/{asset.get('p')}"] for folder in _PICTURES if f"{folder}/{asset.get('p')}" in files),
                None,
            )
            if picture is not None:
                kind = mimetypes.guess_type(asset["p"])[0] or "image/png"
                asset |= {"u": "", "p": f"data:{kind};base64,{b64encode(picture).decode()}", "e": 1}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, StopIteration, RecursionError):
        raise ImageError(_DAMAGED) from None
    return json.dumps(animation).encode()


def _draw(drawing: Drawing, size: tuple[int, int], number: int) -> Image.Image:
    pixels = drawing.frame(number)
    if len(pixels) != 4 * size[0] * size[1]:
        raise ImageError(_DAMAGED)
    # BGRa: rlottie's pixels are premultiplied.
    return Image.frombytes("RGBA", size, pixels, "raw", "BGRa")


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        animation = json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except RecursionError:
        raise ImageError("The picture is a Lottie animation that is nested too deeply; export it as GIF.") from None
    except ValueError:
        raise ImageError(_DAMAGED) from None
    if not isinstance(animation, dict) or not isinstance(animation.get("layers"), list):
        raise ImageError("The picture is a JSON file and no Lottie animation; choose a picture.")
    return animation


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _number(animation: dict[str, Any], key: str, positive: bool = True) -> float:
    value = animation.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e6 or (positive and value <= 0):
        raise ImageError(_DAMAGED)
    return float(value)


def _check_tree(animation: dict[str, Any], limits: ImageLimits) -> None:
    """Raises ImageError when there are too many objects (layers, shapes, keyframes), or too deep ones."""
    objects, depth = 0, 0
    level: list[Any] = [animation]
    while level:
        depth += 1
        objects += sum(isinstance(node, dict) for node in level)
        if objects > limits.max_elements:
            raise ImageError(
                f"The picture is a Lottie animation of more than the {limits.max_elements} parts allowed; export it as GIF."
            )
        if depth > limits.max_depth:
            raise ImageError(
                f"The picture is a Lottie animation nested deeper than the {limits.max_depth} levels allowed; "
                "export it as GIF."
            )
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]


def _check_assets(animation: dict[str, Any], limits: ImageLimits) -> None:
    """Raises ImageError for pictures in other files, and for compositions that nest to too many layers or in a circle."""
    listed = animation.get("assets", [])
    if not isinstance(listed, list):
        raise ImageError(_DAMAGED)
    assets = {asset.get("id"): asset for asset in listed if isinstance(asset, dict)}
    for asset in assets.values():
        place = asset.get("p")
        if isinstance(place, str) and not place.startswith("data:"):
            raise ImageError(
                "The picture is a Lottie animation whose pictures are other files, which are not read; "
                "export it with its pictures embedded, or as GIF."
            )
    entered: list[Any] = []

    @cache
    def layers_in(name: Any) -> int:
        if name in entered:
            raise ImageError("The picture is a Lottie animation that holds itself; export it as GIF.")
        entered.append(name)
        total = layers_of(assets.get(name, {}))
        entered.pop()
        return total

    def layers_of(composition: dict[str, Any]) -> int:
        layers = [layer for layer in composition.get("layers") or [] if isinstance(layer, dict)]
        return len(layers) + sum(layers_in(layer["refId"]) for layer in layers if isinstance(layer.get("refId"), str))

    try:
        total = layers_of(animation)
    except RecursionError:
        raise ImageError("The picture is a Lottie animation that is nested too deeply; export it as GIF.") from None
    if total > limits.max_elements:
        raise ImageError(
            f"The picture is a Lottie animation of {total} nested layers, more than the {limits.max_elements} allowed; "
            "export it as GIF."
        )
