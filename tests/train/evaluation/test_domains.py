from __future__ import annotations

import torch
from datasets import Dataset

from train.core.recipe import Recipe
from train.evaluation.domains import Domains


def test_domains_are_those_that_can_be_trained_and_tested(domains: Domains) -> None:
    assert domains.names == ["emoji", "cartoons", "photos"]
    assert domains.test_parts == ["test-emoji", "test-cartoons", "test-photos"]


def test_a_domain_without_test_pictures_is_left_out(recipe: Recipe, records: Dataset) -> None:
    keep = [
        row
        for row, (domain, split) in enumerate(zip(records["domain"][:], records["split"][:], strict=True))
        if (domain, split) != ("photos", "test")
    ]
    assert Domains(recipe, records.select(keep)).names == ["emoji", "cartoons"]


def test_only_labelled_pictures_of_the_domain_are_drawn(domains: Domains) -> None:
    for dataset in (domains.source("cartoons"), domains.target("cartoons")):
        drawn = dataset.sample(200, torch.Generator().manual_seed(0)).tolist()
        assert {dataset.domains[index] for index in drawn} == {"cartoons"}
        assert min(dataset.labels[index] for index in drawn) >= 0
        assert set(dataset.styles) == {"noto", "lorelei", "moody"}


def test_sources_and_targets_share_their_pictures_and_so_their_caches(domains: Domains) -> None:
    keys = {domains.source(name).decoded.key for name in domains.names}
    keys |= {domains.target(name).decoded.key for name in domains.names}
    assert len(keys) == 1
    assert domains.source("emoji") is domains.source("emoji")


def test_a_target_is_drawn_without_regard_to_its_labels(recipe: Recipe, records: Dataset) -> None:
    emotions = records["emotion"][:]
    # All emoji but one are amused from here on.
    rare = [row for row in range(len(records)) if emotions[row] != "anger" or row == emotions.index("anger")]
    domains = Domains(recipe, records.select(rare), balance=1.0)
    target, source = domains.target("emoji"), domains.source("emoji")
    assert len(set(target.weights[target.weights > 0].tolist())) == 1
    assert len(set(source.weights[source.weights > 0].tolist())) > 1


def test_test_parts_are_labelled_and_of_one_domain(domains: Domains) -> None:
    dataset = domains.test("emoji")
    assert set(dataset.styles) == {"openmoji"}
    assert len(dataset) == 6
    assert (dataset.labels >= 0).all()


def test_parts_together_have_every_labelled_picture_once(domains: Domains) -> None:
    parts = domains.test_parts
    dataset = domains.union([*parts, parts[0]])
    assert sorted(dataset.records["id"][:]) == sorted(
        name for part in parts for name in domains.part(part).records["id"]
    )
    assert len(dataset) == 18 and (dataset.labels >= 0).all()
