"""Sem-C, how clearly pictures show something, and Sem-D, how much the pictures of an emotion differ in what they show.

UniEmo (section IV-A, metrics 4 and 6) names both and leaves the formulas to EmoGen (its reference 16), whose published
evaluation they follow here.
"""

from __future__ import annotations

import torch

from train.metrics.pictures import Column, PictureMetric


def clarities(scenes: torch.Tensor, objects: torch.Tensor) -> torch.Tensor:
    """The larger of the best scene's and the best object's probability of each picture, (N,).

    `scenes` (N, S) and `objects` (N, O) are the softmax of a scene and of an object classifier; in the paper, of
    ResNet-50s trained on Places365 and on ImageNet. What a picture shows may be either, so one clear answer is enough.

    Raises ValueError when there is no picture or the two differ in length.
    """
    if len(scenes) == 0 or len(scenes) != len(objects):
        raise ValueError(
            f"There are scenes of {len(scenes)} pictures and objects of {len(objects)}; give both of each, at least one."
        )
    return torch.maximum(scenes.amax(1), objects.amax(1))


def semantic_clarity(scenes: torch.Tensor, objects: torch.Tensor) -> float:
    """Sem-C: the mean of `clarities` over N pictures, 0 to 1.

    It depends on how many classes the classifiers have and how sharp their softmax is: compare numbers of the same two.
    """
    return float(clarities(scenes, objects).double().mean())


def semantic_diversity(features: torch.Tensor) -> float:
    """Sem-D of one emotion: mean squared difference of a channel between two of its pictures, over all pairs.

    The paper's number is the mean over the emotions. EmoGen draws a few pairs at random; all n (n - 1) / 2 of them need
    no more than twice the unbiased variance of each channel. The numbers of both papers are of CLIP ViT-L/14's image
    embeddings (D = 768) as they leave the projection; of unit embeddings it is 2 (1 - cosine) / D.

    Args:
        features: image embeddings (n, D) of the pictures of one emotion, n > 1.

    Raises ValueError when there are fewer than two pictures, for one alone does not differ.
    """
    if len(features) < 2:
        raise ValueError(f"Diversity is of two pictures or more; there is {len(features)}.")
    return float(2 * features.double().var(dim=0, correction=1).mean())


CLARITY = PictureMetric(
    "sem_c",
    Column("Sem-C ↑", digits=3),
    lambda sample: semantic_clarity(sample.output("scenes"), sample.output("objects")),
)
DIVERSITY = PictureMetric(
    "sem_d",
    Column("Sem-D ↑", digits=4),
    lambda sample: semantic_diversity(sample.output("embeddings")),
)
