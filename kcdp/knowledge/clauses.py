"""Clauses of a dependency tree: who does what, with which predicate, to what."""

from __future__ import annotations

from dataclasses import dataclass

from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import (
    IMAGINING_VERBS,
    MODALS,
    PICTURE_SUBJECTS,
    PICTURE_VERBS,
    RELATIVE_PRONOUNS,
    SPEECH_VERBS,
    SUBJECT_CONTROL_VERBS,
)
from kcdp.knowledge.negation import NO_NEGATION, negation
from kcdp.knowledge.phrases import Phrase, conjuncts, contained_noun, content_heads, with_particles


def is_clause(token: Token) -> bool:
    """Whether a word is the predicate of a clause of its own: a verb, or what a copula links to the subject."""
    if token.is_quotation or token.relation.startswith("compound"):
        return False
    attribute = token.relation == "amod" and token.head is not None and token.index < token.head.index
    return (token.is_verb or token.has("cop")) and not attribute


def is_hypothetical(clause: Token) -> bool:
    """Whether a clause is a condition, a comparison or a wish, not what is so: "as if he had lost it", "whether it rains"."""
    marks = {mark.text for mark in clause.having("mark")}
    imagined = clause.relation == "ccomp" and clause.head is not None and clause.head.lemma in IMAGINING_VERBS
    return imagined or not marks.isdisjoint(("if", "unless", "whether", "though", "lest"))


def subjects(predicate: Token, seen: frozenset[int] = frozenset()) -> list[Token]:
    """The nouns that are the subject of a clause: its own, its governor's, or the noun that it describes.

    `seen` are the predicates asked before, so that no malformed tree sends the search round in circles.
    """
    if predicate.index in seen:
        return []
    seen = seen | {predicate.index}
    own = [child for child in predicate.having(*SUBJECT_RELATIONS) if child.pos != "VERB"]
    if own:
        return _own_subjects(predicate, own[0], seen)
    governor, relation = predicate.head, predicate.relation
    if governor is None:
        return []
    if relation in ("acl", "acl:relcl", "amod", "nmod", "dep", "appos", "list") and (
        governor.is_noun or governor.pos in ("PRON", "NUM", "DET")
    ):
        gapless = relation == "acl:relcl" and not any(child.is_relative_pronoun for child in predicate.children)
        return [] if gapless else _described_nouns(governor, predicate)
    if relation in ("conj", "parataxis"):
        if _is_predicate(governor):
            return _shared_subjects(governor, seen)
        return _described_nouns(governor, predicate) if governor.is_noun and relation == "conj" else []
    if relation in ("advcl", "xcomp", "ccomp", "advcl:relcl", "obl", "dep", "advmod"):
        controllers = _object_controllers(governor, predicate)
        if controllers:
            return controllers
        if _is_predicate(governor) or governor.pos == "ADV":
            return _shared_subjects(governor, seen)
        return _described_nouns(governor, predicate) if governor.is_noun else []
    return []


def _is_predicate(token: Token) -> bool:
    return token.is_verb or token.has("cop") or token.pos == "ADJ"


def _shared_subjects(governor: Token, seen: frozenset[int]) -> list[Token]:
    """The governing clause's subject; in "the image shows a girl, looking sad" the girl, for no picture looks sad."""
    found = subjects(governor, seen)
    shown = governor.having("obj")
    return content_heads(shown[0]) if shown and is_about_picture(governor, found) else found


def is_about_picture(predicate: Token, actors: list[Token]) -> bool:
    """Whether a clause only says that the picture shows something: "the image depicts", "the mood is"."""
    said = predicate.lemma in PICTURE_VERBS or (predicate.has("cop") and predicate.pos != "ADJ")
    return said and any(actor.lemma in PICTURE_SUBJECTS for actor in actors)


def _own_subjects(predicate: Token, subject: Token, seen: frozenset[int]) -> list[Token]:
    """The subject that a clause has itself; a relative pronoun stands for the noun before the clause."""
    relative = subject.is_relative_pronoun or subject.lemma in ("who", "which")
    relative = relative or (subject.lemma == "that" and predicate.relation == "acl:relcl")
    governor = predicate.head
    if not relative or governor is None:
        return content_heads(subject)
    if predicate.relation == "conj":
        return subjects(governor, seen)
    return content_heads(governor) if len(conjuncts(governor)) == 1 else [governor]


def _object_controllers(governor: Token, predicate: Token) -> list[Token]:
    """ "helps a woman to stand up": the object of the governing verb is the one who stands up."""
    objects = governor.having("obj", "iobj")
    if predicate.relation != "xcomp" or not objects or not governor.is_verb or governor.lemma in SUBJECT_CONTROL_VERBS:
        return []
    return content_heads(objects[0]) if objects[0].index < predicate.index else []


def _described_nouns(noun: Token, predicate: Token) -> list[Token]:
    """The nouns that a participle describes: in "a man and a woman hugging" both, wherever it was attached."""
    first = noun
    while first.relation == "conj" and first.head is not None and first.head.is_noun:
        first = first.head
    members = [member for member in conjuncts(first) if member.index < predicate.index and member.is_noun]
    if len(members) > 1 and noun in (members[0], members[-1]) and _is_bare_list(first, predicate):
        return [head for member in members for head in _seen_through(member, predicate)]
    return _seen_through(noun, predicate)


