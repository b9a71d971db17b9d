"""A few steps on one batch: whatever teaches at all must lower its own loss there."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


def losses_of_steps(task: nn.Module, batch: Mapping[str, torch.Tensor], steps: int) -> list[float]:
    """The loss before each step of Adam on all parameters that ask for gradients."""
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], lr=3e-3)
    losses = []
    for _ in range(steps):
        loss = task(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
