"""Repairs of the errors that a small parser makes on captions, which are mostly fragments without a finite verb."""

from __future__ import annotations

from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import LINKING_VERBS, PERSON_NOUNS


def repair(tokens: list[Token]) -> None:
    """Apply all repairs to one tree, in place."""
    for token in tokens:
        _verb_read_as_plural(token, tokens)
        _clause_about_a_person(token)
        _adjective_after_adjunct(token, tokens)
        _gerund_after_finite_verb(token, tokens)
        _participle_before_bare_noun(token, tokens)


def _verb_read_as_plural(plural: Token, tokens: list[Token]) -> None:
    """ "a dog waits" is no plural of "a dog wait": after "a" or "an", the last word is the verb, the one before its subject."""
    singular = any(determiner.text in ("a", "an") for determiner in plural.having("det"))
    if plural.head is not None or not singular or plural.tag not in ("NNS", "NNPS"):
        return
    subject = tokens[plural.index - 1]
    if subject.head is not plural or subject.relation != "compound" or not subject.is_noun:
        return
    plural.pos, plural.tag = "VERB", "VBZ"
    verbal = {"nmod": "obl", "acl": "advcl"}
    for child in list(plural.children):
        if child.index > plural.index:
            child.relation = verbal.get(child.relation, child.relation)
        elif child is not subject:
            child.attach(subject, child.relation)
    subject.relation = "nsubj"


def _clause_about_a_person(clause: Token) -> None:
    """ "a girl with a hair bun who laughs": "who" is the girl, for things that one has or wears are no persons."""
    thing = clause.head
    if clause.relation != "acl:relcl" or thing is None or thing.lemma in PERSON_NOUNS:
        return
    owner = thing.head
    personal = any(subject.lemma == "who" for subject in clause.having("nsubj"))
    if personal and thing.relation == "nmod" and thing.has_case("with") and owner is not None and owner.is_noun:
        clause.attach(owner, "acl:relcl")


def _adjective_after_adjunct(adjective: Token, tokens: list[Token]) -> None:
    """ "screaming with his mouth wide open": the adjective belongs to the noun before it, not to the verb."""
    verb = adjective.head
    if adjective.pos != "ADJ" or adjective.relation not in ("xcomp", "advcl", "advmod"):
        return
    if verb is None or not verb.is_verb or verb.lemma in LINKING_VERBS:
        return
    before = tokens[: adjective.index]
    while before and before[-1].pos == "ADV":
        before.pop()
    noun = before[-1] if before else None
    if noun is not None and noun.is_noun and noun.relation in ("obl", "nmod") and not adjective.governs(noun):
        adjective.attach(noun, "amod")


def _gerund_after_finite_verb(gerund: Token, tokens: list[Token]) -> None:
    """ "enjoys eating": a gerund straight after a finite verb completes it, however the parser attached it."""
    if gerund.tag != "VBG" or gerund.index == 0 or gerund.head is None:
        return
    finite = tokens[gerund.index - 1]
    if finite.tag not in ("VBZ", "VBP", "VBD") or finite.pos != "VERB" or finite.head is None:
        return
    if gerund.head.index < finite.index and not finite.has("obj", "xcomp") and not gerund.governs(finite):
        gerund.attach(finite, "xcomp")


def _participle_before_bare_noun(participle: Token, tokens: list[Token]) -> None:
    """ "smiling woman in a dress": a leading participle describes the bare noun after it, which heads the caption."""
    if participle.head is not None or participle.index > 1 or participle.tag not in ("VBG", "VBN"):
        return
    if not participle.is_verb or participle.has(*SUBJECT_RELATIONS, "aux", "aux:pass", "cop"):
        return
    for noun in participle.having("obj", "nsubj"):
        between = tokens[participle.index + 1 : noun.index + 1]
        bare = noun.is_noun and noun.index > participle.index and not noun.has("det", "nmod:poss")
        if bare and all(token.pos in ("NOUN", "PROPN", "ADJ") for token in between):
            _make_root(noun, participle)
            return


def _make_root(noun: Token, participle: Token) -> None:
    """Let `noun` take the root's place from `participle`, which becomes its attribute."""
    noun.attach(None, "root")
    nominal = {"obl": "nmod", "advcl": "acl", "conj": "acl"}
    for child in list(participle.children):
        if child.index > participle.index:
            child.attach(noun, nominal.get(child.relation, child.relation))
    participle.attach(noun, "amod")
