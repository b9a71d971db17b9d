"""Muon beside AdamW, against singular values and torch's own AdamW."""

import copy

import pytest
import torch
from torch import nn

from train.core.optimizers import MuonAdamW, is_matrix, orthogonalized


def model():
    torch.manual_seed(0)
    return nn.ModuleDict(
        {
            "conv_in": nn.Conv2d(3, 8, 3),
            "body": nn.Conv2d(8, 12, 3),
            "norm": nn.GroupNorm(4, 12),
            "words": nn.ModuleDict({"embedding": nn.Embedding(5, 4)}),
            "linear": nn.Linear(12, 6),
        }
    )


def with_gradients(module, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    return module


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (16, 16)])
def test_all_singular_values_come_near_one_and_vectors_stay(shape):
    torch.manual_seed(2)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(0, -1, shape[1]))
    found = orthogonalized(matrix)
    values = torch.linalg.svdvals(found)
    assert values.max() < 1.3
    assert values.median() > 0.6
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    cosine = nn.functional.cosine_similarity(found.flatten(), (left @ right).flatten(), dim=0)
    assert cosine > 0.9


def test_kernels_are_muons_and_first_layers_embeddings_and_vectors_are_not():
    found = {name for name, parameter in model().named_parameters() if is_matrix(name, parameter)}
    assert found == {"body.weight", "linear.weight"}


def test_the_rest_is_torchs_adamw():
    ours, theirs = model(), model()
    optimizer = MuonAdamW(ours, lr=3e-3, weight_decay=0.1, betas=(0.8, 0.95))
    plain = torch.optim.AdamW(theirs.parameters(), lr=3e-3, weight_decay=0.1, betas=(0.8, 0.95))
    for seed in range(3):
        with_gradients(ours, seed), with_gradients(theirs, seed)
        optimizer.step(), plain.step()
    for (name, found), expected in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        if not is_matrix(name, found):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_a_step_of_muon_is_as_large_as_one_of_adamw():
    ours = with_gradients(model())
    before = copy.deepcopy(ours)
    MuonAdamW(ours, lr=1e-2, weight_decay=0).step()
    for name, found in ours.named_parameters():
        if is_matrix(name, found):
            step = found - before.get_parameter(name)
            assert 0.1 < step.square().mean().sqrt() / 1e-2 < 0.3
            assert nn.functional.cosine_similarity(step.flatten(), -found.grad.flatten(), dim=0) > 0.5


def test_it_learns_goes_on_where_it_stood_and_decays():
    torch.manual_seed(0)
    net, wanted = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2)), torch.randn(64, 2)
    inputs = torch.randn(64, 8)
    optimizer = MuonAdamW(net, lr=3e-2)

    def step(net, optimizer):
        loss = (net(inputs) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step(net, optimizer) for _ in range(60)]
    assert losses[-1] < 0.6 * losses[0]
    other = copy.deepcopy(net)
    resumed = MuonAdamW(other, lr=3e-2)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(3):
        assert step(net, optimizer) == step(other, resumed)
    still = model()
    for parameter in still.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = still["body"].weight.norm().item()
    MuonAdamW(still, lr=0.1, weight_decay=0.5).step()
    assert still["body"].weight.norm().item() == pytest.approx(0.95 * before, rel=1e-5)
