"""What a training run is: its data, its stages and what they stand on; `train.stages.registry` adds the settings of each stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, NonNegativeFloat

from kcdp.emotions import LABEL_SPACES, LabelSpace
from train.core.config import setting, unknown
from train.core.foundation import FoundationConfig
from train.core.trainer import LoopConfig
from train.data import records

Config = TypeVar("Config")


def _check_domains(shares: dict[str, float]) -> dict[str, float]:
    for name in shares:
        if name not in records.domains():
            raise ValueError(f"the domain '{name}' is {unknown(name, records.domains())}")
    return shares


#: How often each domain is drawn, in any unit.
Shares = Annotated[dict[str, NonNegativeFloat], AfterValidator(_check_domains)]


class StageSettings(NamedTuple, Generic[Config]):
    """The settings of one stage: what it trains, its loop, and the share of each domain in its batches."""

    config: Config
    loop: LoopConfig
    shares: Mapping[str, float]


@dataclass
class Recipe:
    """A run of `train/train.py`."""

    output_dir: str = setting("runs/mini", "Where checkpoints, caches and the bundle go.")
    stages: list[str] = setting([], "Stages to run, in order.")
    data: str | None = setting(None, "Folder with emoji.parquet, cartoons.parquet, kinds.parquet and photos.parquet.")
    folder: str | None = setting(None, "Any image folder with a metadata.jsonl.")
    sets: dict[str, str] = setting({}, "Published data sets: root folders by name, as `--sets.emoset FOLDER`.")
    drawn: int = setting(12000, "Drawn pictures to train on.", "pictures")
    drawn_things: int = setting(0, "Drawn things in emotional surroundings beside them, for transfer.", "pictures")
    protocol: str = setting("benchmark", "'benchmark' keeps to the splits, 'shipped' trains on test rows as well.")
    label_space: str = setting("Mikels-8", "Label space of the predictions.")
    label_free: bool = setting(
        False,
        "Captions say what is seen and never name an emotion: what a table from domain to domain has to stand on.",
    )
    size: int = setting(128, "Side of the pictures.", "pixels")
    mixed_precision: Literal["fp16", "bf16"] | None = setting(None, "If not given, what `accelerate launch` says.")
    words_from: Literal["language", "trunk_language"] = setting(
        "language", "The stage whose vision tower and captioner later stages stand on."
    )
    foundation: FoundationConfig | None = setting(None, "Published models to stand on; without, the stages' own.")

    def run_dir(self, stage: str) -> Path:
        """Where a stage keeps its checkpoint and its best weights."""
        return Path(self.output_dir) / stage

    @property
    def cache_dir(self) -> Path:
        """Where what is computed once is kept: drawn and decoded pictures, latents, captions, encodings."""
        return Path(self.output_dir) / "cache"

    @property
    def emotions(self) -> LabelSpace:
        """The label space; raises ValueError for a name that is not one."""
        if self.label_space not in LABEL_SPACES:
            raise ValueError(f"The label space '{self.label_space}' is {unknown(self.label_space, [*LABEL_SPACES])}.")
        return LABEL_SPACES[self.label_space]

    def stage_settings(self, stage: str, kind: type[Config]) -> StageSettings[Config]:
        """The settings of a stage whose configuration is a `kind`, of a recipe that `train.stages.registry` has made."""
        given = getattr(self, stage)
        config = kind(**{item.name: getattr(given, item.name) for item in fields(kind)})
        return StageSettings(config, given.loop, given.shares)


@dataclass(frozen=True)
class StageSpec:
    """One stage of a run, as the registry lists it.

    Args:
        name: in recipes, and of its folder in a run.
        config: dataclass of its settings.
        run: trains it; returns its metrics.
        needs: earlier stages whose weights it reads.
        foundation: whether it trains what published models may stand in for.
        check: raises ValueError when the stage cannot stand on these published models.
    """

    name: str
    config: type
    run: Callable[[Recipe], dict[str, float]]
    needs: tuple[str, ...] = ()
    foundation: bool = False
    check: Callable[[FoundationConfig], None] = lambda published: None
