"""What `train/evaluate.py` can measure, by the name that `--what` takes: a new measure is a file here and a line below."""

from __future__ import annotations

from train.evaluation.measure import Measure
from train.evaluation.measures import (
    adaptation,
    captions,
    editing,
    generation,
    painter,
    paintings,
    recognition,
    reconstruction,
    understanding,
    variants,
    verdict,
)

#: In the order in which they run.
MEASURES: dict[str, Measure] = {
    "recognition": recognition.MEASURE,
    "captions": captions.MEASURE,
    "reconstruction": reconstruction.MEASURE,
    "paintings": paintings.MEASURE,
    "adaptation": adaptation.ADAPTATION,
    "ablations": adaptation.ABLATION,
    "tsne": adaptation.TSNE,
    "understanding": understanding.MEASURE,
    "generation": generation.MEASURE,
    "editing": editing.MEASURE,
    "variants": variants.MEASURE,
    "verdict": verdict.MEASURE,
    "painter": painter.MEASURE,
}
