"""The model's own pictures: made once, ranked within their emotion, and drawn alike."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import PartialState
from PIL import Image
from torch import nn

from kcdp.imaging import to_tensor
from tests.two_processes import in_two_processes
from train.core.clip import zero_shot_head
from train.metrics.semantics import clarities
from train.stages import feedback as module
from train.stages.feedback import FeedbackConfig, filtered_dataset, generate, prompts_of, scores
from train.stages.feedback_selection import select_pictures

CONFIG = FeedbackConfig(pictures=5, num_inference_steps=3, batch_size=2)
COLOURS = {"amusement": "gold", "anger": "red", "sadness": "blue"}


class Painter:
    """Stands where the pipeline does: paints faces in the emotion's colour, and counts."""

    def __init__(self, picture):
        torch.manual_seed(0)
        self.unet = self.fusion = self.space = nn.Linear(1, 1)
        self.prompts = SimpleNamespace(text_encoders=(self.unet,))
        self.config = SimpleNamespace(guidance_scale=4.0, guidance_rescale=0.0)
        self.picture, self.asked = picture, []

    def __call__(self, emotion, prompt, *, seed, num_inference_steps, guidance_scale):
        assert (num_inference_steps, guidance_scale) == (3, None)
        self.asked.append((emotion, prompt, seed))
        return SimpleNamespace(
            images=tuple(self.picture(32 - value % 5, color=COLOURS[emotion]).resize((32, 32)) for value in seed)
        )


@pytest.fixture
def painter(picture):
    return Painter(picture)


@pytest.fixture
def made(painter, joint_parts, tmp_path):
    return generate(painter, joint_parts.pictures.train, tmp_path, CONFIG)


def test_every_emotion_is_painted_as_often_and_every_seed_once(painter, made, joint_parts, tmp_path):
    assert [one.emotion for one in made] == [emotion for emotion in COLOURS for _ in range(5)]
    assert [len(seeds) for _, _, seeds in painter.asked] == [2, 2, 1] * 3
    assert len({seed for _, _, seeds in painter.asked for seed in seeds}) == 15
    assert all(one.path.is_file() for one in made) and len({one.path for one in made}) == 15
    # What is there is not made again, and what is gone is.
    painter.asked.clear()
    made[3].path.unlink()
    assert generate(painter, joint_parts.pictures.train, tmp_path, CONFIG) == made
    assert [(emotion, len(seeds)) for emotion, _, seeds in painter.asked] == [("amusement", 1)]
    # Other weights paint others.
    painter.unet = nn.Linear(1, 1)
    assert not {one.path for one in generate(painter, joint_parts.pictures.train, tmp_path, CONFIG)} & {
        one.path for one in made
    }


def test_two_processes_paint_every_seed_once_and_rank_alike(picture, joint_parts, tmp_path):
    def paint(folder):
        painter = Painter(picture)
        made = generate(painter, joint_parts.pictures.train, folder, CONFIG)
        found = scores(made, joint_parts.pictures, joint_parts.classifier)
        own = {"made": [asdict(one) for one in made], "asked": painter.asked, "scores": torch.stack(found).tolist()}
        (folder / f"{PartialState().process_index}.json").write_text(json.dumps(own, default=str))

    both, alone = tmp_path / "both", tmp_path / "alone"
    for folder in (both, alone):
        folder.mkdir()
    paint(alone)
    in_two_processes(paint, both)
    expected, first, second = (
        json.loads((folder / f"{process}.json").read_text()) for folder, process in ((alone, 0), (both, 0), (both, 1))
    )
    assert sorted(first["asked"] + second["asked"]) == sorted(expected["asked"])
    assert abs(len(first["asked"]) - len(second["asked"])) <= 1
    assert first["made"] == second["made"]
    pictures = [[Path(one["path"]).read_bytes() for one in found["made"]] for found in (first, expected)]
    assert pictures[0] == pictures[1]
    torch.testing.assert_close(torch.tensor(first["scores"]), torch.tensor(expected["scores"]), rtol=1e-4, atol=1e-4)
    assert first["scores"] == second["scores"]


def test_prompts_are_what_pictures_of_the_emotion_show(thing_datasets, made):
    assert set(prompts_of(thing_datasets[0], 0, 9)) == {"a cat on a beach"}
    assert {one.prompt for one in made if one.emotion == "sadness"} == {"a robot in the rain"}


@torch.no_grad()
def test_scores_are_those_of_single_pictures(made, joint_parts):
    classifier, pictures = joint_parts.classifier, joint_parts.pictures
    emotion, clarity = scores(made, pictures, classifier)
    heads = [zero_shot_head(joint_parts.clip, names) for names in (("beach", "fire", "rain"), ("cat", "robot"))]
    for row in (0, 7, 14):
        with Image.open(made[row].path) as picture:
            seen = to_tensor([picture.convert("RGB")], 32)
        probability = classifier(joint_parts.clip.embed(seen))[0, list(COLOURS).index(made[row].emotion)]
        assert emotion[row].item() == pytest.approx(probability.item(), abs=1e-4)
        assert clarity[row].item() == pytest.approx(clarities(*(head(seen) for head in heads)).item(), abs=1e-4)


@pytest.mark.parametrize("by", ["both", "emotion"])
def test_what_is_kept_is_kept_within_its_emotion(made, joint_parts, monkeypatch, by):
    torch.manual_seed(4)
    emotion, clarity = torch.rand(15), torch.rand(15)
    # Sadness is hard for the classifier, all of it.
    emotion[10:] -= 1
    monkeypatch.setattr(module, "scores", lambda *_: (emotion, clarity))
    dataset = filtered_dataset(made, joint_parts.pictures, joint_parts.classifier, replace(CONFIG, by=by))
    kept = [
        made[start + row]
        for start in (0, 5, 10)
        for row in select_pictures(emotion[start : start + 5], clarity[start : start + 5], by=by).tolist()
    ]
    assert [dataset.emotions[label] for label in dataset.labels.tolist()] == [one.emotion for one in kept]
    assert dataset.records["caption"][:] == [one.prompt for one in kept]
    assert any(one.emotion == "sadness" for one in kept)
    totals = [dataset.weights[dataset.labels == label].sum().item() for label in set(dataset.labels.tolist())]
    assert max(totals) == pytest.approx(min(totals))


def test_nothing_kept_is_one_sentence(made, joint_parts, monkeypatch):
    monkeypatch.setattr(module, "scores", lambda some, *_: (torch.rand(len(some)), torch.rand(len(some))))
    narrow = replace(CONFIG, low=0.5, high=0.51)
    with pytest.raises(ValueError, match="No generated picture passed"):
        filtered_dataset(made, joint_parts.pictures, joint_parts.classifier, narrow)
