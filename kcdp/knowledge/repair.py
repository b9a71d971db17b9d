"""Repairs of the errors that a small parser makes on captions, which are mostly fragments without a finite verb."""

from __future__ import annotations

from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import LINKING_VERBS, PERSON_NOUNS, SPEECH_NOUNS, SPEECH_VERBS


def repair(tokens: list[Token]) -> None:
    """Apply all repairs to one tree, in place."""
    for token in tokens:
        _adjective_read_as_verb(token)
        _substitute_or_exception(token, tokens)
        _participle_after_absent_thing(token)
        _quotation_after_verb_of_speech(token, tokens)
        _verb_read_as_plural(token, tokens)
        _clause_about_a_person(token)
        _adjective_after_adjunct(token, tokens)
        _gerund_after_finite_verb(token, tokens)
        _participle_before_bare_noun(token, tokens)


def _adjective_read_as_verb(adjective: Token) -> None:
    """ "is asleep", "is hungry but thirsty": a copula links no finite verb."""
    first = adjective.head if adjective.relation == "conj" else None
    listed = first is not None and first.pos == "ADJ" and first.has("cop") and not adjective.has("obj", "nsubj")
    if adjective.tag in ("VBP", "VB") and (adjective.has("cop") or listed) and not adjective.has("mark"):
        adjective.pos, adjective.tag, adjective.lemma = "ADJ", "JJ", adjective.text


def _substitute_or_exception(noun: Token, tokens: list[Token]) -> None:
    """ "a stick instead of a sword", "nothing but a towel": it belongs to the noun before, wherever it was attached."""
    leads = [case for case in noun.having("case", "cc") if case.text in ("instead", "rather", "but", "except")]
    if not noun.is_noun or not leads or leads[0].index == 0 or noun.relation not in ("obl", "nmod"):
        return
    before = tokens[leads[0].index - 1]
    exception = leads[0].text in ("but", "except")
    if exception != (before.text in ("nothing", "nobody", "none")) or noun.governs(before):
        return
    if exception or before.is_noun:
        noun.attach(before, "nmod")


def _participle_after_absent_thing(participle: Token) -> None:
    """ "a cat without a collar sleeping on a sofa": the cat sleeps, for what is not there does nothing.

    People may: "a room with no people dancing".
    """
    thing = participle.head
    if participle.relation != "acl" or participle.tag not in ("VBG", "VBN") or thing is None or not thing.is_noun:
        return
    while thing.relation == "conj" and thing.head is not None and thing.head.is_noun:
        thing = thing.head
    owner = thing.head
    if owner is None or not owner.is_noun or thing.relation != "nmod" or thing.lemma in PERSON_NOUNS:
        return
    without = any(case.text == "without" for case in thing.having("case"))
    if without or any(word.text == "no" for word in thing.having("det")):
        participle.attach(owner, "acl")


def _quotation_after_verb_of_speech(quoted: Token, tokens: list[Token]) -> None:
    """ 'a boy whispers "stop"', 'the words "good luck"': a quotation belongs to the word straight before it."""
    before = [token for token in tokens[: quoted.index] if token.pos != "PUNCT"]
    if not quoted.is_quotation or not before or quoted.governs(before[-1]):
        return
    word = before[-1]
    if word.lemma in SPEECH_NOUNS and word.is_noun and not _speaks(word):
        quoted.attach(word, "appos")
    elif word.is_verb or _speaks(word):
        quoted.attach(word, "obj")


def _speaks(plural: Token) -> bool:
    """Whether a verb of speech was read as a plural: "boy whispers"."""
    singular = plural.lemma.removesuffix("s")
    named = any(child.relation == "compound" and child.is_noun for child in plural.children)
    return plural.tag in ("NNS", "NNPS") and singular in SPEECH_VERBS and named


def _verb_read_as_plural(plural: Token, tokens: list[Token]) -> None:
    """ "a dog waits" is no plural of "a dog wait": after "a" or "an", the last word is the verb, the one before its subject."""
    singular = any(determiner.text in ("a", "an") for determiner in plural.having("det"))
    if not (singular or (_speaks(plural) and any(child.is_quotation for child in plural.children))):
        return
    if plural.tag not in ("NNS", "NNPS") or plural.index == 0:
        return
    subject, finite = tokens[plural.index - 1], plural.head
    if subject.head is not plural or subject.relation != "compound" or not subject.is_noun:
        return
    if finite is not None and not _separate_clause(plural, finite):
        return
    plural.pos, plural.tag, plural.lemma = "VERB", "VBZ", plural.lemma.removesuffix("s")
    verbal = {"nmod": "obl", "acl": "advcl"}
    for child in list(plural.children):
        if child.index > plural.index:
            child.relation = verbal.get(child.relation, child.relation)
        elif child is not subject:
            child.attach(subject, child.relation)
    subject.relation = "nsubj"


def _separate_clause(plural: Token, finite: Token) -> bool:
    """ "a girl sings and her brother plays": two clauses, where the parser read one with two subjects."""
    others = plural.having("conj")
    if finite.head is not None or plural.relation != "nsubj" or not finite.is_verb or len(others) != 1:
        return False
    for coordinator in others[0].having("cc"):
        coordinator.attach(finite, "cc")
    others[0].attach(finite, "nsubj")
    plural.replace(finite, "conj")
    return True


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
