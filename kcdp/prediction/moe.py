"""The mixture of experts that says the emotion (section 4.1, eq. 6 and 7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

#: v: what the denoiser saw; k: knowledge; i: the picture as the captioner's encoder sees it.
MoEInputs = Literal["v", "v+k", "k", "k+i", "v+k+i"]


@dataclass(frozen=True)
class MoEOutput:
    """The prediction and who made it.

    `logits` (B, K): y of eq. 7. `router` (B, E): softmax of the router, before the choice, rows sum to 1.
    `chosen` (B, E) bool: the top-k experts. `balance` (): standard deviation over the experts of their summed gates,
    0 when all were asked alike.
    """

    logits: torch.Tensor
    router: torch.Tensor
    chosen: torch.Tensor
    balance: torch.Tensor


class Experts(nn.Module):
    """E parallel Linear-ReLU-Linear networks as stacked matrices, so that one batched product runs them all."""

    def __init__(self, count: int, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.weight_in = nn.Parameter(torch.empty(count, in_features, hidden))
        self.bias_in = nn.Parameter(torch.empty(count, hidden))
        self.weight_out = nn.Parameter(torch.empty(count, hidden, out_features))
        self.bias_out = nn.Parameter(torch.empty(count, out_features))
        # As nn.Linear starts its own.
        for parameter, fan_in in (
            (self.weight_in, in_features),
            (self.bias_in, in_features),
            (self.weight_out, hidden),
            (self.bias_out, hidden),
        ):
            bound = 1 / math.sqrt(fan_in)
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(B, in_features) -> what every expert says, (B, E, out_features)."""
        hidden = F.relu(torch.einsum("bi,eih->beh", inputs, self.weight_in) + self.bias_in)
        return torch.einsum("beh,ehk->bek", hidden, self.weight_out) + self.bias_out


class MixtureOfExperts(ModelMixin, ConfigMixin):
    """a = Linear(v (+) k); W = TopK(Softmax(R(a))); y = sum_i W_i E_i(a) (eq. 6 and 7).

    The chosen gates are not renormalised, as eq. 6 has it: a router in doubt gives a flatter prediction.
    All experts are evaluated and the unchosen ones weighted 0: for networks this small that is faster than sending rows
    about.

    v and k are layer-normalised before they are joined, which the paper does not mention: the scale of a pooled feature
    and of a text state differ between models, and the router saturates on whichever is larger.

    `num_experts=1, top_k=1` is the global classifier of the ablation; `inputs="v"` that on v alone. What the captioner's
    encoder makes of the picture, i, is not the paper's: it has learned from words, and small data teach v less.

    Args:
        visual_dim: length of v.
        knowledge_dim: width D of a text state.
        num_classes: labels of the label space.
        inputs: "v+k" (paper), "v" (what the released code feeds in domain adaptation), or others of v, k and i.
        aggregate_dim: length of a.
        num_experts, top_k, expert_dim: E, k and the experts' hidden width.
        dropout: on a, in training.
        image_dim: length of i; 0 where it is no input.

    Raises ValueError for unknown `inputs`, inputs with i of no length, or a `top_k` outside 1 to `num_experts`.
    """

    @register_to_config
    def __init__(
        self,
        visual_dim: int = 1024,
        knowledge_dim: int = 768,
        num_classes: int = 8,
        inputs: MoEInputs = "v+k",
        aggregate_dim: int = 512,
        num_experts: int = 4,
        top_k: int = 2,
        expert_dim: int = 128,
        dropout: float = 0.0,
        image_dim: int = 0,
    ) -> None:
        super().__init__()
        if inputs not in get_args(MoEInputs):
            raise ValueError(f"Unknown inputs '{inputs}'; choose one of {', '.join(get_args(MoEInputs))}.")
        if not 1 <= top_k <= num_experts:
            raise ValueError(f"top_k must be from 1 to the number of experts, {num_experts}, not {top_k}.")
        given = inputs.split("+")
        if "i" in given and image_dim < 1:
            raise ValueError(f"The inputs '{inputs}' have the captioner's i; give its length as image_dim.")
        # Caption and triplets have a pooled vector each.
        sizes = {"v": visual_dim, "k": 2 * knowledge_dim, "i": image_dim}
        self.norm_visual = nn.LayerNorm(visual_dim) if "v" in given else None
        self.norm_knowledge = nn.LayerNorm(sizes["k"]) if "k" in given else None
        self.norm_image = nn.LayerNorm(image_dim) if "i" in given else None
        self.aggregate = nn.Linear(sum(sizes[name] for name in given), aggregate_dim)
        # Not `self.dropout`: a config entry hides a submodule of its name.
        self.drop = nn.Dropout(dropout)
        self.router = nn.Linear(aggregate_dim, num_experts)
        self.experts = Experts(num_experts, aggregate_dim, expert_dim, num_classes)

    def join(self, v: torch.Tensor, k: torch.Tensor | None = None, image: torch.Tensor | None = None) -> torch.Tensor:
        """The inputs, each normalised, side by side (B, F); raises ValueError without a k or i that is needed."""
        joined = [] if self.norm_visual is None else [self.norm_visual(v)]
        if self.norm_knowledge is not None:
            if k is None:
                raise ValueError("This mixture of experts needs k; give the pooled knowledge (B, 2, D).")
            joined.append(self.norm_knowledge(k.flatten(1)))
        if self.norm_image is not None:
            if image is None:
                raise ValueError(
                    "This mixture of experts needs i; give what the captioner's encoder saw (B, image_dim)."
                )
            joined.append(self.norm_image(image))
        return torch.cat(joined, dim=1)

    def forward(
        self,
        v: torch.Tensor,
        k: torch.Tensor | None = None,
        top_k: int | None = None,
        image: torch.Tensor | None = None,
    ) -> MoEOutput:
        """v (B, visual_dim), k (B, 2, D), the pooled vectors of caption and triplets, and i (B, image_dim) -> `MoEOutput`.

        What is no input is not looked at, and `k` and `image` may be left out then; `top_k` takes the place of the
        configured one. Raises ValueError without a k or i that is needed, or for a `top_k` outside 1 to `num_experts`.
        """
        top_k = self.config.top_k if top_k is None else top_k
        if not 1 <= top_k <= self.config.num_experts:
            raise ValueError(f"top_k must be from 1 to the number of experts, {self.config.num_experts}, not {top_k}.")
        a = self.drop(self.aggregate(self.join(v, k, image)))
        router = self.router(a).softmax(dim=-1)
        chosen = torch.zeros_like(router, dtype=torch.bool).scatter(1, router.topk(top_k, dim=-1).indices, True)
        gates = router * chosen
        logits = torch.einsum("be,bek->bk", gates, self.experts(a))
        return MoEOutput(logits, router, chosen, balance_loss(gates))


def balance_loss(gates: torch.Tensor) -> torch.Tensor:
    """Standard deviation over the experts of their gates (B, E) summed over the batch; 0 for a single expert.

    The released code adds a tenth of it to the loss, so that no expert is starved; the paper has no such term.
    """
    if gates.shape[1] == 1:
        return gates.new_zeros(())
    return gates.sum(dim=0).std()
