"""Validation of a stage: scores of recognition by domain, and means of its task's losses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import nn

from train.data.dataset import PictureDataset
from train.metrics.recognition import recognition_scores


def scores_by_domain(dataset: PictureDataset, predictions: np.ndarray | torch.Tensor) -> dict[str, float]:
    """`macro_f1` of the labelled ones among a dataset's N pictures, and `accuracy-<domain>` of those of each domain.

    Predictions (N,) are indices into the dataset's emotions; without any labelled picture, macro-F1 is 0.
    """
    labels = dataset.labels.numpy()
    known = labels >= 0
    labels, predictions, domains = labels[known], np.asarray(predictions)[known], np.array(dataset.domains)[known]
    if not len(labels):
        return {"macro_f1": 0.0}
    correct = labels == predictions
    accuracies = {f"accuracy-{domain}": float(correct[domains == domain].mean()) for domain in sorted(set(domains))}
    return {"macro_f1": recognition_scores(labels, predictions, dataset.emotions).macro_f1, **accuracies}


def mean_losses(task: nn.Module, batches: Iterable[Mapping[str, torch.Tensor]]) -> dict[str, float]:
    """The losses that a task's forward names, averaged over all pictures; a batch's first tensor has a row for each."""
    device = next(task.parameters()).device
    totals, count = defaultdict[str, float](float), 0
    for batch in batches:
        size = len(next(iter(batch.values())))
        for name, value in task(**{name: value.to(device) for name, value in batch.items()}).items():
            totals[name] += value.item() * size
        count += size
    return {name: total / count for name, total in totals.items()}
