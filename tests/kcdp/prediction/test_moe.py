"""The mixture of experts against a loop over pictures and experts (eq. 6 and 7)."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from kcdp.prediction.moe import Experts, MixtureOfExperts, MoEInputs, balance_loss

V, D, CLASSES = 20, 12, 5
I = 9  # noqa: E741 - the length of i
SIZES = {
    "visual_dim": V,
    "knowledge_dim": D,
    "num_classes": CLASSES,
    "aggregate_dim": 16,
    "expert_dim": 7,
    "image_dim": I,
}
INPUTS = get_args(MoEInputs)


def build(**options: object) -> MixtureOfExperts:
    return MixtureOfExperts(**{**SIZES, **options}).eval()


def slow(
    moe: MixtureOfExperts, v: torch.Tensor, k: torch.Tensor, image: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and summed gates, one picture and one expert at a time."""
    config, experts = moe.config, moe.experts
    logits, gates = torch.zeros(len(v), config.num_classes), torch.zeros(config.num_experts)
    for b in range(len(v)):
        parts = []
        if "v" in config.inputs:
            parts.append(moe.norm_visual(v[b]))
        if "k" in config.inputs:
            parts.append(moe.norm_knowledge(torch.cat([k[b, 0], k[b, 1]])))
        if "i" in config.inputs:
            parts.append(moe.norm_image(image[b]))
        a = moe.aggregate(torch.cat(parts))
        weights = moe.router(a).softmax(0)
        best = sorted(range(config.num_experts), key=lambda e: -weights[e].item())[: config.top_k]
        for e in best:
            hidden = F.relu(a @ experts.weight_in[e] + experts.bias_in[e])
            logits[b] += weights[e] * (hidden @ experts.weight_out[e] + experts.bias_out[e])
            gates[e] += weights[e]
    return logits, gates


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize(("num_experts", "top_k"), [(4, 2), (4, 4), (3, 1), (1, 1)])
def test_value_against_a_loop(inputs: str, num_experts: int, top_k: int) -> None:
    moe = build(inputs=inputs, num_experts=num_experts, top_k=top_k)
    v, k, image = torch.randn(6, V), torch.randn(6, 2, D), torch.randn(6, I)
    out = moe(v, k, image=image)
    logits, gates = slow(moe, v, k, image)
    torch.testing.assert_close(out.logits, logits)
    torch.testing.assert_close(out.balance, gates.std() if num_experts > 1 else torch.tensor(0.0))
    torch.testing.assert_close(out.router.sum(1), torch.ones(6))
    assert out.chosen.dtype == torch.bool and (out.chosen.sum(1) == top_k).all()
    left_out = out.router.masked_fill(out.chosen, 0).amax(1)
    assert (out.router.masked_fill(~out.chosen, 2).amin(1) >= left_out).all()


def test_gates_are_not_renormalised() -> None:
    """With experts that all say 1, the logit is the sum of the chosen softmax weights, below 1."""
    moe = build(num_experts=4, top_k=2)
    with torch.no_grad():
        moe.experts.weight_out.zero_()
        moe.experts.bias_out.fill_(1.0)
    out = moe(torch.randn(3, V), torch.randn(3, 2, D))
    expected = (out.router * out.chosen).sum(1, keepdim=True).expand(-1, CLASSES)
    torch.testing.assert_close(out.logits, expected)
    assert (out.logits < 1).all()


def test_global_classifier_has_one_expert_with_weight_one() -> None:
    moe = build(num_experts=1, top_k=1)
    v, k = torch.randn(4, V), torch.randn(4, 2, D)
    out = moe(v, k)
    assert (out.router == 1).all() and out.chosen.all() and out.balance == 0
    joined = torch.cat([moe.norm_visual(v), moe.norm_knowledge(k.flatten(1))], 1)
    torch.testing.assert_close(out.logits, moe.experts(moe.aggregate(joined))[:, 0])


def test_experts_are_parallel_linear_relu_linear() -> None:
    experts, inputs = Experts(3, 6, 8, 4), torch.randn(5, 6)
    for e in range(3):
        first, second = torch.nn.Linear(6, 8), torch.nn.Linear(8, 4)
        first.weight.data, first.bias.data = experts.weight_in[e].T, experts.bias_in[e]
        second.weight.data, second.bias.data = experts.weight_out[e].T, experts.bias_out[e]
        torch.testing.assert_close(experts(inputs)[:, e], second(F.relu(first(inputs))))


