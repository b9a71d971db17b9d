"""The stages of a run, in order: a new one is a module with a `StageSpec`, and a line here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import field, make_dataclass
from functools import cache

from train.core.config import read_settings, setting, unknown
from train.core.recipe import Recipe, Shares, StageSpec
from train.core.trainer import LoopConfig
from train.data.sets.loading import check_set
from train.data.splits import parts
from train.stages import (
    kcdp,
    language,
    latent_encoder,
    painter_upscaler,
    painter_vae,
    painting,
    text,
    trunk_language,
    unet,
    uniemo,
    vae,
)

logger = logging.getLogger(__name__)

SPECS = (
    vae.SPEC,
    text.SPEC,
    latent_encoder.SPEC,
    latent_encoder.LABELLED_SPEC,
    language.SPEC,
    trunk_language.SPEC,
    unet.SPEC,
    kcdp.SPEC,
    uniemo.UNDERSTANDING_SPEC,
    uniemo.JOINT_SPEC,
    uniemo.FEEDBACK_SPEC,
    painting.UNIEMO_DISTILLED_SPEC,
    painter_vae.SPEC,
    painter_upscaler.SPEC,
    painting.PAINTER_SPEC,
    painting.DISTILLED_SPEC,
)
STAGES: dict[str, StageSpec] = {spec.name: spec for spec in SPECS}


@cache
def _with_loop(config: type) -> type:
    """The settings of a stage as a recipe has them: its own, its loop's, and the shares of its batches."""
    added = [
        ("loop", LoopConfig, setting(LoopConfig(), "Of the training loop.")),
        ("shares", Shares, setting({}, "How often each domain is drawn, in any unit; the others as these on average.")),
    ]
    return make_dataclass(config.__name__, added, bases=(config,), namespace={"__doc__": config.__doc__})


def recipe_type(**sections: type) -> type[Recipe]:
    """`Recipe` with the settings of every stage, and of further `sections`, dataclasses by name."""
    return _recipe_type(tuple(STAGES.values()), tuple(sections.items()))


@cache
def _recipe_type(specs: tuple[StageSpec, ...], sections: tuple[tuple[str, type], ...]) -> type[Recipe]:
    kinds = [*((spec.name, _with_loop(spec.config)) for spec in specs), *sections]
    added = [(name, kind, field(default_factory=kind)) for name, kind in kinds]
    stages = ("stages", list[str], setting([spec.name for spec in specs], "Stages to run, in order."))
    return make_dataclass("Recipe", [stages, *added], bases=(Recipe,), namespace={"__doc__": Recipe.__doc__})


def read_recipe(
    arguments: Sequence[str], description: str | None = None, short: str | None = None, **sections: type
) -> Recipe:
    """A recipe of a command line, with a file after `--config`; see `read_settings` and `recipe_type`."""
    return read_settings(recipe_type(**sections), arguments, description, short)


def check(recipe: Recipe) -> None:
    """Find what is wrong with a recipe before its first stage runs: a slip in the last one must not show hours later.

    Raises ValueError with one sentence when
    - a stage, the protocol or the label space is unknown;
    - a stage needs another one that has not been trained and is not before it;
    - published models are named without a commit, beside stages that would train them, or are none that a stage can stand on;
    - a published set is unknown, not there, or labelled in a space that cannot be brought to the recipe's.
    """
    for name in recipe.stages:
        if name not in STAGES:
            raise ValueError(f"The stage '{name}' is {unknown(name, [*STAGES])}.")
    specs, published = [STAGES[name] for name in recipe.stages], recipe.foundation
    for number, spec in enumerate(specs):
        if published is not None and spec.foundation:
            raise ValueError(
                f"The stage '{spec.name}' trains a foundation, and the recipe names a published one; leave out one of them."
            )
        for need in (recipe.words_from if name == "language" else name for name in spec.needs):
            given = need in recipe.stages[:number] or (published is not None and STAGES[need].foundation)
            folder = recipe.run_dir(need) / "best"
            if not given and not folder.is_dir():
                raise ValueError(
                    f"The stage '{need}' has to be trained first, for '{spec.name}' needs it: there is no {folder}."
                )
    if published is not None:
        for spec in specs:
            spec.check(published)
        published.check()
    parts(recipe.protocol)
    for name, root in recipe.sets.items():
        check_set(name, root, recipe.emotions)
    logger.info("Stages %s, label space %s.", ", ".join(recipe.stages), recipe.emotions.name)
