"""Base forms and inflections are those of lemminflect's own dictionaries, whatever the word."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from lemminflect import Inflections, Lemmatizer, config
from lemminflect.codecs.InflectionLUCodec import InflectionLUCodec
from lemminflect.codecs.LemmaLUCodec import LemmaLUCodec

from kcdp.knowledge.morphology import WordTable, getAllLemmas, getInflection, getLemma

#: Not in the tables: before their first word, behind their last, between, no text, words with what parts lines and fields.
UNKNOWN = ("", "!", "\U0001f642", "zzzz", "dogsdogs", "dog,noun", "dog\n", "dog,noun,dog", "\udcff")


@pytest.mark.parametrize(
    ("path", "load", "table"),
    [
        (config.lemma_lu_fn, LemmaLUCodec.load, Lemmatizer().lemma_dict),
        (config.inflection_lu_fn, InflectionLUCodec.load, Inflections().infl_dict),
    ],
    ids=["lemmas", "inflections"],
)
def test_every_word_has_the_entry_of_the_librarys_dictionary(
    path: str, load: Callable[[Any], dict[str, Any]], table: WordTable
) -> None:
    slow = load(path)
    assert isinstance(table, WordTable) and len(slow) > 30_000
    for word, entry in slow.items():
        found = table.get(word, None)
        # In that order, too: callers take the first.
        assert (found, list(found)) == (entry, list(entry)), word
    assert [table.get(word, "none") for word in UNKNOWN] == [slow.get(word, "none") for word in UNKNOWN]


def test_what_the_library_gives_may_be_changed_by_who_asked() -> None:
    getAllLemmas("dogs")["NOUN"] = ("cat",)
    assert getAllLemmas("dogs") == {"NOUN": ("dog",), "VERB": ("dog",)}


def test_words_of_no_table_follow_the_librarys_rules() -> None:
    assert getInflection("blorg", "NNS") == ("blorgs",) and getAllLemmas("blorgs") == {}
    assert getLemma("Blorgs", "NOUN") == ("Blorg",) and getInflection("be", "VBD") == ("was", "were")


def test_a_table_takes_little_more_than_its_text() -> None:
    """The dictionary of the same takes 34 MB."""
    table = WordTable(config.lemma_lu_fn, LemmaLUCodec.load)
    assert sum(map(sys.getsizeof, (table._text, table._starts))) < 2_500_000
