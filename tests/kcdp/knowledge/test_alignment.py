"""Which tokens of a caption stand for which of its words."""

from __future__ import annotations

from transformers import CLIPTokenizer

from kcdp.knowledge.alignment import TokenAlignment

LENGTH = 32


def test_words_know_their_tokens(tiny_tokenizer: CLIPTokenizer) -> None:
    text = "A man's boat, hugs cats"
    alignment = TokenAlignment.of(tiny_tokenizer, text, LENGTH)
    found = alignment.content_words()
    assert [word for word, _ in found] == ["man's", "boat", "hugs", "cats"]
    ids = tiny_tokenizer(text).input_ids
    for word, tokens in found:
        said = tiny_tokenizer.decode([ids[position] for position in tokens])
        assert said.replace(" ", "") == word.lower()


def test_what_is_cut_off_has_no_tokens(tiny_tokenizer: CLIPTokenizer) -> None:
    assert len(TokenAlignment.of(tiny_tokenizer, "face " * 40, 12).content_words()) == 10


def test_function_words_have_none(tiny_tokenizer: CLIPTokenizer) -> None:
    text = "The cat of a man is with them, and it does not sit on an egg that isn't theirs"
    found = TokenAlignment.of(tiny_tokenizer, text, LENGTH).content_words()
    assert [word for word, _ in found] == ["cat", "man", "sit", "egg"]


def test_tokens_of_spans(tiny_tokenizer: CLIPTokenizer) -> None:
    text = "cat cat cat"
    alignment = TokenAlignment.of(tiny_tokenizer, text, LENGTH)
    first, last = alignment.tokens([(0, 3)]), alignment.tokens([(8, 11)])
    assert first and last and max(first) < min(last)
    assert alignment.tokens([(0, 3), (8, 11)]) == [*first, *last]
    assert alignment.tokens([]) == []
    assert alignment.tokens([(3, 4)]) == []
