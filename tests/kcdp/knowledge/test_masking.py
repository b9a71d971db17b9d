"""Quotations and adjectives with hyphens are found, whatever their marks, and put back in their places."""

from __future__ import annotations

import pytest

from kcdp.knowledge.masking import is_compound_adjective, mask


@pytest.mark.parametrize(
    ("caption", "quoted"),
    [
        ('a cat says "Sorry"', ["sorry"]),
        ("a cat says \u201cdon\u2019t go!\u201d", ["don't go"]),
        ("a cat says 'don't go'", ["don't go"]),
        ("a cat\u2019s sign says \u2018no dogs\u2019", ["no dogs"]),
        ("'stop', says the boys' sign", ["stop"]),
        ("\"hi\" and 'bye'", ["hi", "bye"]),
        ('a mug with "world\'s best dad" on it', ["world's best dad"]),
        ("the dogs' bowl and the cats' bed", []),
        ("rock 'n' roll", []),
        ('a cat says "hello', []),
        ('"" and "?!"', []),
    ],
)
def test_what_is_quoted(caption: str, quoted: list[str]) -> None:
    masked = mask(caption)
    assert [one.text for one in masked.stand_ins.values()] == quoted
    assert masked.text.count('"hello"') == len(quoted)


@pytest.mark.parametrize(
    "caption",
    ['a sign "no dogs" and a cat with "a" tail', "'stop now please' says a cat-like dog with a well-known tail"],
)
def test_places_lead_back_to_the_caption(caption: str) -> None:
    """Every word of the masked text is found in the caption where its span says."""
    masked = mask(caption)
    for word in ("sign", "cat", "tail", "says", "dog"):
        start = masked.text.find(word)
        if start >= 0:
            first, last = masked.span(start, start + len(word))
            assert caption[first:last] == word
    for place, one in masked.stand_ins.items():
        first, last = masked.span(place, place + len(one.word))
        assert caption[first:last].lower() == one.text


@pytest.mark.parametrize(
    "word",
    ["cat-like", "heart-shaped", "half-eaten", "well-known", "ten-year-old", "wide-open", "blue-eyed", "sugar-free"],
)
def test_adjectives_with_hyphens(word: str) -> None:
    assert is_compound_adjective(word)
    assert mask(f"a {word} thing").text == "a small thing"


@pytest.mark.parametrize(
    "word", ["t-shirt", "x-ray", "close-up", "ice-skating", "jack-in-the-box", "merry-go-round", "teddy-bear"]
)
def test_other_words_with_hyphens(word: str) -> None:
    assert not is_compound_adjective(word)
    assert mask(f"a {word}").text == f"a {word}"
