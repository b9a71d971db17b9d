"""Optimizers of the training loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw

#: Coefficients of the odd polynomial whose iterates bring all singular values near 1 (Jordan et al. 2024).
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


def orthogonalized(matrix: torch.Tensor) -> torch.Tensor:
    """About U V^T of a matrix (M, N) = U S V^T: all its singular values lie in about 0.7 to 1.2; in bfloat16 inside."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    a, b, c = _NEWTON_SCHULZ
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


def is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether Muon is for this weight of a model: matrices and kernels in between, no embeddings, first or last layers."""
    outer = ("conv_in", "conv_out", "embedding", "embed")
    return parameter.ndim >= 2 and not any(part in name for part in outer)


class MuonAdamW(Optimizer):
    """Muon for the matrices and kernels of a model, AdamW for the rest, at one learning rate.

    Muon (Jordan et al. 2024) steps along the orthogonalised momentum; a kernel (O, I, h, w) is a matrix (O, I h w). Its step
    is scaled to the size of AdamW's, .2 sqrt(max(M, N)) (Liu et al. 2025, equation 4), so that learning rate and weight decay
    mean the same for both. torch's own takes two dimensions only.

    Args:
        model: whose parameters that ask for gradients are trained.
        lr, weight_decay: of both.
        momentum: of Muon.
        betas: of AdamW.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float = 1e-3,
        weight_decay: float = 1e-2,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [value for name, value in named if is_matrix(name, value) is muon], "muon": muon}
            for muon in (True, False)
        ]
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "betas": betas, "eps": 1e-8}
        super().__init__([group for group in groups if group["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    (self._muon if group["muon"] else self._adam)(parameter, group)
        return loss

    def _muon(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
        # Nesterov's: a step further along than the average is.
        update = orthogonalized(parameter.grad.lerp(average, group["momentum"]).flatten(1))
        parameter.sub_(update.view_as(parameter), alpha=group["lr"] * 0.2 * max(update.shape) ** 0.5)

    def _adam(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            # A tensor, as accelerate and DeepSpeed expect of a state.
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first, second = group["betas"]
        moments = [state["mean"]], [state["square"]], [], [state["step"]]
        # The weight has decayed already.
        settings = {"lr": group["lr"], "weight_decay": 0.0, "eps": group["eps"], "amsgrad": False, "maximize": False}
        adamw([parameter], [parameter.grad], *moments, beta1=first, beta2=second, **settings)
