"""Results on disk, each written as soon as it is there, so that a killed evaluation goes on where it stopped."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from train.files import write_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResultCache:
    """A folder of results, one JSON file each."""

    folder: Path

    def get(self, name: str, settings: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The result `name` (a path without its suffix) from disk, or of `compute`, which is then kept.

        A result that was made with other `settings` (JSON-like: whatever the result depends on, weights included) is
        made again.
        """
        path = self.folder / f"{name}.json"
        plain = json.loads(json.dumps(settings))
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            if known["settings"] == plain:
                return known
            logger.info("%s was measured with other settings or weights, and is measured again.", name)
        start = time.monotonic()
        result = {**compute(), "seconds": round(time.monotonic() - start, 1), "settings": plain}
        write_json(path, result)
        return json.loads(json.dumps(result))


def write_guesses(
    folder: Path, guesses: Mapping[str, torch.Tensor], features: Mapping[str, torch.Tensor] | None = None
) -> None:
    """What a trained model says of each test's pictures, int64 (N,), and whatever else `guesses_of` shall find."""
    save_file({**guesses, **(features or {})}, folder / "guesses.safetensors")


def guesses_of(folder: Path) -> dict[str, torch.Tensor]:
    """What `write_guesses` wrote."""
    return load_file(folder / "guesses.safetensors")
