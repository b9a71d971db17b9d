"""Noun and verb phrases of a dependency tree: which words a phrase stands for, and how it is written in a triplet."""

from __future__ import annotations

import re

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import NEGATIONS, PLACE_NOUNS, POSSESSIVE_MARKS, TRANSPARENT_NOUNS

_LONGEST_NESTING = 4


def conjuncts(token: Token) -> list[Token]:
    """The word and everything coordinated with it: "a man, a woman and a dog". A clause is no conjunct of a noun."""
    members = [token]
    for other in token.having("conj"):
        if token.is_verb or not other.is_verb:
            members += conjuncts(other)
    return members


def contained_noun(noun: Token) -> Token | None:
    """What "a group of people" or "a painting of a woman" is about; None for any other noun."""
    if noun.lemma not in TRANSPARENT_NOUNS:
        return None
    inner = [child for child in noun.having("nmod", "obl") if child.has_case("of")]
    return inner[0] if inner and inner[0].is_noun else None


def content_heads(noun: Token, nesting: int = 0) -> list[Token]:
    """The nouns that a noun phrase stands for: all conjuncts, each seen through transparent nouns."""
    heads: list[Token] = []
    for member in conjuncts(noun):
        inner = contained_noun(member) if nesting < _LONGEST_NESTING else None
        heads += [member] if inner is None else content_heads(inner, nesting + 1)
    return heads


def compound_name(noun: Token) -> str:
    """The noun with its compound parts: "cell phone", "ice cream"."""
    parts = [
        child
        for child in noun.children
        if (child.relation.startswith("compound") and child.relation != "compound:prt")
        or child.relation in ("flat", "flat:name", "goeswith")
    ]
    near = [
        part for part in parts if abs(part.index - noun.index) <= 3 and (part.index < noun.index or not part.is_verb)
    ]
    return words([*near, noun])


def words(tokens: list[Token]) -> str:
    """The texts in the order of the sentence, without punctuation."""
    ordered = sorted(tokens, key=lambda token: token.index)
    return " ".join(token.text for token in ordered if re.search(r"\w", token.text))


def preposition(noun: Token) -> str:
    """The words that introduce a noun ("out of", "next to"); empty when nothing does."""
    cases: list[Token] = []
    for case in noun.having("case", "mark"):
        if case.index < noun.index and case.text not in POSSESSIVE_MARKS:
            cases += [case, *case.having("fixed", "advmod")]
    return " ".join(case.text for case in cases)


def place(noun: Token) -> tuple[str, Token]:
    """Preposition and noun of an adjunct; "in the middle of the road" is ("in the middle of", road)."""
    if noun.lemma in PLACE_NOUNS:
        inner = [child for child in noun.having("nmod") if child.has_case("of")]
        if inner:
            determiners = [determiner.text for determiner in noun.having("det")]
            return " ".join([preposition(noun), *determiners, noun.text, "of"]).strip(), inner[0]
    return preposition(noun), noun


def is_negated(verb: Token) -> bool:
    """Whether the clause is negated, as in "does not look"."""
    return any(
        child.relation in ("advmod", "neg", "det") and (child.lemma in NEGATIONS or child.text in NEGATIONS)
        for child in verb.children
    )


def with_particles(text: str, verb: Token) -> str:
    """The text of a verb with the verb's particles: "throwing up"."""
    return " ".join([text, *(particle.text for particle in verb.having("compound:prt"))])


def verb_phrase(verb: Token) -> str:
    """The verb as a predicate, negation and particles included: "not look", "throwing up"."""
    return ("not " if is_negated(verb) else "") + with_particles(verb.text, verb)


def is_passive(verb: Token) -> bool:
    """Whether the subject suffers the verb: "was crushed", "a house destroyed by fire"."""
    if verb.has("aux:pass", "nsubj:pass"):
        return True
    if verb.tag != "VBN" or any(auxiliary.lemma == "have" for auxiliary in verb.having("aux")):
        return False
    reduced = ("acl", "amod", "conj", "advcl", "root", "acl:relcl", "xcomp")
    return verb.relation in reduced and not verb.has("obj")


def present_participle(lemma: str) -> str:
    """The -ing form of a verb, regular spelling.

    >>> present_participle("lie"), present_participle("run"), present_participle("bake")
    ('lying', 'running', 'baking')
    """
    if lemma == "be":
        return "being"
    if lemma.endswith("ie"):
        return lemma[:-2] + "ying"
    if lemma.endswith("e") and not lemma.endswith(("ee", "oe", "ye")):
        return lemma[:-1] + "ing"
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", lemma):
        return lemma + lemma[-1] + "ing"
    return lemma + "ing"
