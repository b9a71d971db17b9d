"""What a Lottie animation shows, put in the words that rlottie understands."""

from __future__ import annotations

from typing import Any


def as_rlottie_reads(animation: dict[str, Any]) -> dict[str, Any]:
    """A copy of the parsed `animation` without what rlottie 0.2 would draw otherwise than browsers do.

    Hidden groups of shapes are left out: rlottie hides shapes and layers, but not groups. So are masks of mode "none", behind
    which it hides the whole layer. Dashes without an offset get one of 0: rlottie takes their last length for it.
    """
    return _mended(animation)


def _mended(node: Any) -> Any:
    if isinstance(node, list):
        return [_mended(child) for child in node if not _is_hidden_group(child)]
    if not isinstance(node, dict):
        return node
    mended = {key: _mended(value) for key, value in node.items()}
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
