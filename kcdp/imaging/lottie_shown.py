"""What a Lottie animation shows, put in the words that rlottie understands."""

from __future__ import annotations

import math
from typing import Any, TypeGuard


def as_rlottie_reads(animation: dict[str, Any]) -> dict[str, Any]:
    """A copy of the parsed `animation` that rlottie 0.2 draws as browsers draw the original.

    - Hidden groups of shapes are left out: rlottie hides shapes and layers, but not groups.
    - Masks of mode "none" are left out: rlottie hides the whole layer behind them.
    - Dashes without an offset get one of 0: rlottie takes their last length for it.
    - A layer ends with its last frame: rlottie draws it in the frame of its end too, over the layer that follows it.
    - A matte that its layer names stands right before that layer, where rlottie looks for it.
    """
    return _mended(animation)


def _mended(node: Any) -> Any:
    if isinstance(node, list):
        return [_mended(child) for child in node if not _is_hidden_group(child)]
    if not isinstance(node, dict):
        return node
    mended = {key: _mended(value) for key, value in node.items()}
    if isinstance(mended.get("layers"), list):
        mended["layers"] = _with_mattes([_ending(layer) for layer in mended["layers"]])
    masks = mended.get("masksProperties")
    if isinstance(masks, list):
        used = [mask for mask in masks if not (isinstance(mask, dict) and mask.get("mode") == "n")]
        mended |= {"masksProperties": used, "hasMask": mended.get("hasMask", True) and bool(used)}
    dashes = mended.get("d")
    if mended.get("ty") in ("st", "gs") and isinstance(dashes, list) and dashes:
        mended["d"] = _with_offset(dashes)
    return mended


def _is_hidden_group(node: Any) -> bool:
    return isinstance(node, dict) and node.get("ty") == "gr" and node.get("hd") is True


def _with_offset(dashes: list[Any]) -> list[Any]:
    """Lengths of dashes ("d") and gaps ("g") and, last, the offset ("o")."""
    if any(isinstance(dash, dict) and dash.get("n") == "o" for dash in dashes):
        return dashes
    return [*dashes, {"n": "o", "v": {"a": 0, "k": 0}}]


def _ending(layer: Any) -> Any:
    """The first and the last whole frame from "ip" to before "op"."""
    if not isinstance(layer, dict):
        return layer
    first, end = layer.get("ip"), layer.get("op")
    if not _is_time(first) or not _is_time(end):
        return layer
    return layer | {"ip": math.ceil(first), "op": math.ceil(end) - 1}


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _with_mattes(layers: list[Any]) -> list[Any]:
    """Every layer with a matte by name ("tp") behind a copy of that one, which shows nowhere else."""
    named = {_matte_of(layer) for layer in layers} - {None}
    mattes = {index: layer for layer in layers if (index := _index(layer, "ind")) in named}
    ordered: list[Any] = []
    for layer in layers:
        matte = mattes.get(_matte_of(layer))
        if matte is not None:
            ordered.append(matte | {"td": 1})
        if _index(layer, "ind") not in mattes or not layer.get("td"):
            ordered.append(layer)
    return ordered


def _matte_of(layer: Any) -> int | None:
    return _index(layer, "tp") if isinstance(layer, dict) and layer.get("tt") else None


def _index(layer: Any, key: str) -> int | None:
    value = layer.get(key) if isinstance(layer, dict) else None
    return value if isinstance(value, int) else None
