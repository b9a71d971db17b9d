"""Removing weight files of an older save that a pipeline saved over it no longer has."""

from __future__ import annotations

import json
from pathlib import Path

_WEIGHTS, _INDEX = ".safetensors", ".safetensors.index.json"


def remove_stale_weights(folder: Path) -> None:
    """Take away from a saved pipeline's parts what an earlier save with shards of another size has left.

    The libraries clear away old shards, but neither the index of shards that are now one file, without which the part would
    not load, nor the one file that is now in shards. An index all of whose shards are there is the newer one.
    """
    for index in folder.glob(f"*/*{_INDEX}"):
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if all((index.parent / shard).is_file() for shard in shards):
            index.with_name(index.name.removesuffix(_INDEX) + _WEIGHTS).unlink(missing_ok=True)
        else:
            index.unlink()
