"""Noun and verb phrases of a dependency tree: which words a phrase stands for, and how it is written in a triplet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import (
    EMOJI_NOUNS,
    PICTURE_NOUNS,
    PLACE_NOUNS,
    POSSESSIVE_MARKS,
    QUANTIFIERS,
    SCARCE_QUANTIFIERS,
    STYLE_WORDS,
    TRANSPARENT_NOUNS,
)
from kcdp.knowledge.morphology import getInflection

_LONGEST_NESTING = 4


@dataclass(frozen=True)
class Phrase:
    """One slot of a triplet: its text, and the words of the caption that say it, wherever they stand."""

    text: str = ""
    tokens: tuple[Token, ...] = ()

    def __add__(self, other: Phrase) -> Phrase:
        return Phrase(f"{self.text} {other.text}".strip(), self.tokens + other.tokens)

    def __bool__(self) -> bool:
        return bool(self.text)

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> Phrase:
        """The words in the order of the sentence, without punctuation."""
        ordered = sorted((token for token in tokens if re.search(r"\w", token.text)), key=lambda token: token.index)
        return cls(" ".join(token.text for token in ordered), tuple(ordered))


def words(tokens: Iterable[Token]) -> str:
    """The texts in the order of the sentence, without punctuation."""
    return Phrase.of(tokens).text


def conjuncts(token: Token) -> list[Token]:
    """The word and everything coordinated with it: "a man, a woman and a dog". A clause is no conjunct of a noun."""
    members = [token]
    for other in token.having("conj"):
        if token.is_verb or not other.is_verb:
            members += conjuncts(other)
    return members


def contained_noun(noun: Token) -> Token | None:
    """What "a group of people", "two of the dogs" or "nothing but a towel" is about; None for any other noun."""
    if noun.text in ("nothing", "nobody", "none"):
        excepted = [child for child in noun.having("nmod") if {"but", "except"} & _introduced_by(child)]
        if excepted:
            return excepted[0]
    counting = noun.pos == "NUM" or noun.lemma in QUANTIFIERS
    if noun.lemma not in TRANSPARENT_NOUNS and not counting:
        return None
    inner = [child for child in noun.having("nmod", "obl") if child.has_case("of")]
    return inner[0] if inner and inner[0].is_noun else None


def _introduced_by(noun: Token) -> set[str]:
    return {child.text for child in noun.having("case", "cc", "mark")}


def content_heads(noun: Token, nesting: int = 0) -> list[Token]:
    """The nouns that a noun phrase stands for: all conjuncts, each seen through transparent nouns."""
    heads: list[Token] = []
    for member in conjuncts(noun):
        inner = contained_noun(member) if nesting < _LONGEST_NESTING else None
        heads += [member] if inner is None else content_heads(inner, nesting + 1)
    return heads


def noun_name(noun: Token) -> Phrase:
    """The noun with its compound parts ("cell phone", "ice cream") but without the kind of picture ("cartoon bear").

    A quotation that a noun bears is part of it: the words "good luck".
    """
    parts = [
        child
        for child in noun.children
        if (child.relation.startswith("compound") and child.relation != "compound:prt")
        or child.relation in ("flat", "flat:name", "goeswith")
        or (child.is_quotation and child.relation == "appos")
    ]
    near = [
        part
        for part in parts
        if abs(part.index - noun.index) <= 3
        and (part.index < noun.index or not part.is_verb or part.is_quotation)
        and part.text not in STYLE_WORDS
    ]
    near += scarcity(noun)
    shown = [part for part in near if part.is_noun and part.index < noun.index]
    if shown and noun.lemma in PICTURE_NOUNS | EMOJI_NOUNS:
        return Phrase.of(near)  # "a lamp sticker" is a lamp
    return Phrase.of([*near, noun])


def scarcity(noun: Token) -> list[Token]:
    """ "few" in "few people" and "few of the dogs", "little" in "little snow"; nothing in "a few", "little dogs", "a little dog"."""
    counting = noun.head if noun.head is not None and contained_noun(noun.head) is noun else None
    own = [word for word in noun.having("amod", "det", "nummod", "advmod") if word.index < noun.index]
    found = [word for word in own if word.text in SCARCE_QUANTIFIERS]
    if counting is not None and counting.text in SCARCE_QUANTIFIERS:
        found, own = [counting], counting.children
    some = any(word.text in ("a", "the", "these", "those") and word.index < noun.index for word in own)
    sized = any(word.text == "little" for word in found) and (noun.tag != "NN" or noun.has("nmod:poss"))
    return [] if some or sized else found


def preposition(noun: Token) -> Phrase:
    """The words that introduce a noun ("out of", "next to"); empty when nothing does."""
    cases: list[Token] = []
    for case in noun.having("case", "mark"):
        if case.index < noun.index and case.text not in POSSESSIVE_MARKS:
            cases += [case, *case.having("fixed", "advmod")]
    return Phrase(" ".join(case.text for case in cases), tuple(cases))


def place(noun: Token) -> tuple[Phrase, Token]:
    """Preposition and noun of an adjunct; "in the middle of the road" is ("in the middle of", road)."""
    if noun.lemma in PLACE_NOUNS:
        inner = [child for child in noun.having("nmod") if child.has_case("of")]
        if inner:
            of = [case for case in inner[0].having("case") if case.lemma == "of"]
            return preposition(noun) + Phrase.of([*noun.having("det"), noun, *of]), inner[0]
    return preposition(noun), noun


def with_particles(text: str, verb: Token) -> Phrase:
    """The text of a verb with the verb's particles: "throwing up"."""
    return Phrase(text, (verb,)) + Phrase.of(verb.having("compound:prt"))


def is_passive(verb: Token) -> bool:
    """Whether the subject suffers the verb: "was crushed", "a house destroyed by fire"."""
    if verb.has("aux:pass", "nsubj:pass"):
        return True
    if verb.tag != "VBN" or any(auxiliary.lemma == "have" for auxiliary in verb.having("aux")):
        return False
    reduced = ("acl", "amod", "conj", "advcl", "root", "acl:relcl", "xcomp")
    return verb.relation in reduced and not verb.has("obj")


def present_participle(lemma: str) -> str:
    """The -ing form of a verb.

    >>> present_participle("lie"), present_participle("run"), present_participle("visit")
    ('lying', 'running', 'visiting')
    """
    return next(iter(getInflection(lemma, "VBG")), lemma)
