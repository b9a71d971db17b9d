"""The plain references say what ours say: only then a ratio of their times means something."""

from __future__ import annotations

import pytest
import torch

from kcdp.prediction.moe import MixtureOfExperts
from train.benchmarks.reading import experts_in_loops


@pytest.mark.parametrize("inputs", ["v", "v+k"])
@torch.no_grad()
def test_the_loop_over_experts_says_the_same(inputs: str) -> None:
    moe = MixtureOfExperts(visual_dim=12, knowledge_dim=6, num_classes=5, inputs=inputs, aggregate_dim=16).eval()
    v, k = torch.randn(4, 12), torch.randn(4, 2, 6)
    torch.testing.assert_close(experts_in_loops(moe, v, k), moe(v, k).logits)
