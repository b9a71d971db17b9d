"""What the runners of all stages share: the foundation they stand on, and the loop in the stage's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState
from diffusers import DDPMScheduler

from kcdp.hub import fetch
from kcdp.knowledge.triplets import TripletParser
from train.core.clip import FrozenCLIP
from train.core.foundation import NO_CAPTIONER, NO_KCDP, PARSER, Foundation, FoundationConfig, hub_scheduler
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig, Stage, run_stage


def best_weights(recipe: Recipe, stage: str) -> Path:
    """The finished weights of an earlier stage; raises SystemExit when that has not been trained."""
    folder = recipe.run_dir(stage) / "best"
    if not folder.is_dir():
        raise SystemExit(f"The stage '{stage}' has to be trained first: there is no {folder}.")
    return folder


def hub_config(recipe: Recipe) -> FoundationConfig | None:
    """The published models that the recipe names; None when its foundation comes from its own stages.

    Raises ValueError with one sentence for a setting that makes no sense.
    """
    return FoundationConfig.read(recipe.foundation) if recipe.foundation else None


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Models that cannot be had are one sentence instead of a traceback."""
    try:
        yield
    except ValueError as error:
        raise SystemExit(str(error)) from error


def load_foundation(recipe: Recipe, path: str = "labelled_path") -> Foundation:
    """The published models that the recipe names, or else the best weights of its earlier stages, on this process's device.

    `path` names the stage whose path over the latents it is; published models have none. Raises SystemExit with one
    sentence when something is not there.
    """
    published, labels, device = hub_config(recipe), recipe.emotions.labels, PartialState().device
    if published is None:
        folders = (best_weights(recipe, stage) for stage in ("vae", "language", "unet", path))
        return Foundation.load(*folders, PARSER, labels, device)
    with _said_plainly():
        published.check()
        # One process fetches, the others find it in the cache.
        with PartialState().main_process_first():
            foundation = Foundation.from_hub(published, labels, device)
        if foundation.vae.config.sample_size != recipe.size:
            raise ValueError(
                f"'{published.diffusion.name}' takes pictures of {foundation.vae.config.sample_size} pixels, and the recipe's "
                f"`size` is {recipe.size}; make them the same."
            )
    return foundation


def load_perception(recipe: Recipe, path: str = "labelled_path") -> Foundation:
    """`load_foundation` for KCDP; raises SystemExit as that does, and when the denoiser listens to two text encoders, or there
    is no captioner.
    """
    foundation = load_foundation(recipe, path)
    if foundation.text_encoder_2 is not None:
        raise SystemExit(NO_KCDP)
    if foundation.captioner is None:
        raise SystemExit(NO_CAPTIONER)
    return foundation


def load_scheduler(recipe: Recipe) -> DDPMScheduler:
    """The noise that the foundation's denoiser has learned to predict; raises SystemExit as `load_foundation` does."""
    published = hub_config(recipe)
    if published is None:
        return DDPMScheduler.from_pretrained(best_weights(recipe, "unet") / "scheduler")
    with _said_plainly():
        published.check()
        return hub_scheduler(published)


def load_parser(recipe: Recipe) -> TripletParser:
    """The parser of captions; raises SystemExit with one sentence when it is not there."""
    published = hub_config(recipe)
    with _said_plainly():
        return TripletParser.from_pretrained(PARSER if published is None else published.parser)


def load_clip(recipe: Recipe) -> FrozenCLIP:
    """The CLIP for expert queries and baselines; raises SystemExit as `load_foundation` does, or when none is named."""
    published, device = hub_config(recipe), PartialState().device
    if published is None:
        return FrozenCLIP.load(best_weights(recipe, "language"), device)
    with _said_plainly():
        if published.vision is None:
            raise ValueError("UniEmo and the baselines need a CLIP model; name one as `foundation.vision`.")
        published.check()
        return FrozenCLIP.load(fetch(published.vision), device)


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
