"""Dependency trees with Universal Dependencies labels: the ground that the triplet rules stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from spacy.tokens import Span

SUBJECT_RELATIONS = ("nsubj", "nsubj:pass", "csubj", "nsubj:outer")


@dataclass(eq=False)
class Token:
    """One word of a tree: `text` and `lemma` in lower case, universal `pos`, Penn `tag`, `relation` to its `head`.

    The root has no head. `children` are in the order of the sentence.
    """

    index: int
    text: str
    lemma: str
    pos: str
    tag: str
    relation: str
    head: Token | None = None
    children: list[Token] = field(default_factory=list, repr=False)

    @property
    def is_noun(self) -> bool:
        return self.pos in ("NOUN", "PROPN")

    @property
    def is_verb(self) -> bool:
        return self.pos == "VERB" or (self.tag.startswith("VB") and self.pos != "AUX")

    @property
    def is_relative_pronoun(self) -> bool:
        return self.tag in ("WP", "WDT")

    def having(self, *relations: str) -> list[Token]:
        """Children in one of these relations."""
        return [child for child in self.children if child.relation in relations]

    def has(self, *relations: str) -> bool:
        """Whether a child is in one of these relations."""
        return any(child.relation in relations for child in self.children)

    def has_case(self, preposition: str) -> bool:
        """Whether this noun is introduced by `preposition`."""
        return any(case.lemma == preposition for case in self.having("case"))

    def subtree(self) -> Iterator[Token]:
        """This word and all below it, not in the order of the sentence."""
        yield self
        for child in self.children:
            yield from child.subtree()

    def governs(self, other: Token) -> bool:
        """Whether `other` is somewhere below this word."""
        head = other.head
        while head is not None and head is not self:
            head = head.head
        return head is not None

    def attach(self, head: Token | None, relation: str) -> None:
        """Move this word with its subtree under a head outside of it; None makes it the root."""
        if self.head is not None:
            self.head.children.remove(self)
        self.head, self.relation = head, relation
        if head is not None:
            head.children.append(self)
            head.children.sort(key=lambda child: child.index)


def read_tree(sentence: Span) -> list[Token]:
    """The words of a parsed sentence as linked tokens, with the parser's own labels in lower case."""
    tokens = [
        Token(
            index=index,
            text=word.lower_,
            lemma=(word.lemma_ or word.text).lower(),
            pos=word.pos_,
            tag=word.tag_,
            relation="root" if word.head.i == word.i else word.dep_.lower(),
        )
        for index, word in enumerate(sentence)
    ]
    for token, word in zip(tokens, sentence, strict=True):
        if word.head.i != word.i:
            token.head = tokens[word.head.i - sentence.start]
            token.head.children.append(token)
    return tokens
