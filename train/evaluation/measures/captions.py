"""Captions: how often those of validation emoji name the head noun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kcdp.imaging import to_pictures
from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.processes import distributed_map
from train.data.dataset import PictureDataset
from train.evaluation.bundle_measures import BATCH, evenly_spaced
from train.evaluation.measure import Measure
from train.evaluation.nouns import mentions
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import markdown_table


def describe(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """How often the captions of a dataset's pictures name the record's head noun, where it has one.

    `named` is that share, `majority` what always naming the most frequent noun would reach, `different` the number of
    different captions.

    Raises ValueError when no record has a head noun.
    """
    nouns = dataset.records["noun"][:]
    indices = torch.tensor([row for row, noun in enumerate(nouns) if noun])
    if len(indices) == 0:
        raise ValueError("None of these pictures has a head noun to look for.")
    indices = indices[evenly_spaced(len(indices), limit)]

    def caption(part: torch.Tensor) -> list[str]:
        return pipeline.knowledge.captions(to_pictures(dataset.plain(part)))

    captions = [text for batch in distributed_map(indices.split(BATCH), caption, "captions") for text in batch]
    wanted = [nouns[row] for row in indices.tolist()]
    named = [mentions(text, noun) for text, noun in zip(captions, wanted, strict=True)]
    return {
        "pictures": len(captions),
        "named": float(np.mean(named)),
        "majority": max(Counter(wanted).values()) / len(wanted),
        "different": len(set(captions)),
        "captions": [
            {"noun": noun, "caption": text, "named": hit}
            for noun, text, hit in zip(wanted, captions, named, strict=True)
        ],
    }


def captions_report(result: Mapping[str, Any], test: str = "validation emoji") -> str:
    """What `describe` gives, of the pictures called `test`."""
    row = [result[name] for name in ("pictures", "named", "majority", "different")]
    head = ["pictures", "head noun named", "always the most frequent noun", "different captions"]
    return f"## Captions\n\nOf {test}, per cent.\n\n{markdown_table(head, [row])}"


def run(evaluation: EvaluationRun) -> None:
    """Head nouns in the captions of validation emoji."""
    dataset = evaluation.validation_emoji
    result = evaluation.of_pipeline("captions", describe, dataset)
    evaluation.report(
        "captions",
        captions_report(result, evaluation.marked("validation emoji", dataset, evaluation.pipeline_training)),
        result,
    )


MEASURE = Measure(run, "head nouns in the captions of validation emoji")
