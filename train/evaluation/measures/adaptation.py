"""From domain to domain: methods and baselines, KCDP's ablations, and figure 5."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Literal

from accelerate import PartialState

from train.core.foundation import Foundation
from train.core.runs import exit_on_error, load_clip, load_perception
from train.core.trainer import with_steps
from train.evaluation import figures
from train.evaluation.adaptation import Adaptation
from train.evaluation.measure import Measure
from train.evaluation.methods import ABLATIONS, METHODS, Method
from train.evaluation.published import pair_name, published_beside
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import adaptation_report
from train.evaluation.vlm import FrozenVLM, answers_questions

#: The methods of figure 5: v without and with adaptation.
FIGURE_5 = ("source-only", "kcdp-da")


def load_vlm(run: EvaluationRun, foundation: Foundation) -> FrozenVLM | None:
    """The vision-language model to ask; None where none is given, and the foundation's captioner only captions."""
    if run.arguments.vlm is None:
        answers = answers_questions(foundation.captioner)
        return FrozenVLM(foundation.captioner, foundation.processor) if answers else None
    with exit_on_error(), PartialState().main_process_first():
        return FrozenVLM.load(run.arguments.vlm, PartialState().device)


def load_adaptation(run: EvaluationRun) -> Adaptation:
    """The runner of methods, on a foundation that has seen no label: its latent encoder is that of the stage `latent_encoder`."""
    recipe, arguments = run.recipe, run.arguments
    foundation = load_perception(recipe, latent_encoder="latent_encoder")
    return Adaptation(
        run.domains,
        foundation,
        load_clip(recipe),
        run.config,
        with_steps(dataclasses.replace(run.loop, batch_size=arguments.batch_size), arguments.steps),
        run.cache,
        recipe.mixed_precision,
        tuple(arguments.cnn_widths),
        load_vlm(run, foundation),
        arguments.epochs,
    )


def pairs(run: EvaluationRun) -> list[tuple[str, str]]:
    """The pairs (source, target) asked for; raises SystemExit for one that the data does not have."""
    names = run.domains.names
    known = list(itertools.product(names, repeat=2))
    asked = [tuple(pair.split(":")) for pair in dict.fromkeys(run.arguments.pairs)]
    wrong = [":".join(pair) for pair in asked if pair not in known]
    if wrong or not (asked or len(names) > 1):
        raise SystemExit(
            f"{f'{wrong[0]!r} is not a pair' if wrong else 'There is no pair of domains'}: protocol "
            f"'{run.recipe.protocol}' and this data can train and test on {', '.join(names) or 'nothing'}; "
            "write --pairs SOURCE:TARGET with two of them, or give other data."
        )
    return asked or [(source, target) for source, target in known if source != target]


def _answerable(run: EvaluationRun, adaptation: Adaptation, methods: Mapping[str, Method]) -> dict[str, Method]:
    """`methods` without those that ask a model where there is none; raises SystemExit when one of them is asked for."""
    if adaptation.vlm is not None:
        return dict(methods)
    unanswered = [name for name, method in methods.items() if method.asks]
    if run.arguments.methods and unanswered:
        raise SystemExit(
            f"'{unanswered[0]}' asks a vision-language model, and the foundation's captioner answers no questions; "
            "name another with --vlm.name."
        )
    return {name: method for name, method in methods.items() if name not in unanswered}


def report(run: EvaluationRun, name: Literal["adaptation", "ablations"], methods: Mapping[str, Method]) -> None:
    """A table of methods by pairs, with the papers' rows."""
    chosen = run.chosen(methods)
    if not chosen:
        return
    columns, seeds = pairs(run), run.arguments.seeds
    adaptation = run.once(load_adaptation)
    chosen = _answerable(run, adaptation, chosen)
    results = adaptation.table(chosen, columns, seeds)
    note = (
        f"{run.recipe.label_space}, protocol `{run.recipe.protocol}`, {run.arguments.length}, seeds "
        f"{', '.join(map(str, seeds))}: mean and sample standard deviation. Every model is that of the last step."
    )
    if run.recipe.foundation is None and not run.training.label_free:
        note += (
            " The foundation learned from captions that name emotions, those of the targets' training pictures too: with "
            "`label_free: true` its stages do not."
        )
    names = {
        pair_name(*pair): run.marked(pair_name(*pair), run.domains.test(pair[1]), run.training) for pair in columns
    }
    text = adaptation_report(
        name.capitalize(),
        {row: {names[pair]: scores for pair, scores in pairs.items()} for row, pairs in results.items()},
        {row: method.title for row, method in chosen.items()},
        note,
        published=published_beside(name, run.recipe.label_space, chosen, names),
        printed={marked: pair for pair, marked in names.items()},
    )
    run.report(name, text, results)


def figure_5(run: EvaluationRun) -> None:
    """v of each pair's pictures without and with adaptation, at the first seed."""
    adaptation = run.once(load_adaptation)
    for source, target in pairs(run):
        panels = {
            METHODS[name].title: {
                role: value.numpy()
                for role, value in adaptation.features(name, source, target, run.arguments.seeds[0]).items()
            }
            for name in FIGURE_5
        }
        path = run.folder / f"tsne-{source}-{target}.png"
        figures.save(figures.domains_figure(panels, (source, target), run.domains.emotions), path)
        print(f"Figure 5 of {source} → {target}: {path}", flush=True)


ADAPTATION = Measure(lambda run: report(run, "adaptation", METHODS), "methods from domain to domain", METHODS)
ABLATION = Measure(lambda run: report(run, "ablations", ABLATIONS), "KCDP with one thing changed", ABLATIONS)
TSNE = Measure(figure_5, "figure 5: v of source and target pictures")