def test_gradients_reach_every_part() -> None:
    moe = build().train()
    out = moe(torch.randn(32, V), torch.randn(32, 2, D))
    (F.cross_entropy(out.logits, torch.randint(CLASSES, (32,))) + 0.1 * out.balance).backward()
    for name, parameter in moe.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_balance_is_zero_when_even_and_pushes_apart_when_not() -> None:
    assert balance_loss(torch.full((8, 4), 0.25)) == 0
    one_sided = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    loss = balance_loss(one_sided)
    torch.testing.assert_close(loss, torch.tensor([2.0, 0.0]).std())
    loss.backward()
    assert (one_sided.grad[:, 0] > 0).all() and (one_sided.grad[:, 1] < 0).all()


@pytest.mark.parametrize("inputs", INPUTS)
def test_the_experts_hear_their_inputs_and_nothing_else(inputs: str) -> None:
    """Another v, k or i changes what they say, and gets a gradient, only where it is an input."""
    moe = build(inputs=inputs)
    given = {"v": torch.randn(2, V), "k": torch.randn(2, 2, D), "i": torch.randn(2, I)}
    for tensor in given.values():
        tensor.requires_grad_()
    said = moe(given["v"], given["k"], image=given["i"]).logits
    said.sum().backward()
    for name, tensor in given.items():
        changed = {**given, name: torch.randn_like(tensor)}
        same = torch.equal(moe(changed["v"], changed["k"], image=changed["i"]).logits, said)
        assert same == (name not in inputs) == (tensor.grad is None), name
    assert moe.aggregate.in_features == sum({"v": V, "k": 2 * D, "i": I}[name] for name in inputs.split("+"))


def test_what_is_no_input_may_be_left_out() -> None:
    v, k = torch.randn(2, V), torch.randn(2, 2, D)
    alone, words = build(inputs="v", image_dim=0), build(inputs="k", image_dim=0)
    assert torch.equal(alone(v, k).logits, alone(v).logits)
    assert torch.equal(words(v, k, image=v).logits, words(v, k).logits)


def test_dropout_acts_in_training_alone() -> None:
    moe, v, k = build(dropout=0.5), torch.randn(2, V), torch.randn(2, 2, D)
    assert torch.equal(moe(v, k).logits, moe(v, k).logits)
    moe.train()
    assert not torch.equal(moe(v, k).logits, moe(v, k).logits)


def test_batch_says_the_same_as_single_pictures() -> None:
    moe, v, k = build(), torch.randn(4, V), torch.randn(4, 2, D)
    alone = torch.cat([moe(v[i : i + 1], k[i : i + 1]).logits for i in range(4)])
    torch.testing.assert_close(moe(v, k).logits, alone)


def test_top_k_can_be_given_with_the_call() -> None:
    moe, v, k = build(top_k=2), torch.randn(3, V), torch.randn(3, 2, D)
    wider = MixtureOfExperts(**{**SIZES, "top_k": 3}).eval()
    wider.load_state_dict(moe.state_dict())
    assert torch.equal(moe(v, k, top_k=3).logits, wider(v, k).logits)
    with pytest.raises(ValueError, match="top_k must be from 1 to the number of experts, 4, not 5"):
        moe(v, k, top_k=5)


def test_survives_saving(tmp_path: Path) -> None:
    moe, v = build(inputs="v", num_experts=3, top_k=1), torch.randn(3, V)
    moe.save_pretrained(tmp_path)
    loaded = MixtureOfExperts.from_pretrained(tmp_path)
    assert loaded.config.inputs == "v" and loaded.config.top_k == 1
    assert torch.equal(loaded(v).logits, moe(v).logits)


@pytest.mark.parametrize("top_k", [0, 5])
def test_impossible_top_k_is_refused(top_k: int) -> None:
    with pytest.raises(ValueError, match="top_k must be from 1 to the number of experts, 4"):
        build(num_experts=4, top_k=top_k)


def test_unknown_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown inputs 'i'; choose one of v, v\+k"):
        build(inputs="i")


def test_missing_knowledge_is_refused() -> None:
    with pytest.raises(ValueError, match="needs k; give the pooled knowledge"):
        build(inputs="v+k")(torch.randn(2, V))
    with pytest.raises(ValueError, match="needs i; give what the captioner's encoder saw"):
        build(inputs="k+i")(torch.randn(2, V), torch.randn(2, 2, D))


def test_a_picture_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'k\+i' have the captioner's i; give its length"):
        build(inputs="k+i", image_dim=0)
