"""Loading what the stages of a run have in common (earlier weights, datasets), and running one in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState
from datasets import Dataset
from diffusers import DDPMScheduler

from kcdp.hub import fetch
from kcdp.knowledge.triplets import TripletParser
from train.core.clip import FrozenCLIP
from train.core.datasets import load_records, make_dataset, training_record
from train.core.foundation import NO_CAPTIONER, NO_KCDP, NO_VISION, PARSER, Foundation, hub_scheduler
from train.core.recipe import Recipe
from train.core.trainer import Stage, run_stage
from train.data.dataset import PictureDataset
from train.data.records import with_shares


def best_weights(recipe: Recipe, stage: str) -> Path:
    """The finished weights of an earlier stage; raises SystemExit when that has not been trained."""
    folder = recipe.run_dir(stage) / "best"
    if not folder.is_dir():
        raise SystemExit(f"The stage '{stage}' has to be trained first: there is no {folder}.")
    return folder


@contextmanager
def exit_on_error() -> Iterator[None]:
    """What is the user's to change (models that cannot be had, too few pictures) is one sentence, not a traceback."""
    try:
        yield
    except ValueError as error:
        raise SystemExit(str(error)) from error


def load_foundation(recipe: Recipe, latent_encoder: str = "labelled_latent_encoder") -> Foundation:
    """The published models that the recipe names, or else the best weights of its earlier stages, on this process's device.

    `latent_encoder` names the stage whose latent encoder it has; published models have none. Raises SystemExit with one
    sentence when something is not there.
    """
    published, labels, device = recipe.foundation, recipe.emotions.labels, PartialState().device
    if published is None:
        folders = (best_weights(recipe, stage) for stage in ("vae", recipe.words_from, "unet", latent_encoder))
        return Foundation.load(*folders, PARSER, labels, device)
    with exit_on_error():
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


def load_perception(recipe: Recipe, latent_encoder: str = "labelled_latent_encoder") -> Foundation:
    """`load_foundation` for KCDP; raises SystemExit as that does, and when the denoiser is conditioned on two text encoders,
    or there is no captioner.
    """
    foundation = load_foundation(recipe, latent_encoder)
    if foundation.text_encoder_2 is not None:
        raise SystemExit(NO_KCDP)
    if foundation.captioner is None:
        raise SystemExit(NO_CAPTIONER)
    return foundation


def load_scheduler(recipe: Recipe) -> DDPMScheduler:
    """The noise that the foundation's denoiser has learned to predict; raises SystemExit as `load_foundation` does."""
    if recipe.foundation is None:
        return DDPMScheduler.from_pretrained(best_weights(recipe, "unet") / "scheduler")
    with exit_on_error():
        recipe.foundation.check()
        return hub_scheduler(recipe.foundation)


def load_parser(recipe: Recipe) -> TripletParser:
    """The parser of captions; raises SystemExit with one sentence when it is not there."""
    with exit_on_error():
        return TripletParser.from_pretrained(PARSER if recipe.foundation is None else recipe.foundation.parser)


def load_clip(recipe: Recipe) -> FrozenCLIP:
    """The CLIP for expert queries and baselines; raises SystemExit as `load_foundation` does, or when none is named."""
    published, device = recipe.foundation, PartialState().device
    if published is None:
        return FrozenCLIP.load(best_weights(recipe, recipe.words_from), device)
    with exit_on_error():
        if published.vision is None:
            raise ValueError(NO_VISION)
        published.check()
        return FrozenCLIP.load(fetch(published.vision), device)


def stage_datasets(
    recipe: Recipe,
    stage: str,
    balance: float = 0.0,
    labelled: bool = False,
    drop_unshared: bool = False,
    records: Dataset | None = None,
) -> tuple[PictureDataset, PictureDataset]:
    """Training and validation pictures of a stage, the former drawn by its shares.

    Args:
        balance: as for `PictureDataset`.
        labelled: leave out pictures without an emotion.
        drop_unshared: leave out domains with a share of 0, which else are in the datasets and never drawn.
        records: of the recipe, where they are loaded already.
    """
    shares, records = getattr(recipe, stage).shares, load_records(recipe) if records is None else records
    if drop_unshared:
        records = with_shares(records, shares)
    train = make_dataset(recipe, records, "train", shares, balance, labelled=labelled)
    return train, make_dataset(recipe, records, "val", labelled=labelled)


def train_stage(
    recipe: Recipe, stage: Stage, after: Callable[[dict[str, float]], object] | None = None
) -> dict[str, float]:
    """Train a stage in its folder of the run, with its loop's settings; returns its final metrics.

    What its weights learn from is written beside them. Then the main process does what comes `after` with the metrics, and all
    go on once that is done.
    """
    state = PartialState()
    if state.is_main_process:
        training_record(recipe).add_to(recipe.run_dir(stage.name))
    metrics = run_stage(stage, getattr(recipe, stage.name).loop, recipe.run_dir(stage.name), recipe.mixed_precision)
    if after is not None and state.is_main_process:
        after(metrics)
    state.wait_for_everyone()
    return metrics
