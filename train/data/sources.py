"""From a recipe to records and datasets: the one place where training and evaluation get their pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from filelock import FileLock

from kcdp.emotions import MIKELS_8, LabelSpace
from train.core.recipe import Recipe
from train.data.dataset import PictureDataset
from train.data.folder import load_folder
from train.data.parquet import load_domains
from train.data.records import FEATURES, Coded, concatenate, from_parquet, make_record, to_dataset
from train.data.sets.labels import mapping
from train.data.sets.loading import load_set
from train.data.splits import select
from train.drawn import draw_records, draw_things

#: Raise when the renderer changes what it draws: pictures of the old kind are then drawn again.
DRAWN_VERSION = 1


def as_records(drawings: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the renderer yields, as rows of the record schema."""
    for drawing in drawings:
        rest = {name: drawing[name] for name in ("domain", "style", "group", "license", "emotion", "split")}
        yield make_record(drawing["image"], [drawing["caption"]], **rest)


def _kept(name: str, drawings: Iterable[Mapping[str, Any]], cache_dir: Path) -> Dataset:
    """Drawings as records, drawn by one of all processes and kept as Parquet in `cache_dir`."""
    path = cache_dir / f"{name}.parquet"
    if not path.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                aside = path.with_suffix(".part")
                to_dataset(as_records(drawings)).to_parquet(aside)
                os.replace(aside, path)
    return from_parquet(path)


def relabelled(records: Dataset, space: LabelSpace) -> Dataset:
    """Records of Mikels-8 with their emotions in another space; raises SetError when it cannot be reached."""
    if space == MIKELS_8:
        return records
    labels: dict[str | None, str | None] = {None: None, **mapping("What the recipe names", MIKELS_8, space)}
    emotions = [labels[emotion] for emotion in Coded.of(records, "emotion")]
    changed = records.remove_columns("emotion").add_column("emotion", emotions, feature=FEATURES["emotion"])
    return changed.select_columns(list(FEATURES))


def drawn_records(count: int, cache_dir: Path, seed: int = 0) -> Dataset:
    """`count` drawn pictures as records."""
    return _kept(f"drawn-v{DRAWN_VERSION}-{count}-{seed}", draw_records(count, seed), cache_dir)


def drawn_things(count: int, cache_dir: Path) -> Dataset:
    """`count` drawn things in emotional surroundings as records."""
    return _kept(f"things-v{DRAWN_VERSION}-{count}", draw_things(count), cache_dir)


def load_records(recipe: Recipe) -> Dataset:
    """Every picture that the recipe names, all domains and splits, labelled in the recipe's space.

    Raises ValueError when it names none, or something that cannot be read or be labelled so.
    """
    parts = list(load_domains(recipe.data).values()) if recipe.data else []
    if recipe.folder:
        parts.append(load_folder(recipe.folder))
    if recipe.drawn:
        parts.append(drawn_records(recipe.drawn, recipe.cache_dir))
    if recipe.drawn_things:
        parts.append(drawn_things(recipe.drawn_things, recipe.cache_dir))
    parts = [relabelled(part, recipe.emotions) for part in parts]
    parts += [load_set(name, root, recipe.emotions, recipe.cache_dir / "sets") for name, root in recipe.sets.items()]
    return concatenate(parts)


def learned_from(records: Dataset, shares: Mapping[str, float]) -> Dataset:
    """`records` without the domains that have a share of 0: what is never drawn has no say in what is kept, either."""
    domains = Coded.of(records, "domain")
    unused = {name for name in domains.names if shares.get(name) == 0}
    return records.select(np.flatnonzero(~domains.within(unused))) if unused else records


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
    chosen = records.select(rows)
    if labelled:
        chosen = chosen.select(np.flatnonzero(Coded.of(chosen, "emotion").codes >= 0))
    return PictureDataset(chosen, recipe.cache_dir / "pictures", recipe.emotions.labels, shares, balance, recipe.size)
