from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torchmetrics.functional.image import lpips as published

from train.metrics.diversity import lpips_diversity

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
        layer.model[-1].weight.fill_(1)
    first, second = torch.rand(2, 1, 3, 32, 32) * 2 - 1
    found = lpips_diversity([first, second], lambda pictures: network.net(network.scaling_layer(pictures)))
    assert found == pytest.approx(network(first, second).item(), rel=1e-4)


def test_distance_by_hand() -> None:
    # One level of one position: (3, 4) and (4, 3) are (.6, .8) and (.8, .6) at unit length.
    pair = torch.tensor([[3.0, 4.0], [4.0, 3.0]]).view(2, 2, 1, 1)
    assert lpips_diversity([pair], lambda maps: [maps]) == pytest.approx(0.08)


def test_diversity_is_the_mean_distance_of_all_pairs() -> None:
    pictures = torch.rand(6, 3, 16, 16) * 2 - 1

    def distance(one: torch.Tensor, other: torch.Tensor) -> float:
        pairs = zip(two_levels(one), two_levels(other), strict=True)
        units = [[nn.functional.normalize(maps, dim=1, eps=1e-4) for maps in pair] for pair in pairs]
        return sum((first - second).square().sum(1).mean().item() for first, second in units)

    pairs = list(itertools.combinations(pictures.split(1), 2))
    expected = sum(distance(*pair) for pair in pairs) / len(pairs)
    assert expected > 0.01
    assert lpips_diversity([pictures], two_levels) == pytest.approx(expected, rel=1e-4)
    # However the pictures are batched.
    assert lpips_diversity(iter(pictures.split(4)), two_levels) == pytest.approx(expected, rel=1e-4)


def test_equal_pictures_are_not_diverse() -> None:
    assert lpips_diversity([torch.rand(1, 3, 8, 8).expand(4, -1, -1, -1)], two_levels) == pytest.approx(0, abs=1e-9)


def test_one_picture_alone_does_not_differ() -> None:
    with pytest.raises(ValueError, match="two pictures or more; there is 1"):
        lpips_diversity([torch.rand(1, 3, 8, 8)], two_levels)
