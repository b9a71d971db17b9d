"""English morphology against forms that a person wrote."""

from __future__ import annotations

import pytest

from train.english import base_forms, indefinite_article, is_plural, plural


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stopping", "stops"),
        ("baked", "baking"),
        ("cries", "crying"),
        ("watches", "watch"),
        ("fell", "falling"),
        ("children", "child"),
        ("people", "person"),
        ("knives", "knife"),
        ("twerks", "twerking"),
    ],
)
def test_forms_of_one_word_share_a_base(one: str, other: str) -> None:
    assert base_forms(one) & base_forms(other)


@pytest.mark.parametrize(("one", "other"), [("sing", "sit"), ("man", "woman"), ("hand", "hold"), ("bus", "bed")])
def test_different_words_share_none(one: str, other: str) -> None:
    assert not base_forms(one) & base_forms(other)


@pytest.mark.parametrize(
    ("phrase", "article"),
    [
        ("apple", "an"),
        ("cat", "a"),
        ("unicorn", "a"),
        ("umbrella", "an"),
        ("uninvited guest", "an"),
        ("university", "a"),
        ("used car", "a"),
        ("ufo", "a"),
        ("one-eyed man", "a"),
        ("onion", "an"),
        ("hourglass", "an"),
        ("horse", "a"),
        ("euro banknote", "a"),
        ("egg", "an"),
        ("ewe", "a"),
        ("x-ray", "an"),
        ("8 ball", "an"),
        ("80 year old", "an"),
        ("", "a"),
    ],
)
def test_indefinite_article(phrase: str, article: str) -> None:
    assert indefinite_article(phrase) == article


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("cat", "cats"),
        ("mouse", "mice"),
        ("fox", "foxes"),
        ("person", "people"),
        ("police woman", "police women"),
        ("baby", "babies"),
        ("wolf", "wolves"),
        ("sheep", "sheep"),
    ],
)
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


@pytest.mark.parametrize("noun", ["mice", "people", "glasses", "scissors", "goggles", "teeth", "bricks", "wolves"])
def test_what_is_plural(noun: str) -> None:
    assert is_plural(noun)


@pytest.mark.parametrize(
    "noun", ["mouse", "glass", "bus", "princess", "lotus", "stegosaurus", "minibus", "lens", "snow", "cactus", "kiss"]
)
def test_what_is_not(noun: str) -> None:
    assert not is_plural(noun)
