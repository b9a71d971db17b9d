"""UniEmo's training losses (eq. 4 and 10, and those that the paper leaves out), in the paper's reading and the released one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from kcdp.uniemo.query_chain import BlockKeys


@dataclass(frozen=True)
class UniEmoPreset:
    """Where the paper and the code its authors released part ways.

    `block_layers`, `block_keys` and `beta` are those of `ExpertQueryChain`; `scene_weight`, `object_weight` and
    `emotion_weight` weigh L_U, and `understanding`, `condition` and `denoising` (gamma 1 to 3) weigh eq. 10. `both_directions`
    takes eq. 4 from attributes to queries as well, which the paper does not print. `token_length` is that of `EmotionFusion`,
    which neither has.
    """

    block_layers: int
    block_keys: BlockKeys
    beta: float | None
    scene_weight: float
    object_weight: float
    emotion_weight: float
    both_directions: bool
    token_length: bool = False
    understanding: float = 0.3
    condition: float = 0.3
    denoising: float = 0.4


PAPER = UniEmoPreset(
    block_layers=2,
    block_keys="patches",
    beta=1e-4,
    scene_weight=0.25,
    object_weight=0.25,
    emotion_weight=0.5,
    both_directions=False,
)
RELEASED = UniEmoPreset(
    block_layers=1,
    block_keys="all",
    beta=None,
    scene_weight=0.05,
    object_weight=0.05,
    emotion_weight=0.9,
    both_directions=True,
)
UNIEMO_PRESETS: dict[str, UniEmoPreset] = {"paper": PAPER, "released": RELEASED}


def attribute_contrastive(
    embeds: torch.Tensor,
    texts: torch.Tensor,
    present: torch.Tensor,
    logit_scale: torch.Tensor,
    same: torch.Tensor | None,
    both_directions: bool,
) -> torch.Tensor:
    """L_S or L_O (eq. 4): a scalar.

    Two pictures of one attribute are no negatives of each other. Without any attribute the loss is 0, with gradients of 0.

    Args:
        embeds: (B, P) unit vectors of the queries.
        texts: (B, P) unit vectors of the attributes' names.
        present: (B,) bool, which pictures have an attribute; the others' rows are left out.
        logit_scale: () log(1 / tau); 1 / tau counts as 100 at most.
        same: (B, B) bool, which pairs of pictures have the same attribute; None when no two have.
        both_directions: the mean of the loss from queries to attributes, which the paper prints, and of that back from
            attributes to queries, as in CLIP and in the released code; without, the first alone.
    """
    scale = logit_scale.exp().clamp(max=100)
    if not present.any():
        return 0 * (embeds.sum() + scale)
    logits = scale * embeds[present] @ texts[present].T
    targets = torch.arange(len(logits), device=logits.device)
    if same is not None:
        twins = same[present][:, present] & (targets[:, None] != targets)
        logits = logits.masked_fill(twins, -torch.inf)
    to_attributes = F.cross_entropy(logits, targets)
    return (to_attributes + F.cross_entropy(logits.T, targets)) / 2 if both_directions else to_attributes


def understanding_loss(
    preset: UniEmoPreset, scene: torch.Tensor, object: torch.Tensor, emotion: torch.Tensor
) -> torch.Tensor:
    """L_U, the weighted sum of L_S, L_O and the emotions' cross-entropy (reconstructed); all scalars."""
    return preset.scene_weight * scene + preset.object_weight * object + preset.emotion_weight * emotion


def condition_loss(
    logits: torch.Tensor, fused: torch.Tensor, labels: torch.Tensor, prototypes: torch.Tensor, margin: float = 0.5
) -> torch.Tensor:
    """L_cond, the emotional condition loss on the fused representation F (reconstructed): a scalar.

    Cross-entropy, plus max(0, margin - cos(F, own prototype) + cos(F, nearest wrong prototype)): F is pulled to its
    emotion and away from the strongest wrong one.

    Args:
        logits: (B, K), what the emotion head says of F.
        fused: (B, D), F.
        labels: (B,) int64.
        prototypes: (K, D), a vector for each emotion, of any length; two or more.
    """
    cosines = F.cosine_similarity(fused[:, None], prototypes[None], dim=-1)
    own = F.one_hot(labels, cosines.shape[1]).bool()
    strongest = cosines.masked_fill(own, -torch.inf).amax(dim=1)
    return F.cross_entropy(logits, labels) + (margin - cosines[own] + strongest).relu().mean()


def joint_loss(
    preset: UniEmoPreset, understanding: torch.Tensor, condition: torch.Tensor, denoising: torch.Tensor
) -> torch.Tensor:
    """L_joint = gamma1 L_U + gamma2 L_cond + gamma3 L_LDM (eq. 10); all scalars."""
    return preset.understanding * understanding + preset.condition * condition + preset.denoising * denoising
