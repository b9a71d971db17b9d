from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import PartialState
from PIL import Image

from kcdp.imaging import to_pictures
from kcdp.pipelines.kcdp import KCDPPipeline
from tests.two_processes import in_two_processes
from train.core.foundation import Foundation
from train.core.trainer import LoopConfig, run_stage
from train.data.dataset import PictureDataset
from train.evaluation import bundle_measures
from train.evaluation.domains import Domains
from train.evaluation.measures import captions, recognition, reconstruction
from train.evaluation.nouns import mentions
from train.stages.kcdp import KCDPConfig, KCDPStage, assemble


@pytest.fixture(scope="module")
def pipeline(domains: Domains, foundation: Foundation, tmp_path_factory: pytest.TempPathFactory) -> KCDPPipeline:
    folder = tmp_path_factory.mktemp("bundle") / "kcdp"
    config = KCDPConfig(lora_rank=2, views=1)
    stage = KCDPStage(config, foundation, domains.source("emoji"), domains.test("emoji"))
    run_stage(stage, LoopConfig(steps=1, batch_size=4, warmup_steps=1, validate_every=1), folder)
    return assemble(foundation, folder / "best", config, "Mikels-8")


def test_recognition_is_what_the_pipeline_says(pipeline: KCDPPipeline, domains: Domains) -> None:
    dataset = domains.test("emoji")
    result = recognition.recognise(pipeline, dataset)
    pictures = [
        Image.fromarray(np.uint8(np.round((p + 1) * 127.5)).transpose(1, 2, 0))
        for p in dataset.plain(torch.arange(6)).numpy()
    ]
    truth = [dataset.emotions[label] for label in dataset.labels]
    outputs = [pipeline(picture) for picture in pictures]
    blank = [pipeline(picture, caption="") for picture in pictures]
    assert result["pictures"] == 6
    expected = np.mean([output.emotion == emotion for output, emotion in zip(outputs, truth, strict=True)])
    assert result["scores"]["accuracy"] == pytest.approx(expected)
    expected = np.mean([output.pseudo_label == emotion for output, emotion in zip(outputs, truth, strict=True)])
    assert result["cliea"]["accuracy"] == pytest.approx(expected)
    expected = np.mean([output.emotion == emotion for output, emotion in zip(blank, truth, strict=True)])
    assert result["no_knowledge"]["accuracy"] == pytest.approx(expected)


def measured(pipeline: KCDPPipeline, dataset: PictureDataset, folder: Path) -> None:
    """All measures as JSON, a file of each process."""
    measures = (recognition.recognise, captions.describe, reconstruction.reconstruct)
    parts = {measure.__name__: measure(pipeline, dataset) for measure in measures}
    (folder / f"{PartialState().process_index}.json").write_text(json.dumps(parts))


