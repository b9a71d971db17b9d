"""How the things of a caption are called in its triplets: nouns by their names, pronouns by what they stand for."""

from __future__ import annotations

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import PERSONAL_PRONOUNS
from kcdp.knowledge.phrases import Phrase, content_heads, noun_name


class Names:
    """Names things; `antecedent` is what the last sentence was about, for the pronouns of the next."""

    def __init__(self) -> None:
        self.antecedent: Phrase | None = None

    def of(self, noun: Token) -> Phrase:
        """How a noun is written; "he" and "it" are what the last sentence was about, "no one" is no one."""
        if noun.text in PERSONAL_PRONOUNS and self.antecedent is not None:
            return Phrase(self.antecedent.text, (*self.antecedent.tokens, noun))
        if noun.lemma == "one":
            return Phrase.of([*(child for child in noun.having("det") if child.text == "no"), noun])
        return noun_name(noun)

    def all(self, noun: Token) -> list[Phrase]:
        """The names of everything that a noun phrase stands for."""
        return [self.of(head) for head in content_heads(noun)]
