from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.results import AttentionMap, AttributeMatch
from kcdp.ui.reading_cards import map_name, uniemo_cards
from tests.fake_bundle import FakeUniEmo, fake_output, spot


@pytest.fixture
def picture() -> DecodedPicture:
    return DecodedPicture.load(Image.new("RGB", (8, 8)))


def test_cards_name_what_was_found_and_what_was_not(picture: DecodedPicture) -> None:
    reading = FakeUniEmo().understand(picture)
    emotion, attributes = uniemo_cards(fake_output("contentment"), reading)
    assert "reads contentment, too (82 %)." in emotion and emotion.count("<li") == 8
    assert "beach" in attributes and "cosine +0.31" in attributes and "72 %" in attributes
    assert attributes.count("<li") == 3 and "None that the model knows is near enough." in attributes
    assert "reads contentment (82 %), not awe." in uniemo_cards(fake_output("awe"), reading)[0]


def test_names_are_escaped_and_an_unknown_correlation_is_said(picture: DecodedPicture) -> None:
    reading = FakeUniEmo().understand(picture)
    strange = AttributeMatch("<b>", 0.1, dict.fromkeys(reading.probabilities, 0.0))
    attributes = uniemo_cards(fake_output(), replace(reading, object=strange))[1]
    assert "&lt;b&gt;" in attributes and "<b>" not in attributes
    assert "not known what this has to do with emotions" in attributes


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("heart", "word", "heart"),
        ("cat sees dog", "triplet", "“cat sees dog”"),
        ("beach", "scene", "scene: beach"),
        ("object", "object", "object"),
    ],
)
def test_maps_are_named_by_what_they_are_of(text: str, kind: str, name: str) -> None:
    assert map_name(AttentionMap(text, kind, spot(0.5, 0.5))) == name
