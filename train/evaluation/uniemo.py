"""UniEmo measured: what it understands (tables I to III, figures 6 and 7), its pictures beside other methods' (table IV),
and what its parts are worth to both (tables V to VIII).
"""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from PIL import Image
from transformers import AutoModel

from kcdp.imaging import to_pictures
from kcdp.painting.things import THINGS
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.clip import zero_shot_head
from train.core.datasets import make_dataset
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig, with_steps
from train.data.cache import content_key, fingerprint
from train.data.dataset import PictureDataset
from train.data.records import DRAWN, with_shares
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.domains import Domains
from train.evaluation.editing import Editing, editing_report
from train.evaluation.generation import COLUMNS, REAL, Generation, generation_report
from train.evaluation.instruments import Instruments, instruments
from train.evaluation.judge import Judge, train_judge
from train.evaluation.painters import GENERATORS, Painters
from train.evaluation.published import pair_name, published_beside
from train.evaluation.result_cache import ResultCache
from train.evaluation.sheets import fusion_strip, transfer_sheet
from train.evaluation.shipped import mentions, spaced
from train.evaluation.tables import adaptation_report, percent
from train.evaluation.variants import UNDERSTANDINGS, VARIANTS, Variant
from train.files import write_picture
from train.metrics.recognition import recognition_scores
from train.stages.joint import JointConfig
from train.stages.understanding import UnderstandingConfig, UnderstandingStage, see, stem_tokens
from train.stages.uniemo import last_uniemo, understanding_stage

logger = logging.getLogger(__name__)

Row = TypeVar("Row")