def _seen_through(noun: Token, predicate: Token) -> list[Token]:
    """The noun, or what it contains when that stands before the predicate: "a group of people watching"."""
    inner = contained_noun(noun)
    return content_heads(inner) if inner is not None and inner.index < predicate.index else [noun]


def _is_bare_list(first: Token, predicate: Token) -> bool:
    """Whether nothing but nouns and their modifiers stands between the first noun of a list and a participle."""
    if first.relation not in ("root", "nsubj", "obj", "nmod", "parataxis", "dep"):
        return False
    top = first
    while top.head is not None:
        top = top.head
    between = [token for token in top.subtree() if first.index < token.index < predicate.index]
    plain = ("DET", "ADJ", "NOUN", "PROPN", "CCONJ", "PUNCT", "PRON", "NUM")
    return all(token.pos in plain or token.relation == "case" for token in between)


def gapped_object(predicate: Token) -> Token | None:
    """ "a bear that the girl loves": the noun before a relative clause whose own object is missing."""
    own = predicate.having(*SUBJECT_RELATIONS)
    if predicate.relation != "acl:relcl" or predicate.head is None or not own:
        return None
    subject = own[0]
    if any(word.text in ("where", "when", "why") for word in predicate.children):
        return None
    pronoun = subject.is_relative_pronoun or subject.lemma in ("who", "which")
    lone_that = subject.lemma == "that" and len(own) == 1
    if pronoun or lone_that or objects(predicate):
        return None
    return predicate.head


def verb_phrase(verb: Token, denial: Phrase = NO_NEGATION) -> Phrase:
    """The verb as a predicate, negation, modal and particles included: "not look", "can not swim", "throwing up".

    `denial` negates it where it has no negation of its own: that of a subject, as in "no bird sings".
    """
    modals = [auxiliary for auxiliary in verb.having("aux") if auxiliary.tag == "MD"]
    modal = Phrase(MODALS.get(modals[0].text, modals[0].text), (modals[0],)) if modals else Phrase()
    return modal + (negation(verb) or denial) + with_particles(verb.text, verb)


@dataclass(frozen=True)
class VerbChain:
    """Verbs that make one predicate, "trying to catch" a ball: what leads to the last one, and that, which has the arguments."""

    lead: Phrase
    phrase: Phrase
    last: Token

    @property
    def predicate(self) -> Phrase:
        return self.lead + self.phrase


def verb_chains(verb: Token, denial: Phrase = NO_NEGATION, lead: Phrase = NO_NEGATION) -> list[VerbChain]:
    """Predicates that begin with a verb: "trying to catch" and "trying to hold", or the verb alone; each keeps its negation."""
    phrase = verb_phrase(verb, denial)
    if verb.has("obj"):
        return [VerbChain(lead, phrase, verb)]
    chains: list[VerbChain] = []
    for link in verb.having("xcomp", "ccomp"):
        bare_gerund = link.tag == "VBG" and not link.has(*SUBJECT_RELATIONS)
        if not link.is_verb or link.is_quotation or (link.relation == "ccomp" and not bare_gerund):
            continue
        marks = [mark for mark in link.having("mark", "aux") if mark.index < link.index]
        for member in [link, *(other for other in link.having("conj") if other.is_verb)]:
            chains += verb_chains(member, lead=lead + phrase + Phrase.of(marks))
    return chains or [VerbChain(lead, phrase, verb)]


def objects(verb: Token) -> list[Token]:
    """Direct and indirect objects, without the relative pronoun that stands for the noun before the clause."""
    return [
        child
        for child in verb.having("obj", "iobj")
        if not child.is_relative_pronoun
        and not child.is_quotation
        and not (verb.relation == "acl:relcl" and child.index < verb.index and child.lemma in RELATIVE_PRONOUNS)
    ]


def complements(verb: Token) -> list[Token]:
    """Adjectives, participles and nouns that say how the subject is: "looking sad and lonely"."""
    heads = [
        child
        for child in verb.having("xcomp", "acomp", "advmod")
        if not child.is_quotation
        and (child.pos == "ADJ" or (child.relation == "xcomp" and (child.is_noun or child.tag == "VBN")))
    ]
    return [member for head in heads for member in conjuncts(head)]


def quotation(verb: Token) -> Phrase:
    """What a verb says in quotation marks, or a verb of speech without them; empty when it quotes nothing."""
    quoted = [child for child in verb.children if child.is_quotation and child.relation not in SUBJECT_RELATIONS]
    if quoted:
        return Phrase.of(quoted[:1])
    if verb.lemma not in SPEECH_VERBS:
        return Phrase()
    if objects(verb):
        return Phrase.of(objects(verb)[0].subtree()) if verb.lemma == "say" else Phrase()
    clausal = ("ccomp", "parataxis", "discourse")
    for said in verb.having(*clausal, "xcomp", "obl", "dep", "intj", "advmod", "appos"):
        clear = said.relation in clausal or verb.lemma in ("say", "read")
        if clear and said.index > verb.index and not said.has("case"):
            return Phrase.of(said.subtree())
    return Phrase()
