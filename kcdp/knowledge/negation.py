"""What a caption denies: the negation of clauses, of nouns, and of the members of a list, and how far each reaches.

A triplet keeps the negation in its predicate, before the verb or after "is": (people, not on, street), (man, is no
longer, smiling). So the things that triplets are about are called the same, whether they are there or not.
"""

from __future__ import annotations

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import (
    ADVERSATIVES,
    AFFIRMING_ADVERBS,
    NEAR_NEGATIONS,
    NEGATIONS,
    NEGATIVE_DETERMINERS,
    NEGATIVE_PREPOSITIONS,
)
from kcdp.knowledge.phrases import Phrase, contained_noun

NO_NEGATION = Phrase()
_MODIFIERS = ("advmod", "neg", "det", "cc", "cc:preconj", "mark", "case", "dep")


def _denied(*tokens: Token) -> Phrase:
    return Phrase("not", tokens)


def _coordinator(member: Token) -> Token | None:
    """ "or" in "a hat or a scarf", for the scarf."""
    return next((child for child in member.having("cc") if child.index < member.index), None)


def negation(clause: Token) -> Phrase:
    """How a clause is negated: "not", "never", "no longer", "hardly"; empty where it is not.

    It is negated by a word of its own, by "without" or "instead of" before it, or by the clause with which it shares an
    auxiliary: "not smiling or waving", "does not eat and drink".
    """
    own = _own_negation(clause)
    if own or clause.relation != "conj" or clause.head is None:
        return own
    return negation(clause.head) if _shares_negation(clause) else NO_NEGATION


def _own_negation(clause: Token) -> Phrase:
    for child in clause.having(*_MODIFIERS):
        if child.index > clause.index and child.text not in NEGATIONS:
            continue
        if child.text in NEGATIONS and not _is_affirmed(child, clause):
            return Phrase(NEGATIONS[child.text], (child,))
        if child.text in NEAR_NEGATIONS and not _is_of_no(child, clause):
            return Phrase.of([child])
        if child.text == "longer" and any(word.text == "no" for word in child.children):
            return Phrase.of([child, *child.children])
        before = child.relation in ("cc:preconj", "cc", "det", "advmod")
        if before and child.text in NEGATIVE_DETERMINERS and not clause.is_noun:
            return _denied(child)
        if clause.is_verb and is_negative_preposition(child):
            return _denied(child, *child.having("fixed"))
    return NO_NEGATION


def is_negative_preposition(token: Token) -> bool:
    """ "without", "instead of", "rather than"; not "rather" alone."""
    return token.text in NEGATIVE_PREPOSITIONS and (token.text == "without" or token.has("fixed"))


def _is_affirmed(negator: Token, clause: Token) -> bool:
    """ "not only tired but also hungry": nothing is denied."""
    beside = [*negator.children, *clause.children]
    return any(word.text in AFFIRMING_ADVERBS and word.index == negator.index + 1 for word in beside)


def _is_of_no(adverb: Token, clause: Token) -> bool:
    """ "almost no people": what is nearly so is that there are none, not what they do."""
    return any(word.text == "no" and word.index == adverb.index + 1 for word in clause.subtree())


def _shares_negation(clause: Token) -> bool:
    """Whether the second of two coordinated clauses is negated by the first one's word."""
    first, coordinator = clause.head, _coordinator(clause)
    if first is None or clause.has("nsubj", "nsubj:pass", "aux", "aux:pass", "cop"):
        return False
    if coordinator is not None and coordinator.lemma in ADVERSATIVES:
        return False
    if not clause.is_verb:
        return True
    if coordinator is not None and coordinator.lemma in ("or", "nor"):
        return True
    return clause.tag == "VB" and first.tag == "VB"


def noun_negation(noun: Token) -> Phrase:
    """Whether a noun is said not to be there, "not" where it is: "no windows", "neither a dog nor a cat", "not a wolf"."""
    for child in noun.children:
        if child.index > noun.index or child.relation not in _MODIFIERS or noun.lemma == "one":
            continue
        if any(child.index < case.index for case in noun.having("case")):
            continue  # "not in its cage" denies the place: `place_negation`
        if child.text in NEGATIVE_DETERMINERS or (child.text in NEGATIONS and not _is_affirmed(child, noun)):
            return _denied(child)
        if child.relation in ("det", "advmod") and any(word.text in NEGATIONS for word in child.children):
            return _denied(child)  # "not a single tree"
    head = noun.head
    if noun.relation == "conj" and head is not None and head.is_noun:
        return noun_negation(head) if _shares_determiner(noun) else NO_NEGATION
    if head is not None and head.has("expl") and noun.relation == "nsubj" and negation(head):
        return negation(head)  # "there are not any clouds"
    counted = head is not None and contained_noun(head) is noun
    if counted and head is not None and head.lemma in ("none", "neither"):
        return _denied(head)
    if counted and head is not None and head.lemma == "one" and any(word.text == "no" for word in head.having("det")):
        return _denied(*head.having("det"), head)  # "no one of the children"
    return NO_NEGATION


def _shares_determiner(member: Token) -> bool:
    """ "no shoes or socks": neither; "no hat but a scarf", "no hat and a scarf": the scarf is there."""
    coordinator = _coordinator(member)
    if coordinator is not None and coordinator.lemma in ADVERSATIVES:
        return False
    return not member.has("det", "nmod:poss", "nummod", "case")


def place_negation(noun: Token) -> Phrase:
    """What negates the preposition of a noun: "not in its cage", "no longer in its cage", "far from home"."""
    cases = noun.having("case")
    if not cases:
        return NO_NEGATION
    before = [child for child in noun.children if child.index < cases[0].index]
    head = noun.head
    if head is not None and head.pos == "ADV" and head.text == "longer":
        return Phrase.of([*(child for child in head.children if child.text == "no"), head])
    denials = [child for child in before if child.text in NEGATIONS and not _is_affirmed(child, noun)]
    return _denied(*denials[:1]) if denials else NO_NEGATION


def absence(noun: Token) -> Phrase:
    """ "not" where there is no such thing, so that what else the caption says of it is not so: "without a red hat"."""
    denial = noun_negation(noun)
    if denial:
        return denial
    head = noun.head
    determiners = {child.text for child in noun.having("det")}
    definite = noun.has("nmod:poss") or not determiners.isdisjoint(("the", "this", "that", "these", "those"))
    leads = [case for case in noun.having("case", "cc") if is_negative_preposition(case)]
    if leads and not definite:
        return _denied(*leads)
    if noun.relation == "obj" and head is not None and not determiners.isdisjoint(("a", "an", "any")):
        return negation(head)
    if noun.relation == "conj" and head is not None and head.is_noun and _shares_determiner(noun):
        return absence(head)
    return NO_NEGATION
