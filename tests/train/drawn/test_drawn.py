"""The renderer: reproducible, complete, and true to what its captions and attributes say."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from xml.etree import ElementTree

import pytest

from kcdp.emotions import MIKELS_8
from train.drawn import draw, draw_things
from train.drawn.captions import EFFECT_WORDS, EYE_WORDS, GESTURE_WORDS, MOUTH_WORDS
from train.drawn.characters import BODIES, draw_character
from train.drawn.effects import EFFECTS
from train.drawn.eyes import EYES
from train.drawn.faces import BROWS
from train.drawn.grammar import PROTOTYPES, random_mood
from train.drawn.mouths import MOUTHS
from train.drawn.palette import FAMILIES, TONES, filtered, random_style
from train.drawn.renderer import KINDS
from train.drawn.scenes import SCENES
from train.drawn.settings import SETTINGS
from train.drawn.svg import LETTERS, Pen
from train.drawn.things import THINGS


@pytest.fixture(scope="module")
def drawings():
    return [draw(seed, 48) for seed in range(240)]


def test_the_same_seed_gives_the_same_drawing():
    first, second = draw(7, 64), draw(7, 64)
    assert first.svg == second.svg
    assert first.image.tobytes() == second.image.tobytes()
    assert (first.caption, first.emotion, first.attributes) == (second.caption, second.emotion, second.attributes)
    assert draw(8, 64).svg != first.svg


@pytest.mark.parametrize("size", [16, 128, 200])
def test_images_are_rgba_of_the_asked_size(size):
    image = draw(3, size).image
    assert image.mode == "RGBA"
    assert image.size == (size, size)


def test_a_larger_picture_shows_the_same_content():
    assert draw(11, 32).svg.replace('width="32" height="32"', "") == draw(11, 64).svg.replace(
        'width="64" height="64"', ""
    )


def test_every_kind_emotion_and_style_occurs(drawings):
    assert {drawing.attributes["kind"] for drawing in drawings} == set(KINDS)
    assert {drawing.emotion for drawing in drawings} == {None, *MIKELS_8.labels}
    assert {drawing.attributes["style"] for drawing in drawings} == set(FAMILIES)


@pytest.mark.parametrize("emotion", MIKELS_8.labels)
@pytest.mark.parametrize("kind", KINDS)
def test_kind_and_emotion_can_be_asked_for(kind, emotion):
    drawing = draw(1, 32, kind, emotion)
    assert drawing.attributes["kind"] == kind
    assert drawing.emotion == emotion


def test_only_things_are_without_emotion(drawings):
    assert {drawing.attributes["kind"] for drawing in drawings if drawing.emotion is None} == {"object"}


def test_pictures_are_not_empty_and_differ(drawings):
    for drawing in drawings:
        assert drawing.image.getchannel("A").getextrema()[1] == 255, drawing.caption
        assert any(low != high for low, high in drawing.image.convert("RGB").getextrema()), drawing.caption
    assert len({drawing.image.tobytes() for drawing in drawings}) == len(drawings)


def test_some_backgrounds_are_transparent_and_some_opaque(drawings):
    corners = Counter(drawing.image.getpixel((0, 0))[3] for drawing in drawings)
    assert corners[0] > 30
    assert corners[255] > 30


def test_svg_is_well_formed_and_refers_only_to_what_it_defines(drawings):
    for drawing in drawings:
        root = ElementTree.fromstring(drawing.svg)
        names = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(names) == len(set(names))
        assert set(re.findall(r"url\(#(\w+)\)", drawing.svg)) <= set(names)
        assert "nan" not in drawing.svg


def test_captions_are_short_and_name_what_is_drawn(drawings):
    for drawing in drawings:
        caption, attributes = drawing.caption, drawing.attributes
        assert 4 <= len(caption.split()) <= 18, caption
        assert caption == caption.strip()
        if attributes["kind"] == "object" or attributes.get("body", "pair") != "pair":
            assert attributes["noun"] in caption
            assert attributes["noun"] in attributes["objects"]


def test_sticker_attributes_are_names_of_parts(drawings):
    for attributes in (d.attributes for d in drawings if d.attributes["kind"] == "sticker"):
        assert attributes["brows"] in BROWS
        assert attributes["eyes"] in EYES
        assert attributes["mouth"] in MOUTHS
        assert set(attributes["effects"]) <= set(EFFECTS)
        assert attributes["body"] == "pair" or attributes["body"] in BODIES


def test_colourless_pictures_name_no_body_colour():
    for seed in range(120):
        drawing = draw(seed, 16, "sticker")
        if drawing.attributes["style"] in ("line", "ink"):
            noun = drawing.attributes["noun"]
            assert not re.search(rf"(red|orange|yellow|green|teal|blue|purple|pink) {noun}", drawing.caption)


@pytest.mark.parametrize("body", BODIES)
def test_every_body_can_be_drawn_in_every_mood(body):
    for number, emotion in enumerate(MIKELS_8.labels):
        rng = Random(number)
        pen = Pen(rng, random_style(rng))
        anchor, attributes = draw_character(pen, random_mood(rng, emotion), BODIES[body][0])
        ElementTree.fromstring(pen.document(32))
        assert anchor.scale > 0
        assert attributes["noun"] == anchor.noun


@pytest.mark.parametrize("emotion", MIKELS_8.labels)
def test_grammar_has_several_prototypes_of_known_parts(emotion):
    assert len(PROTOTYPES[emotion]) >= 4
    for prototype in PROTOTYPES[emotion]:
        assert set(prototype.brows) <= set(BROWS)
        assert set(prototype.eyes) <= set(EYES)
        assert set(prototype.mouths) <= set(MOUTHS)
        assert set(prototype.effects) | {name for group in prototype.must for name in group} <= set(EFFECTS)
        assert set(prototype.gestures) - {"down"} <= set(GESTURE_WORDS)


def test_a_demanded_effect_is_never_dropped():
    for emotion, prototypes in PROTOTYPES.items():
        demands = {prototype.name: prototype.must for prototype in prototypes}
        for seed in range(60):
            mood = random_mood(Random(seed), emotion)
            assert all(set(group) & set(mood.effects) for group in demands[mood.prototype])


def test_no_single_mouth_eye_or_effect_decides_the_emotion():
    seen: dict[str, Counter[str]] = {}
    for emotion in MIKELS_8.labels:
        for seed in range(150):
            mood = random_mood(Random(seed), emotion)
            for cue in (mood.face.mouth, mood.face.eyes, *mood.effects):
                seen.setdefault(emotion, Counter())[cue] += 1
    for counts in seen.values():
        assert max(counts.values()) < 0.75 * 150


@pytest.mark.parametrize("emotion", MIKELS_8.labels)
def test_scenes_and_settings_exist_for_every_emotion(emotion):
    assert sum(scene.emotion == emotion for scene in SCENES) >= 6
    assert any(setting.emotion == emotion for setting in SETTINGS)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.captions[0])
def test_every_scene_paints_and_its_captions_name_something_in_it(scene):
    rng = Random(5)
    pen = Pen(rng, random_style(rng))
    scene.paint(pen)
    ElementTree.fromstring(pen.document(32))
    assert len(pen.parts) > 4
    assert len(scene.captions) >= 2


@pytest.mark.parametrize("name", THINGS)
def test_every_thing_draws_itself(name):
    rng = Random(5)
    pen = Pen(rng, random_style(rng))
    assert THINGS[name](pen)
    ElementTree.fromstring(pen.document(32))


def test_words_of_captions_belong_to_parts_that_exist():
    assert set(MOUTH_WORDS) == set(MOUTHS)
    assert set(EYE_WORDS) <= set(EYES)
    assert set(EFFECT_WORDS) <= set(EFFECTS)


def test_letters_lie_on_their_grid():
    for strokes in LETTERS.values():
        for stroke in strokes.split():
            assert len(stroke) >= 4
            assert len(stroke) % 2 == 0
            assert all(int(x) <= 4 for x in stroke[::2])
            assert all(int(y) <= 6 for y in stroke[1::2])


def test_tones_give_colours_and_gray_has_no_hue():
    for tone in TONES:
        assert re.fullmatch(r"#[0-9a-f]{6}", filtered("#e8453c", tone))
    gray = filtered("#e8453c", "gray")
    assert gray[1:3] == gray[3:5] == gray[5:7]
    assert filtered("#2a2430", "line") == "#2a2430"


def test_things_come_in_every_emotion_and_say_their_name():
    grid = len(THINGS) * len(MIKELS_8)
    assert [drawing.emotion for drawing in draw_things(8, size=16)] == list(MIKELS_8.labels)
    benches = [drawing for drawing, _ in zip(draw_things(grid, size=16), range(8), strict=False)]
    assert all("bench" in drawing.caption for drawing in benches)
    # The same cell again is another picture.
    assert draw(0, 16, "object", "awe", "cup").svg != draw(grid, 16, "object", "awe", "cup").svg
    assert draw(0, 16, "object", "awe", "cup").attributes["noun"] == "cup"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "photo"}, "no kind of drawing"),
        ({"emotion": "joy"}, "not one of"),
        ({"size": 4}, "at least 8"),
        ({"kind": "object", "noun": "unicorn"}, "'unicorn' cannot be drawn"),
        ({"noun": "bench"}, "of an object"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw(0, **arguments)
