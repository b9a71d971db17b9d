from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torchmetrics.functional.image import lpips as published

from train.metrics.diversity import lpips, lpips_diversity

#: Channels of AlexNet's five levels, which torchmetrics expects.
CHANNELS = (64, 192, 384, 256, 256)


class FiveLevels(nn.Module):
    """Of AlexNet's shape and random weights, in its place."""

    def __init__(self, **_: bool) -> None:
        super().__init__()
        widths = zip((3, *CHANNELS), CHANNELS, strict=False)
        self.levels = nn.ModuleList(nn.Conv2d(inputs, outputs, 3, 2, 1) for inputs, outputs in widths)

    def forward(self, maps: torch.Tensor) -> list[torch.Tensor]:
        found = []
        for level in self.levels:
            maps = level(maps).relu()
            found.append(maps)
        return found


def two_levels(pictures: torch.Tensor) -> list[torch.Tensor]:
    """Something that needs no weights."""
    small = nn.functional.avg_pool2d(pictures, 4)
    return [pictures.relu(), torch.cat([small, small.square()], dim=1)]


@torch.no_grad()
def test_distance_is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "Alexnet", FiveLevels)
    network = published._LPIPS(pretrained=False, net="alex")
    for layer in network.lins:
        layer.model[-1].weight.uniform_(0, 1)
    weights = [layer.model[-1].weight.flatten() for layer in network.lins]
    first, second = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    found = lpips(first, second, lambda pictures: network.net(network.scaling_layer(pictures)), weights)
    torch.testing.assert_close(found.float(), network(first, second).flatten(), rtol=1e-4, atol=1e-6)


def test_distance_by_hand() -> None:
    # One level of one position: (3, 4) and (4, 3) are (.6, .8) and (.8, .6) at unit length.
    first, second = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1), torch.tensor([4.0, 3.0]).view(1, 2, 1, 1)
    assert lpips(first, second, lambda maps: [maps]).item() == pytest.approx(0.08)
    weights = [torch.tensor([1.0, 0.5])]
    assert lpips(first, second, lambda maps: [maps], weights).item() == pytest.approx(0.06)
    assert lpips(first, first, lambda maps: [maps]).item() == 0


@pytest.mark.parametrize("weights", [None, [torch.tensor([0.2, 1.0, 0.0]), torch.rand(6)]])
def test_diversity_is_the_mean_distance_of_all_pairs(weights: list[torch.Tensor] | None) -> None:
    pictures = torch.rand(6, 3, 16, 16) * 2 - 1
    pairs = list(itertools.combinations(pictures.split(1), 2))
    expected = sum(lpips(one, other, two_levels, weights).item() for one, other in pairs) / len(pairs)
    assert expected > 0.01
    assert lpips_diversity([pictures], two_levels, weights) == pytest.approx(expected)
    # However the pictures are batched.
    assert lpips_diversity(iter(pictures.split(4)), two_levels, weights) == pytest.approx(expected)


def test_equal_pictures_are_not_diverse() -> None:
    assert lpips_diversity([torch.rand(1, 3, 8, 8).expand(4, -1, -1, -1)], two_levels) == pytest.approx(0, abs=1e-9)


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="two pictures or more; there is 1"):
        lpips_diversity([torch.rand(1, 3, 8, 8)], two_levels)
    with pytest.raises(ValueError, match="weights of 1 levels and maps of 2"):
        lpips_diversity([torch.rand(2, 3, 8, 8)], two_levels, [torch.ones(3)])
    with pytest.raises(ValueError, match="weights of 1 levels and maps of 2"):
        lpips(*torch.rand(2, 1, 3, 8, 8), two_levels, [torch.ones(3)])
