"""From the output of the query chain to one picture's emotion, scene and object."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kcdp.emotions import LABEL_SPACES
from kcdp.perception.heat import heat_map
from kcdp.pipelines.pictures import Clips
from kcdp.results import AttentionMap, AttributeMatch, UniEmoOutput
from kcdp.uniemo.correlation import EmotionalCorrelation, Kind
from kcdp.uniemo.query_chain import ChainOutput


def recognise(
    output: ChainOutput, clips: Clips, number: int, correlation: EmotionalCorrelation, label_space: str, size: int
) -> UniEmoOutput:
    """Emotion, scene and object of picture `number` of `clips`.

    Args:
        output: of the chain for all frames of `clips`, in the order of `Clips.flat`.
        correlation: the attributes, and how often each stands with each emotion.
        label_space: a name of `LABEL_SPACES`, whose order the logits have.
        size: side in pixels of the heat maps, one of the middle frame for scene and object if `output` has attention.
    """
    labels = LABEL_SPACES[label_space].labels
    rows = clips.rows(number).to(output.logits.device)
    by_frame = output.logits[rows].float().softmax(dim=-1)
    probabilities = by_frame.mean(dim=0)
    matches: dict[str, Any] = {
        "scene": _nearest_attribute(correlation, "scene", output.scene_embeds, rows, labels),
        "object": _nearest_attribute(correlation, "object", output.object_embeds, rows, labels),
    }
    middle = int(rows[len(rows) // 2])
    attention = tuple(
        AttentionMap(
            kind if (match := matches[kind]) is None else match.name,
            kind,
            heat_map([maps[middle][None]], [0], (size, size)),
        )
        for kind, maps in (("scene", output.scene_attention), ("object", output.object_attention))
        if maps is not None
    )
    return UniEmoOutput(
        emotion=labels[int(probabilities.argmax())],
        probabilities=dict(zip(labels, probabilities.tolist(), strict=True)),
        attention=attention,
        label_space=label_space,
        frames=clips.readings(number, by_frame, labels),
        **matches,
    )


def _nearest_attribute(
    correlation: EmotionalCorrelation,
    kind: Kind,
    embeds: torch.Tensor | None,
    rows: torch.Tensor,
    labels: tuple[str, ...],
) -> AttributeMatch | None:
    """The scene or object nearest to the mean direction of a picture's frames, `rows` of `embeds` (F, P), if one is near."""
    if embeds is None:
        return None
    mean = F.normalize(embeds[rows].mean(dim=0, keepdim=True), dim=-1)
    indices, (name,), cosines = correlation.nearest(mean, kind=kind)
    if name is None:
        return None
    coefficients = correlation.coefficients[indices[0]].tolist()
    return AttributeMatch(name, cosines.item(), dict(zip(labels, coefficients, strict=True)))
