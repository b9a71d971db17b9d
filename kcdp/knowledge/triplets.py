"""Captions to knowledge triplets: a spaCy pipeline parses, rules read the propositions off its trees.

The way of a caption, one module a step:

- `masking`: quotations and adjectives with hyphens become one word each;
- spaCy's pipeline, and `dependency` (or `clear`, for its other label scheme): words linked to trees;
- `repair`, with `misread_verbs`, `attachment` and `garden_paths`: what a small parser gets wrong in captions;
- `propositions`: the walk over a tree, with `clauses` (who does it), `predication` (what verbs and copulas say), `nominal`
  (what noun phrases say), `negation` (what is denied), `phrases` and `reference` (how things are called), `lexicon`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import is_package

from kcdp.knowledge.clear import read_clear_tree
from kcdp.knowledge.dependency import Token, read_tree
from kcdp.knowledge.masking import mask
from kcdp.knowledge.propositions import Proposition, extract_propositions
from kcdp.knowledge.repair import repair
from kcdp.results import Triplet

MAX_TRIPLETS = 12
#: Licence and attribution travel with the weights.
NOTICES = ("LICENSE", "ATTRIBUTION.md")
_SENTENCE_ENDS = frozenset(".!?;:")
#: Raise when the rules change: triplets that the old ones found are then found anew.
RULES = 3


class TripletParser:
    """Finds (subject, predicate, object) triplets with any English spaCy pipeline that tags and parses.

    Both label schemes are understood: Universal Dependencies (the parser of the mini bundle) and CLEAR (`en_core_web_*`).
    """

    def __init__(self, nlp: Language) -> None:
        """Raises ValueError when the pipeline has no parser."""
        if "parser" not in nlp.pipe_names:
            raise ValueError(f"The spaCy pipeline '{nlp.meta['name']}' has no parser; take one that parses sentences.")
        self.nlp = nlp
        # "dobj" is CLEAR's name for what Universal Dependencies call "obj".
        self._read = read_clear_tree if "dobj" in nlp.pipe_labels["parser"] else read_tree

    @classmethod
    def from_pretrained(cls, folder_or_package: str | Path) -> TripletParser:
        """Load a pipeline from a folder, or by the name of an installed package: "en_core_web_sm", "en_core_web_trf".

        Raises ValueError with one sentence when there is neither, when it needs a library that is not installed (as
        `en_core_web_trf` does), or when it does not parse.
        """
        try:
            nlp = spacy.load(folder_or_package)
        except (OSError, ValueError, ImportError) as error:
            if Path(folder_or_package).is_dir() or is_package(str(folder_or_package)):
                reason = str(error).strip().split("\n")[0]
                raise ValueError(
                    f"The spaCy pipeline '{folder_or_package}' cannot be loaded; install the libraries that its package "
                    f"asks for, or copy it again: {reason}"
                ) from error
            raise ValueError(
                f"There is no spaCy pipeline '{folder_or_package}'; give a folder, or the name of an installed package "
                "(`python -m spacy download en_core_web_sm` installs one)."
            ) from error
        return cls(nlp)

    @property
    def version(self) -> str:
        """Which pipeline and rules these are: whatever is kept of their triplets is kept under that."""
        return f"{self.nlp.meta['name']} {self.nlp.meta['version']} rules {RULES}"

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the pipeline to a folder that `from_pretrained` reads, with the notices of the one it came from."""
        folder = Path(folder)
        aside = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        self.nlp.to_disk(aside)
        for notice in NOTICES:
            if self.nlp.path is not None and (self.nlp.path / notice).exists():
                shutil.copyfile(self.nlp.path / notice, aside / notice)
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)

    @overload
    def __call__(self, captions: str) -> list[Triplet]: ...  # type: ignore[overload-overlap]  # a string is a sequence of strings

    @overload
    def __call__(self, captions: Sequence[str]) -> list[list[Triplet]]: ...

    def __call__(self, captions: str | Sequence[str]) -> list[Triplet] | list[list[Triplet]]:
        """The triplets of every caption, parsed in one batch; of one caption, its list.

        At most `MAX_TRIPLETS` a caption, none for one such as "sorry".
        """
        if isinstance(captions, str):
            return self([captions])[0]
        return [[proposition.triplet for proposition in found] for found in self.propositions(captions)]

    def propositions(self, captions: Sequence[str]) -> list[list[Proposition]]:
        """The triplets of every caption with the places of their words in it, parsed in one batch."""
        return [extract_propositions(sentences)[:MAX_TRIPLETS] for sentences in self.trees(captions)]

    def trees(self, captions: Sequence[str]) -> Iterator[list[list[Token]]]:
        """The sentences of every caption: their words, linked to trees, with the parser's common slips repaired."""
        masked = [mask(caption) for caption in captions]
        docs = (self._tokenize(caption.text) for caption in masked)
        for caption, doc in zip(masked, self.nlp.pipe(docs), strict=True):
            sentences = [self._read(sentence, caption) for sentence in doc.sents]
            for tokens in sentences:
                repair(tokens)
            yield sentences

    def _tokenize(self, text: str) -> Doc:
        """The words of a caption, in which a sentence ends nowhere but after a full stop or its like."""
        doc = self.nlp.make_doc(text)
        for word in list(doc)[1:]:
            before = doc[word.i - 1].text
            if not (
                before in _SENTENCE_ENDS
                or before.isspace()
                or (before == '"' and doc[word.i - 2].text in _SENTENCE_ENDS)
            ):
                word.is_sent_start = False
        return doc
