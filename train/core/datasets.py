"""From a recipe to records and datasets: the one place where training and evaluation get their pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from datasets import Dataset

from train.core.recipe import Recipe
from train.data.dataset import PictureDataset
from train.data.drawings import drawn_pictures, drawn_things
from train.data.folder import load_folder
from train.data.parquet import domain_files, load_domains
from train.data.records import concatenate, labelled_rows
from train.data.sets.loading import load_set, relabelled
from train.data.splits import select
from train.data.training_record import TrainingRecord


def load_records(recipe: Recipe) -> Dataset:
    """Every picture that the recipe names, all domains and splits, labelled in the recipe's space.

    Raises ValueError when it names none, or something that cannot be read or be labelled so.
    """
    parts = list(load_domains(recipe.data).values()) if recipe.data else []
    if recipe.folder:
        parts.append(load_folder(recipe.folder))
    if recipe.drawn:
        parts.append(drawn_pictures(recipe.drawn, recipe.cache_dir))
    if recipe.drawn_things:
        parts.append(drawn_things(recipe.drawn_things, recipe.cache_dir))
    parts = [relabelled(part, recipe.emotions) for part in parts]
    parts += [load_set(name, root, recipe.emotions, recipe.cache_dir / "sets") for name, root in recipe.sets.items()]
    return concatenate(parts)


def make_dataset(
    recipe: Recipe,
    records: Dataset,
    part: str,
    shares: Mapping[str, float] | None = None,
    balance: float = 0.0,
    labelled: bool = False,
) -> PictureDataset:
    """A part of the recipe's protocol as a dataset; `labelled` leaves out what has no emotion."""
    rows = select(records, recipe.protocol, part)
    if labelled:
        rows = np.intersect1d(rows, labelled_rows(records), assume_unique=True)
    return dataset_of(recipe, records.select(rows), shares, balance)


def dataset_of(
    recipe: Recipe, records: Dataset, shares: Mapping[str, float] | None = None, balance: float = 0.0
) -> PictureDataset:
    """All of some records as a dataset of the recipe's size and emotions, with its cache."""
    return PictureDataset(
        records,
        recipe.cache_dir / "pictures",
        recipe.emotions.labels,
        shares,
        balance,
        recipe.size,
        feelings=not recipe.label_free,
    )


def domains_of(recipe: Recipe) -> list[str]:
    """The domains that a recipe has pictures of."""
    found = list(domain_files(recipe.data)) if recipe.data else []
    given = {"folder": recipe.folder, "drawn": recipe.drawn, "things": recipe.drawn_things}
    return [*found, *(domain for domain, some in given.items() if some), *recipe.sets]


def training_record(recipe: Recipe) -> TrainingRecord:
    """What a run of the recipe learns from, whatever the shares of its stages."""
    return TrainingRecord.of(recipe.protocol, domains_of(recipe), recipe.label_free)
