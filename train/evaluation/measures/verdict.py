"""The verdict of both readings: fitted on a style of its own, measured on every labelled test part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from accelerate import PartialState

from kcdp.bundle import Bundle
from kcdp.figures import CLEAR, FIGURES, PartFigures, figures_text
from kcdp.imaging import to_pictures
from kcdp.verdict import Verdict
from train.core.processes import distributed_map
from train.data.cache import fingerprint
from train.data.dataset import PictureDataset
from train.evaluation.bundle_measures import BATCH, evenly_spaced
from train.evaluation.calibration import calibration_error, fit_verdict
from train.evaluation.measure import Measure
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import markdown_table, percent
from train.files import write_text
from train.metrics.recognition import recognition_scores

#: The part of the protocol that the verdict is fitted on: a style that no reading has learned from, and that no test has.
FITTED_ON = "calibration"


def both_readings(bundle: Bundle, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """`labels` (N,) of a labelled dataset, and what both models of a bundle say of its pictures: `kcdp` and `uniemo` (N, K).

    Raises ValueError when the label spaces differ.
    """
    if tuple(bundle.kcdp.labels) != tuple(dataset.emotions):
        raise ValueError(
            f"The bundle says {', '.join(bundle.kcdp.labels)}, the pictures {', '.join(dataset.emotions)}."
        )
    indices = evenly_spaced(len(dataset), limit)

    def read(part: torch.Tensor) -> list[tuple[list[float], list[float]]]:
        pictures = to_pictures(dataset.plain(part))
        seen = zip(bundle.kcdp(pictures), bundle.uniemo.understand(pictures), strict=True)
        return [(list(one.probabilities.values()), list(other.probabilities.values())) for one, other in seen]

    rows = [row for some in distributed_map(indices.split(BATCH), read, "readings") for row in some]
    kcdp, uniemo = zip(*rows, strict=True)
    return {"labels": dataset.labels[indices].tolist(), "kcdp": list(kcdp), "uniemo": list(uniemo)}


def _arrays(result: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    return {name: np.array(result[name]) for name in ("kcdp", "uniemo")}, np.array(result["labels"])


def scores_of(probabilities: np.ndarray, labels: np.ndarray, names: list[str]) -> dict[str, float | None]:
    """Accuracy, macro-F1 and calibration error of (N, K), and how often it is right where the page says "clearly"."""
    scores = recognition_scores(labels, probabilities.argmax(1), names).to_dict()
    clear = probabilities.max(1) >= CLEAR
    return {
        "accuracy": scores["accuracy"],
        "macro_f1": scores["macro_f1"],
        "calibration_error": calibration_error(probabilities, labels),
        "right_when_clear": _share((probabilities.argmax(1) == labels)[clear]),
    }


def verdict_scores(
    verdict: Verdict, readings: Mapping[str, np.ndarray], labels: np.ndarray, names: list[str]
) -> dict[str, Any]:
    """`scores_of` each reading and of the verdict; for that also how often it is `told`, and right where it is and is not."""
    pooled = verdict.combine(readings)
    right, told = pooled.argmax(1) == labels, pooled.max(1) >= verdict.threshold
    return {
        "pictures": len(labels),
        **{name: scores_of(probabilities, labels, names) for name, probabilities in readings.items()},
        "verdict": scores_of(pooled, labels, names)
        | {"told": float(told.mean()), "right_when_told": _share(right[told]), "right_otherwise": _share(right[~told])},
    }


def part_figures(verdict: Verdict, readings: Mapping[str, np.ndarray], labels: np.ndarray, seen: bool) -> PartFigures:
    """What the page tells of one test part, from both readings (N, K) by name and the labels (N,)."""
    pooled = verdict.combine(readings)
    right, confidence = pooled.argmax(1) == labels, pooled.max(1)
    told, clear = confidence >= verdict.threshold, confidence >= max(CLEAR, verdict.threshold)
    return PartFigures(
        pictures=len(labels),
        accuracy=float(right.mean()),
        told=float(told.mean()),
        right_when_told=_share(right[told]),
        clear=float(clear.mean()),
        right_when_clear=_share(right[clear]),
        seen=seen,
    )


def _share(right: np.ndarray) -> float | None:
    return float(right.mean()) if len(right) else None


def verdict_report(verdict: Verdict, parts: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of `verdict_scores`, one row a reading and part."""
    columns = (
        "accuracy",
        "macro_f1",
        "calibration_error",
        "right_when_clear",
        "told",
        "right_when_told",
        "right_otherwise",
    )
    rows = [
        [part, result["pictures"], name, *map(result[name].get, columns)]
        for part, result in parts.items()
        for name in ("kcdp", "uniemo", "verdict")
    ]
    head = [
        "part", "pictures", "reading", "accuracy", "macro-F1", "calibration error", 'right when "clearly"',
        "told", "right when told", "right otherwise",
    ]  # fmt: skip
    fitted = ", ".join(
        f"{name}: temperature {verdict.temperatures[name]:.2f}, weight {verdict.weights[name]:.2f}"
        for name in verdict.temperatures
    )
    return (
        f"## Verdict\n\nPer cent. Fitted on the part '{FITTED_ON}'; {fitted}; told from {percent(verdict.threshold)} on."
        f"\n\n{markdown_table(head, rows)}"
    )


def run(evaluation: EvaluationRun) -> None:
    """Fit a bundle's verdict, write it and its figures beside the report, and measure it."""
    bundle = evaluation.bundle
    if bundle is None:
        raise SystemExit("A verdict is that of a bundle; name one, as `--evaluation.bundle assets/mini`.")
    if not evaluation.domains.has(FITTED_ON):
        raise SystemExit(
            "There are no pictures to fit a verdict on: give --data with kinds.parquet, and leave --protocol at 'benchmark'."
        )
    names = list(evaluation.domains.emotions)
    weights = [evaluation.weights, fingerprint(bundle.uniemo.vision, bundle.uniemo.chain)]

    def read(part: str, dataset: PictureDataset) -> dict[str, Any]:
        settings = {"weights": weights, "pictures": dataset.decoded.key, "limit": evaluation.arguments.limit}
        return evaluation.cache.get(
            f"readings/{part}", settings, lambda: both_readings(bundle, dataset, evaluation.arguments.limit)
        )

    verdict = fit_verdict(*_arrays(read(FITTED_ON, evaluation.domains.part(FITTED_ON))), names)
    tests = {part: evaluation.domains.part(part) for part in evaluation.domains.test_parts}
    marked = {part: evaluation.marked(part, tests[part], evaluation.pipeline_training) for part in tests}
    results = {marked[part]: verdict_scores(verdict, *_arrays(read(part, tests[part])), names) for part in tests}

    def seen(test: PictureDataset) -> bool:
        """Weights that do not say what they have seen may have seen all."""
        training = evaluation.pipeline_training
        return training is None or training.exposure(test.records, evaluation.domains.records).seen

    figures = {
        part.removeprefix("test-"): part_figures(verdict, *_arrays(read(part, test)), seen(test))
        for part, test in tests.items()
    }
    if PartialState().is_main_process:
        verdict.save_config(evaluation.folder)
        write_text(evaluation.folder / FIGURES, figures_text(figures))
    # Not "verdict": that is the name of the file that goes into the bundle.
    evaluation.report("calibration", verdict_report(verdict, results), results)


MEASURE = Measure(
    run,
    "fits how a bundle's two readings are calibrated and combined, and measures it (verdict.json and figures.json, to be put into the bundle)",
    in_all=lambda evaluation: evaluation.arguments.bundle is not None,
)
