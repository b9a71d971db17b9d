"""Dependency trees with Universal Dependencies labels: the ground that the triplet rules stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from spacy.tokens import Span
from spacy.tokens import Token as SpacyToken

from kcdp.knowledge.masking import MaskedCaption

SUBJECT_RELATIONS = ("nsubj", "nsubj:pass", "csubj", "nsubj:outer")


@dataclass(eq=False)
class Token:
    """One word of a tree: `text` and `lemma` in lower case, universal `pos`, Penn `tag`, `relation` to its `head`.

    The root has no head. `children` are in the order of the sentence. `span` is where the word stands in the caption
    (characters, the end not included); a quotation is one word, and so is what hyphens join.
    """

    index: int
    text: str
    lemma: str
    pos: str
    tag: str
    relation: str
    span: tuple[int, int] = (0, 0)
    is_quotation: bool = False
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

    def replace(self, upper: Token, relation: str) -> None:
        """Take the place of the word `upper` above this one, which then hangs on this one by `relation`."""
        self.attach(upper.head, upper.relation)
        upper.attach(self, relation)


def _lemma(word: SpacyToken) -> str:
    """The parser's lemma in lower case; a singular noun is its own, whatever a lemmatizer makes of "drawing"."""
    return word.lower_ if word.tag_ == "NN" else (word.lemma_ or word.text).lower()


def read_tree(sentence: Span, caption: MaskedCaption | None = None) -> list[Token]:
    """The words of a parsed sentence as linked tokens, with the parser's own labels in lower case.

    `caption` says which words stand for others; None for a sentence that was parsed as it is.
    """
    tokens = []
    for index, word in enumerate(sentence):
        start, end = word.idx, word.idx + len(word.text)
        stand_in = None if caption is None else caption.stand_ins.get(start)
        tokens.append(
            Token(
                index=index,
                text=word.lower_ if stand_in is None else stand_in.text,
                lemma=_lemma(word) if stand_in is None else stand_in.text,
                pos=word.pos_,
                tag=word.tag_,
                relation="root" if word.head.i == word.i else word.dep_.lower(),
                span=(start, end) if caption is None else caption.span(start, end),
                is_quotation=stand_in is not None and stand_in.is_quotation,
            )
        )
    for token, word in zip(tokens, sentence, strict=True):
        if word.head.i != word.i:
            token.head = tokens[word.head.i - sentence.start]
            token.head.children.append(token)
    return _join_hyphens(tokens)


#: Words and hyphens: "jack-in-the-box" has seven.
_LONGEST_COMPOUND = 9


def _join_hyphens(tokens: list[Token]) -> list[Token]:
    """ "t-shirt" and "jack-in-the-box" are one word each; parsers of Universal Dependencies read three and seven."""
    joined: list[Token] = []
    group: list[Token] = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        group.append(token)
        touches = following is not None and token.span[1] == following.span[0] and "-" in (token.text, following.text)
        if touches and len(group) < _LONGEST_COMPOUND:
            continue
        joined += _as_one_word(group)
        group = []
    for index, token in enumerate(joined):
        token.index = index
    return joined


def _as_one_word(group: list[Token]) -> list[Token]:
    """The one word that the parts make, in the place of the part that governs the others; else the parts as they are."""
    tops = [part for part in group if part.head not in group]
    if len(group) < 3 or "-" in (group[0].text, group[-1].text) or len(tops) > 1:
        return group
    word = tops[0]
    for part in group:
        for child in list(part.children):
            if child in group:
                child.head = None
                part.children.remove(child)
            elif part is not word:
                child.attach(word, child.relation)
    word.text = "".join(part.text for part in group)
    word.lemma = "".join(part.text for part in group[:-1]) + group[-1].lemma
    word.span = (group[0].span[0], group[-1].span[1])
    return [word]
