"""Spies on what UniEmo's stages are given: everything that is estimated is of training pictures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from train.stages import uniemo as module
from train.stages.feedback import FeedbackConfig
from train.stages.joint import JointConfig
from train.stages.uniemo import JointParts


class Stop(Exception):
    """Raised by a spy once it has seen what it is for."""


def test_the_correlation_and_its_classifier_are_of_training_pictures(
    joint_parts: JointParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, asked = joint_parts.pictures, []

    class Classifier:
        def __init__(self, clip: Any, train: Any) -> None:
            asked.append(("fitted", train))

        def pictures(self, dataset: Any) -> torch.Tensor:
            asked.append(("asked", dataset))
            return torch.eye(3)[dataset.labels]

    monkeypatch.setattr(module, "EmotionClassifier", Classifier)
    parts = JointParts(joint_parts.foundation, joint_parts.scheduler, joint_parts.clip, pictures, joint_parts.start)
    table = parts.correlation(JointConfig())
    assert asked == [("fitted", pictures.train), ("asked", pictures.train)]
    # Of each thing's own emotion alone, as the classifier says: the beach is amusing, fire is angry, rain is sad.
    scenes = dict(zip(table.config.attributes, table.coefficients.tolist(), strict=True))
    assert [scenes[name] for name in ("beach", "fire", "rain")] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert scenes["cat"] == [0.5, 0.5, 0] and scenes["robot"] == [0, 0, 1]
    without = parts.correlation(JointConfig(correlation=False))
    assert (without.coefficients == 1).all()


def test_the_emotion_space_is_of_plain_training_pictures(
    joint_parts: JointParts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint_parts.stage(JointConfig()).export(joint_parts.stage(JointConfig()).build(), tmp_path)
    given: list[Any] = []

    def build_space(*arguments: Any) -> None:
        given.extend(arguments)
        raise Stop

    monkeypatch.setattr(module, "build_space", build_space)
    with pytest.raises(Stop):
        joint_parts.finish(tmp_path)
    assert given[0] is joint_parts.pictures.train
    assert given[1] is joint_parts.pictures.data.views[0]


def test_feedback_is_made_from_the_words_of_training_pictures_and_is_its_share(
    joint_parts: JointParts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"uniemo_feedback": FeedbackConfig(share=0.3), "uniemo_joint": JointConfig()}
    recipe = SimpleNamespace(
        stage_settings=lambda name, kind: SimpleNamespace(config=settings[name]), cache_dir=tmp_path
    )
    given: dict[str, Any] = {}

    def generate(pipeline: Any, dataset: Any, cache_dir: Any, config: Any) -> str:
        given["generate"] = (pipeline, dataset, config)
        return "pictures"

    def filtered(pictures: Any, stage: Any, classifier: Any, config: Any) -> str:
        given["filtered"] = (pictures, stage, classifier, config)
        return "kept"

    def stage(self: JointParts, config: Any, start: Any = None, **options: Any) -> None:
        given["stage"] = (config, start, options)
        raise Stop

    # A copy: what has been estimated for other tests is kept in the original.
    parts = dataclasses.replace(joint_parts)
    monkeypatch.setattr(JointParts, "load", lambda recipe: parts)
    monkeypatch.setattr(JointParts, "classifier", "classifier")
    monkeypatch.setattr(JointParts, "stage", stage)
    monkeypatch.setattr(module, "best_weights", lambda recipe, name: tmp_path / name)
    monkeypatch.setattr(module, "assemble_uniemo", lambda recipe, foundation, best: best.name)
    monkeypatch.setattr(module, "generate", generate)
    monkeypatch.setattr(module, "filtered_dataset", filtered)
    with pytest.raises(Stop):
        module.run_feedback(recipe)
    feedback, joint = settings["uniemo_feedback"], settings["uniemo_joint"]
    assert given["generate"] == ("uniemo_joint", joint_parts.pictures.train, feedback)
    assert given["filtered"] == ("pictures", joint_parts.pictures, "classifier", feedback)
    options = {"generated": "kept", "share": 0.3, "name": "uniemo_feedback"}
    assert given["stage"] == (joint, tmp_path / "uniemo_joint", options)


@torch.no_grad()
def test_a_validation_of_f_knows_no_label(joint_parts: JointParts, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = joint_parts.stage(JointConfig())
    task, told = stage.build().eval(), []
    real = task.fuse
    monkeypatch.setattr(task, "fuse", lambda out, labels: told.append(labels) or real(out, labels))
    stage.validate(task)
    assert torch.cat(told).tolist() == [-1] * len(stage.pictures.validation)


@pytest.mark.parametrize(("own", "expected"), [(None, False), (True, True), (False, False)])
def test_f_is_the_papers_sum_unless_its_length_is_asked_for(
    joint_parts: JointParts, own: bool | None, expected: bool
) -> None:
    fusion = joint_parts.stage(JointConfig(token_length=own)).build().fusion
    assert fusion.config.token_length is expected
