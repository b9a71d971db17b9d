"""A thing in an emotion, two emotions in one picture, a real picture in another emotion: figure 10, and Emo-S."""

from __future__ import annotations

import torch

from kcdp.imaging import to_pictures
from kcdp.painting.things import THINGS
from train.core.clip import zero_shot_head
from train.core.runs import exit_on_error
from train.data.cache import fingerprint
from train.data.dataset import PictureDataset
from train.evaluation.bundle_measures import evenly_spaced
from train.evaluation.domains import Domains
from train.evaluation.editing import Editing, editing_report
from train.evaluation.measure import Measure
from train.evaluation.measures.generation import trained
from train.evaluation.nouns import mentions
from train.evaluation.run import EvaluationRun
from train.evaluation.uniemo import UniEmoModels


def pictures_of_things(domains: Domains, limit: int = 400) -> tuple[PictureDataset, torch.Tensor, list[int]]:
    """All test pictures; which of them, evenly spaced, have a first caption that names one of `THINGS`; and which one."""
    pictures, things = domains.union(domains.test_parts), {}
    for row, captions in enumerate(pictures.records["captions"]):
        places = [place for place, thing in enumerate(THINGS) if captions and mentions(captions[0], thing)]
        if len(places) == 1:
            things[row] = places[0]
    rows = torch.tensor(list(things), dtype=torch.long)
    rows = rows[evenly_spaced(len(rows), limit)]
    return pictures, rows, [things[row] for row in rows.tolist()]


def run(evaluation: EvaluationRun) -> None:
    """The three of the pipeline, and what the instruments make of real pictures, as a report."""
    with exit_on_error():
        _report(evaluation)


def _report(evaluation: EvaluationRun) -> None:
    arguments, cache, models = evaluation.arguments, evaluation.cache, evaluation.once(UniEmoModels)
    pipeline, real, instruments = models.generators.pipeline, models.real_pictures, models.instruments
    seeds = list(range(min(8, arguments.pictures)))
    nouns = zero_shot_head(models.generators.parts.clip, THINGS)
    steps = models.generators.steps(pipeline)
    editing = Editing(pipeline, instruments, nouns, THINGS, seeds, steps)
    chosen = torch.randperm(len(real), generator=torch.Generator().manual_seed(0))[: arguments.pictures]
    texts = pipeline.prompts.text_encoders
    networks = (pipeline.unet, *texts, pipeline.vae, pipeline.fusion, pipeline.space, pipeline.chain)
    settings = {
        "weights": fingerprint(*networks),
        "instruments": instruments.key,
        "steps": steps,
        "guidance": models.generators.guidance,
        "seeds": seeds,
    }
    of_real = {**settings, "real": real.decoded.key, "rows": chosen.tolist()}
    pictures, rows, places = pictures_of_things(evaluation.domains)
    of_things = {"instruments": instruments.key, "real": pictures.decoded.key, "rows": rows.tolist()}
    results = {
        "real": cache.get(
            "editing/real",
            of_things,
            lambda: editing.calibrate(map(pictures.plain, rows.split(32)), places, pictures.labels[rows]),
        ),
        "transfer": cache.get("editing/transfer", settings, editing.transfer),
        "fusion": cache.get("editing/fusion", settings, editing.fusion),
        "refeel": cache.get(
            "editing/refeel",
            of_real,
            lambda: editing.refeel(to_pictures(real.plain(chosen)), real.labels[chosen].tolist()),
        ),
    }
    source = evaluation.marked("real pictures", real, evaluation.training)
    evaluation.report("editing", editing_report(results, source), results)


MEASURE = Measure(run, "things in emotions, blends, and real pictures in another emotion", in_all=trained)
