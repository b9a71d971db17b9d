"""The domains of an evaluation: whose labels train, whose pictures are adapted to, and what tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np
from datasets import Dataset

from train.core.datasets import dataset_of, make_dataset
from train.core.recipe import Recipe
from train.data.dataset import PictureDataset
from train.data.records import Coded, domains
from train.data.splits import parts, select


class Domains:
    """PictureDatasets of one run's labelled records, each made once.

    The training datasets of all domains hold the same pictures, every labelled one of the training part, and differ in how
    often each is drawn (never, if it is of another domain): so they share one cache of latents and captions, which is
    also that of the stage `kcdp`.

    Args:
        recipe: whose protocol, label space and cache are used.
        records: every picture, all domains and splits.
        balance: how far a source's rare emotions are drawn more often, see `PictureDataset`.
    """

    def __init__(self, recipe: Recipe, records: Dataset, balance: float = 0.0) -> None:
        self.recipe, self.records, self.balance = recipe, records, balance
        self.emotions = recipe.emotions.labels
        self._has_label = Coded.of(records, "emotion").codes >= 0
        # A dataset is known by its identity (its caches are looked up by it), so each must stay the one that it is.
        self.part = cache(self._part)
        self._trained = cache(self._train)

    def _labelled(self, part: str) -> np.ndarray:
        rows = select(self.records, self.recipe.protocol, part)
        return rows[self._has_label[rows]]

    def has(self, part: str) -> bool:
        """Whether the protocol has a part of this name, and that a labelled picture."""
        return part in parts(self.recipe.protocol) and len(self._labelled(part)) > 0

    @cached_property
    def test_parts(self) -> list[str]:
        """The protocol's test parts that have a labelled picture."""
        return [part for part in parts(self.recipe.protocol) if part.startswith("test-") and self.has(part)]

    @cached_property
    def names(self) -> list[str]:
        """Domains with labelled pictures to train on and to test on."""
        trained = Coded.of(self.records.select(self._labelled("train")), "domain").names
        return [name for name in domains() if name in trained and f"test-{name}" in self.test_parts]

    def _part(self, part: str) -> PictureDataset:
        return make_dataset(self.recipe, self.records, part, labelled=True)

    def union(self, parts: Sequence[str]) -> PictureDataset:
        """The labelled pictures of several parts as one dataset, each once."""
        rows = np.unique(np.concatenate([self._labelled(part) for part in parts]))
        return dataset_of(self.recipe, self.records.select(rows))

    def _train(self, domain: str, balance: float) -> PictureDataset:
        shares = {name: float(name == domain) for name in domains()}
        return make_dataset(self.recipe, self.records, "train", shares, balance, labelled=True)

    def source(self, domain: str) -> PictureDataset:
        """What is learned from with labels."""
        return self._trained(domain, self.balance)

    def target(self, domain: str) -> PictureDataset:
        """What is adapted to: pictures that have one of the emotions (a closed set), drawn whatever their labels."""
        return self._trained(domain, 0.0)

    def test(self, domain: str) -> PictureDataset:
        """What tests a target domain: its part `test-<domain>`."""
        return self.part(f"test-{domain}")
