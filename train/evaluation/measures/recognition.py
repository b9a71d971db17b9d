"""Recognition: every labelled test part through the pipeline, as a user's pictures would go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kcdp.imaging import to_pictures
from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.processes import distributed_map
from train.data.dataset import PictureDataset
from train.evaluation import figures
from train.evaluation.bundle_measures import BATCH, evenly_spaced
from train.evaluation.measure import Measure
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import markdown_table, percent
from train.metrics.recognition import RECOGNITION_METRICS, recognition_scores


def recognise(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """Scores of the pipeline on a dataset of labelled pictures, whose label space is the pipeline's.

    `scores` are those of its emotion, `cliea` those of CLIEA's pseudo-label, `no_knowledge` those of its emotion when
    the caption is empty; each as `RecognitionScores.to_dict`.

    Raises ValueError when the label spaces differ.
    """
    if tuple(pipeline.labels) != tuple(dataset.emotions):
        raise ValueError(f"The bundle says {', '.join(pipeline.labels)}, the pictures {', '.join(dataset.emotions)}.")
    indices = evenly_spaced(len(dataset), limit)

    def predict(part: torch.Tensor) -> list[tuple[str, str, str]]:
        pictures = to_pictures(dataset.plain(part))
        without = pipeline(pictures, caption=[""] * len(pictures))
        return [
            (output.emotion, output.pseudo_label, blank.emotion)
            for output, blank in zip(pipeline(pictures), without, strict=True)
        ]

    names = list(dataset.emotions)
    labels = dataset.labels[indices].numpy()
    predicted = [row for rows in distributed_map(indices.split(BATCH), predict, "recognition") for row in rows]
    scores = {
        name: recognition_scores(labels, [names.index(row[column]) for row in predicted], names).to_dict()
        for column, name in enumerate(("scores", "cliea", "no_knowledge"))
    }
    return {"pictures": len(indices), **scores}


def recognition_report(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """What `recognise` gives of each test part, as one table of scores and one of every emotion's recall."""
    metrics = [metric.heading for metric in RECOGNITION_METRICS.values()]
    rows = []
    for part, result in parts.items():
        scores = result["scores"]
        shares = (
            *(scores.get(name) for name in RECOGNITION_METRICS),
            result["cliea"]["accuracy"],
            result["no_knowledge"]["accuracy"],
            scores["chance"],
            scores["majority"],
        )
        rows.append([part, result["pictures"], *shares])
    labels = list(next(iter(parts.values()))["scores"]["counts"])
    recalls = []
    for label in labels:
        cells = []
        for result in parts.values():
            scores = result["scores"]
            count = scores["counts"][label]
            cells.append(f"{percent(scores['recall'][label])} ({count})" if count else "-")
        recalls.append([label, *cells])
    head = ["test", "pictures", *metrics, "CLIEA", "without knowledge", "chance", "majority"]
    return "\n\n".join(
        [
            "## Recognition",
            "Per cent. CLIEA: accuracy of its pseudo-label. Without knowledge: accuracy with an empty caption. "
            "Macro-F1 is over the emotions that occur. A test that is marked as seen says nothing of new pictures.",
            markdown_table(head, rows),
            "Recall of each emotion, with the number of its pictures:",
            markdown_table(["emotion", *parts], recalls),
        ]
    )


def run(evaluation: EvaluationRun) -> None:
    """Scores and a confusion matrix of every labelled test part."""
    results, marked = {}, {}
    for part in evaluation.domains.test_parts:
        dataset = evaluation.domains.part(part)
        results[part] = evaluation.of_pipeline(f"recognition/{part}", recognise, dataset)
        name = evaluation.marked(part, dataset, evaluation.pipeline_training)
        marked[name] = results[part]
        title = f"{name}, {results[part]['pictures']} pictures"
        figure = figures.confusion_figure(results[part]["scores"]["confusion"], dataset.emotions, title)
        figures.save(figure, evaluation.folder / f"confusion-{part}.png")
    if not results:
        raise SystemExit("There is no labelled test picture: give --data or --folder, or another --protocol.")
    numbers = {part: {**result, "test": name} for (part, result), name in zip(results.items(), marked, strict=True)}
    evaluation.report("recognition", recognition_report(marked), numbers)


MEASURE = Measure(run, "KCDP's emotions on every labelled test part")