@dataclass
class UniEmoEvaluation:
    """One run's UniEmo.

    Args:
        recipe, arguments: of the run and of the evaluation.
        domains: its pictures.
        store: where results go; what is trained goes beside them.
        folder: where the sheets go.
    """

    recipe: Recipe
    arguments: EvaluationArguments
    domains: Domains
    store: ResultCache
    folder: Path

    @cached_property
    def _painters(self) -> Painters:
        return Painters(self.recipe, self.arguments, self.domains, self.store)

    @property
    def measurable(self) -> list[str]:
        """Which of its measures the run has the weights for."""
        understood = (self.recipe.run_dir("uniemo_understanding") / "best").is_dir()
        return ["understanding"] * understood + ["generation", "editing"] * (last_uniemo(self.recipe) is not None)

    def _chosen(self, rows: dict[str, Row]) -> dict[str, Row]:
        asked = self.arguments.methods
        return {name: row for name, row in rows.items() if not asked or name in asked}

    def understanding(self) -> tuple[str, dict[str, Any]] | None:
        """Accuracy and macro-F1 of every way that queries join, on every labelled test part, as a report and numbers."""
        arguments, chosen = self.arguments, self._chosen(UNDERSTANDINGS)
        if not chosen:
            return None
        config, loop, shares = self.recipe.stage_settings("uniemo_understanding", UnderstandingConfig)
        records = with_shares(self.domains.records, shares)
        train = make_dataset(self.recipe, records, "train", shares, config.balance)
        stage = understanding_stage(self.recipe, config, train, make_dataset(self.recipe, records, "val"))
        steps = arguments.steps
        if arguments.epochs is not None:
            steps = ceil(arguments.epochs * len(train) / arguments.batch_size)
        loop = with_steps(dataclasses.replace(loop, batch_size=arguments.batch_size), steps)
        weights = fingerprint(stage.vision, stage.clip.text_model)
        results = {name: self._understood(name, variant, stage, loop, weights) for name, variant in chosen.items()}
        learned = list(train.domains.names)
        note = (
            f"{self.recipe.label_space}, protocol `{self.recipe.protocol}`, learned from {', '.join(learned)}, "
            f"{arguments.length}, seeds {', '.join(map(str, arguments.seeds))}: mean and sample standard deviation. "
            f"{stage.vision.config.num_hidden_layers} layers of width {stage.vision.config.hidden_size} see the pictures. "
            "Validation pictures choose among the checkpoints of a run."
        )
        columns = {
            part: pair_name(" and ".join(learned), part.removeprefix("test-")) for part in self.domains.test_parts
        }
        beside = published_beside("understanding", self.recipe.label_space, chosen, columns.values())
        titles = {name: variant.title for name, variant in chosen.items()}
        report = adaptation_report(
            "Understanding", results, titles, note, column="test", published=beside, printed=columns
        )
        return report, results

    def _understood(
        self, name: str, variant: Variant, stage: UnderstandingStage, loop: LoopConfig, weights: str
    ) -> dict[str, list[dict[str, Any]]]:
        """Scores on each test part, one a seed."""
        stage = copy.copy(stage)
        stage.config = dataclasses.replace(stage.config, **variant.understanding)
        runs: dict[str, list[dict[str, Any]]] = {part: [] for part in self.domains.test_parts}
        for seed in self.arguments.seeds:
            own = dataclasses.replace(loop, seed=seed, validate_every=max(1, loop.steps // 4))
            settings = {
                "weights": weights,
                "pictures": [stage.train.store.key, stage.validation.store.key],
                "drawn": content_key(stage.train.weights.numpy().round(12).tolist()),
                "config": vars(stage.config),
                "mixed_precision": self.recipe.mixed_precision,
            }
            for part in runs:
                dataset = self.domains.part(part)

                def compute(
                    dataset: PictureDataset = dataset,
                    own: LoopConfig = own,
                    settings: dict[str, Any] = settings,
                    seed: int = seed,
                ) -> dict[str, Any]:
                    best = self._painters.trained(f"understanding-{name}-{seed}", stage, own, settings)
                    return self._recognised(best, dataset)

                everything = {**settings, "loop": vars(own), "test": dataset.store.key}
                runs[part].append(self.store.get(f"understanding/{name}-{part}-{seed}", everything, compute))
        return runs

    def _recognised(self, best: Path, dataset: PictureDataset) -> dict[str, Any]:
        device = PartialState().device
        vision = AutoModel.from_pretrained(best / "vision").to(device).eval()
        chain = ExpertQueryChain.from_pretrained(best / "chain").to(device).eval()
        guesses = see(vision, chain, stem_tokens(dataset, vision, 0)[0]).logits.argmax(1)
        return recognition_scores(dataset.labels.numpy(), guesses.numpy(), dataset.emotions).to_dict()

    @cached_property
    def _real(self) -> PictureDataset:
        """The labelled pictures of the test parts of what is painted together; drawn ones only where there are no others."""
        shares = self.recipe.stage_settings("uniemo_joint", JointConfig)[2]
        parts = [part for part in self.domains.test_parts if shares.get(part.removeprefix("test-")) != 0]
        if not parts:
            raise SystemExit("There is no labelled test picture: give --data or --folder, or another --protocol.")
        drawn = {f"test-{name}" for name in DRAWN}
        return self.domains.together([part for part in parts if part not in drawn] or parts)

    @cached_property
    def _judge(self) -> Judge:
        arguments, pictures = self.arguments, self._painters.parts.pictures
        steps = arguments.judge_steps
        loop = LoopConfig(
            steps=steps,
            batch_size=arguments.batch_size,
            weight_decay=5e-2,
            warmup_steps=min(100, steps // 10),
            validate_every=max(1, steps // 5),
        )
        return train_judge(
            pictures.train,
            pictures.validation,
            loop,
            self.store.folder / "runs",
            tuple(arguments.cnn_widths),
            PartialState().device,
            self.recipe.mixed_precision,
        )

    @cached_property
    def _instruments(self) -> Instruments:
        pictures = self._painters.parts.pictures
        scenes, objects = (pictures.tables[kind].names for kind in ("scene", "object"))
        return instruments(self._judge, self._painters.parts.clip, scenes, objects)

    def editing(self) -> tuple[str, dict[str, Any]]:
        """Things in emotions, blends of emotions, and real pictures in other emotions, as a report and numbers."""
        arguments, pipeline, real = self.arguments, self._painters.pipeline, self._real
        seeds = list(range(min(8, arguments.pictures)))
        nouns = zero_shot_head(self._painters.parts.clip, THINGS)
        measures = Editing(pipeline, self._instruments, nouns, THINGS, seeds, arguments.inference_steps)
        chosen = torch.randperm(len(real), generator=torch.Generator().manual_seed(0))[: arguments.pictures]
        texts = pipeline.prompts.text_encoders
        own = (pipeline.unet, *texts, pipeline.vae, pipeline.fusion, pipeline.space, pipeline.chain)
        settings = {
            "weights": fingerprint(*own),
            "instruments": self._instruments.key,
            "steps": arguments.inference_steps,
            "guidance": self._painters.guidance,
            "seeds": seeds,
        }
        known = {**settings, "real": real.store.key, "rows": chosen.tolist()}
        everything, rows, places = self._things()
        named = {"instruments": self._instruments.key, "real": everything.store.key, "rows": rows.tolist()}

        def refeel() -> dict[str, Any]:
            return measures.refeel(to_pictures(real.plain(chosen)), real.labels[chosen].tolist())

        def calibrate() -> dict[str, Any]:
            return measures.calibrate(map(everything.plain, rows.split(32)), places, everything.labels[rows])

        results = {
            "real": self.store.get("editing/real", named, calibrate),
            "transfer": self.store.get("editing/transfer", settings, measures.transfer),
            "fusion": self.store.get("editing/fusion", settings, measures.fusion),
            "refeel": self.store.get("editing/refeel", known, refeel),
        }
        return editing_report(results), results

    def _things(self, limit: int = 400) -> tuple[PictureDataset, torch.Tensor, list[int]]:
        """All test pictures; which of them, evenly spaced, have a first caption that names one of `THINGS`; and which one."""
        everything, found = self.domains.together(self.domains.test_parts), {}
        for row, captions in enumerate(everything.records["captions"]):
            places = [place for place, thing in enumerate(THINGS) if captions and mentions(captions[0], thing)]
            if len(places) == 1:
                found[row] = places[0]
        rows = torch.tensor(list(found), dtype=torch.long)
        rows = rows[spaced(len(rows), limit)]
        return everything, rows, [found[row] for row in rows.tolist()]

    @cached_property
    def _generation(self) -> Generation:
        return Generation(self._real, self._instruments, self.store, self.arguments.pictures)

    def generation(self) -> tuple[str, dict[str, Any]] | None:
        """Every method's pictures beside real ones, as a report and numbers; the sheets are written on the way."""
        chosen = self._chosen(GENERATORS)
        if not chosen:
            return None
        results = self._generation.table({name: self._painters.method(name) for name in chosen})
        if "uniemo" in chosen:
            self.sheets()
        beside = published_beside("generation", self.recipe.label_space, chosen, COLUMNS)
        return generation_report(results, chosen, self._note(), published=beside), results

    def variants(self) -> tuple[str, dict[str, Any]] | None:
        """What UniEmo understands and paints with one thing changed, as a report and numbers."""
        chosen = self._chosen(VARIANTS)
        if not chosen:
            return None
        results = {REAL: self._generation.real_result()}
        for name, variant in chosen.items():
            best = self._painters.joint(**variant.joint)
            if variant.feedback is not None:
                best = self._painters.fed(best, **variant.feedback)
            method = self._painters.by_pipeline(variant.title, self._painters.assembled(best))
            settings = {"weights": method.settings["weights"], "test": self._real.store.key}
            seen = self.store.get(f"variants/{name}", settings, lambda best=best: self._recognised(best, self._real))
            results[name] = {**self._generation.result(f"variant-{name}", method), "understood": seen["accuracy"]}
        titles = {name: variant.title for name, variant in chosen.items()}
        beside = published_beside("variants", self.recipe.label_space, chosen, COLUMNS)
        note = f"{self._note()} Accuracy is that of the same weights on all test pictures."
        return generation_report(results, titles, note, "UniEmo, changed", beside), results

    def _note(self) -> str:
        judge, tuned = self._judge.validation, self._painters.joint_settings()[0].tune_unet
        published = self.recipe.foundation
        alone = "" if published is None else f" The denoiser is that of {published.diffusion.name}."
        learned = {
            "none": "Only DreamBooth changes the denoiser.",
            "lora": "UniEmo and the class feature have tuned the denoiser (LoRA), as DreamBooth does; the others have not.",
            "full": "UniEmo and the class feature have tuned the denoiser, DreamBooth by LoRA; the others have not.",
        }[tuned]
        return (
            f"{self.recipe.label_space}, protocol `{self.recipe.protocol}`, {self.arguments.pictures} pictures of each "
            f"emotion in {self.arguments.inference_steps} steps at guidance {self._painters.guidance.scale:g} (rescaled: "
            f"{self._painters.guidance.rescale:g}), nothing said but the emotion. Emo-A is by a "
            f"convolutional network of its own (validation accuracy {percent(judge['accuracy'])}, macro-F1 "
            f"{percent(judge['macro_f1'])}), by whose features FID and LPIPS are measured too; Sem-C and Sem-D are by this "
            f"run's CLIP. These numbers compare with each other, not with the paper's. {learned}{alone}"
        )

    def sheets(self, pairs: Sequence[tuple[int, int]] = ((0, -1), (1, -2))) -> None:
        """Things in every emotion (figure 10a), and blends of the emotions at these places of the label space (10b)."""
        steps, emotions = self.arguments.inference_steps, self.domains.emotions

        def thing(emotion: str, name: str, seed: int) -> Image.Image:
            return self._painters.pipeline(emotion, f"a {name}", seed=seed, num_inference_steps=steps).images[0]

        def blend(weights: dict[str, float], seed: int) -> Image.Image:
            return self._painters.pipeline(weights, seed=seed, num_inference_steps=steps).images[0]

        write_picture(self.folder / "transfer.png", transfer_sheet(thing, emotions))
        for first, second in ((emotions[one], emotions[other]) for one, other in pairs):
            strip = fusion_strip(blend, first, second, seeds=(0, 1, 2))
            write_picture(self.folder / f"fusion-{first}-{second}.png", strip)
        logger.info("Sheets of things and blends are in %s.", self.folder)
