"""The networks that generated pictures are measured with."""

from __future__ import annotations

from collections.abc import Sequence

from train.core.clip import FrozenCLIP, zero_shot_head
from train.data.cache import content_key, fingerprint
from train.evaluation.judge import Judge
from train.metrics.pictures import Instruments


def instruments(judge: Judge, clip: FrozenCLIP, scenes: Sequence[str], objects: Sequence[str]) -> Instruments:
    """Judge and CLIP for everything: FID and LPIPS by the judge's features, Sem-D by CLIP's embeddings."""
    return Instruments(
        key=content_key(judge.key, fingerprint(clip.model), clip.processor.to_dict(), list(scenes), list(objects)),
        emotions=judge.emotions,
        judge=judge,
        scenes=zero_shot_head(clip, scenes),
        objects=zero_shot_head(clip, objects),
        embeddings=clip.embed,
        features=judge.features,
        levels=judge.levels,
    )
