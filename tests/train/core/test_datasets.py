"""What a recipe names, as records in the recipe's label space; and how little of millions of them is in memory."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from datasets.arrow_writer import ArrowWriter

from kcdp.emotions import KCDP_6, MIKELS_8
from tests.train.data.sets.layouts import LAYOUTS, paint
from tests.two_processes import in_two_processes
from train.core.datasets import load_records, make_dataset
from train.core.recipe import Recipe
from train.data import drawings
from train.data.dataset import PictureDataset
from train.data.drawings import drawn_pictures
from train.data.neutral import feelings_in
from train.data.records import FEATURES, Coded, content_id, make_record, with_shares
from train.data.sets import SetError
from train.drawn import draw
from train.drawn.renderer import Drawing
from train.evaluation.domains import Domains
from train.stages.registry import check, read_recipe


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Two published sets and twelve drawn pictures, in KCDP-6."""
    for name in ("emoset", "ser30k"):
        LAYOUTS[name](tmp_path / name)
    arguments = ["--sets.emoset", str(tmp_path / "emoset"), f"--sets.ser30k={tmp_path / 'ser30k'}"]
    arguments += ["--drawn", "12", "--label_space", "KCDP-6", "--size", "16", "--output_dir", str(tmp_path / "run")]
    found = read_recipe(arguments)
    return found


def test_a_domain_of_no_share_is_left_out(recipe: Recipe) -> None:
    records = load_records(recipe)
    assert Coded.of(with_shares(records, {"emoset": 1.0, "ser30k": 0.0}), "domain").names == ("drawn", "emoset")
    assert with_shares(records, {"emoset": 1.0}) is with_shares(records, {}) is records


def test_drawn_pictures_and_sets_come_together_in_one_label_space(recipe: Recipe) -> None:
    check(recipe)
    records = load_records(recipe)
    assert records.features == FEATURES
    assert Coded.of(records, "domain").names == ("drawn", "emoset", "ser30k")
    assert set(records["emotion"][:]) - {None} <= set(KCDP_6.labels)
    # Six of the seven labels a split, and one sticker without; the neutral ones are dropped.
    assert len(records) == 12 + 12 + 21
    dataset = make_dataset(recipe, records, "train", {"emoset": 1.0, "ser30k": 3.0, "drawn": 0.0}, labelled=True)
    weights = dataset.weights / dataset.weights.sum()
    assert weights[torch.from_numpy(dataset.domains.within({"ser30k"}))].sum() == pytest.approx(0.75)
    assert dataset.plain(torch.arange(len(dataset))).shape == (len(dataset), 3, 16, 16)


def test_one_of_two_processes_draws_for_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawers = tmp_path / "drawers"

    def drawing(number: int) -> Drawing:
        with drawers.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return draw(number)

    monkeypatch.setattr(drawings, "draw", drawing)

    def load() -> None:
        assert len(drawn_pictures(40, tmp_path / "cache")) == 40

    in_two_processes(load)
    lines = drawers.read_text().split()
    assert len(lines) == 40 and len(set(lines)) == 1


def test_sets_are_domains_of_an_evaluation(recipe: Recipe) -> None:
    domains = Domains(recipe, load_records(recipe))
    assert {"emoset", "ser30k"} <= set(domains.names)
    assert len(domains.test("ser30k")) == 6
    assert set(domains.test("emoset").styles) == {"emoset"}


def test_a_set_that_cannot_be_used_is_found_before_the_first_stage(recipe: Recipe, tmp_path: Path) -> None:
    recipe.label_space = "Mikels-8"
    with pytest.raises(SetError, match="SER30K is labelled in SER-7, which cannot be brought to Mikels-8"):
        check(recipe)
    recipe.label_space, recipe.sets = "Polarity", {"twitter1": str(tmp_path / "nowhere")}
    with pytest.raises(SetError, match="There is no folder"):
        check(recipe)
    recipe.sets = {"imagenet": str(tmp_path)}
    with pytest.raises(SetError, match="'imagenet' is no data set"):
        check(recipe)


def test_a_dataset_holds_numbers_not_texts(tmp_path: Path) -> None:
    """A list of ids alone takes 73 bytes a record."""
    paint(tmp_path / "picture.png", 0)
    count = 20_000
    with ArrowWriter(path=str(tmp_path / "records.arrow"), features=FEATURES, writer_batch_size=1000) as writer:
        for number in range(count):
            writer.write(
                make_record(
                    tmp_path / "picture.png",
                    [f"picture {number}", "a picture"],
                    identity=content_id(str(number).encode()),
                    emotion=MIKELS_8.labels[number % 8],
                    domain="emoset",
                    style="emoset",
                    group=f"emoset {number}",
                    license="x",
                )
            )
        writer.finalize()
    records = Dataset.from_file(str(tmp_path / "records.arrow")).select(range(1, count))
    tracemalloc.start()
    dataset = PictureDataset(records, tmp_path / "cache", MIKELS_8.labels, {"emoset": 1.0}, 0.5, 16)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / count < 64 and peak / count < 300
    rows = dataset.sample(8, torch.Generator().manual_seed(0))
    assert all(
        text in (f"picture {row + 1}", "a picture")
        for row, text in zip(rows.tolist(), dataset.captions(rows, torch.Generator(), feelings=False), strict=True)
    )
    assert dataset.decoded[rows].shape == (8, 4, 16, 16)


def test_a_label_free_recipe_has_no_caption_with_an_emotion(tmp_path: Path) -> None:
    """The stages `text` and `unet` ask for captions with feelings: what a target's training pictures show is its label."""

    def captions(label_free: bool) -> list[str]:
        recipe = Recipe(drawn=40, size=8, output_dir=str(tmp_path), label_free=label_free)
        dataset = make_dataset(recipe, load_records(recipe), "train")
        rows = torch.arange(len(dataset)).repeat(4)
        return dataset.captions(rows, torch.Generator().manual_seed(0), feelings=True)

    assert any(feelings_in(text) for text in captions(False))
    assert not any(feelings_in(text) for text in captions(True))
