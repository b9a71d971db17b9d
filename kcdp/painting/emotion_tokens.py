"""The fused vectors F that stand for emotions in a prompt, drawn from the emotion space or computed from a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from kcdp.offload import execution_device
from kcdp.painting.prompt import WeightedTokens
from kcdp.painting.sampling import SEEDS
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion, pooled_features
from kcdp.uniemo.query_chain import ChainOutput

#: Added to a picture's seed where its emotion is drawn, so that the same seed gives the same noise for every emotion.
_EMOTION_SEEDS = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class EmotionTokens:
    """Emotions as vectors (T,) for a prompt, T being the width of the text encoders together; `labels` has K names."""

    fusion: EmotionFusion
    space: EmotionSpace
    correlation: EmotionalCorrelation
    labels: Sequence[str]

    def sample(self, weights: Mapping[str, float], seeds: Sequence[int]) -> list[WeightedTokens]:
        """For each seed the fused vectors of the emotions, drawn from the space, with their weights; not those of weight 0.

        Every emotion is drawn with the same noise: at its ends a blend is what either emotion alone would be, and between
        them the picture changes by the emotions only.
        """
        fused = []
        for name, weight in weights.items():
            if weight == 0:
                continue
            emotions = torch.full((len(seeds),), self.labels.index(name), device=self.space.device)
            generators = [torch.Generator().manual_seed((value + _EMOTION_SEEDS) % SEEDS) for value in seeds]
            features = self.space.sample(emotions, generators)
            fused.append((self.fuse(features, self.space.alphas[emotions]), weight))
        return [[(vectors[row], weight) for vectors, weight in fused] for row in range(len(seeds))]

    def of_picture(self, output: ChainOutput, count: int) -> list[WeightedTokens]:
        """`count` times the fused vector of one picture, of the mean features and alphas of its frames in `output`."""
        features, probabilities = pooled_features(output), output.logits.softmax(dim=-1)
        alphas = self.correlation.alphas(output, probabilities)
        vectors = self.fuse(features.mean(dim=0, keepdim=True), alphas.mean(dim=0, keepdim=True))
        return [[(vectors[0], 1.0)]] * count

    def fuse(self, features: torch.Tensor, alphas: torch.Tensor) -> torch.Tensor:
        """Features (B, 3, W) and alphas (B, 2) -> F (B, T), equation 7."""
        device, dtype = execution_device(self.fusion), self.fusion.dtype
        return self.fusion(*features.to(device, dtype).unbind(dim=1), *alphas.to(device, dtype).unbind(dim=1))
