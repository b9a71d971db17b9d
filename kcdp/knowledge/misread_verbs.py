"""Repairs of verbs that a small parser read as nouns, or hung on a noun that is not their subject."""

from __future__ import annotations

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import NEAR_NEGATIONS, NEGATIONS
from kcdp.knowledge.morphology import getAllLemmas, getLemma

_AFTER_A_VERB = ("obj", "obl", "xcomp", "advcl", "ccomp")


def repair_misread_verbs(tokens: list[Token]) -> None:
    """Make verbs of nouns that are none, each with its own subject, in place."""
    for token in tokens:
        _verb_alone(token, tokens)
        _neither_verb_nor_verb(token, tokens)
        _plural_before_its_verb(token, tokens)
        _two_clauses_read_as_one(token, tokens)
        _about_to(token, tokens)
        _participle_of_bare_object(token, tokens)


def verb_lemma(token: Token) -> str:
    """The base form of a word that is a verb after all."""
    return next(iter(getLemma(token.text, "VERB")), token.lemma)


def _as_verb(token: Token, tag: str) -> None:
    token.lemma = verb_lemma(token)
    token.pos, token.tag = "VERB", tag


def _is_finite_form(token: Token) -> bool:
    """ "walks", which may be a plural as well; not "happy"."""
    return token.tag == "VBZ" or (token.tag == "NNS" and token.text != verb_lemma(token) and "VERB" in _kinds(token))


def _kinds(token: Token) -> set[str]:
    return set(getAllLemmas(token.text))


def _verb_alone(verb: Token, tokens: list[Token]) -> None:
    """ "a dog and a cat avoid looking", "holds a rose but forgets to smile": nothing is called an avoid or a forget."""
    if verb.pos != "NOUN" or verb.tag not in ("NN", "NNS") or verb.index == 0 or verb.is_quotation:
        return
    before, head = tokens[verb.index - 1], verb.head
    coordinated = before.pos == "CCONJ" and verb.relation == "conj" and head is not None
    compound = before.is_noun and before.head is verb and before.relation == "compound"
    if not (coordinated or compound) or verb.text.endswith("ing") or _kinds(verb) != {"VERB"}:
        return
    if coordinated:
        while head is not None and not head.is_verb:
            head = head.head
        if head is not None:
            _as_verb(verb, "VBZ" if verb.tag == "NNS" else "VBP")
            verb.attach(head, "conj")
        return
    _as_verb(verb, "VBZ" if verb.tag == "NNS" else "VBP")
    for child in [child for child in verb.children if child.index < before.index]:
        child.attach(before, child.relation)
    if verb.relation == "conj" and head is not None and head.is_noun:
        verb.replace(head, "nsubj")
        before.attach(head, "conj")
    else:
        before.relation = "nsubj"


def _neither_verb_nor_verb(neither: Token, tokens: list[Token]) -> None:
    """ "neither sings nor plays the piano": two verbs, where the parser found one, and a noun."""
    nor = next((token for token in tokens[neither.index + 1 :] if token.text == "nor"), None)
    if neither.text != "neither" or nor is None or nor.index + 1 >= len(tokens) or neither.index == 0:
        return
    first, second, subject = tokens[neither.index + 1], tokens[nor.index + 1], tokens[neither.index - 1]
    if not (_is_finite_form(first) and _is_finite_form(second)) or "VBZ" not in (first.tag, second.tag):
        return
    if second.governs(first):
        first.replace(second, "conj")
        for child in second.having("nsubj"):
            child.attach(first, "nsubj")
    elif first.head is subject and subject.is_noun:
        first.replace(subject, "nsubj")
    _as_verb(first, "VBZ")
    _as_verb(second, "VBZ")
    if second.head is not first and not second.governs(first):
        second.attach(first, "conj")
    second.relation = "conj"
    neither.attach(first, "cc:preconj")
    nor.attach(second, "cc")
    for child in first.having(*_AFTER_A_VERB):
        if child.index > second.index:
            child.attach(second, child.relation)


def _plural_before_its_verb(verb: Token, tokens: list[Token]) -> None:
    """ "two dogs bark and one cat sleeps": the first clause is one as well, and no bark."""
    before = tokens[verb.index - 1] if verb.index else None
    if before is None or verb.head is not None or verb.tag != "NN" or before.tag != "NNS" or before.head is not verb:
        return
    clauses = [other for other in verb.having("conj") if other.is_verb and other.has("nsubj")]
    if clauses and "VERB" in _kinds(verb) and not verb.has("cop", "case"):
        _as_verb(verb, "VBP")
        before.relation = "nsubj"


def _two_clauses_read_as_one(verb: Token, tokens: list[Token]) -> None:
    """ "two clowns juggle and one elephant sleeps": the elephant sleeps, and clowns would not have it so."""
    before = tokens[verb.index - 1] if verb.index else None
    first = before.head if before is not None and before.relation == "conj" else None
    if verb.tag != "VBZ" or before is None or first is None or not before.is_noun or before.tag != "NN":
        return
    subjects = [noun for noun in verb.having("nsubj") if noun.tag == "NNS" and noun is first.head]
    if not subjects or first.relation != "acl" or first.tag not in ("NN", "VB", "VBP") or not first.is_verb:
        return
    for coordinator in before.having("cc"):
        coordinator.attach(verb, "cc")
    before.attach(verb, "nsubj")
    first.replace(verb, "conj")
    subjects[0].attach(first, "nsubj")
    _as_verb(first, "VBP")


def _about_to(about: Token, tokens: list[Token]) -> None:
    """ "a woman about to kiss a frog": a state, as in "is about to kiss", for she does not kiss it."""
    deed = next((token for token in tokens[about.index + 2 : about.index + 4] if token.is_verb), None)
    if about.text != "about" or deed is None or about.index == 0 or tokens[about.index + 1].text != "to":
        return
    if about.has("cop") or deed.has("cop", "aux", "aux:pass"):
        return
    owner = about.head if deed.head is about else deed.head
    if deed.has("nsubj"):
        owner = deed.having("nsubj")[0]
        owner.replace(deed, "acl")
    if owner is None or not owner.is_noun or owner.index > about.index:
        return
    about.pos, about.tag = "ADJ", "JJ"
    about.attach(owner, "acl")
    if deed.head is not about:
        deed.attach(about, "xcomp")


def _participle_of_bare_object(participle: Token, tokens: list[Token]) -> None:
    """ "a pirate no longer drinking rum": the pirate, not the rum."""
    thing = participle.head
    if participle.tag != "VBG" or participle.relation not in ("amod", "compound") or thing is None:
        return
    denials = [word for word in participle.having("advmod", "det", "cc:preconj") if word.index < participle.index]
    if not any(word.text in (*NEGATIONS, *NEAR_NEGATIONS, "longer") for word in denials):
        return
    owner = tokens[min(word.index for denial in denials for word in denial.subtree()) - 1]
    if thing.is_noun and thing.head is owner and owner.is_noun and not thing.has("case", "det"):
        participle.pos = "VERB"
        participle.replace(thing, "obj")
        participle.relation = "acl"
