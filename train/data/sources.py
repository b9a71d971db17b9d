"""From a recipe to records and pools: the one place where training and evaluation get their pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset

from train.data.drawn import draw_records, draw_things
from train.data.folder import load_folder
from train.data.parquet import load_domains
from train.data.pool import Pool
from train.data.records import concatenate, make_record, to_dataset
from train.data.splits import select
from train.recipe import Recipe

#: Raise when the renderer changes what it draws: pictures of the old kind are then drawn again.
DRAWN_VERSION = 1


def as_records(drawings: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the renderer yields, as rows of the record schema."""
    for drawing in drawings:
        rest = {name: drawing[name] for name in ("domain", "style", "group", "license", "emotion", "split")}
        yield make_record(drawing["image"], [drawing["caption"]], **rest)


def _kept(name: str, drawings: Iterable[Mapping[str, Any]], cache_dir: Path) -> Dataset:
    """Drawings as records, drawn once and kept as Parquet in `cache_dir`."""
    path = cache_dir / f"{name}.parquet"
    if not path.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}.part")
        to_dataset(as_records(drawings)).to_parquet(aside)
        os.replace(aside, path)
    return Dataset.from_parquet(str(path))


def drawn_records(count: int, cache_dir: Path, seed: int = 0) -> Dataset:
    """`count` drawn pictures as records."""
    return _kept(f"drawn-v{DRAWN_VERSION}-{count}-{seed}", draw_records(count, seed), cache_dir)


def drawn_things(count: int, cache_dir: Path) -> Dataset:
    """`count` drawn things in emotional surroundings as records."""
    return _kept(f"things-v{DRAWN_VERSION}-{count}", draw_things(count), cache_dir)


def load_records(recipe: Recipe) -> Dataset:
    """Every picture that the recipe names, all domains and splits; raises ValueError when it names none."""
    parts = list(load_domains(recipe.data).values()) if recipe.data else []
    if recipe.folder:
        parts.append(load_folder(recipe.folder))
    if recipe.drawn:
        parts.append(drawn_records(recipe.drawn, recipe.cache_dir))
    if recipe.drawn_things:
        parts.append(drawn_things(recipe.drawn_things, recipe.cache_dir))
    return concatenate(parts)


def make_pool(
    recipe: Recipe,
    records: Dataset,
    part: str,
    shares: Mapping[str, float] | None = None,
    balance: float = 0.0,
    labelled: bool = False,
) -> Pool:
    """A part of the recipe's protocol as a pool; `labelled` leaves out what has no emotion."""
    rows = select(records, recipe.protocol, part)
    chosen = records.select(rows)
    if labelled:
        emotions = chosen["emotion"][:]
        chosen = chosen.select([row for row, emotion in enumerate(emotions) if emotion is not None])
    return Pool(chosen, recipe.cache_dir / "pictures", recipe.emotions.labels, shares, balance, recipe.size)
