"""KCDP's training losses (eq. 10, 12 and 13), in the paper's reading and in the released one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from kcdp.prediction.moe import MoEInputs

#: tau of eq. 10.
TEMPERATURE = 0.07


@dataclass(frozen=True)
class LossPreset:
    """Where the paper and the code its authors released part ways.

    `positive_in_denominator` chooses the reading of eq. 10, `moe_inputs` what the mixture of experts sees under domain
    adaptation, `balance_weight` how much the experts' balance counts, `scale_latents` whether the denoiser is given latents
    scaled as it was trained on; lambda1 and lambda2 are those of eq. 13.
    """

    positive_in_denominator: bool
    moe_inputs: MoEInputs
    balance_weight: float
    scale_latents: bool
    lambda1: float = 1.0
    lambda2: float = 1.0


PAPER = LossPreset(positive_in_denominator=False, moe_inputs="v+k", balance_weight=0.0, scale_latents=True)
RELEASED = LossPreset(positive_in_denominator=True, moe_inputs="v", balance_weight=0.1, scale_latents=False)
LOSS_PRESETS: dict[str, LossPreset] = {"paper": PAPER, "released": RELEASED}


def counterfactual_contrastive(
    similarities: torch.Tensor,
    labels: torch.Tensor,
    tau: float = TEMPERATURE,
    positive_in_denominator: bool = False,
) -> torch.Tensor:
    """L_ccl (eq. 10): pull a picture to its emotion's prompt, push it from the counterfactual ones. A scalar.

    As printed, the positive is left out of the denominator, so the loss keeps rewarding distance and may be negative;
    with `positive_in_denominator` it is the plain cross-entropy of the released code.

    Args:
        similarities: (B, K) cosines.
        labels: (B,) int64.
    """
    logits = similarities / tau
    if positive_in_denominator:
        return F.cross_entropy(logits, labels)
    positive = F.one_hot(labels, logits.shape[1]).bool()
    return (logits.masked_fill(positive, -torch.inf).logsumexp(dim=1) - logits[positive]).mean()


def prediction_loss(logits: torch.Tensor, labels: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
    """L_ce (eq. 12): cross-entropy of the experts' logits (B, K) with labels (B,), true ones or pseudo-labels.

    Where not all pictures are `counted` (B,) bool, the others add nothing to the mean, which stays one over B.
    """
    if counted is None:
        return F.cross_entropy(logits, labels)
    return (F.cross_entropy(logits, labels, reduction="none") * counted).mean()


def total_loss(
    preset: LossPreset,
    source: torch.Tensor,
    contrastive: torch.Tensor,
    balance: torch.Tensor,
    target: torch.Tensor | None = None,
) -> torch.Tensor:
    """L = lambda1 L_ce^s + lambda2 L_ce^t + L_ccl (eq. 13), plus the released code's balance term; all scalars.

    Leave `target` out where there is no target domain (the UC setting).
    """
    loss = preset.lambda1 * source + contrastive + preset.balance_weight * balance
    return loss if target is None else loss + preset.lambda2 * target
