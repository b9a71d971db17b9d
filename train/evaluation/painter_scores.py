"""What a bundle paints, scored by several judges of the same pictures: emotions, things, blends and edits."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch.nn import functional as F

from kcdp.imaging import to_tensor
from kcdp.pipelines.uniemo import UniEmoPipeline
from train.evaluation.editing import AMONG
from train.metrics.diversity import lpips_diversity
from train.metrics.emotion_shift import emotion_shift
from train.metrics.fid import frechet_distance
from train.metrics.pictures import Levels, PictureFunction

#: How much of a picture may change, each measured: what a call does that does not say, and everything.
STRENGTHS = (0.6, 1.0)


def both_among(probabilities: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """Whether (N,) both emotions of `pairs` (N, 2) are among the `AMONG` most probable of `probabilities` (N, K)."""
    first = probabilities.topk(AMONG, dim=1).indices
    return (first[:, None, :] == pairs[:, :, None]).any(dim=2).all(dim=1)


def kept(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Whether (N,) pictures are still themselves: nearer to what they were than half-way to some other picture.

    `before` and `after` (N, D) are features of N > 1 pictures. That is a cosine of a picture with its original above the middle of 1
    and the mean cosine of two different originals.
    """
    before, after = F.normalize(before, dim=1), F.normalize(after, dim=1)
    others = (before @ before.T)[~torch.eye(len(before), dtype=torch.bool)].mean()
    return (before * after).sum(dim=1) > (1 + others) / 2


@dataclass(frozen=True)
class PainterScores:
    """Scores of one pipeline.

    Args:
        pipeline: what paints.
        readers: probabilities (B, K) of its emotions, in its order, by each judge.
        things_told: the place (B,) in `things` of what pictures show.
        features: (B, D), for what an edit keeps and for the Fréchet distance.
        levels: feature maps, for LPIPS.
        things: what emotions are transferred to.
        count: pictures of an emotion alone; of a thing in an emotion, and of a blend, a quarter of them.
    """

    pipeline: UniEmoPipeline
    readers: Mapping[str, PictureFunction]
    things_told: PictureFunction
    features: PictureFunction
    levels: Levels
    things: Sequence[str]
    count: int

    def __post_init__(self) -> None:
        """Raises ValueError when there are too few pictures for a quarter of them."""
        if self.count < 4:
            raise ValueError(f"A painter is measured on 4 pictures of each emotion or more, not {self.count}.")

    def _paint(self, emotion: str | dict[str, float], prompt: str = "", share: int = 1) -> torch.Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] of the first seeds."""
        made = self.pipeline(emotion, prompt, seed=list(range(self.count // share)))
        return to_tensor(list(made.images), self.pipeline.size)

    def alone(self, real: Mapping[str, torch.Tensor], compared: torch.Tensor) -> dict[str, Any]:
        """Of emotions with no words: how often each is read, how far the pictures are from real ones and from each other.

        `real` are pictures (n, 3, H, W) of each emotion, two or more, `compared` others (N, 3, H, W), with which `fid` compares
        what is painted and `fid_real` the former: of few pictures it is too large.
        """
        emotions = self.pipeline.labels
        made = {emotion: self._paint(emotion) for emotion in emotions}
        whole, intended = torch.cat(list(made.values())), torch.arange(len(emotions)).repeat_interleave(self.count)
        result: dict[str, Any] = {"pictures": len(whole)}
        for name, read in self.readers.items():
            right = read(whole).argmax(1) == intended
            result[name] = {
                "emotion": right.float().mean().item(),
                "emotions": dict(zip(emotions, right.view(len(emotions), -1).float().mean(1).tolist(), strict=True)),
            }
        reference = self.features(compared)
        for suffix, pictures in (("", made), ("_real", real)):
            distances = [lpips_diversity(some.split(16), self.levels) for some in pictures.values()]
            result[f"fid{suffix}"] = frechet_distance(reference, self.features(torch.cat(list(pictures.values()))))
            result[f"lpips{suffix}"] = sum(distances) / len(distances)
        return result

    def transfer(self) -> dict[str, Any]:
        """Of every thing in every emotion: how often thing, emotion and both are told; `things` one by one."""
        asked = list(itertools.product(range(len(self.things)), range(len(self.pipeline.labels))))
        made = [
            self._paint(self.pipeline.labels[emotion], f"a {self.things[thing]}", share=4) for thing, emotion in asked
        ]
        whole, rows = torch.cat(made), torch.tensor(asked).repeat_interleave(self.count // 4, dim=0)
        told = self.things_told(whole) == rows[:, 0]
        each = told.view(len(self.things), -1).float().mean(1).tolist()
        result: dict[str, Any] = {
            "pictures": len(whole),
            "thing": told.float().mean().item(),
            "things": dict(zip(self.things, each, strict=True)),
        }
        for name, read in self.readers.items():
            right = read(whole).argmax(1) == rows[:, 1]
            result[name] = {"emotion": right.float().mean().item(), "both": (right & told).float().mean().item()}
        return result

    def blends(self) -> dict[str, Any]:
        """Of every two emotions in equal parts: how often both are among the most probable."""
        labels = self.pipeline.labels
        pairs = list(itertools.combinations(range(len(labels)), 2))
        made = [self._paint({labels[one]: 0.5, labels[other]: 0.5}, share=4) for one, other in pairs]
        whole, rows = torch.cat(made), torch.tensor(pairs).repeat_interleave(self.count // 4, dim=0)
        scores = {name: both_among(read(whole), rows).float().mean().item() for name, read in self.readers.items()}
        return {"pictures": len(whole), **scores}

    def refeel(self, pictures: Sequence[Image.Image], labels: Sequence[int]) -> dict[str, Any]:
        """Of pictures (two or more) and their emotions, each edited towards another: by strength, how many stay themselves (`kept`).

        By each judge `emo_s`, how far all rise, and `emo_s_kept`, how far those do that stay themselves (None without any).
        """
        emotions, before = self.pipeline.labels, to_tensor(list(pictures), self.pipeline.size)
        # Every other emotion in turn.
        targets = [(label + 1 + row % (len(emotions) - 1)) % len(emotions) for row, label in enumerate(labels)]
        asked, features, results = torch.tensor(targets), self.features(before), {}
        for strength in STRENGTHS:
            made = [
                self.pipeline(emotions[target], image=picture, strength=strength, seed=row).images[0]
                for row, (picture, target) in enumerate(zip(pictures, targets, strict=True))
            ]
            after = to_tensor(made, self.pipeline.size)
            same = kept(features, self.features(after))
            result: dict[str, Any] = {"kept": same.float().mean().item()}
            for name, read in self.readers.items():
                was, now = read(before), read(after)
                result[name] = {
                    "emo_s": emotion_shift(was, now, asked),
                    "emo_s_kept": emotion_shift(was[same], now[same], asked[same]) if same.any() else None,
                }
            results[f"{strength:g}"] = result
        return {"pictures": len(pictures), "strengths": results}

    def all(
        self,
        real: Mapping[str, torch.Tensor],
        compared: torch.Tensor,
        edited: Sequence[Image.Image],
        labels: Sequence[int],
    ) -> dict[str, Any]:
        """All four; the arguments are those of `alone` and `refeel`."""
        return {
            "alone": self.alone(real, compared),
            "transfer": self.transfer(),
            "blends": self.blends(),
            "refeel": self.refeel(edited, labels),
        }
