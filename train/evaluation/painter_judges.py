"""Who judges what a bundle paints: networks that share nothing with it, and that choose nothing of how it paints.

A small ResNet from random weights and a linear head on ImageNet's features say which emotion a picture shows, the nearest
class mean of those features which thing. What is drawn for them has numbers that no other drawing has.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.painting.things import THINGS
from train.core.datasets import load_records
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig
from train.data.dataset import PictureDataset
from train.data.drawings import drawn_pictures, drawn_stickers
from train.data.records import Coded, concatenate
from train.data.stickers import sticker_of_two, sticker_pixels, thing_sticker
from train.evaluation.bundle_measures import evenly_spaced
from train.evaluation.domains import Domains
from train.evaluation.editing import AMONG
from train.evaluation.imagenet import FrozenImageNet
from train.evaluation.judge import Judge, train_judge
from train.evaluation.painter_scores import both_among
from train.metrics.pictures import PictureFunction

#: The first number of what is drawn for judges, and of the things that they know.
FIRST, FIRST_THING = 40_000_000, 41_000_000
#: How many stickers and drawn pictures there are; of each thing, how many to learn it from and as many to test it.
STICKERS, DRAWN_PICTURES, OF_A_THING = 6000, 3000, 60
#: The first number of stickers of two feelings, and how many there are of every two emotions.
FIRST_OF_TWO, OF_TWO = 42_000_000, 6
#: Most pictures of a test that say what a judge is worth.
OF_A_TEST = 150
#: Side in pixels of the pictures that judges see, and how many the head learns from.
SIDE, OF_THE_HEAD = 96, 2500
#: Of the ResNet: widths, how it learns and how often it sees which domain.
WIDTHS = (24, 48, 96, 160)
LOOP = LoopConfig(
    steps=600, batch_size=48, learning_rate=2e-3, weight_decay=5e-2, warmup_steps=50, ema_decay=0.99, validate_every=150
)
SHARES = {"drawn": 0.55, "emoji": 0.15, "cartoons": 0.15, "kinds": 0.15}
#: The head's inverse strength of regularisation.
INVERSE_STRENGTH = 0.01


@dataclass
class PainterJudges:
    """Judges of one label space, Mikels' eight, which stickers are drawn in.

    Args:
        recipe: where pictures are, and where the judges and what they look at are kept.
    """

    recipe: Recipe

    @cached_property
    def domains(self) -> Domains:
        """Stickers, drawn pictures and the labelled pictures of the recipe, under `benchmark`, of the recipe's size."""
        recipe = replace(self.recipe, drawn=DRAWN_PICTURES, drawn_things=0, protocol="benchmark")
        own = [
            drawn_stickers(STICKERS, recipe.cache_dir, FIRST),
            drawn_pictures(DRAWN_PICTURES, recipe.cache_dir, FIRST),
        ]
        given = [load_records(replace(recipe, drawn=0))] if recipe.data or recipe.folder or recipe.sets else []
        records = concatenate([*own, *given])
        known = Coded.of(records, "domain").within(SHARES)
        return Domains(recipe, records.select(np.flatnonzero(known)))

    def _small(self, part: str, limit: int | None = None) -> PictureDataset:
        whole = self.domains.part(part)
        records = whole.records.select(evenly_spaced(len(whole), limit).tolist())
        return PictureDataset(records, whole.cache_dir, whole.emotions, SHARES, 0.4, SIDE)

    @cached_property
    def tests(self) -> dict[str, PictureDataset]:
        """Pictures that no judge has learned from, by test part; stickers apart from the other drawn pictures."""
        found = {part: self.domains.part(part) for part in self.domains.test_parts}
        drawn = found.pop("test-drawn")
        stickers = Coded.of(drawn.records, "style").within(("sticker",))
        for name, rows in (("stickers", stickers), ("drawn pictures", ~stickers)):
            records = drawn.records.select(np.flatnonzero(rows))
            found[name] = PictureDataset(records, drawn.cache_dir, drawn.emotions, size=drawn.size)
        return found

    @property
    def edited(self) -> PictureDataset:
        """What edits begin from: the tests that nobody drew for this, or drawn pictures where there are no others."""
        real = [part for part in self.domains.test_parts if part != "test-drawn"]
        return self.domains.union(real or ["test-drawn"])

    @cached_property
    def imagenet(self) -> FrozenImageNet:
        return FrozenImageNet()

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """ImageNet's features (B, 1280) of pictures (B, 3, H, W) in [-1, 1]."""
        return torch.cat([self.imagenet.network.features(part) for part in resized(pictures).split(32)])

    @cached_property
    def resnet(self) -> Judge:
        """The ResNet, trained where it is not there yet."""
        folder = self.recipe.cache_dir / "judges"
        return train_judge(self._small("train"), self._small("val"), LOOP, folder, WIDTHS)

    def read_by_resnet(self, pictures: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, 8) of pictures (B, 3, H, W) in [-1, 1]."""
        return torch.cat([self.resnet(part) for part in resized(pictures).split(32)])

    @cached_property
    def _head(self) -> PictureFunction:
        source = self._small("train", OF_THE_HEAD)
        head = make_pipeline(
            StandardScaler(), LogisticRegression(C=INVERSE_STRENGTH, max_iter=500, class_weight="balanced")
        )
        head.fit(self.imagenet.pictures(source), source.labels.numpy())
        return lambda features: torch.from_numpy(head.predict_proba(features.numpy())).float()

    def read_by_head(self, pictures: torch.Tensor) -> torch.Tensor:
        """As `read_by_resnet`, by the head."""
        return self._head(self.features(pictures))

    @property
    def readers(self) -> dict[str, PictureFunction]:
        """Both judges of emotions, by name."""
        return {"ResNet": self.read_by_resnet, "ImageNet head": self.read_by_head}

    @cached_property
    def _things(self) -> tuple[NearestCentroid, float]:
        """The class means, and their accuracy on other stickers."""
        pictures, places = things(2 * OF_A_THING)
        features, learned = F.normalize(self.features(pictures)).numpy(), np.arange(len(places)) % 2 == 0
        means = NearestCentroid().fit(features[learned], places[learned])
        return means, float(means.score(features[~learned], places[~learned]))

    def things_told(self, pictures: torch.Tensor) -> torch.Tensor:
        """The place (B,) in `THINGS` of what pictures (B, 3, H, W) in [-1, 1] show."""
        return torch.from_numpy(self._things[0].predict(F.normalize(self.features(pictures)).numpy()))

    def accuracies(self) -> dict[str, dict[str, float]]:
        """How often each judge is right on each of `tests`, and `things_told` on stickers: what its word is worth.

        Of `two_feelings` how often both are among its first, which no painter of such stickers can be asked to surpass.
        """

        def accuracy(read: PictureFunction, test: PictureDataset) -> float:
            batches = evenly_spaced(len(test), OF_A_TEST).split(64)
            right = [read(test.plain(rows)).argmax(1) == test.labels[rows] for rows in batches]
            return torch.cat(right).float().mean().item()

        found = {
            name: {part: accuracy(read, test) for part, test in self.tests.items()}
            for name, read in self.readers.items()
        }
        pictures, both = two_feelings(OF_TWO)
        for name, read in self.readers.items():
            found[name][f"two feelings, both among {AMONG}"] = both_among(read(pictures), both).float().mean().item()
        return found | {"things": {"stickers": self._things[1]}}


def resized(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures as judges learned to see them, (B, 3, `SIDE`, `SIDE`)."""
    return F.interpolate(pictures, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def things(count: int) -> tuple[torch.Tensor, np.ndarray]:
    """`count` stickers of each of `THINGS`, as pictures (N, 3, 128, 128) in [-1, 1], and the place of each (N,).

    Those that are drawn with a face as well as without have either in turn, in every emotion.
    """
    found: Mapping[str, list] = {thing: [] for thing in THINGS}
    for number in itertools.count():
        if all(len(some) == count for some in found.values()):
            break
        one = thing_sticker(FIRST_THING + number)
        kept = found.get(one.attributes.get("noun", one.attributes.get("body")))
        if kept is not None and len(kept) < count:
            kept.append(one)
    stickers = [one for some in found.values() for one in some]
    return sticker_pixels(stickers)[:, :3], np.repeat(np.arange(len(THINGS)), count)


def two_feelings(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` characters for every two emotions, one on the face and the other in the surroundings, in turn.

    As pictures (N, 3, 128, 128) in [-1, 1], and the places (N, 2) of both emotions: the face's, the surroundings'.
    """
    labels = MIKELS_8.labels
    both = [
        pair if number % 2 else pair[::-1]
        for number in range(count)
        for pair in itertools.combinations(range(len(labels)), 2)
    ]
    stickers = [
        sticker_of_two(FIRST_OF_TWO + row, labels[face], labels[around]) for row, (face, around) in enumerate(both)
    ]
    return sticker_pixels(stickers)[:, :3], torch.tensor(both)
