"""The emotion space: a Gaussian of the chain's features for each emotion, sampled where there is no picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils.torch_utils import randn_tensor


class EmotionSpace(ModelMixin, ConfigMixin):
    """For each emotion a diagonal Gaussian of class token, scene and object features, and the mean of their alphas.

    Buffers: `mean` and `std` (K, 3, W), `alphas` (K, 2). With the mean alphas of an emotion's pictures, a name is enough to
    generate from: no attribute has to be looked up.

    Args:
        num_classes: K.
        width: W, of the vision tower.
    """

    @register_to_config
    def __init__(self, num_classes: int = 8, width: int = 1024) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_classes, 3, width))
        self.register_buffer("std", torch.ones(num_classes, 3, width))
        self.register_buffer("alphas", torch.zeros(num_classes, 2))

    @classmethod
    @torch.no_grad()
    def fit(cls, features: torch.Tensor, labels: torch.Tensor, alphas: torch.Tensor, num_classes: int) -> EmotionSpace:
        """The space of N pictures.

        Args:
            features: (N, 3, W), from `pooled_features`.
            labels: (N,) int64; pictures with a label below 0 are left out.
            alphas: (N, 2), of each picture's scene and object for its own emotion.
            num_classes: K.

        Raises ValueError when the three differ in number, or an emotion has no picture.
        """
        if not len(features) == len(labels) == len(alphas):
            raise ValueError(
                f"There are {len(features)} features, {len(labels)} labels and {len(alphas)} alphas; give one of each a "
                "picture."
            )
        space = cls(num_classes, features.shape[2])
        for emotion in range(num_classes):
            own = labels == emotion
            if not own.any():
                raise ValueError(f"Emotion {emotion} has no picture to make its space of; give at least one.")
            space.mean[emotion] = features[own].mean(dim=0)
            # Of the pictures there are, not of those they stand for: a single one has a deviation too, of 0.
            space.std[emotion] = features[own].std(dim=0, correction=0)
            space.alphas[emotion] = alphas[own].mean(dim=0)
        return space

    def sample(
        self, emotions: torch.Tensor, generators: Sequence[torch.Generator] | None = None, spread: float = 1.0
    ) -> torch.Tensor:
        """Draw features (B, 3, W) for `emotions` (B,) int64.

        Args:
            emotions: indices of the label space.
            generators: one a row, so that a row does not depend on its neighbours; None draws from torch's own.
            spread: 0 gives the means, 1 draws as the pictures lie.

        Raises ValueError when generators and emotions differ in number, or `spread` is below 0.
        """
        if generators is not None and len(generators) != len(emotions):
            raise ValueError(f"There are {len(emotions)} emotions but {len(generators)} generators; give one for each.")
        if spread < 0:
            raise ValueError(f"The spread must be 0 or above, not {spread}.")
        shape = (len(emotions), *self.mean.shape[1:])
        given = None if generators is None else list(generators)
        # In 32 bits whatever the buffers are, so that a seed means the same in every precision.
        noise = randn_tensor(shape, given, self.mean.device, torch.float32).to(self.mean.dtype)
        return self.mean[emotions] + spread * self.std[emotions] * noise
