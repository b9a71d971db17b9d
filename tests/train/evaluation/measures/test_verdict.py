"""A bundle whose readings are known: one is right and much too sure, one looks at the wrong colour channel."""

import dataclasses
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest

from kcdp.emotions import MIKELS_8
from kcdp.figures import FIGURES
from kcdp.verdict import Verdict
from train.core.recipe import Recipe
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset
from train.data.training_record import Exposure
from train.evaluation.domains import Domains
from train.evaluation.measures import verdict as module
from train.evaluation.measures.verdict import both_readings, run, scores_of, verdict_report, verdict_scores
from train.evaluation.result_cache import ResultCache

LABELS = MIKELS_8.labels
PLACES = (0, 4, 7)
NAMES = ("joy", "fear", "anger")
COLOURS = {"amusement": "gold", "anger": "red", "sadness": "blue"}


class Reader:
    """Says the emotion of a picture's colour, with a confidence that alternates; in every third picture a wrong one."""

    labels = LABELS

    def __init__(self, sure, every):
        self.sure, self.every, self.calls = sure, every, 0

    def __call__(self, pictures):
        outputs = []
        for picture in pictures:
            red, green, blue = np.asarray(picture)[picture.height // 2, picture.width // 2].astype(float)
            place = PLACES[2 if blue > red else 0 if green > 100 else 1]
            self.calls += 1
            if self.calls % self.every == 0:
                place = (place + 1) % 8
            probabilities = np.full(8, (1 - self.sure) / 7)
            probabilities[place] = self.sure - 0.1 * (self.calls % 2)
            probabilities /= probabilities.sum()
            outputs.append(SimpleNamespace(probabilities=dict(zip(LABELS, probabilities.tolist(), strict=True))))
        return outputs

    understand = __call__


@pytest.fixture(scope="module")
def records(picture):
    return to_dataset(
        make_record(
            picture(size=20 + number, mode="RGBA", color=colour),
            [f"a {colour} face"],
            domain=domain,
            style=style,
            group=f"{domain}-{split}-{number}-{emotion}",
            license="CC0-1.0",
            emotion=emotion,
            split=split,
        )
        for domain, style, split in (
            ("kinds", "croodles", "train"),
            ("kinds", "clay", "test"),
            ("kinds", "clay", "val"),
            ("emoji", "noto", "val"),
        )
        for number, (emotion, colour) in itertools.product(range(6), COLOURS.items())
    )


@pytest.fixture
def evaluation(records, tmp_path, monkeypatch):
    recipe = Recipe(output_dir=str(tmp_path), drawn=0, size=32)
    reports = {}

    def report(name, text, numbers):
        (tmp_path / "evaluation" / f"{name}.json").write_text(json.dumps(numbers))
        reports[name] = (text, numbers)

    monkeypatch.setattr(module, "fingerprint", lambda *networks: "weights")
    return SimpleNamespace(
        recipe=recipe,
        domains=Domains(recipe, records),
        bundle=SimpleNamespace(
            kcdp=Reader(0.99, 3), uniemo=SimpleNamespace(vision=None, chain=None, understand=Reader(0.6, 4))
        ),
        weights="weights",
        arguments=SimpleNamespace(limit=None),
        cache=ResultCache(tmp_path / "results"),
        folder=tmp_path / "evaluation",
        pipeline_training=None,
        marked=lambda part, dataset, training: f"{part}!",
        report=report,
        reports=reports,
    )


def test_readings_are_of_the_pictures_in_order(records, tmp_path):
    rows = [row for row, domain in enumerate(records["domain"]) if domain == "emoji"]
    dataset = PictureDataset(records.select(rows), tmp_path, LABELS, size=32)
    bundle = SimpleNamespace(kcdp=Reader(0.9, 1000), uniemo=Reader(0.7, 1000))
    found = both_readings(bundle, dataset)
    assert found["labels"] == dataset.labels.tolist()
    assert np.array(found["kcdp"]).argmax(1).tolist() == np.array(found["uniemo"]).argmax(1).tolist() == found["labels"]
    assert max(map(max, found["kcdp"])) > max(map(max, found["uniemo"]))
    assert len(both_readings(bundle, dataset, limit=5)["labels"]) == 5
    other = PictureDataset(records.select(rows), tmp_path, LABELS[::-1], size=32)
    with pytest.raises(ValueError, match=r"The bundle says amusement, .*, the pictures sadness"):
        both_readings(bundle, other)


def test_scores_by_hand():
    probabilities = np.array([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.4, 0.3, 0.3], [0.2, 0.2, 0.6]])
    labels = np.array([0, 1, 0, 2])
    scores = scores_of(probabilities, labels, list(NAMES))
    assert scores["accuracy"] == 0.75 and scores["right_when_clear"] == 0.5
    assert scores["calibration_error"] == pytest.approx((2 * 0.4 + 0.6 + 0.4) / 4)
    told = verdict_scores(Verdict(NAMES, threshold=0.5), {"kcdp": probabilities}, labels, list(NAMES))["verdict"]
    assert (told["told"], told["right_when_told"], told["right_otherwise"]) == (0.75, pytest.approx(2 / 3), 1.0)
    assert scores_of(np.full((2, 3), 1 / 3), np.array([0, 1]), list(NAMES))["right_when_clear"] is None


