"""Attributes and emotions: coefficients against a slow mean, names by nearest text, alphas by hand."""

import pytest
import torch
from torch.nn import functional as F

from kcdp.uniemo.correlation import EmotionalCorrelation, estimate
from kcdp.uniemo.query_chain import ChainOutput

NAMES = ["beach", "graveyard", "cat", "ghost", "tree"]
CLASSES, EMBED = 3, 6


@pytest.fixture
def table():
    """Two scenes, three objects, on five of six axes; vectors given at any length."""
    coefficients = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.1, 0.9], [0.8, 0.1, 0.1], [0.1, 0.6, 0.3], [0.4, 0.3, 0.3]])
    return EmotionalCorrelation.of(NAMES, 4 * torch.eye(EMBED)[:5], coefficients, num_scenes=2, threshold=0.3)


def towards(*weights):
    return F.normalize(torch.tensor([weights], dtype=torch.float32), dim=-1)


def test_a_coefficient_is_the_mean_over_the_pictures_that_carry_the_attribute():
    probabilities = torch.randn(20, CLASSES).softmax(1)
    memberships = [sorted(set(torch.randint(0, 4, (3,)).tolist())) for _ in range(20)]
    memberships[7] = []
    found = estimate(probabilities, memberships, 6)
    for attribute in range(6):
        rows = [probabilities[row] for row in range(20) if attribute in memberships[row]]
        expected = sum(rows) / len(rows) if rows else torch.zeros(CLASSES)
        torch.testing.assert_close(found[attribute], expected)
    torch.testing.assert_close(found[:4].sum(1), torch.ones(4))
    assert (found[4:] == 0).all()


def test_a_picture_counts_once_for_an_attribute_named_twice():
    probabilities = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert estimate(probabilities, [[0, 0], [0]], 1).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("memberships", "message"),
    [([[0]], "2 pictures but attributes for 1"), ([[0], [3]], "no attribute 3; they are numbered from 0 to 2")],
)
def test_estimate_says_what_is_wrong(memberships, message):
    with pytest.raises(ValueError, match=message):
        estimate(torch.rand(2, 2), memberships, 3)


def test_the_nearest_text_names_a_query(table):
    embeds = torch.cat([towards(5, 1, 0, 0, 0, 0), towards(0, 1, 0, 0, 6, 2)])
    indices, names, cosines = table.nearest(embeds)
    assert indices.tolist() == [0, 4]
    assert names == ["beach", "tree"]
    torch.testing.assert_close(cosines, embeds.amax(1))
    assert table.embeds.norm(dim=1).tolist() == pytest.approx([1] * 5)


def test_a_kind_is_looked_for_among_its_own(table):
    embeds = towards(0, 4, 5, 0, 0, 0)
    assert table.nearest(embeds)[1] == ["cat"]
    assert table.nearest(embeds, kind="object")[1] == ["cat"]
    assert table.nearest(embeds, kind="scene")[1] == ["graveyard"]
    together = EmotionalCorrelation.of(NAMES, table.embeds, table.coefficients)
    assert together.nearest(embeds, kind="scene")[1] == ["cat"]


def test_what_is_far_from_every_attribute_is_unknown_and_counts_nothing(table):
    embeds = torch.cat([towards(1, 0, 0, 0, 0, 5), towards(1, 0, 0, 0, 0, 0)])
    indices, names, cosines = table.nearest(embeds)
    assert indices.tolist() == [-1, 0]
    assert names == [None, "beach"]
    assert 0 < cosines[0] < 0.3
    assert table.nearest(embeds, threshold=0.1)[1] == ["beach", "beach"]
    weights = torch.tensor([[1.0, 0.0, 0.0]]).expand(2, -1)
    assert table.coefficients_of(embeds, weights).tolist() == pytest.approx([0, 0.7])
    assert table.coefficients_of(embeds, weights, threshold=0.1).tolist() == pytest.approx([0.7, 0.7])


def test_a_table_takes_one_scene_and_what_points_away_from_all_is_unknown_to_it():
    table = EmotionalCorrelation.of(NAMES, torch.eye(EMBED)[:5], torch.ones(5, 3), num_scenes=1)
    assert table.nearest(torch.eye(EMBED)[:1], kind="scene")[1] == [NAMES[0]]
    away = F.normalize(-torch.eye(EMBED)[:5].sum(0, keepdim=True), dim=1)
    assert table.nearest(away)[1] == [None]


def test_alpha_is_the_coefficient_of_the_emotions_that_are_meant(table):
    embeds = torch.cat([towards(0, 1, 0, 0, 0, 0)] * 3)
    weights = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    assert table.coefficients_of(embeds, weights).tolist() == pytest.approx([0.9, 0.05, 0.03 + 0.45])


def output(scene, objects):
    nothing = torch.zeros(1, 0, 4)
    return ChainOutput(torch.zeros(1, 4), nothing, nothing, scene, objects, torch.zeros(1, CLASSES))


def test_a_picture_has_an_alpha_for_its_scene_and_one_for_its_object(table):
    seen = output(towards(0, 1, 2, 0, 0, 0), towards(2, 0, 0, 1, 0, 0))
    weights = torch.tensor([[0.0, 0.0, 1.0]])
    torch.testing.assert_close(table.alphas(seen, weights), torch.tensor([[0.9, 0.3]]))
    assert table.alphas(output(None, None), weights).tolist() == [[0, 0]]


def test_saving_and_loading_changes_nothing(table, tmp_path):
    table.save_pretrained(tmp_path)
    loaded = EmotionalCorrelation.from_pretrained(tmp_path)
    assert loaded.config.attributes == NAMES
    embeds = F.normalize(torch.randn(8, EMBED), dim=-1)
    assert loaded.nearest(embeds, kind="object")[1] == table.nearest(embeds, kind="object")[1]
    torch.testing.assert_close(loaded.coefficients, table.coefficients, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one attribute"),
        ((["a", "b"], 2, 4, 0), "Of 2 attributes 0 cannot be scenes"),
        ((["a", "b"], 2, 4, 2), "Of 2 attributes 2 cannot be scenes"),
    ],
)
def test_a_table_says_what_it_needs(arguments, message):
    with pytest.raises(ValueError, match=message):
        EmotionalCorrelation(*arguments)


def test_names_vectors_and_coefficients_go_together():
    with pytest.raises(ValueError, match="2 attributes, 3 vectors and 2 rows"):
        EmotionalCorrelation.of(["a", "b"], torch.eye(3), torch.ones(2, 2))
