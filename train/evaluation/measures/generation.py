"""Pictures that UniEmo and its baselines make for emotions, beside real ones: table IV, and figure 10 as sheets."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from PIL import Image

from train.core.runs import exit_on_error
from train.evaluation.generation import columns, generation_report
from train.evaluation.generators import GENERATORS
from train.evaluation.measure import Measure
from train.evaluation.published import published_beside
from train.evaluation.run import EvaluationRun
from train.evaluation.sheets import fusion_strip, transfer_sheet
from train.evaluation.uniemo import UniEmoModels
from train.files import write_picture
from train.stages.uniemo import last_uniemo

logger = logging.getLogger(__name__)


def sheets(evaluation: EvaluationRun, pairs: Sequence[tuple[int, int]] = ((0, -1), (1, -2))) -> None:
    """Things in every emotion (figure 10a), and blends of the emotions at these places of the label space (10b)."""
    generators, emotions = evaluation.once(UniEmoModels).generators, evaluation.domains.emotions
    pipeline, steps = generators.pipeline, generators.steps(generators.pipeline)

    def thing(emotion: str, name: str, seed: int) -> Image.Image:
        return pipeline(emotion, f"a {name}", seed=seed, num_inference_steps=steps).images[0]

    def blend(weights: dict[str, float], seed: int) -> Image.Image:
        return pipeline(weights, seed=seed, num_inference_steps=steps).images[0]

    write_picture(evaluation.folder / "transfer.png", transfer_sheet(thing, emotions))
    for first, second in ((emotions[one], emotions[other]) for one, other in pairs):
        strip = fusion_strip(blend, first, second, seeds=(0, 1, 2))
        write_picture(evaluation.folder / f"fusion-{first}-{second}.png", strip)
    logger.info("Sheets of things and blends are in %s.", evaluation.folder)


def run(evaluation: EvaluationRun) -> None:
    """Every method's pictures beside real ones, as a report; the sheets are written on the way."""
    chosen = evaluation.chosen(GENERATORS)
    if not chosen:
        return
    models = evaluation.once(UniEmoModels)
    with exit_on_error():
        results = models.generation.table({name: models.generators.method(name) for name in chosen})
        if "uniemo" in chosen:
            sheets(evaluation)
        two_encoders = models.generators.parts.foundation.text_encoder_2 is not None
        printed = published_beside(
            "generation", evaluation.recipe.label_space, chosen, columns(), "SD XL" if two_encoders else "SD 1.5"
        )
        text = generation_report(results, chosen, models.note, published=printed)
    evaluation.report("generation", text, results)


def trained(evaluation: EvaluationRun) -> bool:
    """Whether UniEmo's joint training has finished."""
    return last_uniemo(evaluation.recipe) is not None


MEASURE = Measure(run, "pictures that methods make for emotions, and sheets to look at", GENERATORS, trained)