def test_it_is_fitted_on_a_style_of_its_own_and_measured_on_tests(evaluation):
    run(evaluation)
    text, numbers = evaluation.reports["calibration"]
    assert list(numbers) == ["test-kinds!"] and numbers["test-kinds!"]["pictures"] == 18
    verdict = Verdict.from_config(Verdict.load_config(evaluation.folder))
    assert verdict.labels == LABELS and set(verdict.temperatures) == {"kcdp", "uniemo"}
    # Right in two of three and sure of all: it has to be cooled.
    assert verdict.temperatures["kcdp"] > 1.5
    calls = evaluation.bundle.kcdp.calls
    assert calls == 18 + 18
    assert "| test-kinds! | 18 | verdict |" in text and verdict_report(verdict, numbers) == text
    # What has been read is not read again.
    run(evaluation)
    assert evaluation.bundle.kcdp.calls == calls and evaluation.reports["calibration"][0] == text


@pytest.mark.parametrize(
    ("exposure", "seen"),
    [
        (None, True),
        (Exposure(18, trained=0, validated=0, related=0), False),
        (Exposure(18, trained=0, validated=0, related=18), False),
        (Exposure(18, trained=1, validated=0, related=0), True),
        (Exposure(18, trained=0, validated=18, related=0), True),
    ],
)
def test_the_page_is_told_which_pictures_the_weights_know(evaluation, exposure, seen):
    """Emoji of a new vendor are new pictures, of subjects that others have drawn."""
    asked = []
    if exposure is not None:
        training = SimpleNamespace(exposure=lambda *records: asked.append([len(some) for some in records]) or exposure)
        evaluation.pipeline_training = training
    run(evaluation)
    figures = json.loads((evaluation.folder / FIGURES).read_text())
    assert {part: values["seen"] for part, values in figures.items()} == {"kinds": seen}
    assert asked == ([] if exposure is None else [[18, 72]])


def test_without_a_bundle_or_kinds_it_says_so(evaluation, records):
    emoji = [row for row, domain in enumerate(records["domain"]) if domain == "emoji"]
    evaluation.domains = Domains(evaluation.recipe, records.select(emoji))
    with pytest.raises(SystemExit, match="no pictures to fit a verdict on"):
        run(evaluation)
    evaluation.domains = Domains(dataclasses.replace(evaluation.recipe, protocol="shipped"), records)
    evaluation.recipe = evaluation.domains.recipe
    with pytest.raises(SystemExit, match="no pictures to fit a verdict on"):
        run(evaluation)
    evaluation.bundle = None
    with pytest.raises(SystemExit, match="A verdict is that of a bundle"):
        run(evaluation)
