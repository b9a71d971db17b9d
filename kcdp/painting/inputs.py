"""Checks of a painting call's arguments: every error is one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import torch

from kcdp.emotions import LabelSpace
from kcdp.painting.prompt import PLACEHOLDER

OutputType = Literal["pil", "pt"]


def emotion_weights(space: LabelSpace, emotion: object) -> dict[str, float] | None:
    """The weights of named emotions, in the label space's order and with sum 1; None when it is a picture.

    Named are a label, labels with weights, or an array of the weights of all labels. Raises ValueError for an unknown emotion,
    and for weights that are no numbers, below 0, or all 0.
    """
    if isinstance(emotion, str):
        emotion = {emotion: 1.0}
    if isinstance(emotion, (np.ndarray, torch.Tensor)) and emotion.ndim == 1 and len(emotion) == len(space):
        emotion = dict(zip(space.labels, emotion.tolist(), strict=True))
    if not isinstance(emotion, Mapping):
        return None
    named: dict[int, float] = {}
    for name, weight in emotion.items():
        try:
            number = math.nan if isinstance(weight, str) else float(weight)
        except (TypeError, ValueError, RuntimeError):
            number = math.nan
        named[space.index(name)] = named.get(space.index(name), 0.0) + number
    total = sum(named.values())
    if not math.isfinite(total) or total <= 0 or min(named.values()) < 0:
        raise ValueError(f"The weights of the emotions must be 0 or above and not all of them 0, not {dict(emotion)}.")
    return {space.labels[index]: weight / total for index, weight in sorted(named.items())}


def check_settings(
    prompt: object,
    strength: float,
    num_inference_steps: int,
    guidance_scale: float | None,
    guidance_rescale: float | None,
    negative_prompt: object,
    output_type: str,
    transparent: bool,
    distilled: bool,
) -> None:
    """Raise ValueError for the first of these arguments of `UniEmoPipeline.__call__` that makes no sense.

    `distilled` says that the denoiser has its guidance inside it, and cannot be guided again.
    """
    if not isinstance(prompt, str):
        raise ValueError(f"The prompt must be a text, not {type(prompt).__name__}.")
    if prompt.count(PLACEHOLDER) > 1:
        raise ValueError(f"The prompt can have {PLACEHOLDER} only once; this one has it more often.")
    if negative_prompt is not None and not isinstance(negative_prompt, str):
        raise ValueError(f"The negative prompt must be a text, not {type(negative_prompt).__name__}.")
    if not 0 < strength <= 1:
        raise ValueError(f"The strength must be above 0 and at most 1, not {strength}.")
    if num_inference_steps < 1:
        raise ValueError(f"The number of steps must be at least 1, not {num_inference_steps}.")
    if guidance_scale is not None and not math.isfinite(guidance_scale):
        raise ValueError(f"The guidance scale must be a finite number, not {guidance_scale}.")
    if guidance_rescale is not None and not 0 <= guidance_rescale <= 1:
        raise ValueError(f"The guidance's rescaling must be from 0 to 1, not {guidance_rescale}.")
    if distilled and (negative_prompt or (guidance_scale or 1) > 1):
        raise ValueError(
            "The fast painter has its guidance inside it and takes no other, and nothing to avoid; leave both out, or ask for "
            "quality."
        )
    if output_type not in get_args(OutputType):
        raise ValueError(f"Unknown output type '{output_type}'; choose one of {', '.join(get_args(OutputType))}.")
    if transparent and output_type != "pil":
        raise ValueError("A transparent ground comes with the output type 'pil' only.")
