"""UniEmo with one thing changed: what it reads and what it makes, tables V to VIII."""

from __future__ import annotations

from train.core.runs import exit_on_error
from train.evaluation.generation import REAL, columns, generation_report
from train.evaluation.measure import Measure
from train.evaluation.measures.understanding import read_emotions
from train.evaluation.published import published_beside
from train.evaluation.run import EvaluationRun
from train.evaluation.uniemo import UniEmoModels
from train.evaluation.variants import VARIANTS


def run(evaluation: EvaluationRun) -> None:
    """Every variant's pictures and the accuracy of its reading, as a report."""
    chosen = evaluation.chosen(VARIANTS)
    if not chosen:
        return
    models = evaluation.once(UniEmoModels)
    generators, real = models.generators, models.real_pictures
    with exit_on_error():
        results = {REAL: models.generation.real_result()}
        for name, variant in chosen.items():
            best = generators.joint(**variant.joint)
            if variant.feedback is not None:
                best = generators.with_feedback(best, **variant.feedback)
            method = generators.of_pipeline(variant.title, generators.assembled(best))
            settings = {"weights": method.settings["weights"], "test": real.decoded.key}
            reading = evaluation.cache.get(
                f"variants/{name}", settings, lambda best=best: read_emotions(best, real), ("accuracy",)
            )
            made = models.generation.result(f"variant-{name}", method)
            results[name] = {**made, "understanding": reading["accuracy"]}
        titles = {name: variant.title for name, variant in chosen.items()}
        printed = published_beside("variants", evaluation.recipe.label_space, chosen, columns())
        note = f"{models.note} Accuracy is that of the same weights on all test pictures."
        text = generation_report(results, titles, note, "UniEmo, changed", printed)
    evaluation.report("variants", text, results)


# Twenty trainings are asked for by name.
MEASURE = Measure(run, "UniEmo with one thing changed; not in all", VARIANTS, lambda evaluation: False)
