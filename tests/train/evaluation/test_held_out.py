"""Spies on what measures and baselines are given: test pictures are read by what they test and by nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from kcdp.painting.sampling import Guidance
from train.core.trainer import LoopConfig
from train.evaluation import generation
from train.evaluation import generators as generators_module
from train.evaluation import uniemo as uniemo_models
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.generators import Generators
from train.evaluation.inversion import InversionStage
from train.evaluation.measures import adaptation, understanding
from train.evaluation.resnet import ResNetStage
from train.evaluation.uniemo import UniEmoModels
from train.stages import feedback
from train.stages.joint import JointConfig
from train.stages.understanding import UnderstandingConfig


class Stop(Exception):
    """Raised by a spy once it has seen what it is for."""


def models(**run: Any) -> UniEmoModels:
    return UniEmoModels(SimpleNamespace(**run))


def test_the_judge_learns_from_training_pictures_and_is_chosen_on_validation_pictures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(uniemo_models, "train_judge", lambda *arguments: given.extend(arguments))
    recipe, cache = SimpleNamespace(mixed_precision=None), SimpleNamespace(folder=tmp_path)
    spied = models(arguments=EvaluationArguments(judge_steps=10), cache=cache, recipe=recipe)
    pictures = SimpleNamespace(train="training", validation="validation")
    vars(spied)["generators"] = SimpleNamespace(parts=SimpleNamespace(pictures=pictures))
    _ = spied.judge
    assert given[:2] == ["training", "validation"]


@pytest.mark.parametrize(
    ("test_parts", "expected"),
    [
        (["test-emoji", "test-drawn", "test-photos"], ["test-emoji"]),
        # Where there are only drawn ones, they have to do.
        (["test-drawn"], ["test-drawn"]),
    ],
)
def test_real_pictures_are_test_pictures_of_the_domains_that_joint_training_has(
    test_parts: list[str], expected: list[str]
) -> None:
    unions: list[list[str]] = []
    domains = SimpleNamespace(test_parts=test_parts, union=unions.append)
    settings = (None, None, {"emoji": 0.5, "photos": 0, "drawn": 0.5})
    _ = models(domains=domains, recipe=SimpleNamespace(stage_settings=lambda *_: settings)).real_pictures
    assert unions == [expected]


def test_understanding_is_trained_on_training_pictures_and_chosen_on_validation_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts: list[str] = []
    given: list[str] = []

    def make_dataset(recipe: Any, records: Any, part: str, *_: Any) -> str:
        parts.append(part)
        return part

    def stage(recipe: Any, config: Any, *datasets: str) -> None:
        given.extend(datasets)
        raise Stop

    monkeypatch.setattr(understanding, "make_dataset", make_dataset)
    monkeypatch.setattr(understanding, "understanding_stage", stage)
    monkeypatch.setattr(understanding, "with_shares", lambda records, shares: records)
    recipe = SimpleNamespace(stage_settings=lambda *_: (UnderstandingConfig(), None, {}))
    domains = SimpleNamespace(
        records=None, part=lambda part: pytest.fail("read a test part"), test_parts=["test-emoji"]
    )
    with pytest.raises(Stop):
        understanding.report(SimpleNamespace(recipe=recipe, arguments=EvaluationArguments(), domains=domains), {})
    assert parts == given == ["train", "val"]


def test_adaptation_stands_on_features_that_have_seen_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def load_perception(recipe: Any, **options: Any) -> None:
        asked.append(options)
        raise Stop

    monkeypatch.setattr(adaptation, "load_perception", load_perception)
    with pytest.raises(Stop):
        adaptation.load_adaptation(SimpleNamespace(recipe=None, arguments=None))
    assert asked == [{"latent_encoder": "latent_encoder"}]


class Pictures:
    """A dataset that says which of its methods was called."""

    def __init__(self, name: str, asked: list[tuple[str, str]]) -> None:
        self.name, self.asked = name, asked
        self.labels = torch.arange(5) if name == "source" else torch.full((5,), 7)
        self.emotions = ("amusement", "fear")

    def __len__(self) -> int:
        return 5

    def sample(self, size: int, generator: torch.Generator) -> torch.Tensor:
        self.asked.append((self.name, "sample"))
        return torch.randint(0, 5, (size,), generator=generator)

    def augmented(self, indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        self.asked.append((self.name, "augmented"))
        return indices.float()


def test_the_convolutional_baseline_trains_on_its_source() -> None:
    asked: list[tuple[str, str]] = []
    stage = ResNetStage(Pictures("source", asked), {"cartoons": Pictures("test", asked)})
    batch = stage.batch(9, torch.Generator().manual_seed(0))
    assert {name for name, _ in asked} == {"source"}
    assert batch["labels"].tolist() == batch["pixel_values"].tolist()


def test_textual_inversion_is_chosen_on_validation_pictures() -> None:
    """The labels that its words stand for there are those of the validation pictures that are painted."""
    labels = torch.tensor([2, 0, 1])
    batches = [(torch.tensor([2, 0]), {}), (torch.tensor([1]), {})]
    pictures = SimpleNamespace(validation=SimpleNamespace(labels=labels), train=SimpleNamespace(labels=labels + 3))
    joint = SimpleNamespace(pictures=pictures, validation_batches=lambda: iter(batches))
    told: list[list[int]] = []

    class Model(torch.nn.Linear):
        def forward(self, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            told.append(labels.tolist())
            return {"loss": labels.float().sum()}

    score = InversionStage(joint, ("a", "b", "c")).validate(Model(1, 1))["score"]
    assert told == [[1, 2], [0]]
    # By pictures, not by batches.
    assert score == pytest.approx(-(3 * 2 + 0 * 1) / 3)


def test_dreambooth_learns_from_training_pictures_and_is_chosen_on_validation_pictures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Of every emotion its own: latents here are numbers that say which picture they are of."""
    given: list[tuple[str, list[int], list[int]]] = []

    def stage(emotion: str, train: np.ndarray, held_out: np.ndarray, *_: Any) -> None:
        given.append((emotion, train.tolist(), held_out.tolist()))
        raise Stop

    def pictures(first: int, labels: list[int]) -> SimpleNamespace:
        latents = first + np.arange(len(labels))
        return SimpleNamespace(labels=torch.tensor(labels), latents=lambda vae, views: [latents])

    generators = object.__new__(Generators)
    generators.arguments, generators.domains = EvaluationArguments(), SimpleNamespace(emotions=("awe", "fear"))
    generators.recipe = SimpleNamespace(cache_dir=tmp_path)
    vars(generators)["parts"] = SimpleNamespace(
        foundation=SimpleNamespace(vae=None),
        scheduler=None,
        pictures=SimpleNamespace(train=pictures(0, [1, 0, 0, 1]), validation=pictures(10, [0, 1, 0])),
    )
    monkeypatch.setattr(Generators, "guidance", Guidance())
    settings = {"weights": "", "pictures": "", "drawn": ""}
    monkeypatch.setattr(Generators, "joint_settings", lambda self: (JointConfig(), LoopConfig(steps=20), settings))
    monkeypatch.setattr(generators_module, "cached_array", lambda *_, **__: None)
    monkeypatch.setattr(generators_module, "DreamBoothStage", stage)
    with pytest.raises(Stop):
        generators._dreambooth("DreamBooth")
    assert given == [("awe", [1, 2], [10, 12])]


def test_emogens_row_fuses_the_class_token_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[dict[str, Any]] = []
    generators = object.__new__(Generators)
    monkeypatch.setattr(Generators, "joint", lambda self, **changed: changes.append(changed))
    monkeypatch.setattr(Generators, "assembled", lambda self, best: None)
    monkeypatch.setattr(Generators, "of_pipeline", lambda self, title, pipeline: title)
    assert generators._emogen("EmoGen") == "EmoGen"
    assert changes == [{"use": "cls"}]


def test_pictures_that_are_learned_from_share_no_seed_with_those_that_are_measured() -> None:
    most = 100
    measured = {label * generation._SEEDS for label in range(most)}
    learned = {feedback._FIRST_SEED + label * feedback._SEEDS for label in range(most)}
    room = min(generation._SEEDS, feedback._SEEDS)
    assert max(measured) + room <= min(learned)
