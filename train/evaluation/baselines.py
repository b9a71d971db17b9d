"""Baselines that train no network: CLIP zero-shot, and a linear probe on frozen features."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kcdp.prediction.cliea import clip_similarities, emotion_prompts
from train.core.clip import FrozenCLIP
from train.data.dataset import PictureDataset


class Embedder(Protocol):
    """A frozen model with features of every picture of a dataset."""

    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Features (N, D)."""


def zero_shot(clip: FrozenCLIP, test: PictureDataset) -> np.ndarray:
    """Predictions (N,): the emotion whose prompt, "A {emotion} photo of", is nearest to the picture."""
    prompts = clip.texts(emotion_prompts(test.emotions))
    return clip_similarities(torch.from_numpy(np.array(clip.pictures(test))), prompts).argmax(1).numpy()


def linear_probe(frozen: Embedder, source: PictureDataset, test: PictureDataset) -> np.ndarray:
    """Predictions (N,) of a logistic regression on a frozen model's features of the source's pictures."""
    rows = np.flatnonzero(source.weights.numpy() > 0)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    probe.fit(frozen.pictures(source)[rows], source.labels.numpy()[rows])
    return probe.predict(frozen.pictures(test))
