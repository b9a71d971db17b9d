"""Results on disk, each written as soon as it is there, so that a killed evaluation goes on where it stopped."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Collection, Mapping
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

    def get(
        self,
        name: str,
        settings: Mapping[str, Any],
        compute: Callable[[], Mapping[str, Any]],
        needed: Collection[str] = (),
    ) -> dict[str, Any]:
        """The result `name` (a path without its suffix) from disk, or of `compute`, which is then kept.

        A result that was made with other `settings` (JSON-like: whatever the result depends on, weights included), or
        that lacks one of the keys `needed`, is made again.
        """
        path = self.folder / f"{name}.json"
        plain = json.loads(json.dumps(settings))
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            if known["settings"] == plain and all(key in known for key in needed):
                return known
            logger.info("%s was measured with other settings, weights or metrics, and is measured again.", name)
        start = time.monotonic()
        result = {**compute(), "seconds": round(time.monotonic() - start, 1), "settings": plain}
        write_json(path, result)
        return json.loads(json.dumps(result))


_PREDICTIONS = "guesses.safetensors"


def write_predictions(folder: Path, predictions: Mapping[str, torch.Tensor]) -> None:
    """A trained model's predictions of each test's pictures, int64 (N,), by domain, and any other tensors by name."""
    save_file(dict(predictions), folder / _PREDICTIONS)


def read_predictions(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors by name that `write_predictions` has written into a folder."""
    return load_file(folder / _PREDICTIONS)


def remove_checkpoints(folder: Path) -> None:
    """Of a finished run's folder, remove what only a run that goes on needs; its best weights and metrics stay."""
    for name in ("checkpoint", "logs"):
        shutil.rmtree(folder / name, ignore_errors=True)
