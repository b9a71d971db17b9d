"""UniEmo's losses against sums written out term by term (eq. 4 and 10)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from kcdp.uniemo.query_chain import LOGIT_SCALE, ExpertQueryChain
from train.losses.uniemo import (
    PAPER,
    RELEASED,
    UNIEMO_PRESETS,
    attribute_contrastive,
    condition_loss,
    joint_loss,
    understanding_loss,
)

SCALE = torch.tensor(LOGIT_SCALE)


def unit(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape).double(), dim=-1)


def slow_contrastive(
    embeds: torch.Tensor, texts: torch.Tensor, attributes: list[int | None], tau: float, both: bool
) -> float:
    """Eq. 4 in one direction or in both, negatives being the pictures of other attributes; None is no attribute."""
    rows = [row for row, attribute in enumerate(attributes) if attribute is not None]
    total = 0.0
    for i in rows:
        others = [j for j in rows if attributes[j] != attributes[i]]
        own = math.exp(float(embeds[i] @ texts[i]) / tau)
        to_texts = sum(math.exp(float(embeds[i] @ texts[j]) / tau) for j in others)
        to_pictures = sum(math.exp(float(embeds[j] @ texts[i]) / tau) for j in others)
        printed, back = math.log(own / (own + to_texts)), math.log(own / (own + to_pictures))
        total -= (printed + back) / 2 if both else printed
    return total / len(rows)


def contrastive(
    embeds: torch.Tensor, texts: torch.Tensor, attributes: list[int | None], both: bool = True
) -> torch.Tensor:
    numbers = torch.tensor([-1 if attribute is None else attribute for attribute in attributes])
    return attribute_contrastive(embeds, texts, numbers >= 0, SCALE, numbers[:, None] == numbers, both)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("attributes", [[0, 1, 2, 3, 4], [0, 1, None, 2, None], [0, 1, 0, 0, 2], [None, 1, 1, None, 0]])
def test_contrastive_against_a_loop(attributes: list[int | None], both: bool) -> None:
    names = unit(5, 6)
    embeds, texts = unit(5, 6), torch.stack([names[attribute or 0] for attribute in attributes])
    found = float(contrastive(embeds, texts, attributes, both))
    assert found == pytest.approx(slow_contrastive(embeds, texts, attributes, 0.07, both), rel=1e-6)
    assert found != pytest.approx(slow_contrastive(embeds, texts, attributes, 0.07, not both), rel=1e-3)


def test_twins_are_no_negatives() -> None:
    """Two pictures of one thing, both right where they should be, have nothing left to learn."""
    names = torch.eye(4).double()
    texts = names[[0, 0, 1]]
    embeds = texts.clone().requires_grad_(True)
    loss = contrastive(embeds, texts, [0, 0, 1])
    loss.backward()
    assert loss < 1e-5 and embeds.grad.abs().max() < 1e-4
    everyone = attribute_contrastive(embeds, texts, torch.ones(3).bool(), SCALE, None, True)
    assert everyone > 0.4


def test_pictures_without_the_attribute_have_no_say() -> None:
    embeds, texts = unit(4, 6).requires_grad_(True), unit(4, 6)
    attributes = [0, None, 1, None]
    loss = contrastive(embeds, texts, attributes)
    other = texts.clone()
    other[[1, 3]] = unit(2, 6)
    assert torch.equal(loss, contrastive(embeds, other, attributes))
    loss.backward()
    assert not embeds.grad[[1, 3]].any() and embeds.grad[[0, 2]].abs().sum() > 0


def test_without_any_attribute_the_loss_is_0_and_still_has_gradients() -> None:
    embeds, scale = unit(3, 6).requires_grad_(True), SCALE.clone().requires_grad_(True)
    loss = attribute_contrastive(embeds, unit(3, 6), torch.zeros(3).bool(), scale, None, True)
    loss.backward()
    assert loss == 0 and not embeds.grad.any() and scale.grad == 0


def test_the_temperature_learns_and_has_a_floor() -> None:
    embeds, texts, present = unit(4, 6), unit(4, 6), torch.ones(4).bool()
    scale = SCALE.clone().requires_grad_(True)
    attribute_contrastive(embeds, texts, present, scale, None, True).backward()
    assert scale.grad.abs() > 0
    limit, beyond = (
        attribute_contrastive(embeds, texts, present, torch.tensor(math.log(x)), None, True) for x in (100.0, 1e4)
    )
    torch.testing.assert_close(limit, beyond)


def test_condition_against_a_loop() -> None:
    logits, fused, prototypes = torch.randn(5, 4).double(), torch.randn(5, 6).double(), torch.randn(4, 6).double()
    labels = [0, 3, 1, 1, 2]

    def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(a @ b / (a.norm() * b.norm()))

    expected = 0.0
    for row, label in enumerate(labels):
        exponentials = [math.exp(value) for value in logits[row].tolist()]
        expected -= math.log(exponentials[label] / sum(exponentials))
        wrong = max(cosine(fused[row], prototypes[k]) for k in range(4) if k != label)
        expected += max(0.0, 0.5 - cosine(fused[row], prototypes[label]) + wrong)
    assert float(condition_loss(logits, fused, torch.tensor(labels), prototypes)) == pytest.approx(expected / 5)


def test_condition_pulls_to_the_own_prototype_and_is_content_beyond_the_margin() -> None:
    prototypes, labels = torch.eye(3), torch.tensor([1])
    sure = torch.tensor([[-40.0, 40.0, -40.0]])
    assert condition_loss(sure, 7 * prototypes[1:2], labels, prototypes) < 1e-6
    fused = torch.tensor([[1.0, 0.9, 0.0]], requires_grad=True)
    condition_loss(sure, fused, labels, prototypes).backward()
    nearer = fused - 0.05 * fused.grad
    assert nearer[0, 1] > fused[0, 1] and nearer[0, 0] < fused[0, 0]


def test_sums_weigh_their_parts() -> None:
    parts = (torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0))
    assert float(understanding_loss(PAPER, *parts)) == pytest.approx(0.25 * 2 + 0.25 * 3 + 0.5 * 5)
    assert float(understanding_loss(RELEASED, *parts)) == pytest.approx(0.05 * 2 + 0.05 * 3 + 0.9 * 5)
    assert float(joint_loss(PAPER, *parts)) == pytest.approx(0.3 * 2 + 0.3 * 3 + 0.4 * 5)
    assert float(joint_loss(replace(PAPER, denoising=0.0), *parts)) == pytest.approx(0.3 * 2 + 0.3 * 3)


def test_presets_part_where_paper_and_release_do() -> None:
    assert UNIEMO_PRESETS == {"paper": PAPER, "released": RELEASED}
    assert (PAPER.block_layers, PAPER.block_keys, PAPER.beta) == (2, "patches", 1e-4)
    assert (RELEASED.block_layers, RELEASED.block_keys, RELEASED.beta) == (1, "all", None)
    assert (PAPER.both_directions, RELEASED.both_directions) == (False, True)
    for preset in UNIEMO_PRESETS.values():
        assert preset.scene_weight + preset.object_weight + preset.emotion_weight == pytest.approx(1)
        assert preset.understanding + preset.condition + preset.denoising == pytest.approx(1)


def test_a_chain_begins_at_the_papers_temperature() -> None:
    chain = ExpertQueryChain(width=8, num_heads=2, num_layers=2, scene_layer=1, object_layer=2, embed_dim=4)
    assert chain.logit_scale.exp().item() == pytest.approx(1 / 0.07)
