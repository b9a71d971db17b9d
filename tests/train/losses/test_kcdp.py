"""The losses against sums written out term by term (eq. 10, 12 and 13)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from train.losses.kcdp import (
    LOSS_PRESETS,
    PAPER,
    RELEASED,
    TEMPERATURE,
    counterfactual_contrastive,
    prediction_loss,
    total_loss,
)

TAU = 0.07


def term(row: list[float], label: int, tau: float, positive_in_denominator: bool) -> float:
    """-log of eq. 10's fraction for one picture."""
    denominator = sum(math.exp(value / tau) for j, value in enumerate(row) if positive_in_denominator or j != label)
    return -math.log(math.exp(row[label] / tau) / denominator)


@pytest.mark.parametrize("positive_in_denominator", [False, True])
@pytest.mark.parametrize("tau", [TAU, 0.5])
def test_contrastive_against_a_loop(tau: float, positive_in_denominator: bool) -> None:
    similarities, labels = (torch.rand(6, 4) * 2 - 1).double(), torch.tensor([0, 3, 1, 2, 2, 0])
    terms = [
        term(row, label, tau, positive_in_denominator)
        for row, label in zip(similarities.tolist(), labels.tolist(), strict=True)
    ]
    loss = counterfactual_contrastive(similarities, labels, tau, positive_in_denominator)
    assert float(loss) == pytest.approx(sum(terms) / len(terms))


def test_as_printed_keeps_pushing_where_the_released_reading_is_content() -> None:
    """A picture far beyond doubt: without the positive below, the loss is negative and its gradient alive."""
    labels = torch.tensor([0])
    printed = torch.tensor([[0.9, -0.9, -0.9]], requires_grad=True)
    loss = counterfactual_contrastive(printed, labels)
    loss.backward()
    assert loss < -20 and printed.grad[0, 0] == pytest.approx(-1 / TAU)
    released = torch.tensor([[0.9, -0.9, -0.9]], requires_grad=True)
    loss = counterfactual_contrastive(released, labels, positive_in_denominator=True)
    loss.backward()
    assert 0 <= loss < 1e-6 and released.grad.abs().max() < 1e-6


@pytest.mark.parametrize("positive_in_denominator", [False, True])
def test_contrastive_raises_the_effect_of_the_factual_prompt(positive_in_denominator: bool) -> None:
    similarities = torch.zeros(1, 4, requires_grad=True)
    counterfactual_contrastive(
        similarities, torch.tensor([2]), positive_in_denominator=positive_in_denominator
    ).backward()
    assert torch.isfinite(similarities.grad).all()
    assert (similarities.grad < 0).tolist() == [[False, False, True, False]]


def test_prediction_loss_against_a_loop() -> None:
    logits, labels = torch.randn(5, 3).double(), torch.tensor([0, 1, 2, 1, 0])
    terms = [term(row, label, 1.0, True) for row, label in zip(logits.tolist(), labels.tolist(), strict=True)]
    assert float(prediction_loss(logits, labels)) == pytest.approx(sum(terms) / len(terms))


def test_presets_say_where_paper_and_release_differ() -> None:
    assert LOSS_PRESETS == {"paper": PAPER, "released": RELEASED}
    assert (PAPER.positive_in_denominator, PAPER.moe_inputs, PAPER.balance_weight) == (False, "v+k", 0.0)
    assert (RELEASED.positive_in_denominator, RELEASED.moe_inputs, RELEASED.balance_weight) == (True, "v", 0.1)
    assert {p.lambda1 for p in LOSS_PRESETS.values()} == {p.lambda2 for p in LOSS_PRESETS.values()} == {1.0}
    assert TEMPERATURE == TAU


def test_total_weighs_every_term() -> None:
    source, contrastive, balance, target = (torch.tensor(value) for value in (1.0, 10.0, 100.0, 1000.0))
    assert total_loss(replace(PAPER, lambda1=3.0, lambda2=0.5), source, contrastive, balance, target) == 513.0
    assert total_loss(PAPER, source, contrastive, balance, target) == 1011.0
    assert total_loss(PAPER, source, contrastive, balance) == 11.0
    assert total_loss(RELEASED, source, contrastive, balance, target) == 1021.0
