"""What a stage's validation says of recognised emotions."""

from __future__ import annotations

import numpy as np

from train.metrics.recognition import recognition_scores


def scores_by_domain(
    labels: np.ndarray, predictions: np.ndarray, domains: np.ndarray, emotions: tuple[str, ...]
) -> dict[str, float]:
    """`macro_f1` of the labelled ones among N pictures, and `accuracy-<domain>` of those of each domain.

    Labels (N,) are indices into `emotions`, or -1; without any labelled picture, macro-F1 is 0.
    """
    known = labels >= 0
    labels, predictions, domains = labels[known], predictions[known], domains[known]
    if not len(labels):
        return {"macro_f1": 0.0}
    correct = labels == predictions
    accuracies = {f"accuracy-{domain}": float(correct[domains == domain].mean()) for domain in sorted(set(domains))}
    return {"macro_f1": recognition_scores(labels, predictions, emotions).macro_f1, **accuracies}
