from __future__ import annotations

import itertools

import pytest
import torch

from train.metrics.semantics import clarities, semantic_clarity, semantic_diversity


def test_clarity_is_the_larger_of_the_best_scene_and_the_best_object() -> None:
    scenes, objects = (3 * torch.randn(30, 5)).softmax(1), (3 * torch.randn(30, 7)).softmax(1)
    best = [max(max(scene), max(thing)) for scene, thing in zip(scenes.tolist(), objects.tolist(), strict=True)]
    assert clarities(scenes, objects).tolist() == pytest.approx(best)
    assert semantic_clarity(scenes, objects) == pytest.approx(sum(best) / 30)
    # Both kinds of classes decide some of the pictures.
    assert len({bool(scene.max() > thing.max()) for scene, thing in zip(scenes, objects, strict=True)}) == 2


def test_clarity_needs_scenes_and_objects_of_the_same_pictures() -> None:
    with pytest.raises(ValueError, match="scenes of 2 pictures and objects of 1"):
        semantic_clarity(torch.ones(2, 3), torch.ones(1, 3))


def test_one_picture_is_clear_and_none_is_nothing() -> None:
    assert clarities(torch.tensor([[0.25, 0.75]]), torch.tensor([[0.5, 0.5]])).tolist() == [0.75]
    with pytest.raises(ValueError, match="scenes of 0 pictures"):
        clarities(torch.ones(0, 3), torch.ones(0, 3))


def test_diversity_is_the_mean_squared_difference_over_all_pairs() -> None:
    features = torch.randn(9, 6) * 2 + 5
    pairs = list(itertools.combinations(features, 2))
    expected = sum(float((one - other).square().mean()) for one, other in pairs) / len(pairs)
    assert semantic_diversity(features) == pytest.approx(expected, rel=1e-5)
    assert semantic_diversity(features[:1].expand(3, -1)) == 0
    assert semantic_diversity(torch.tensor([[0.0, 0.0], [2.0, 4.0]])) == 10


def test_diversity_of_unit_features_is_their_cosine_distance() -> None:
    features = torch.nn.functional.normalize(torch.randn(7, 4), dim=1)
    cosines = [float(one @ other) for one, other in itertools.combinations(features, 2)]
    expected = 2 * (1 - sum(cosines) / len(cosines)) / 4
    assert semantic_diversity(features) == pytest.approx(expected, rel=1e-5)


def test_one_picture_is_not_diverse() -> None:
    with pytest.raises(ValueError, match="two pictures or more; there is 1"):
        semantic_diversity(torch.ones(1, 4))
