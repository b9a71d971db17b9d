"""Quotations are told as they stand: found whatever their marks, put back in place, and never read as propositions."""

from __future__ import annotations

import pytest

from kcdp.knowledge.quotation import mask_quotations


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
    masked = mask_quotations(caption)
    assert [quotation.text for quotation in masked.quotations.values()] == quoted
    assert masked.text.count('"hello"') == len(quoted)


@pytest.mark.parametrize("caption", ['a sign "no dogs" and a cat with "a" tail', "'stop now please' says a dog"])
def test_places_lead_back_to_the_caption(caption: str) -> None:
    """Every word of the masked text is found in the caption where its span says."""
    masked = mask_quotations(caption)
    for word in ("sign", "cat", "tail", "says", "dog"):
        start = masked.text.find(word)
        if start >= 0:
            first, last = masked.span(start, start + len(word))
            assert caption[first:last] == word
    for place, quotation in masked.quotations.items():
        first, last = masked.span(place, place + len("hello"))
        assert caption[first:last].lower() == quotation.text
