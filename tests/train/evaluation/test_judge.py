from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from datasets import Dataset

from train.core.trainer import LoopConfig
from train.data.augment import AugmentConfig
from train.data.dataset import PictureDataset
from train.evaluation.domains import Domains
from train.evaluation.judge import Judge, JudgeStage, train_judge
from train.evaluation.resnet import ResNetTask

WIDTHS = (8, 8, 16, 16)
LOOP = LoopConfig(steps=40, batch_size=16, learning_rate=5e-3, warmup_steps=5, validate_every=20, checkpoint_minutes=9)


@pytest.fixture(scope="module")
def datasets(domains: Domains) -> tuple[PictureDataset, PictureDataset]:
    train = copy.copy(domains.source("emoji"))
    train.augmentation = AugmentConfig(strength=0.3)
    return train, domains.part("val")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judges")


@pytest.fixture(scope="module")
def judge(datasets: tuple[PictureDataset, PictureDataset], folder: Path) -> Judge:
    return train_judge(*datasets, LOOP, folder, WIDTHS)


def test_it_says_what_it_has_been_taught(judge: Judge, domains: Domains) -> None:
    test = domains.test("cartoons")
    probabilities = judge(test.plain(torch.arange(len(test))))
    assert probabilities.shape == (6, 8)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(6))
    assert (probabilities.argmax(1) == test.labels).float().mean() >= 0.8


def test_its_own_score_is_that_of_the_weights_that_stay(
    judge: Judge, datasets: tuple[PictureDataset, PictureDataset]
) -> None:
    validation = datasets[1]
    guesses = judge(validation.plain(torch.arange(len(validation)))).argmax(1)
    assert judge.validation["accuracy"] == pytest.approx(float((guesses == validation.labels).float().mean()))


def test_the_best_of_validation_stays(
    datasets: tuple[PictureDataset, PictureDataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Validations of steps 1, 2 and 3: the second is the best.
    kept = {}
    scores = iter([0.2, 0.6, 0.4])

    def validate(self: JudgeStage, model: ResNetTask) -> dict[str, float]:
        self.metrics = {"accuracy": 1.0, "macro_f1": next(scores)}
        kept[self.metrics["macro_f1"]] = model.network.classifier[1].bias.detach().clone()
        return self.metrics

    monkeypatch.setattr(JudgeStage, "validate", validate)
    loop = LoopConfig(steps=3, batch_size=4, warmup_steps=1, validate_every=1)
    judge = train_judge(*datasets, loop, tmp_path, (4, 4, 4, 4))
    assert judge.validation["macro_f1"] == 0.6
    torch.testing.assert_close(judge.network.classifier[1].bias, kept[0.6], rtol=0, atol=0)
    assert not torch.equal(kept[0.4], kept[0.6])


def test_it_is_trained_once_for_its_settings(
    judge: Judge, datasets: tuple[PictureDataset, PictureDataset], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JudgeStage, "batch", lambda *_: pytest.fail("trained again"))
    again = train_judge(*datasets, LOOP, folder, WIDTHS)
    assert again.key == judge.key
    assert again.emotions == datasets[0].emotions
    for name, value in judge.network.state_dict().items():
        torch.testing.assert_close(again.network.state_dict()[name], value, rtol=0, atol=0)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        train_judge(*datasets, LOOP, folder, (4, 4, 4, 4))


def test_what_was_only_for_going_on_is_cleared_away(judge: Judge, folder: Path) -> None:
    (own,) = (path for path in folder.iterdir() if (path / "metrics.json").exists())
    assert sorted(path.name for path in own.iterdir()) == ["best", "metrics.json"]
    assert sorted(path.name for path in (own / "best").iterdir()) == [
        "config.json",
        "model.safetensors",
        "validation.json",
    ]


@torch.no_grad()
def test_levels_and_features_are_those_it_judges_by(judge: Judge) -> None:
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    levels = judge.levels(pictures)
    assert [tuple(level.shape) for level in levels] == [
        (2, 8, 8, 8), (2, 8, 8, 8), (2, 8, 4, 4), (2, 16, 2, 2), (2, 16, 1, 1)
    ]  # fmt: skip
    torch.testing.assert_close(levels[0], judge.network.resnet.embedder(pictures))
    torch.testing.assert_close(levels[-1].mean(dim=(2, 3)), judge.features(pictures))
    torch.testing.assert_close(judge.network.classifier(judge.features(pictures)).softmax(1), judge(pictures))


def test_pictures_are_judged_one_by_one(judge: Judge) -> None:
    pictures = torch.rand(3, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(judge(pictures)[1:2], judge(pictures[1:2]), rtol=1e-4, atol=1e-6)


def test_pictures_without_emotion_are_refused(
    datasets: tuple[PictureDataset, PictureDataset], domains: Domains, tmp_path: Path
) -> None:
    records: Dataset = domains.records
    bare = PictureDataset(records, domains.recipe.cache_dir / "pictures", domains.emotions, size=32)
    for some in ((bare, datasets[1]), (datasets[0], bare)):
        with pytest.raises(ValueError, match="leave out those without emotion"):
            train_judge(*some, LOOP, tmp_path, WIDTHS)


def test_it_is_not_chosen_on_what_it_has_learned(
    datasets: tuple[PictureDataset, PictureDataset], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="give parts that share no group"):
        train_judge(datasets[0], datasets[0], LOOP, tmp_path, WIDTHS)
    assert list(tmp_path.iterdir()) == []
