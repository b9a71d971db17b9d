"""One evaluation: a run's settings, pictures and models, each loaded when a measure needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from accelerate import PartialState

from kcdp.bundle import Bundle, load_bundle
from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.datasets import dataset_of, load_records, training_record
from train.core.recipe import Recipe
from train.core.runs import best_weights, load_perception
from train.data.dataset import PictureDataset
from train.data.records import Coded
from train.data.splits import parts, select
from train.data.training_record import TrainingRecord
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.bundle_measures import weights_of
from train.evaluation.domains import Domains
from train.evaluation.result_cache import ResultCache
from train.files import write_json, write_text
from train.stages.kcdp import KCDPConfig, assemble

Row, Loaded = TypeVar("Row"), TypeVar("Loaded")


class EvaluationRun:
    """One run's data and models, loaded when something needs them; what measures report goes to `folder`."""

    def __init__(self, recipe: Recipe, arguments: EvaluationArguments) -> None:
        """Raises ValueError with one sentence when the recipe has a setting that makes no sense."""
        self.recipe, self.arguments = recipe, arguments
        self.config, self.loop, _ = recipe.stage_settings("kcdp", KCDPConfig)
        parts(recipe.protocol)
        self.folder = Path(recipe.output_dir) / "evaluation"
        self.cache = ResultCache(self.folder / "results")
        self._loaded: dict[Callable[[EvaluationRun], Any], Any] = {}

    @cached_property
    def domains(self) -> Domains:
        return Domains(self.recipe, load_records(self.recipe), self.config.balance)

    @cached_property
    def bundle(self) -> Bundle | None:
        """The bundle that is asked for; None where the run's own stages are measured."""
        name = self.arguments.bundle
        return load_bundle(name, device=PartialState().device) if name else None

    @cached_property
    def pipeline(self) -> KCDPPipeline:
        """KCDP of the bundle, or of the run's own stages."""
        if self.bundle is not None:
            return self.bundle.kcdp
        heads = best_weights(self.recipe, "kcdp")
        pipeline = assemble(load_perception(self.recipe), heads, self.config, self.recipe.label_space)
        return pipeline.to(PartialState().device)

    @cached_property
    def weights(self) -> str:
        """A name for the weights of `pipeline`."""
        return weights_of(self.pipeline)

    @cached_property
    def training(self) -> TrainingRecord:
        """Which pictures the run's own stages have learned from: what stands beside their weights, or else the recipe."""
        known = [TrainingRecord.read(folder) for folder in sorted(Path(self.recipe.output_dir).glob("*/"))]
        stages = [record for record in known if record is not None]
        return TrainingRecord.union(stages) if stages else training_record(self.recipe)

    @cached_property
    def pipeline_training(self) -> TrainingRecord | None:
        """Which pictures `pipeline` has learned from; None for a bundle that does not say."""
        return self.training if self.bundle is None else TrainingRecord.read(self.bundle.folder)

    def marked(self, name: str, dataset: PictureDataset, training: TrainingRecord | None) -> str:
        """The name of a test in a table, with what weights of this training have seen of its pictures."""
        if training is None:
            return f"{name} (the bundle does not say what it has seen)"
        seen = str(training.exposure(dataset.records, self.domains.records))
        return f"{name} ({seen})" if seen else name

    def once(self, load: Callable[[EvaluationRun], Loaded]) -> Loaded:
        """What `load` makes of this run, made once for all measures."""
        if load not in self._loaded:
            self._loaded[load] = load(self)
        return self._loaded[load]

    def chosen(self, rows: Mapping[str, Row]) -> dict[str, Row]:
        """The rows of a table that `--methods` asks for; all if it names none."""
        asked = self.arguments.methods
        return {name: row for name, row in rows.items() if not asked or name in asked}

    def of_pipeline(self, name: str, measure: Callable[..., dict[str, Any]], dataset: PictureDataset) -> dict[str, Any]:
        """`measure(pipeline, dataset, limit)`, from disk when these weights have been measured on these pictures before."""
        limit = self.arguments.limit
        settings = {"weights": self.weights, "pictures": dataset.decoded.key, "limit": limit}
        return self.cache.get(name, settings, lambda: measure(self.pipeline, dataset, limit))

    def pictures(self, part: str, domain: str, style: str | None = None) -> PictureDataset:
        """Pictures of a domain in a part of the protocol, with an emotion or without; of one style if it is given."""
        records = self.domains.records.select(select(self.domains.records, self.recipe.protocol, part))
        rows = Coded.of(records, "domain").within((domain,))
        if style is not None:
            rows &= Coded.of(records, "style").within((style,))
        return dataset_of(self.recipe, records.select(np.flatnonzero(rows)))

    def report(self, name: str, text: str, numbers: Any) -> None:
        """Print a report and write it as Markdown, its numbers as JSON; the main process does."""
        if PartialState().is_main_process:
            write_json(self.folder / f"{name}.json", numbers)
            write_text(self.folder / f"{name}.md", text + "\n")
            print(f"\n{text}\n", flush=True)
