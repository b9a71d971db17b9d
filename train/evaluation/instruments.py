"""What pictures are measured with: networks that look at pixels (B, 3, H, W) in [-1, 1] and answer on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from kcdp.imaging import to_pictures
from train.data.cache import content_key, fingerprint
from train.evaluation.baselines import FrozenCLIP
from train.evaluation.judge import Judge
from train.metrics.diversity import Levels

#: From pictures (B, 3, H, W) in [-1, 1] to something of each, (B, D).
Look = Callable[[torch.Tensor], torch.Tensor]


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
    judge: Look
    scenes: Look
    objects: Look
    meaning: Look
    features: Look
    levels: Levels


def embedder(clip: FrozenCLIP) -> Look:
    """CLIP's unit embeddings (B, P) of pictures."""
    model = clip.model

    @torch.no_grad()
    def embed(pictures: torch.Tensor) -> torch.Tensor:
        pixels = clip.processor(images=to_pictures(pictures), return_tensors="pt").pixel_values.to(model.device)
        pooled = model.vision_model(pixel_values=pixels).pooler_output
        return F.normalize(model.visual_projection(pooled), dim=-1).float().cpu()

    return embed


def zero_shot_head(clip: FrozenCLIP, names: Sequence[str], template: str = "a {name}") -> Look:
    """Probabilities (B, A) of attributes: softmax of CLIP's logits for their names in a template.

    In the place of Places365's and ImageNet's classifiers, which know photos; how sure it is depends on the names and on
    CLIP's temperature, so only numbers of one head are comparable.

    Raises ValueError when there are fewer than two names, of which any picture would show the only one for certain.
    """
    if len(names) < 2:
        raise ValueError(f"A classifier chooses between two names or more; there is {len(names)}.")
    texts = clip.texts([template.format(name=name) for name in names]).float()
    scale, embed = float(clip.model.logit_scale.detach().exp()), embedder(clip)
    return lambda pictures: (scale * embed(pictures) @ texts.T).softmax(dim=1)


def instruments(judge: Judge, clip: FrozenCLIP, scenes: Sequence[str], objects: Sequence[str]) -> Instruments:
    """Judge and CLIP for everything: FID and LPIPS by the judge's features, meaning by CLIP's embeddings."""
    return Instruments(
        key=content_key(judge.key, fingerprint(clip.model), clip.processor.to_dict(), list(scenes), list(objects)),
        emotions=judge.emotions,
        judge=judge,
        scenes=zero_shot_head(clip, scenes),
        objects=zero_shot_head(clip, objects),
        meaning=embedder(clip),
        features=judge.features,
        levels=judge.levels,
    )
