"""What the runners of all stages share: where earlier stages left their weights, and the loop in the stage's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState

from train.foundation import Foundation
from train.loop import LoopConfig, Stage, run_stage
from train.recipe import Recipe

#: The parser is trained apart (spaCy's own training) and ships with the bundle.
PARSER = Path(__file__).resolve().parents[2] / "assets" / "mini" / "parser"


def best_weights(recipe: Recipe, stage: str) -> Path:
    """The finished weights of an earlier stage; raises SystemExit when that has not been trained."""
    folder = recipe.run_dir(stage) / "best"
    if not folder.is_dir():
        raise SystemExit(f"The stage '{stage}' has to be trained first: there is no {folder}.")
    return folder


def load_foundation(recipe: Recipe, path: str = "labelled_path") -> Foundation:
    """All earlier stages' best weights, on this process's device; `path` names the stage whose path it is."""
    folders = (best_weights(recipe, stage) for stage in ("vae", "language", "unet", path))
    return Foundation.load(*folders, PARSER, recipe.emotions.labels, PartialState().device)


@contextmanager
def data_speaks() -> Iterator[None]:
    """Pictures that are too few, or too much alike, are the user's to change: one sentence instead of a traceback."""
    try:
        yield
    except ValueError as error:
        raise SystemExit(str(error)) from error


def run(recipe: Recipe, stage: Stage, loop: LoopConfig) -> dict[str, float]:
    """Train a stage in its folder of the run; returns its final metrics."""
    return run_stage(stage, loop, recipe.run_dir(stage.name), recipe.mixed_precision)
