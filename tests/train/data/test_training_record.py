"""What a bundle has learned from stands beside it, and an evaluation counts the pictures that it knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import Dataset
from PIL import Image

from kcdp.bundle import EMBEDDED
from train.core.datasets import training_record
from train.core.recipe import Recipe
from train.data.records import make_record, to_dataset
from train.data.splits import Rule, select
from train.data.training_record import FILE, Exposure, TrainingRecord

OPEN = ("drawn", "things", "emoji", "cartoons", "photos")


@pytest.fixture(scope="module")
def records() -> Dataset:
    """Of each split an emoji by two vendors, a cartoon of a trained and of a held-out style, a photo and a kind."""
    rows = []
    for split in ("train", "val", "test"):
        for domain, style in (
            ("emoji", "noto"), ("emoji", "openmoji"), ("cartoons", "micah"), ("cartoons", "toon-head"),
            ("photos", "oasis"), ("kinds", "clay"),
        ):  # fmt: skip
            group = f"{domain} {split}" if domain == "emoji" else f"{domain} {style} {split}"
            colour = (len(rows), 0, 0)
            rows.append(
                make_record(
                    Image.new("RGB", (4, 4), colour),
                    ["x"],
                    domain=domain,
                    style=style,
                    group=group,
                    license="CC0",
                    split=split,
                    emotion="awe",
                )
            )
    return to_dataset(rows)


def part(records: Dataset, name: str) -> Dataset:
    return records.select(select(records, "benchmark", name))


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    for protocol in ("benchmark", "selection", "shipped"):
        record = TrainingRecord.of(protocol, OPEN)
        record.write(tmp_path)
        assert TrainingRecord.read(tmp_path) == record
    only = TrainingRecord("own", (Rule("emoji", ("train",), only=frozenset({"noto"})),), ())
    only.write(tmp_path)
    assert TrainingRecord.read(tmp_path) == only


def test_weights_that_go_on_learning_keep_what_they_have_learned(tmp_path: Path) -> None:
    first, second = TrainingRecord.of("benchmark", ["emoji"], label_free=True), TrainingRecord.of("shipped", ["photos"])
    first.add_to(tmp_path)
    assert TrainingRecord.read(tmp_path) == first
    second.add_to(tmp_path)
    both = TrainingRecord.read(tmp_path)
    assert both == TrainingRecord.union([first, second])
    assert (both.protocol, both.label_free) == ("benchmark and shipped", False)
    assert both.trained == (*first.trained, *second.trained)
    second.add_to(tmp_path)
    assert TrainingRecord.read(tmp_path).trained == both.trained


def test_the_embedded_bundle_says_what_it_has_seen(records: Dataset) -> None:
    record = TrainingRecord.read(EMBEDDED)
    # KCDP's pyramid went on from weights that were for use; everything that was trained after that kept to the splits.
    assert record.protocol == "benchmark and shipped"

    def seen(name: str) -> str:
        return str(record.exposure(part(records, name), records))

    # The command of the README measures these.
    assert seen("test-photos") == "seen in training"
    assert seen("test-cartoons") == "seen in training"
    assert seen("test-new-cartoons") == "2 of 3 seen in training; 1 of 3 chose the weights"
    assert seen("test-emoji") == "same subjects seen in training"
    # Noto, a cartoon, a photo and a kind.
    assert seen("val") == "4 of 4 chose the weights" or seen("val") == "chose the weights"
    assert seen("test-kinds") == seen("test-new-kinds") == seen("calibration") == ""


def test_a_benchmark_has_seen_none_of_its_tests(records: Dataset) -> None:
    record = TrainingRecord.of("benchmark", (*OPEN, "kinds"))
    for name in ("test-emoji", "test-cartoons", "test-new-cartoons", "test-photos", "test-kinds"):
        chosen = part(records, name)
        assert record.exposure(chosen, records) == Exposure(len(chosen), 0, 0, 0), name
    assert str(record.exposure(part(records, "train"), records)) == "seen in training"
    assert str(record.exposure(part(records, "val"), records)) == "chose the weights"


def test_a_recipe_learns_from_the_domains_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "emoji.parquet").touch()
    recipe = Recipe(data=str(tmp_path), drawn=10, drawn_things=0, protocol="shipped", sets={"emoset": "folder"})
    record = training_record(recipe)
    assert record.protocol == "shipped"
    assert {rule.domain for rule in record.trained} == {"emoji", "drawn", "emoset"}


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    assert TrainingRecord.read(tmp_path) is None
    for text in ("{", "[]", json.dumps({"protocol": "shipped", "trained": [{"splits": []}], "validated": []})):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(ValueError, match=r"training\.json is not what training writes there"):
            TrainingRecord.read(tmp_path)
    with pytest.raises(ValueError, match="'none' is no protocol"):
        TrainingRecord.of("none", OPEN)
