"""Every metric of generated pictures, in the order of the tables' columns: a new one is a file of its own and a line here."""

from __future__ import annotations

from train.metrics import diversity, emotion_accuracy, fid, semantics
from train.metrics.pictures import PictureMetric

PICTURE_METRICS: dict[str, PictureMetric] = {
    metric.name: metric
    for metric in (
        fid.METRIC,
        diversity.METRIC,
        emotion_accuracy.METRIC,
        semantics.CLARITY,
        semantics.DIVERSITY,
    )
}
