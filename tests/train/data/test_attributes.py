"""Scenes and objects read off captions such as the data sets have, and the tables of them."""

from __future__ import annotations

import pytest
import torch

from kcdp.emotions import MIKELS_8
from kcdp.knowledge.triplets import TripletParser
from train.core.foundation import PARSER
from train.data import attributes as module
from train.data.attributes import AttributeTable, attributes, dataset_attributes
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset
from train.data.wording import normalise
from train.drawn import draw
from train.drawn.scenes import SCENES


@pytest.fixture(scope="module")
def parser() -> TripletParser:
    return TripletParser.from_pretrained(PARSER)


@pytest.mark.parametrize(
    ("caption", "scene", "object"),
    [
        # Drawn things in their settings, and drawn scenes.
        ("a white bicycle on fire", "fire", "bicycle"),
        ("a tall street lamp under a rainbow", "rainbow", "street lamp"),
        ("a green clock in a cozy warm room", "room", "clock"),
        ("a robot watched by eyes in the dark", "dark", "robot"),
        ("two cows look up at the sky", "sky", "cow"),
        ("a whale in the deep sea", "sea", "whale"),
        # Several surroundings: the first.
        ("a robot before snowy mountains at sunset", "mountain", "robot"),
        # What a thing has does not surround it.
        ("a green ball stands with balloons and confetti", None, "ball"),
        ("a teddy bear with closed happy eyes", None, "teddy bear"),
        # A place alone is its own scene; a thing that may surround others is not.
        ("a photo of a beach", "beach", "beach"),
        ("a blue cloud has a cat smile", None, "cloud"),
        # The kind of picture is not what it shows.
        ("a picture of a white flower", None, "flower"),
        ("an excited bee sticker", None, "bee"),
        ("a cartoon person with a hijab who looks amazed", None, "person"),
        # Photos and emoji.
        ("a photo of a ball on a sports field", "field", "ball"),
        ("two ducks in a pool", "pool", "duck"),
        ("a photo of police officers", None, "police officer"),
        ("a birthday cake", None, "birthday cake"),
        ("a crying face", None, "face"),
        # Nothing to go by.
        ("sorry", None, None),
        ("", None, None),
    ],
)
def test_captions(parser: TripletParser, caption: str, scene: str | None, object: str | None) -> None:
    assert attributes([caption], parser) == [(scene, object)]


def test_many_captions_equal_single_ones(parser: TripletParser) -> None:
    captions = [caption for scene in SCENES[:12] for caption in scene.captions]
    assert attributes(captions, parser) == [attributes([caption], parser)[0] for caption in captions]


def test_drawn_scenes_are_mostly_what_the_renderer_says(parser: TripletParser) -> None:
    """The renderer knows what it drew; the caption's head noun is one of the things, or the place itself."""
    rows = [(caption, scene) for scene in SCENES for caption in scene.captions]
    found = attributes([caption for caption, _ in rows], parser)
    right = [one.object in (*scene.objects, scene.scene) for one, (_, scene) in zip(found, rows, strict=True)]
    assert sum(right) / len(right) > 0.7


@pytest.mark.parametrize("name", ["Alarm clock", "alarm_clock", " alarm  clock ", "ALARM_CLOCK"])
def test_spelling(name: str) -> None:
    assert normalise(name) == "alarm clock"


def test_a_table_counts_and_falls_back_to_the_last_word() -> None:
    found = ["egg", "race car", "beige egg", "race car", None, "blue moon", "egg"]
    table = AttributeTable.count(found, min_count=2)
    # A name that is frequent stays whole, a rare one counts for its head noun, and one whose head is rare has no say.
    assert table.names == ("egg", "race car")
    assert table.indices.tolist() == [0, 1, 0, 1, -1, -1, 0]
    assert table.of(["race car", "green egg", "moon", None, "old race car"]).tolist() == [1, 0, -1, -1, -1]
    assert table.indices.dtype == torch.int64


def test_a_rare_name_makes_its_head_noun_frequent() -> None:
    assert AttributeTable.count(["pink egg", "beige egg"], min_count=2).names == ("egg",)


def test_a_table_of_nothing() -> None:
    table = AttributeTable.count([None, None, "cat"], min_count=2)
    assert table.names == () and table.indices.tolist() == [-1, -1, -1]


def test_a_datasets_attributes_are_looked_for_once(train_dataset, parser: TripletParser, monkeypatch) -> None:
    found = dataset_attributes(train_dataset, parser)
    assert found == attributes(train_dataset.records["caption"][:], parser)
    assert {one.object for one in found} <= {"face", "gold face"} and len(found) == len(train_dataset)
    monkeypatch.setattr(module, "attributes", None)
    assert dataset_attributes(train_dataset, parser) == found


def test_annotations_come_before_captions(tmp_path, parser: TripletParser) -> None:
    annotated = [
        (None, ()),
        ("Amusement_Park", ("Alarm clock", "Tree")),
        (None, ("alarm_clock",)),
        ("Beach", ()),
        (None, ()),
    ]
    rows = [
        make_record(
            draw(number, 16).image,
            ["a dog on a beach" if number else "a crying face"],
            domain="emoset",
            style="s",
            group=str(number),
            license="x",
            scene=scene,
            objects=objects,
        )
        for number, (scene, objects) in enumerate(annotated)
    ]
    expected = [
        (None, "face"), ("amusement park", "alarm clock"), (None, "alarm clock"), ("beach", None), ("beach", "dog")
    ]  # fmt: skip
    assert dataset_attributes(PictureDataset(to_dataset(rows), tmp_path, MIKELS_8.labels, size=16), parser) == expected
    # Where everything is annotated, no caption is read.
    told = PictureDataset(to_dataset(rows[1:4]), tmp_path, MIKELS_8.labels, size=16)
    assert dataset_attributes(told, None) == expected[1:4]