def test_two_processes_measure_what_one_does(
    pipeline: KCDPPipeline, domains: Domains, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (recognition, captions, reconstruction):
        monkeypatch.setattr(module, "BATCH", 2)
    alone, both = tmp_path / "alone", tmp_path / "both"
    for folder in (alone, both):
        folder.mkdir()
    measured(pipeline, domains.test("emoji"), alone)
    in_two_processes(measured, pipeline, domains.test("emoji"), both)
    expected = (alone / "0.json").read_text()
    assert [(both / f"{process}.json").read_text() for process in (0, 1)] == [expected] * 2


def test_a_limit_takes_evenly_spaced_pictures(pipeline: KCDPPipeline, domains: Domains) -> None:
    assert bundle_measures.evenly_spaced(10, 4).tolist() == [0, 3, 6, 9]
    assert bundle_measures.evenly_spaced(3, None).tolist() == [0, 1, 2]
    assert recognition.recognise(pipeline, domains.test("emoji"), limit=4)["pictures"] == 4


def test_other_labels_than_the_bundles_are_refused(pipeline: KCDPPipeline, domains: Domains) -> None:
    dataset = copy.copy(domains.test("emoji"))
    dataset.emotions = ("joy", "fear")
    with pytest.raises(ValueError, match="the pictures joy, fear"):
        recognition.recognise(pipeline, dataset)


@pytest.mark.parametrize(
    ("caption", "noun", "named"),
    [
        ("a red heart", "heart", True),
        ("two red Hearts, glowing", "heart", True),
        ("a heart", "hearts", True),
        ("a heartless man", "heart", False),
        ("three berries", "berry", True),
        ("a wolf", "wolves", True),
        ("two glasses", "glass", True),
        ("women dance", "woman", True),
        ("a cup of ice cream.", "ice cream", True),
        ("cream on ice", "ice cream", False),
        ("", "heart", False),
    ],
)
def test_nouns_are_found_in_singular_and_plural(caption: str, noun: str, named: bool) -> None:
    assert mentions(caption, noun) is named


def test_captions_are_those_of_the_rows_that_they_are_said_to_be_of(
    pipeline: KCDPPipeline, domains: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, seen = domains.test("emoji"), []

    def say(_: object, images: list[Image.Image]) -> list[str]:
        seen.extend(images)
        return ["a cat"] * len(images)

    monkeypatch.setattr("kcdp.knowledge.knowledge.Knowledge.captions", say)
    result = captions.describe(pipeline, dataset, 3)
    assert result["captions"] == ["a cat"] * 3
    for row, picture in zip(result["rows"], seen, strict=True):
        assert np.array_equal(picture, to_pictures(dataset.plain(torch.tensor([row])))[0])


def test_captions_are_searched_for_the_head_noun() -> None:
    texts = ["a red face", "two faces", "a thing", "a hat", "a cat", "a dog"]
    result = captions.noun_scores(texts, ["face", "face", "face", "hat", "hat", ""], {"face"})
    assert (result["pictures"], result["named"], result["learned"]) == (5, 3 / 5, 3)
    assert result["named_learned"] == pytest.approx(2 / 3)
    assert result["majority"] == 3 / 5
    assert result["different"] == 5
    assert result["captions"][2] == {"noun": "face", "caption": "a thing", "named": False}
    assert captions.noun_scores(texts, [""] * 6, set())["named"] is None


def test_parts_of_faces_are_compared() -> None:
    drawn = ["a bear with slanted brows and an open mouth", "a cat with closed eyes", "a hat"]
    said = ["a pig with slanted brows, closed eyes and an open mouth", "a cat", "a hat with a smile"]
    result = captions.face_scores(said, drawn)
    # Three parts are there, two of them named; three are named of faces, and two of those are there.
    assert result == {"pictures": 2, "right": pytest.approx(2 / 3), "found": pytest.approx(2 / 3)}


def test_reconstruction_is_measured_in_decibels(pipeline: KCDPPipeline, domains: Domains) -> None:
    dataset = domains.test("photos")
    result = reconstruction.reconstruct(pipeline, dataset)
    pictures = dataset.plain(torch.arange(6))
    with torch.no_grad():
        decoded = pipeline.vae.decode(pipeline.vae.encode(pictures).latent_dist.mean).sample.clamp(-1, 1)
    # In the range 0 to 1 the peak is 1: PSNR is -10 log10 of the mean squared error.
    errors = (((decoded - pictures) / 2) ** 2).flatten(1).mean(1)
    assert result["mean"] == pytest.approx(float((-10 * errors.log10()).mean()), abs=1e-3)
    assert result["worst_twentieth"] <= result["median"]
    # The same noise each time, and it is no help.
    assert result["disturbed"] == reconstruction.reconstruct(pipeline, dataset)["disturbed"] != result["mean"]


def test_weights_are_told_apart(pipeline: KCDPPipeline) -> None:
    before = bundle_measures.weights_of(pipeline)
    assert bundle_measures.weights_of(pipeline) == before
    with torch.no_grad():
        pipeline.moe.aggregate.bias.add_(1)
        assert bundle_measures.weights_of(pipeline) != before
        pipeline.moe.aggregate.bias.sub_(1)
