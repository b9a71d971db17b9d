"""UniEmo's understanding with and without expert queries: tables I to III, figures 6 and 7."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import AutoModel

from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.datasets import make_dataset
from train.core.runs import exit_on_error
from train.core.trainer import LoopConfig, with_steps
from train.data.cache import content_key, fingerprint
from train.data.dataset import PictureDataset
from train.data.records import with_shares
from train.evaluation.measure import Measure
from train.evaluation.published import pair_name, published_beside
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import adaptation_report
from train.evaluation.uniemo import UniEmoModels
from train.evaluation.variants import UNDERSTANDINGS, Variant
from train.metrics.recognition import RECOGNITION_METRICS, recognition_scores
from train.stages.understanding import UnderstandingConfig, UnderstandingStage, stem_tokens, understand
from train.stages.uniemo import understanding_stage

Scores = dict[str, list[dict[str, Any]]]


def read_emotions(best: Path, dataset: PictureDataset) -> dict[str, Any]:
    """Scores (`RecognitionScores.to_dict`) of the tower and the queries in the folder `best` on a labelled dataset."""
    device = PartialState().device
    vision = AutoModel.from_pretrained(best / "vision").to(device).eval()
    chain = ExpertQueryChain.from_pretrained(best / "chain").to(device).eval()
    predictions = understand(vision, chain, stem_tokens(dataset, vision, 0)[0]).logits.argmax(1)
    return recognition_scores(dataset.labels.numpy(), predictions.numpy(), dataset.emotions).to_dict()


def _scores(
    run: EvaluationRun, name: str, variant: Variant, stage: UnderstandingStage, loop: LoopConfig, weights: str
) -> Scores:
    """Scores on each test part, one a seed, of the stage with a variant's settings."""
    stage = copy.copy(stage)
    stage.config = dataclasses.replace(stage.config, **variant.understanding)
    settings = {
        "weights": weights,
        "pictures": [stage.train.decoded.key, stage.validation.decoded.key],
        "drawn": content_key(stage.train.weights.numpy().round(12).tolist()),
        "config": vars(stage.config),
        "mixed_precision": run.recipe.mixed_precision,
    }
    train = run.once(UniEmoModels).generators.trained
    scores: Scores = {part: [] for part in run.domains.test_parts}
    for seed in run.arguments.seeds:
        seeded = dataclasses.replace(loop, seed=seed, validate_every=max(1, loop.steps // 4))
        trained = partial(train, f"understanding-{name}-{seed}", stage, seeded, settings)
        for part, results in scores.items():
            dataset = run.domains.part(part)
            everything = {**settings, "loop": vars(seeded), "test": dataset.decoded.key}

            def compute(dataset: PictureDataset = dataset, trained: partial[Path] = trained) -> dict[str, Any]:
                return read_emotions(trained(), dataset)

            result = run.cache.get(f"understanding/{name}-{part}-{seed}", everything, compute, RECOGNITION_METRICS)
            results.append(result)
    return scores


def report(run: EvaluationRun, chosen: Mapping[str, Variant]) -> None:
    """A table of ways in which queries join, on every labelled test part."""
    recipe, arguments = run.recipe, run.arguments
    config, loop, shares = recipe.stage_settings("uniemo_understanding", UnderstandingConfig)
    records = with_shares(run.domains.records, shares)
    train = make_dataset(recipe, records, "train", shares, config.balance)
    stage = understanding_stage(recipe, config, train, make_dataset(recipe, records, "val"))
    steps = arguments.steps
    if arguments.epochs is not None:
        steps = ceil(arguments.epochs * len(train) / arguments.batch_size)
    loop = with_steps(dataclasses.replace(loop, batch_size=arguments.batch_size), steps)
    weights = fingerprint(stage.vision, stage.clip.text_model)
    results = {name: _scores(run, name, variant, stage, loop, weights) for name, variant in chosen.items()}
    sources = list(train.domains.names)
    note = (
        f"{recipe.label_space}, protocol `{recipe.protocol}`, learned from {', '.join(sources)}, {arguments.length}, "
        f"seeds {', '.join(map(str, arguments.seeds))}: mean and sample standard deviation. "
        f"{stage.vision.config.num_hidden_layers} layers of width {stage.vision.config.hidden_size} see the pictures. "
        "Validation pictures choose among the checkpoints of a run."
    )
    names = {part: run.marked(part, run.domains.part(part), run.training) for part in run.domains.test_parts}
    printed = {
        names[part]: pair_name(" and ".join(sources), part.removeprefix("test-")) for part in run.domains.test_parts
    }
    text = adaptation_report(
        "Understanding",
        {row: {names[part]: scores for part, scores in parts.items()} for row, parts in results.items()},
        {name: variant.title for name, variant in chosen.items()},
        note,
        column="test",
        published=published_beside("understanding", recipe.label_space, chosen, printed.values()),
        printed=printed,
    )
    run.report("understanding", text, results)


def run(evaluation: EvaluationRun) -> None:
    """Accuracy and macro-F1 of every way that queries join, as a report."""
    chosen = evaluation.chosen(UNDERSTANDINGS)
    if chosen:
        with exit_on_error():
            report(evaluation, chosen)


def _trained(evaluation: EvaluationRun) -> bool:
    return (evaluation.recipe.run_dir("uniemo_understanding") / "best").is_dir()


MEASURE = Measure(run, "the emotions that UniEmo's expert queries read", UNDERSTANDINGS, _trained)
