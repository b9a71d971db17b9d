from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.figures import PartFigures
from kcdp.results import AttentionMap, AttributeMatch, ExpertWeight, FrameVerdict
from kcdp.ui.languages import Tell
from kcdp.ui.reading_cards import (
    alignment_card,
    frames_strip,
    knowledge_card,
    map_name,
    router_card,
    uniemo_cards,
    verdict_card,
)
from kcdp.ui.trust import trust_list
from tests.fake_bundle import FakeUniEmo, fake_output, fake_verdict, spot


@pytest.fixture
def picture() -> DecodedPicture:
    return DecodedPicture.load(Image.new("RGB", (8, 8)))


def test_cards_name_what_was_found_and_what_was_not(picture: DecodedPicture) -> None:
    reading = FakeUniEmo().understand(picture)
    emotion, attributes = uniemo_cards(fake_output("contentment"), reading)
    assert "reads contentment, too (82 %)." in emotion and emotion.count("<li") == 8
    assert "beach" in attributes and "nearness +0.31 of at most 1" in attributes and "72 %" in attributes
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
        ("beach", "scene", "Scene: beach"),
        ("object", "object", "Object"),
    ],
)
def test_maps_are_named_by_what_they_are_of(text: str, kind: str, name: str) -> None:
    assert map_name(AttentionMap(text, kind, spot(0.5, 0.5))) == name


def test_every_card_says_in_a_line_what_it_is_and_on_demand_what_the_papers_words_mean(picture: DecodedPicture) -> None:
    output, reading = fake_output(), FakeUniEmo().understand(picture)
    cards = (knowledge_card(output), alignment_card(output), router_card(output), *uniemo_cards(output, reading))
    for card in cards:
        assert card.count("<details") == 1 and 'class="kc-say"' in card
    for word, card in (
        ("TIE", cards[1]),
        ("pseudo-label", cards[1]),
        ("router", cards[2].lower()),
        ("cosine", cards[4]),
    ):
        assert word in card[card.index("<details") : card.index("</details>")]


def test_experts_of_less_than_a_hundredth_are_not_counted_as_asked() -> None:
    experts = (ExpertWeight(0, 0.993, True), ExpertWeight(1, 0.007, True), ExpertWeight(2, 0.0, False))
    card = router_card(replace(fake_output(), experts=experts))
    assert "1 of the 3 decided here." in card and card.count('class="kc-chosen"') == 1


def test_an_animation_has_a_block_for_each_moment_as_wide_as_it_lasts() -> None:
    frames = (
        FrameVerdict(0.0, 0.5, "awe", "awe", {"awe": 0.9, "fear": 0.1}),
        FrameVerdict(0.5, 1.5, None, "fear", {"awe": 0.45, "fear": 0.55}),
    )
    strip = frames_strip(frames, Tell("ja"))
    assert re.findall(r"flex-grow:([\d.]+)", strip) == ["0.500", "1.500"]
    assert "畏敬" in strip and "わからない" in strip and "0.5 秒 · 55 %" in strip
    assert frames_strip(frames[:1]) == ""


FIGURES = {
    "kinds": PartFigures(100, 0.5, 0.8, 0.6, 0.2, 0.9),
    "photos": PartFigures(100, 0.2, 0.4, 0.2, 0.0, None),
    "drawn": PartFigures(100, 1.0, 1.0, 1.0, 1.0, 1.0, seen=True),
}


def test_the_verdict_says_how_often_one_as_sure_is_right_on_pictures_not_learned_from() -> None:
    verdict = fake_verdict(fake_output("awe"))
    # Without those that are clear: (80 x .6 - 20 x .9 + 40 x .2) / (80 - 20 + 40) = .38, and of photos .2.
    unclear = "answers that were given, but not clear, like this one, were right in 4 of 10. Less often on photos."
    assert unclear in verdict_card(verdict, FIGURES)
    sure = replace(verdict, probabilities={"awe": 0.95, "fear": 0.05})
    card = verdict_card(sure, FIGURES)
    assert "answers as clear as this one were right in 9 of 10." in card and "Less often" not in card
    assert "it was tested" not in verdict_card(replace(verdict, emotion=None), FIGURES)
    assert "it was tested" not in verdict_card(verdict, {})


def test_what_cannot_be_told_has_no_dash_behind_it_that_looks_cut_off() -> None:
    told = fake_verdict(fake_output("awe"))
    title = r"<strong>([^<]*)(<svg)?"
    assert re.search(title, verdict_card(told, {})).groups() == ("awe", "<svg")
    assert re.search(title, verdict_card(replace(told, emotion=None), {})).groups() == ("cannot tell", None)


def test_a_photo_has_the_figure_of_photos_in_the_place_of_that_of_all() -> None:
    verdict = fake_verdict(fake_output("awe"))
    card = verdict_card(verdict, FIGURES, photo=True)
    assert "This looks like a photo. On photos it is right in 2 of 10" in card and "it was tested" not in card
    assert "looks like a photo" not in verdict_card(verdict, FIGURES)
    assert "looks like a photo" not in verdict_card(replace(verdict, emotion=None, leaning=None), FIGURES, photo=True)


def test_the_list_of_figures_is_in_plain_words() -> None:
    listed = trust_list(FIGURES)
    assert "On characters it is right in 5 of 10 (100 pictures); it names an emotion in 8 of 10." in listed
    assert listed.count("It has learned from these pictures") == 1
    assert "says nothing about" in trust_list({})
