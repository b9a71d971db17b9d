"""Captions to knowledge triplets: a spaCy pipeline parses, rules read the propositions off its trees."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.util import is_package

from kcdp.knowledge.clear import read_clear_tree
from kcdp.knowledge.dependency import Token, read_tree
from kcdp.knowledge.propositions import extract_triplets
from kcdp.knowledge.repair import repair
from kcdp.results import Triplet

MAX_TRIPLETS = 12
#: Licence and attribution travel with the weights.
NOTICES = ("LICENSE", "ATTRIBUTION.md")
#: Curly apostrophes and quotation marks to straight ones, which are all that the rules know.
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


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
        self._read = read_clear_tree if "dobj" in nlp.get_pipe("parser").labels else read_tree

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
        """Which pipeline this is: whatever is kept of its parses is kept under that."""
        return f"{self.nlp.meta['name']} {self.nlp.meta['version']}"

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

    def __call__(self, captions: Sequence[str]) -> list[list[Triplet]]:
        """The triplets of every caption, at most `MAX_TRIPLETS` each; none for a caption such as "sorry"."""
        return [extract_triplets(sentences)[:MAX_TRIPLETS] for sentences in self.trees(captions)]

    def trees(self, captions: Sequence[str]) -> Iterator[list[list[Token]]]:
        """The sentences of every caption: their words, linked to trees, with the parser's common slips repaired."""
        for doc in self.nlp.pipe(caption.translate(_STRAIGHT) for caption in captions):
            sentences = [self._read(sentence) for sentence in doc.sents]
            for tokens in sentences:
                repair(tokens)
            yield sentences
