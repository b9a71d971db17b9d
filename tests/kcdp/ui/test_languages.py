"""Every text of the page, in every language."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import pytest

import kcdp.ui
from kcdp import plots, triplet_graph
from kcdp.palette import EMOTION_STYLES
from kcdp.ui import cards, languages, layout, reading_cards, refeel, rows, trust, understand
from kcdp.ui.inputs import call_options, finite_number
from kcdp.ui.languages import ENGLISH, LANGUAGES, InputError, Tell, match, tell_in, texts


def said() -> Iterator[str]:
    """The texts that the page's code gives to `say` and `tell`, and the tables that go through them."""
    for path in [*Path(kcdp.ui.__file__).parent.glob("*.py"), Path(plots.__file__), Path(triplet_graph.__file__)]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
            if call and node.func.id in ("say", "tell", "words", "InputError"):
                yield from _strings(node.args[0])
            # What errors call a field.
            if call and node.func.id in ("finite_number", "whole_number", "free_text"):
                yield from _strings(node.args[1])
    yield from EMOTION_STYLES
    yield from filter(None, (style.gloss for style in EMOTION_STYLES.values()))
    yield from (
        *rows.SORTS,
        *understand._HEADS,
        understand._ALT,
        understand._MISSING,
        refeel._BY_NAME,
        refeel._BY_PICTURE,
        *reading_cards._HELP.values(),
        *trust._KINDS.values(),
        cards.NO_ROOM,
        cards._EMO_S,
        cards._GUIDANCE,
        layout.FOOTER,
    )


def _strings(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_strings(node.body), *_strings(node.orelse))


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_with_the_same_values(language: str) -> None:
    known = texts(language)
    missing = [text for text in dict.fromkeys(said()) if not known.get(text, "").strip()]
    assert missing == []
    assert [text for text, other in known.items() if values_of(text) != values_of(other)] == []


def test_no_language_has_texts_that_another_lacks() -> None:
    assert len({frozenset(texts(language)) for language in LANGUAGES}) == 1


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("zh-HK,zh;q=0.9,en;q=0.8", "zh-TW"),
        ("zh-SG", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hant-MO", "zh-TW"),
        ("fr-FR,fr;q=0.9,ja;q=0.8,en;q=0.7", "ja"),
        ("es-MX", "es"),
        ("", "en"),
        ("xx;q=1,,;", "en"),
    ],
)
def test_the_language_is_the_first_that_the_browser_asks_for_and_we_have(wanted: str, language: str) -> None:
    assert tell_in(SimpleNamespace(headers={"accept-language": wanted})).language == language


def test_the_script_and_the_server_know_the_same_languages() -> None:
    assert json.dumps(list(LANGUAGES)) in languages.head()
    assert [match(language) for language in LANGUAGES] == list(LANGUAGES)


@pytest.mark.parametrize(
    ("language", "names", "text"),
    [
        ("en", ["1"], "1"),
        ("en", ["1", "3"], "1 and 3"),
        ("en", ["1", "2", "4"], "1, 2 and 4"),
        ("ja", ["a", "b", "c"], "a、bとc"),
    ],
)
def test_names_are_joined_as_the_language_does(language: str, names: list[str], text: str) -> None:
    assert Tell(language).join(names) == text


def test_errors_are_said_in_the_visitors_language_with_their_values() -> None:
    with pytest.raises(InputError) as error:
        finite_number("{odd}", "strength", 0.05, 1)
    assert str(error.value) == "The strength must be a number from 0.05 to 1, not {odd}."
    assert ENGLISH.error(error.value) == str(error.value)
    assert Tell("es").error(error.value) == "El valor de «intensidad» debe ser un número de 0.05 a 1, no {odd}."
    with pytest.raises(InputError) as error:
        call_options("x" * 301, 1)
    assert Tell("zh-CN").error(error.value) == texts("zh-CN")[
        "Please say it in at most {most} characters; this has {length}."
    ].format(most=300, length=301)


def test_an_error_without_values_is_found_by_its_sentence_and_others_are_said_to_be_in_english() -> None:
    assert Tell("ja").error(ValueError(understand._MISSING)) == "画像が届いていません。選んでください。"
    assert ENGLISH.error(ValueError("The disk is full.")) == "The disk is full."
    other = Tell("es").error(ValueError("The disk is full."))
    assert other == "No funcionó. El motivo, en inglés: The disk is full."
