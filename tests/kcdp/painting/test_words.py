"""What of a prompt is read, against the tokens that the text encoder gets."""

import pytest

from kcdp.painting.prompt import PLACEHOLDER, token_ids
from kcdp.painting.words import singular, understood

ROOM = 12


@pytest.fixture
def read(tiny_tokenizer):
    return lambda prompt, length=ROOM: understood(tiny_tokenizer, prompt, length, PLACEHOLDER)


def test_what_is_known_stays_as_it_is(read):
    for prompt in ("", "a happy cat sits", "A Happy CAT", f"a {PLACEHOLDER} cat, happy.", "a  cat"):
        found = read(prompt)
        assert (found.prompt, found.unknown, found.left_out) == (prompt, (), "")


def test_plurals_of_known_words_are_understood(read):
    found = read("two CATS and dogs")
    assert found.prompt.endswith("cat and dog")
    assert not {"CATS", "dogs"} & set(found.unknown)


def test_unknown_words_are_told_once_and_as_they_were_written(read):
    found = read("a Zyzzyx cat and a Zyzzyx")
    assert found.unknown.count("Zyzzyx") == 1
    assert "Zyzzyx" in found.prompt


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("cat " * 20, 9),
        (f"{'cat ' * 20}{PLACEHOLDER}", 9),
        (f"{'cat ' * 4}{PLACEHOLDER}{' cat' * 20}", 9),
        (f"{PLACEHOLDER}{' cat' * 9}", 9),
        ("cat " * 8, 8),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_else_is_lost(read, tiny_tokenizer, prompt, kept):
    found = read(prompt)
    assert found.prompt.count("cat") == kept
    assert found.left_out.split() == ["cat"] * (prompt.count("cat") - kept)
    # The text encoder gets every word that is kept, and would get none of those that are not.
    ids, _ = token_ids(tiny_tokenizer, [found.prompt], ROOM)
    cat = tiny_tokenizer("cat", add_special_tokens=False).input_ids[0]
    assert (ids == cat).sum() == kept
    assert token_ids(tiny_tokenizer, [prompt], ROOM)[0].tolist() == ids.tolist()


def test_a_word_is_not_cut_in_two(read, tiny_tokenizer):
    """A word of several tokens is left out whole."""
    long = "zyzzyx"
    assert len(tiny_tokenizer(long, add_special_tokens=False).input_ids) > 2
    found = read(f"{'cat ' * 8}{long} cat")
    assert found.prompt.split() == ["cat"] * 8
    assert found.left_out == f"{long} cat"


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        *(("cats", "cat"), ("boxes", "box"), ("butterflies", "butterfly"), ("wolves", "wolf"), ("knives", "knife")),
        *(("mice", "mouse"), ("children", "child"), ("horses", "horse"), ("glass", None), ("ss", None)),
    ],
)
def test_singulars(plural, single):
    words = {"cat", "box", "butterfly", "wolf", "knife", "mouse", "child", "horse"}
    assert singular(plural, words.__contains__) == single
