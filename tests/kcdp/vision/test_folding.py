"""A folded network says what the plain one says, whatever happens to its weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from kcdp.vision.efficientnet import EfficientNetLite, SameConv2d
from kcdp.vision.folding import FoldingSequential


def unsettle(network: nn.Module) -> None:
    """Weights and statistics of a network that has learned something."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for numbers, low, high in (
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2),
                (module.weight, 0.5, 2),
                (module.bias, -0.5, 0.5),
            ):
                nn.init.uniform_(numbers, low, high)


def small() -> FoldingSequential:
    layers = SameConv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4)
    network = FoldingSequential(*layers).eval()
    unsettle(network)
    return network


@pytest.fixture
def maps() -> torch.Tensor:
    return torch.randn(2, 3, 16, 16)


def plainly(network: nn.Sequential, maps: torch.Tensor) -> torch.Tensor:
    """Layer by layer, each called by itself."""
    with torch.no_grad():
        for layer in network:
            maps = layer(maps)
    return maps


def count_norms(network: nn.Module) -> list[nn.Module]:
    """A list that grows with every batch normalisation that is called."""
    called: list[nn.Module] = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda norm, *_: called.append(norm))
    return called


def test_a_whole_trunk_says_the_same_without_its_norms() -> None:
    trunk, pictures = EfficientNetLite().eval(), torch.randn(2, 3, 64, 32)
    unsettle(trunk)
    plain = trunk(pictures)
    assert plain[1].requires_grad
    called = count_norms(trunk)
    for asked in (torch.inference_mode, torch.no_grad):
        with asked():
            folded = trunk(pictures)
        for one, other in zip(folded, plain, strict=True):
            torch.testing.assert_close(one, other.detach(), rtol=1e-4, atol=1e-4)
    assert not called
    trunk(pictures)
    assert len(called) == sum(isinstance(module, nn.BatchNorm2d) for module in trunk.modules()) == 49


@torch.no_grad()
@pytest.mark.parametrize("part", ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.bias"])
def test_numbers_that_change_are_read_anew(maps: torch.Tensor, part: str) -> None:
    network = small()
    before = network(maps)
    network.state_dict()[part].mul_(1.5).add_(0.1)
    torch.testing.assert_close(network(maps), plainly(network, maps), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(network(maps), before, atol=1e-3)


@torch.no_grad()
def test_other_numbers_in_their_place_are_read_anew(maps: torch.Tensor) -> None:
    network, other = small(), small()
    network(maps)
    network[1].weight.data = other[1].weight.data.clone()
    torch.testing.assert_close(network(maps), plainly(network, maps), rtol=1e-4, atol=1e-5)
    network[0].weight = nn.Parameter(other[0].weight.clone())
    torch.testing.assert_close(network(maps), plainly(network, maps), rtol=1e-4, atol=1e-5)
    network[3] = other[3]
    torch.testing.assert_close(network(maps), plainly(network, maps), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_what_is_saved_and_copied_is_plain(maps: torch.Tensor) -> None:
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = network(maps)
    after = network.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
    twin = copy.deepcopy(network)
    twin[0].weight.zero_()
    torch.testing.assert_close(twin(maps), plainly(twin, maps), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network(maps), found)


@torch.no_grad()
def test_what_still_learns_or_has_another_precision_is_not_folded(maps: torch.Tensor) -> None:
    learning = small().train()
    called = count_norms(learning)
    twin = copy.deepcopy(learning)
    torch.testing.assert_close(learning(maps), plainly(twin, maps))
    torch.testing.assert_close(learning[1].running_mean, twin[1].running_mean)
    assert called
    doubled = small().double()
    called = count_norms(doubled)
    doubled(maps.double())
    assert len(called) == 2
