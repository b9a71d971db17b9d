"""What a stage learns from and is chosen on."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import Dataset
from PIL import Image

from tests.recipes import make_recipe
from train.core.runs import stage_datasets
from train.data.records import SPLITS, make_record, to_dataset


@pytest.fixture(scope="module")
def records() -> Dataset:
    """Of each split a drawn picture, a photo and a photo without an emotion."""
    return to_dataset(
        make_record(
            Image.new("RGB", (16, 16), (20 * number, 90 * kind, 0)),
            ["a picture"],
            domain=domain,
            style="one",
            group=f"{domain} {emotion} {split}",
            license="CC0",
            split=split,
            emotion=emotion,
        )
        for number, split in enumerate(SPLITS)
        for kind, (domain, emotion) in enumerate((("drawn", "awe"), ("photos", "fear"), ("photos", None)))
    )


def groups(dataset: object) -> set[str]:
    return set(dataset.records["group"][:])


def test_a_stage_learns_from_training_pictures_and_is_chosen_on_validation_pictures(
    records: Dataset, tmp_path: Path
) -> None:
    recipe = make_recipe(output_dir=str(tmp_path), size=16, vae={"shares": {"drawn": 3.0, "photos": 1.0}})
    train, validation = stage_datasets(recipe, "vae", records=records)
    assert groups(train) == {"drawn awe train", "photos fear train", "photos None train"}
    assert groups(validation) == {"drawn awe val", "photos fear val", "photos None val"}
    drawn = train.domains.within({"drawn"})
    assert train.weights[drawn].sum() / train.weights.sum() == pytest.approx(0.75)
    assert validation.weights.unique().tolist() == [1.0]


def test_what_has_no_label_or_no_share_is_left_out_where_that_is_asked_for(records: Dataset, tmp_path: Path) -> None:
    recipe = make_recipe(output_dir=str(tmp_path), size=16, kcdp={"shares": {"drawn": 0.0, "photos": 1.0}})
    train, validation = stage_datasets(recipe, "kcdp", 0.5, labelled=True, drop_unshared=True, records=records)
    assert (groups(train), groups(validation)) == ({"photos fear train"}, {"photos fear val"})
    train, _ = stage_datasets(recipe, "kcdp", records=records)
    assert groups(train) == {"drawn awe train", "photos fear train", "photos None train"}
