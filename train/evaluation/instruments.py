"""What pictures are measured with: networks that look at pixels (B, 3, H, W) in [-1, 1] and answer on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from train.core.clip import FrozenCLIP, PictureFunction, zero_shot_head
from train.data.cache import content_key, fingerprint
from train.evaluation.judge import Judge
from train.metrics.diversity import Levels


@dataclass(frozen=True)
class Instruments:
    """One network a measure.

    Args:
        key: names all of them; a result that was measured with others is measured again.
        emotions: those that `judge` knows, in order.
        judge: probabilities (B, K) of the emotions, for Emo-A.
        scenes, objects: probabilities (B, S) and (B, O), for Sem-C.
        meaning: embeddings (B, D), for Sem-D.
        features: (B, D), for FID.
        levels: feature maps, for LPIPS.
    """

    key: str
    emotions: tuple[str, ...]
    judge: PictureFunction
    scenes: PictureFunction
    objects: PictureFunction
    meaning: PictureFunction
    features: PictureFunction
    levels: Levels


def instruments(judge: Judge, clip: FrozenCLIP, scenes: Sequence[str], objects: Sequence[str]) -> Instruments:
    """Judge and CLIP for everything: FID and LPIPS by the judge's features, meaning by CLIP's embeddings."""
    return Instruments(
        key=content_key(judge.key, fingerprint(clip.model), clip.processor.to_dict(), list(scenes), list(objects)),
        emotions=judge.emotions,
        judge=judge,
        scenes=zero_shot_head(clip, scenes),
        objects=zero_shot_head(clip, objects),
        meaning=clip.embed,
        features=judge.features,
        levels=judge.levels,
    )
