"""What tidying mends in generated text, and what it must leave as it is."""

from __future__ import annotations

import pytest

from kcdp.knowledge.tidying import tidy


@pytest.mark.parametrize(
    ("text", "echo", "caption"),
    [
        ("a photo of  a cat ", "a photo of", "a cat"),
        ("a cat", "a photo of", "a cat"),
        ("apple tree", "a", "apple tree"),
        ("a a cat", "", "a cat"),
        ("a cat and a dog and a dog and a dog", "", "a cat and a dog"),
        ("a very very very very very big dog", "", "a very big dog"),
        ("a dog dog", "", "a dog"),
        ("", "", ""),
    ],
)
def test_echoes_and_loops_are_cut(text: str, echo: str, caption: str) -> None:
    assert tidy(text, echo) == caption


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("the cat 's half - closed eyes , open ( a bit ) .", "the cat's half-closed eyes, open (a bit)."),
        ("they ' re sad and don 't care", "they're sad and don't care"),
        ("a cat says ' hello ' .", "a cat says 'hello'."),
        ('a cat says " i \'m not here "', 'a cat says "i\'m not here"'),
        ("he said , ' i 'm not hungry '", "he said, 'i'm not hungry'"),
        ("the dogs ' bowl is empty", "the dogs' bowl is empty"),
        ("wait ... what ?", "wait... what?"),
    ],
)
def test_signs_are_joined_to_their_words(text: str, caption: str) -> None:
    assert tidy(text) == caption


@pytest.mark.parametrize(
    "text",
    [
        "a cat says 'hello'",
        "a sign that says 'no entry' in red letters",
        "the letter 's' on a door",
        "a cat's toy says 'meow' and 'purr'",
        "a happy cat :)",
        "a bottle that costs .5 dollars",
        "a close close-up",
        "two two-year-old boys",
        "a cat cat's tail",
        "walking hand in hand",
        "a cat catches a ball",
        "a baby waves bye bye",
        "a very very big dog",
        "a sign says 'ha ha ha ha ha'",
        'a parrot says "hello hello hello"',
        "rock 'n' roll",
        "it's 3:30, ok?",
    ],
)
def test_what_is_right_stays(text: str) -> None:
    assert tidy(text) == text


def test_a_dash_stays_where_the_tokenizer_keeps_spaces() -> None:
    text = "a cat - angry and wet - says 'hello' !"
    assert tidy(text, spaced_signs=False) == text
