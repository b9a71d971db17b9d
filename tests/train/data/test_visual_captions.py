"""Captions of what is seen: no word for an emotion in any of them, and the parts that were drawn in their words."""

import csv
from pathlib import Path
from random import Random

import pytest

from kcdp.emotions import LABEL_SPACES
from train.data import visual_captions
from train.data.neutral import feelings_in, without_feelings
from train.data.visual_captions import (
    cartoon_caption,
    drawing_caption,
    emoji_caption,
    having,
    kind_caption,
    with_keywords,
)
from train.data.wording import EVOKED, SHOWN
from train.drawn.grammar import ADJECTIVES, PROTOTYPES
from train.drawn.renderer import draw

TABLES = Path(visual_captions.__file__).parent / "tables"
#: What a face does is seen, whatever it means.
SEEN_OF_ADJECTIVES = {"laughing", "crying", "cheering", "sick", "gentle", "wide-eyed"}


def rows(name: str) -> list[list[str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.parametrize(
    "word",
    [
        *sorted(
            {label for space in LABEL_SPACES.values() for label in space.labels} - {"neutral", "negative", "positive"}
        ),
        *SHOWN.values(),
        *EVOKED.values(),
        *sorted({word for words in ADJECTIVES.values() for word in words} - SEEN_OF_ADJECTIVES),
        *[
            "afraid",
            "fearful",
            "furious",
            "enraged",
            "joyful",
            "joy",
            "happy",
            "scary",
            "terrified",
            "worried",
            "unhappy",
            "miserable",
            "nauseated",
        ],
    ],
)
def test_words_for_emotions_are_known(word):
    assert feelings_in(f"a {word} face")


@pytest.mark.parametrize(
    "text",
    [
        "a person with a scarf and a handcuff",
        "a scarecrow with a saddle",
        "a face with streams of tears and a frown",
        "an angel under a rectangle",
        "a scarlet glove on a clover",
    ],
)
def test_words_that_only_begin_like_one_are_not(text):
    assert feelings_in(text) == [] and without_feelings(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a photo of an angry person shouting", "a photo of a person shouting"),
        ("a photo of a very sad orange cat", "a photo of an orange cat"),
        ("a cat that smiles, happy and calm", "a cat that smiles"),
        ("a man runs in fear", "a man runs"),
        ("sadness", ""),
    ],
)
def test_what_is_left_is_still_english(text, expected):
    assert without_feelings(text) == expected


def test_no_table_names_an_emotion():
    for name in ("face_parts.csv", "emoji_seen.csv"):
        told = {row[-1]: feelings_in(row[-1]) for row in rows(name) if feelings_in(row[-1])}
        assert not told, name


def test_every_emoji_is_described_without_its_emotion():
    """All symbols that the set labels, most of all the faces whose names are emotions."""
    names = {row[0]: row[1] for row in rows("emoji_labels.csv")}
    assert sum(bool(feelings_in(name)) for name in names.values()) > 10
    for codepoint, name in names.items():
        caption = emoji_caption(codepoint, name)
        assert caption and not feelings_in(caption), name
    assert emoji_caption("1f620", "angry face") == "a face with slanted brows and a frown"
    assert emoji_caption("1f577", "spider") == "a spider"


def test_every_drawing_is_described_without_its_emotion():
    emotions = set()
    for seed in range(300):
        drawing = draw(seed, size=8)
        caption = drawing_caption(drawing.caption, drawing.attributes)
        emotions |= {drawing.emotion} if feelings_in(drawing.caption) else set()
        assert caption and not feelings_in(caption), drawing.caption
        if drawing.attributes.get("body") not in (None, "pair"):
            assert drawing.attributes["noun"] in caption
    # The renderer's own captions do tell them: what is tested is not empty.
    assert len(emotions) == len(PROTOTYPES)


def test_a_cartoon_is_its_face_parts_and_not_what_its_name_says():
    name = "a cartoon person with a bun who looks angry"
    parts = "mouth=grimace;eyes=surprised;eyebrows=angryNatural"
    expected = "a person with a bun, slanted brows, wide open eyes and clenched teeth"
    assert cartoon_caption("avataaars", name, parts) == expected
    # Parts that have no words are left out; so is what a name says instead.
    assert cartoon_caption("avataaars", name, "mouth=unheard") == "a person with a bun"


def test_how_something_is_drawn_is_no_part_of_it():
    assert kind_caption("a black icon of a rat") == "a rat"
    assert kind_caption("an ink drawing of a person with high arched brows") == "a person with high arched brows"
    assert kind_caption("a black-and-white drawn person with a smile") == "a person with a smile"


@pytest.mark.parametrize(
    ("subject", "parts", "expected"),
    [
        ("a cat", [], "a cat"),
        ("a cat", ["a smile"], "a cat with a smile"),
        ("a cat with a hat", ["a smile"], "a cat with a hat and a smile"),
        ("a cat with a hat", ["closed eyes", "a smile"], "a cat with a hat, closed eyes and a smile"),
    ],
)
def test_parts_are_listed(subject, parts, expected):
    assert having(subject, parts) == expected


def test_keywords_are_new_words_and_no_feelings():
    words = ["books", "library", "1", "reading", "joy", "sad"]
    assert with_keywords("a pile of books", words, Random(0)) == "a pile of books, library reading"
    assert with_keywords("a face", ["face", "sad"], Random(0)) == "a face"
