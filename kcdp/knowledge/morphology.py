"""English base forms and inflections: lemminflect's functions and lexicon, without the 50 MB that its dictionaries take."""

from __future__ import annotations

import gzip
from array import array
from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from lemminflect import Inflections, Lemmatizer, config, getAllLemmas, getInflection, getLemma
from lemminflect.codecs.InflectionLUCodec import InflectionLUCodec
from lemminflect.codecs.LemmaLUCodec import LemmaLUCodec

__all__ = ["getAllLemmas", "getInflection", "getLemma"]

#: Words whose entries are kept as they were parsed.
_KEPT = 2048


class WordTable:
    """A table of lemminflect's as the text that it is, a word's lines parsed by the library's own reader when it is asked for.

    Args:
        path: of the table, gzipped: comma-separated, the word first, in the order of the words' bytes.
        load: the library's reader, which makes a dictionary of such a file.
    """

    def __init__(self, path: str | Path, load: Callable[[Any], dict[str, Any]]) -> None:
        self._text = gzip.decompress(Path(path).read_bytes())
        self._load = load
        # Where each line begins, and where the last one ends; 4 bytes each.
        self._starts = array("I", [0])
        while (end := self._text.find(b"\n", self._starts[-1])) >= 0:
            self._starts.append(end + 1)
        self._parsed = lru_cache(_KEPT)(self._parse)

    def get(self, word: str, default: Any) -> Any:
        """The entry of a word, as that of the dictionary; `default` where it has none."""
        entry = self._parsed(word)
        return default if entry is None else entry

    def _parse(self, word: str) -> Any:
        key = word.encode("utf-8", "surrogatepass")
        first = last = bisect_left(range(len(self._starts) - 1), key, key=self._word)
        while last < len(self._starts) - 1 and self._word(last) == key:
            last += 1
        # Without any lines too: the reader knows some words by itself.
        lines = self._text[self._starts[first] : self._starts[last]]
        return self._load(BytesIO(gzip.compress(lines, compresslevel=0))).get(word)

    def _word(self, line: int) -> bytes:
        start = self._starts[line]
        return self._text[start : self._text.index(b",", start)]


# The library asks these two for nothing but `get`, and makes dictionaries of them only where there is none yet.
Lemmatizer().lemma_dict = WordTable(config.lemma_lu_fn, LemmaLUCodec.load)
Inflections().infl_dict = WordTable(config.inflection_lu_fn, InflectionLUCodec.load)
