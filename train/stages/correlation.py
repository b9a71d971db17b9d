"""The emotional correlation coefficient and the emotion space, estimated from training pictures (section III-B)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from transformers import CLIPVisionModel

from kcdp.uniemo.correlation import EmotionalCorrelation, estimate
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import pooled_features
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.clip import FrozenCLIP
from train.data.attributes import AttributeTable
from train.data.cache import cached_array, content_key, fingerprint
from train.data.dataset import PictureDataset

logger = logging.getLogger(__name__)


class EmotionClassifier:
    """Two layers on a frozen CLIP's picture embeddings, as the paper's M_emo, whose probabilities make the coefficients.

    It also ranks generated pictures for explicit feedback, so no evaluation may measure them with it.
    """

    def __init__(self, clip: FrozenCLIP, train: PictureDataset, hidden: int = 128, seed: int = 0) -> None:
        """Fitted to the labelled pictures of `train`, each counted as often as the dataset draws it.

        A tenth of them says when to stop. Raises ValueError when fewer than two emotions have a picture.
        """
        known = (train.labels >= 0).numpy()
        labels = train.labels.numpy()[known]
        if len(np.unique(labels)) < 2:
            raise ValueError("A classifier of emotions needs labelled pictures of two emotions or more.")
        self.clip, self.num_classes = clip, len(train.emotions)
        weights = train.weights.numpy()[known]
        self.network = make_pipeline(
            StandardScaler(),
            MLPClassifier((hidden,), alpha=1e-3, early_stopping=len(labels) >= 200, max_iter=60, random_state=seed),
        )
        with warnings.catch_warnings():
            # Where there are too few pictures to say when to stop, the limit says it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network.fit(
                clip.pictures(train)[known], labels, mlpclassifier__sample_weight=weights * len(weights) / weights.sum()
            )
        logger.info("The classifier of emotions names %.3f of its own training pictures.", self.score(train))

    def score(self, dataset: PictureDataset) -> float:
        """Accuracy on the labelled pictures of a dataset."""
        known = dataset.labels >= 0
        return float((self.pictures(dataset).argmax(1) == dataset.labels)[known].float().mean())

    def __call__(self, embeds: torch.Tensor) -> torch.Tensor:
        """Unit embeddings (N, P) of pictures -> probabilities (N, K); 0 for an emotion that had no picture."""
        probabilities = torch.zeros(len(embeds), self.num_classes)
        classes = torch.from_numpy(self.network.classes_)
        probabilities[:, classes] = torch.from_numpy(self.network.predict_proba(embeds.numpy())).float()
        return probabilities

    def pictures(self, dataset: PictureDataset) -> torch.Tensor:
        """Probabilities (N, K) of the pictures of a dataset."""
        return self(torch.from_numpy(np.array(self.clip.pictures(dataset))))


def build_correlation(
    tables: Mapping[str, AttributeTable],
    names: Mapping[str, torch.Tensor],
    probabilities: torch.Tensor,
    threshold: float = 0.0,
) -> EmotionalCorrelation:
    """The table of all scenes and objects.

    Args:
        tables: scenes and objects of N pictures.
        names: the unit vectors of their names, by kind (A, P).
        probabilities: (N, K), the classifier's for each picture.
        threshold: cosine below which an attribute counts as unknown.

    Raises ValueError when there is neither a scene nor an object.
    """
    scenes, objects = tables["scene"], tables["object"]
    attributes = [*scenes.names, *objects.names]
    if not attributes:
        raise ValueError(
            "No caption names a scene or an object often enough: give more pictures, or lower "
            "uniemo_understanding.min_count."
        )
    embeds = torch.cat([names[kind] for kind, table in tables.items() if table.names])
    memberships = [
        [scene] * (scene >= 0) + [len(scenes.names) + one] * (one >= 0)
        for scene, one in zip(scenes.indices.tolist(), objects.indices.tolist(), strict=True)
    ]
    return EmotionalCorrelation.of(
        attributes,
        embeds,
        estimate(probabilities, memberships, len(attributes)),
        num_scenes=len(scenes.names) if scenes.names and objects.names else None,
        threshold=threshold,
    )


def without_correlation(correlation: EmotionalCorrelation) -> EmotionalCorrelation:
    """The ablation of table V: every attribute counts in full, near or far."""
    config = correlation.config
    everything = torch.ones_like(correlation.coefficients)
    return EmotionalCorrelation.of(config.attributes, correlation.embeds, everything, config.num_scenes, threshold=-1.0)


@torch.no_grad()
def build_space(
    dataset: PictureDataset,
    tokens: np.ndarray,
    vision: CLIPVisionModel,
    chain: ExpertQueryChain,
    correlation: EmotionalCorrelation,
    domains: Sequence[str] = (),
) -> EmotionSpace:
    """The emotion space of a dataset's labelled pictures, of which `tokens` (N, 1 + n, W) are kept.

    Of these `domains` only, if given. Their features are computed once. Raises ValueError when an emotion has no picture.
    """
    classes = len(dataset.emotions)
    emotions = F.one_hot(dataset.labels.clamp(min=0), classes).float()

    def compute(rows: slice) -> torch.Tensor:
        out = chain.forward_tokens(
            vision, torch.from_numpy(np.array(tokens[rows])).float().to(chain.device), attention=False
        )
        alphas = correlation.alphas(out, emotions[rows].to(chain.device))
        return torch.cat([pooled_features(out).flatten(1), alphas], dim=1).float().cpu()

    key = content_key("space", dataset.decoded.key, dataset.labels.tolist(), fingerprint(vision, chain, correlation))
    computed = torch.from_numpy(np.array(cached_array(dataset.cache_dir, key, len(dataset), compute, chunk=256)))
    features, alphas = computed[:, :-2].unflatten(1, (3, -1)), computed[:, -2:]
    counts = torch.from_numpy(dataset.domains.within(domains or dataset.domains.names))
    return EmotionSpace.fit(features, torch.where(counts, dataset.labels, -1), alphas, classes)
