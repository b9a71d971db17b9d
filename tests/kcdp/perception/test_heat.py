"""Heat maps are the bilinear means that they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kcdp.perception.heat import heat_map, heat_maps


def test_heat_map_averages_tokens_and_levels() -> None:
    maps = [torch.rand(5, 4, 4), torch.rand(5, 2, 2)]
    expected = torch.zeros(8, 8)
    for level in maps:
        for token in (1, 4):
            expected += F.interpolate(level[token][None, None], size=(8, 8), mode="bilinear")[0, 0] / 4
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    heat = heat_map(maps, [1, 4], (8, 8))
    assert heat.dtype == np.float32 and heat.min() == 0 and heat.max() == 1
    np.testing.assert_allclose(heat, expected.numpy(), rtol=1e-4, atol=1e-6)


def test_maps_are_those_of_resizing_every_one_by_itself() -> None:
    """Of levels of other shapes, brought to larger and to smaller pictures."""
    maps, groups = [torch.rand(9, 6, 5), torch.rand(9, 3, 7), torch.rand(9, 16, 16)], [[0], [1, 4, 8], [7, 2, 2]]
    for size in ((32, 24), (5, 9)):
        for found, group in zip(heat_maps(maps, groups, size), groups, strict=True):
            levels = [level[group].mean(dim=0)[None, None] for level in maps]
            resized = [F.interpolate(level, size=size, mode="bilinear", align_corners=False)[0, 0] for level in levels]
            plain = torch.stack(resized).mean(dim=0)
            plain = (plain - plain.min()) / (plain.max() - plain.min())
            np.testing.assert_allclose(found, plain.numpy(), atol=2e-6)


def test_several_heat_maps_are_what_each_alone_is() -> None:
    maps, groups = [torch.rand(5, 4, 4), torch.rand(5, 2, 2)], [[0], [1, 4], [2], [3, 3, 0]]
    maps[0][2], maps[1][2] = 0.5, 0.5  # nothing to be seen of one of them
    for together, group in zip(heat_maps(maps, groups, (8, 6)), groups, strict=True):
        np.testing.assert_allclose(together, heat_map(maps, group, (8, 6)), atol=1e-6)
        assert together.any() == (group != [2])
    assert heat_maps(maps, [], (8, 8)) == []


def test_heat_map_points_at_the_place() -> None:
    maps = torch.full((3, 4, 8), 0.1)
    maps[2, 3, 6] = 0.9
    heat = heat_map([maps], [2], (32, 64))
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert heat.shape == (32, 64) and 24 <= row < 32 and 48 <= column < 56


def test_flat_attention_is_no_heat() -> None:
    assert not heat_map([torch.full((2, 4, 4), 0.5)], [0], (8, 8)).any()


@pytest.mark.parametrize("tokens", [[], [5], [-1]])
def test_heat_map_refuses_tokens_that_are_not_there(tokens: list[int]) -> None:
    with pytest.raises(ValueError, match="Choose at least one token from 0 to 4"):
        heat_map([torch.rand(5, 4, 4)], tokens, (8, 8))


def test_heat_map_needs_a_level() -> None:
    with pytest.raises(ValueError, match="There is no attention map"):
        heat_map([], [0], (8, 8))
