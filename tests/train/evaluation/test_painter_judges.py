"""Who judges a painter: what they learn from is theirs alone, and what they say is in the order of the emotions."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.painting.things import THINGS
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig
from train.data import stickers
from train.drawn import Sticker
from train.evaluation import painter_judges as module
from train.evaluation.painter_judges import SIDE, PainterJudges, resized, things, two_feelings


@pytest.fixture
def judges(recipe: Recipe, records: Dataset, monkeypatch: pytest.MonkeyPatch) -> PainterJudges:
    monkeypatch.setattr(module, "STICKERS", 80)
    monkeypatch.setattr(module, "DRAWN_PICTURES", 12)
    monkeypatch.setattr(module, "OF_TWO", 1)
    monkeypatch.setattr(module, "WIDTHS", (4, 4, 4, 4))
    monkeypatch.setattr(module, "LOOP", LoopConfig(steps=2, batch_size=4, warmup_steps=1, validate_every=2))
    monkeypatch.setattr(module, "load_records", lambda recipe: records)
    return PainterJudges(replace(recipe, data="somewhere"))


def test_nothing_that_tests_a_judge_has_taught_it(judges: PainterJudges) -> None:
    learned = {*judges.domains.part("train").records["group"], *judges.domains.part("val").records["group"]}
    assert {"stickers", "drawn pictures", "test-emoji", "test-cartoons"} <= set(judges.tests)
    for name, test in judges.tests.items():
        assert len(test) and learned.isdisjoint(test.records["group"]), name
    assert set(judges.tests["stickers"].records["style"]) == {"sticker"}
    assert "sticker" not in judges.tests["drawn pictures"].records["style"]
    # Photos are not what is painted.
    assert "photos" not in judges.domains.records["domain"]
    assert set(judges.edited.records["domain"]) == {"emoji", "cartoons"}


def test_what_is_drawn_for_judges_has_numbers_of_its_own() -> None:
    assert module.FIRST > stickers.PAIRS + 10_000_000 > stickers.HELD_OUT
    assert module.FIRST_THING - module.FIRST > module.STICKERS


def test_the_resnet_sees_pictures_of_any_size_in_its_own(judges: PainterJudges) -> None:
    pictures = torch.rand(3, 3, 128, 128) * 2 - 1
    said = judges.read_by_resnet(pictures)
    torch.testing.assert_close(said, judges.resnet(resized(pictures)))
    assert resized(pictures).shape == (3, 3, SIDE, SIDE) and judges.resnet.emotions == MIKELS_8.labels
    accuracies = judges.tests["stickers"]
    seen = judges.read_by_resnet(accuracies.plain(torch.arange(len(accuracies)))).argmax(1)
    judges.__dict__["imagenet"], judges.__dict__["_head"] = (
        Colours(),
        lambda features: torch.eye(8)[:1].expand(len(features), 8),
    )
    judges.__dict__["_things"] = (None, 0.5)
    found = judges.accuracies()
    assert found["ResNet"]["stickers"] == pytest.approx((seen == accuracies.labels).float().mean().item())
    assert found["ImageNet head"]["stickers"] == pytest.approx((accuracies.labels == 0).float().mean().item())
    drawn, both = two_feelings(module.OF_TWO)
    first = judges.read_by_resnet(drawn).argsort(dim=1, descending=True)[:, :3].tolist()
    told = [set(pair) <= set(three) for pair, three in zip(both.tolist(), first, strict=True)]
    assert found["ResNet"]["two feelings, both among 3"] == pytest.approx(sum(told) / len(told))
    assert found["things"] == {"stickers": 0.5}


class Colours:
    """In the place of ImageNet's network: features are colours in 16 fields."""

    def __init__(self) -> None:
        self.network = SimpleNamespace(features=lambda pictures: F.adaptive_avg_pool2d(pictures, 4).flatten(1))

    def pictures(self, dataset) -> np.ndarray:
        return self.network.features(dataset.plain(torch.arange(len(dataset.labels)))).numpy()


def test_the_head_speaks_of_emotions_in_their_order(judges: PainterJudges, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pictures = F.interpolate(fields, size=SIDE)
    # Taught in another order than that of the emotions, and the rare ones as well as the others.
    rows = torch.tensor([7, 3, 3, 3, 1, 0, 5, 2, 6, 4, 3])
    dataset = SimpleNamespace(labels=rows, plain=lambda some: pictures[rows[some]])
    monkeypatch.setattr(PainterJudges, "_small", lambda self, part, limit=None: dataset)
    monkeypatch.setattr(module, "INVERSE_STRENGTH", 10.0)
    judges.__dict__["imagenet"] = Colours()
    said = judges.read_by_head(pictures)
    assert said.argmax(1).tolist() == list(range(8))
    torch.testing.assert_close(said.sum(1), torch.ones(8))
    assert list(judges.readers) == ["ResNet", "ImageNet head"]
    torch.testing.assert_close(judges.readers["ImageNet head"](pictures), said)


def test_things_are_drawn_alike_often_and_told_by_the_nearest_mean(
    judges: PainterJudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OF_A_THING", 2)
    judges.__dict__["imagenet"] = Colours()
    pictures, places = things(4)
    assert pictures.shape == (4 * len(THINGS), 3, 128, 128) and places.tolist() == sorted(list(range(len(THINGS))) * 4)
    features = F.normalize(Colours().network.features(resized(pictures)), dim=1)
    means = torch.stack([features[places == place][::2].mean(0) for place in range(len(THINGS))])
    expected = torch.cdist(features, means).argmin(1)
    assert judges.things_told(pictures).tolist() == expected.tolist()
    right = (expected.numpy() == places).reshape(-1, 2)[:, 1]
    assert judges._things[1] == pytest.approx(right.mean())


def test_every_two_feelings_are_drawn_alike_often_either_on_the_face(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Sticker] = []
    monkeypatch.setattr(module, "sticker_pixels", lambda some: drawn.extend(some) or torch.zeros(len(some), 4, 8, 8))
    pictures, both = two_feelings(2)
    assert pictures.shape == (56, 3, 8, 8) and both.shape == (56, 2)
    pairs = [tuple(pair) for pair in both.tolist()]
    assert sorted(pairs) == sorted(itertools.permutations(range(8), 2))
    # The face's comes first.
    assert [list(one.emotions) for one in drawn] == [[MIKELS_8.labels[place] for place in pair] for pair in pairs]


def test_without_pictures_stickers_are_edited(recipe: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(module, "STICKERS", 80)
    monkeypatch.setattr(module, "DRAWN_PICTURES", 12)
    judges = PainterJudges(replace(recipe, output_dir=str(tmp_path)))
    assert set(judges.edited.records["domain"]) == {"drawn"}
