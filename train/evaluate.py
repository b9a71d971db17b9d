"""Measure what has been trained: `python train/evaluate.py --config train/configs/mini.yaml --data FOLDER`.

The settings are those of `train/train.py` and a few more, below, which a configuration file has under `evaluation`. Tables
(Markdown), numbers (JSON) and figures (PNG) go to `output_dir/evaluation`; every single result is kept as soon as it is
there, so a killed evaluation goes on where it stopped, and one that is asked for again after more training measures again
only what has changed. Under `accelerate launch`, several processes share pictures out among them.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from accelerate import PartialState

from kcdp.bundle import BundleError, load_bundle
from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.datasets import load_records
from train.core.foundation import Foundation
from train.core.processes import process_group
from train.core.recipe import Recipe
from train.core.runs import best_weights, exit_on_error, load_clip, load_foundation, load_perception, load_scheduler
from train.core.trainer import with_steps
from train.data.dataset import PictureDataset
from train.data.sets import SetError
from train.data.splits import parts, select
from train.evaluation import figures, paintings, shipped, tables
from train.evaluation.adaptation import ABLATIONS, METHODS, Adaptation, Method
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.domains import Domains
from train.evaluation.painters import GENERATORS
from train.evaluation.published import pair_name, published_beside
from train.evaluation.result_cache import ResultCache
from train.evaluation.uniemo import UniEmoEvaluation
from train.evaluation.variants import UNDERSTANDINGS, VARIANTS
from train.evaluation.vlm import FrozenVLM, answers_questions
from train.files import write_json, write_picture, write_text
from train.stages.kcdp import KCDPConfig, assemble
from train.stages.registry import read_recipe


class Evaluation:
    """One run's data and models, loaded when something needs them."""

    def __init__(self, recipe: Recipe, arguments: EvaluationArguments) -> None:
        """Raises ValueError with one sentence when the recipe has a setting that makes no sense."""
        self.recipe, self.arguments = recipe, arguments
        self.config, self.loop, _ = recipe.stage_settings("kcdp", KCDPConfig)
        parts(recipe.protocol)
        self.asked = arguments.vlm
        self.folder = Path(recipe.output_dir) / "evaluation"
        self.store = ResultCache(self.folder / "results")

    @cached_property
    def domains(self) -> Domains:
        return Domains(self.recipe, load_records(self.recipe), self.config.balance)

    @cached_property
    def pipeline(self) -> KCDPPipeline:
        """What is shipped: the given bundle, or what the stages have trained."""
        if self.arguments.bundle:
            return load_bundle(self.arguments.bundle, device=PartialState().device).kcdp
        heads = best_weights(self.recipe, "kcdp")
        pipeline = assemble(load_perception(self.recipe), heads, self.config, self.recipe.label_space)
        return pipeline.to(PartialState().device)

    @cached_property
    def weights(self) -> str:
        return shipped.weights_of(self.pipeline)

    @cached_property
    def adaptation(self) -> Adaptation:
        loop = dataclasses.replace(self.loop, batch_size=self.arguments.batch_size)
        # Of the foundation, only the labelled path has been told emotions, those of targets among them.
        foundation = load_perception(self.recipe, latent_encoder="latent_encoder")
        return Adaptation(
            self.domains,
            foundation,
            load_clip(self.recipe),
            self.config,
            with_steps(loop, self.arguments.steps),
            self.store,
            self.recipe.mixed_precision,
            tuple(self.arguments.cnn_widths),
            self._vlm(foundation),
            self.arguments.epochs,
        )

    def _vlm(self, foundation: Foundation) -> FrozenVLM | None:
        """The vision-language model to ask; None where none is given, and the foundation's captioner only captions."""
        if self.asked is None:
            speaks = answers_questions(foundation.captioner)
            return FrozenVLM(foundation.captioner, foundation.processor) if speaks else None
        with exit_on_error(), PartialState().main_process_first():
            return FrozenVLM.load(self.asked, PartialState().device)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs asked for; raises SystemExit for one that the data does not have."""
        names = self.domains.names
        known = list(itertools.product(names, repeat=2))
        asked = [tuple(pair.split(":")) for pair in dict.fromkeys(self.arguments.pairs)]
        wrong = [":".join(pair) for pair in asked if pair not in known]
        if wrong or not (asked or len(names) > 1):
            raise SystemExit(
                f"{f'{wrong[0]!r} is not a pair' if wrong else 'There is no pair of domains'}: protocol "
                f"'{self.recipe.protocol}' and this data can train and test on {', '.join(names) or 'nothing'}; "
                "write --pairs SOURCE:TARGET with two of them, or give other data."
            )
        return asked or [(source, target) for source, target in known if source != target]

    def _report(self, name: str, text: str, numbers: Any) -> None:
        if not PartialState().is_main_process:
            return
        write_json(self.folder / f"{name}.json", numbers)
        write_text(self.folder / f"{name}.md", text + "\n")
        print(f"\n{text}\n", flush=True)

    def _of_pipeline(
        self, name: str, measure: Callable[..., dict[str, Any]], dataset: PictureDataset
    ) -> dict[str, Any]:
        """A measure of `shipped` on a dataset, from disk when this bundle has been measured on these pictures before."""
        limit = self.arguments.limit
        settings = {"weights": self.weights, "pictures": dataset.store.key, "limit": limit}
        return self.store.get(name, settings, lambda: measure(self.pipeline, dataset, limit))

    def recognition(self) -> None:
        """Every labelled test part through the pipeline."""
        results = {}
        for part in self.domains.test_parts:
            dataset = self.domains.part(part)
            results[part] = self._of_pipeline(f"recognition/{part}", shipped.recognise, dataset)
            confusion = results[part]["scores"]["confusion"]
            figure = figures.confusion_figure(
                confusion, dataset.emotions, f"{part}, {results[part]['pictures']} pictures"
            )
            figures.save(figure, self.folder / f"confusion-{part}.png")
        if not results:
            raise SystemExit("There is no labelled test picture: give --data or --folder, or another --protocol.")
        self._report("recognition", tables.recognition_report(results), results)

    @cached_property
    def _held_out_emoji(self) -> PictureDataset:
        records = self.domains.records
        rows = select(records, self.recipe.protocol, "val")
        emoji = records.select(rows[np.array(records["domain"][:])[rows] == "emoji"])
        if len(emoji) == 0:
            raise SystemExit("There are no validation emoji: give --data with emoji.parquet.")
        return PictureDataset(emoji, self.recipe.cache_dir / "pictures", self.domains.emotions, size=self.recipe.size)

    def captions(self) -> None:
        """Head nouns in the captions of validation emoji."""
        result = self._of_pipeline("captions", shipped.describe, self._held_out_emoji)
        self._report("captions", tables.captions_report(result), result)

    def reconstruction(self) -> None:
        """PSNR of validation emoji."""
        result = self._of_pipeline("reconstruction", shipped.reconstruct, self._held_out_emoji)
        self._report("reconstruction", tables.reconstruction_report(result), result)

    def paintings(self) -> None:
        """A sheet of what the denoiser paints: a row a prompt, a column a seed."""
        if not PartialState().is_main_process:
            return
        foundation, scheduler, seeds = load_foundation(self.recipe), load_scheduler(self.recipe), list(range(8))
        path = self.folder / "paintings.png"
        painted = []
        for prompt in paintings.PROMPTS:
            told = foundation.prompts.plain([prompt] * len(seeds))
            painted += paintings.decoded(foundation, paintings.paint_latents(foundation, scheduler, told, seeds))
        write_picture(path, paintings.sheet(painted, len(seeds)))
        print(f"Text to image, a row for each of {', '.join(paintings.PROMPTS)}: {path}", flush=True)

    def _transfer(self, name: Literal["adaptation", "ablations"], title: str, methods: dict[str, Method]) -> None:
        asked = self.arguments.methods
        chosen = {key: method for key, method in methods.items() if not asked or key in asked}
        if not chosen:
            return
        pairs, seeds = self.pairs, self.arguments.seeds
        if self.adaptation.vlm is None:
            silent = [key for key, method in chosen.items() if method.asks]
            if asked and silent:
                raise SystemExit(
                    f"'{silent[0]}' asks a vision-language model, and the foundation's captioner answers no questions; "
                    "name another with --vlm.name."
                )
            chosen = {key: method for key, method in chosen.items() if key not in silent}
        results = self.adaptation.table(chosen, pairs, seeds)
        note = (
            f"{self.recipe.label_space}, protocol `{self.recipe.protocol}`, {self.arguments.length}, seeds "
            f"{', '.join(map(str, seeds))}: mean and sample standard deviation. Every model is that of the last step."
        )
        titles = {key: method.title for key, method in chosen.items()}
        columns = [pair_name(*pair) for pair in pairs]
        beside = published_beside(name, self.recipe.label_space, chosen, columns)
        self._report(name, tables.adaptation_report(title, results, titles, note, published=beside), results)

    def transfer(self) -> None:
        """Methods and baselines from domain to domain."""
        self._transfer("adaptation", "Adaptation", METHODS)

    def ablations(self) -> None:
        """KCDP with one thing changed."""
        self._transfer("ablations", "Ablations", ABLATIONS)

    def tsne(self) -> None:
        """Figure 5 of each pair: v without and with adaptation, at the first seed."""
        for source, target in self.pairs:
            panels = {
                METHODS[name].title: {
                    key: value.numpy()
                    for key, value in self.adaptation.features(name, source, target, self.arguments.seeds[0]).items()
                }
                for name in ("source-only", "kcdp-da")
            }
            path = self.folder / f"tsne-{source}-{target}.png"
            figures.save(figures.domains_figure(panels, (source, target), self.domains.emotions), path)
            print(f"Figure 5 of {source} → {target}: {path}", flush=True)

    @cached_property
    def uniemo(self) -> UniEmoEvaluation:
        return UniEmoEvaluation(self.recipe, self.arguments, self.domains, self.store, self.folder)

    def understanding(self) -> None:
        """What expert queries are worth."""
        with exit_on_error():
            found = self.uniemo.understanding()
        if found:
            self._report("understanding", *found)

    def generation(self) -> None:
        """Pictures that methods make for emotions, and sheets to look at."""
        with exit_on_error():
            found = self.uniemo.generation()
        if found:
            self._report("generation", *found)

    def editing(self) -> None:
        """A thing in an emotion, two emotions in one picture, a real picture in another emotion."""
        with exit_on_error():
            self._report("editing", *self.uniemo.editing())

    def variants(self) -> None:
        """UniEmo with one thing changed."""
        with exit_on_error():
            found = self.uniemo.variants()
        if found:
            self._report("variants", *found)


MEASURES: dict[str, Callable[[Evaluation], None]] = {
    "recognition": Evaluation.recognition,
    "captions": Evaluation.captions,
    "reconstruction": Evaluation.reconstruction,
    "paintings": Evaluation.paintings,
    "adaptation": Evaluation.transfer,
    "ablations": Evaluation.ablations,
    "tsne": Evaluation.tsne,
    "understanding": Evaluation.understanding,
    "generation": Evaluation.generation,
    "editing": Evaluation.editing,
    "variants": Evaluation.variants,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for; raises SystemExit with one sentence when it makes no sense."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    line = sys.argv[1:] if arguments is None else arguments
    recipe = read_recipe(line, __doc__, short="evaluation", evaluation=EvaluationArguments)
    wanted = recipe.evaluation
    rows = {*METHODS, *ABLATIONS, *UNDERSTANDINGS, *GENERATORS, *VARIANTS}
    for asked, known in ((wanted.what, {*MEASURES, "all"}), (wanted.methods, rows)):
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise SystemExit(f"'{unknown[0]}' is not known here; choose from: {', '.join(sorted(known))}.")
    try:
        evaluation = Evaluation(recipe, wanted)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    try:
        with process_group():
            # Twenty trainings are asked for by name.
            later = {"variants"}
            if "all" in wanted.what:
                later |= {"understanding", "generation", "editing"}.difference(evaluation.uniemo.measurable)
            for name, measure in MEASURES.items():
                if name in wanted.what or ("all" in wanted.what and name not in later):
                    measure(evaluation)
    except (BundleError, FileNotFoundError, SetError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
