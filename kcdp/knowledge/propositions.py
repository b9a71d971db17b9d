"""Rules that turn the dependency trees of one caption into propositions (KCDP, section 4.1).

The paper reads them off semantic roles: ARG0 is the subject (ARG1 where there is none), V the predicate, ARG1 or ARG2 the
object, the first ARGM where there is no object; incomplete ones are dropped. Here the roles come from the syntax: the
agent of a passive is ARG0, objects and predicatives are ARG1 and ARG2, prepositional adjuncts are ARGM and bring
their preposition into the predicate (`predication`). Attributes ("is"), owners ("has") and prepositions between nouns are
propositions too (`nominal`). What is denied keeps its negation (`negation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kcdp.knowledge.clauses import (
    gapped_object,
    is_about_picture,
    is_clause,
    is_hypothetical,
    quotation,
    subjects,
    verb_chains,
)
from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import PERSONAL_PRONOUNS, PICTURE_NOUNS
from kcdp.knowledge.negation import absence
from kcdp.knowledge.nominal import is_indefinite_pronoun, is_postnominal, noun_propositions, passive_agents
from kcdp.knowledge.phrases import Phrase
from kcdp.knowledge.predication import argument_ends, copular_ends, copular_states, existence_ends, infinitives
from kcdp.knowledge.reference import Names
from kcdp.results import Triplet


@dataclass(frozen=True)
class Proposition:
    """A triplet, and where its words stand in the caption: (start, end) in characters, in order."""

    triplet: Triplet
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Actor:
    """A subject; `denial` is "not" where the caption says that there is none: "no bird sings"."""

    name: Phrase
    denial: Phrase


def extract_propositions(sentences: Sequence[list[Token]]) -> list[Proposition]:
    """Propositions of a caption's sentences, each once, in the order of the words they hang on."""
    return _Reader(sentences).propositions()


class _Reader:
    """One walk through a caption."""

    def __init__(self, sentences: Sequence[list[Token]]) -> None:
        self.found: list[tuple[tuple[int, int], Proposition]] = []
        self.names = Names()
        for number, sentence in enumerate(sentences):
            self.number = number
            self._read(sentence)

    def propositions(self) -> list[Proposition]:
        once: dict[Triplet, Proposition] = {}
        for _, proposition in sorted(self.found, key=lambda item: item[0]):
            once.setdefault(proposition.triplet, proposition)
        return list(once.values())

    def _add(self, anchor: Token, subject: Phrase, predicate: Phrase, obj: Phrase) -> None:
        """Keep a complete proposition; `anchor` is the word whose place in the caption it takes."""
        if not (subject and predicate and obj) or subject.text == obj.text or obj.text in PERSONAL_PRONOUNS:
            return
        spans = {token.span for phrase in (subject, predicate, obj) for token in phrase.tokens}
        triplet = Triplet(subject.text, predicate.text, obj.text)
        self.found.append(((self.number, anchor.index), Proposition(triplet, tuple(sorted(spans)))))

    def _read(self, sentence: list[Token]) -> None:
        self.chained: set[Token] = set()
        self.quoted: set[Token] = set()
        self.topic: Phrase | None = None
        for token in sentence:
            if is_postnominal(token):
                self._read_postnominal(token)
        for token in sentence:
            if is_clause(token) and token not in self.chained | self.quoted and not is_hypothetical(token):
                self._read_clause(token)
        for token in sentence:
            if (token.is_noun and token not in self.quoted and not token.is_quotation) or is_indefinite_pronoun(token):
                for subject, predicate, obj in noun_propositions(token, self.names):
                    self._add(token, subject, predicate, obj)
        self.names.antecedent = self.topic or self.names.antecedent

    def _read_clause(self, predicate: Token) -> None:
        subject_nouns = [noun for noun in subjects(predicate) if noun.lemma != "there"]
        if is_about_picture(predicate, subject_nouns):
            return
        actors = [_Actor(self.names.of(noun), absence(noun)) for noun in subject_nouns]
        headless = predicate.relation in ("root", "parataxis", "conj") and predicate.tag in ("VBG", "VB", "VBZ")
        antecedent = self.names.antecedent
        if not actors and headless and predicate.is_verb and antecedent and self.number > 0:
            actors = [_Actor(antecedent, Phrase())]
        if predicate.has("cop") and not predicate.is_verb:
            self._read_copular(predicate, actors)
        elif predicate.lemma == "be" and (predicate.has("expl") or not actors):
            self._read_existence(predicate)
        elif predicate.lemma != "be" or predicate.has("obj", "xcomp", "obl"):
            self._read_verbal(predicate, actors)
        main = predicate.relation in ("root", "conj", "acl", "acl:relcl", "parataxis")
        if subject_nouns and subject_nouns[0].is_noun and main and self.topic is None:
            self.topic = actors[0].name

    def _read_copular(self, predicate: Token, actors: Sequence[_Actor]) -> None:
        if predicate.relation == "xcomp" and predicate.head is not None:
            return  # "appears to be angry": told with the governing verb
        self.chained.update(verb for state in copular_states(predicate) for verb in infinitives(state))
        for actor in actors:
            for end in copular_ends(predicate, actor.denial, self.names):
                self._add(predicate, actor.name, *end)

    def _read_postnominal(self, adjective: Token) -> None:
        noun = adjective.head
        if noun is not None and noun.lemma not in PICTURE_NOUNS:
            self._read_copular(adjective, [_Actor(self.names.of(noun), absence(noun))])

    def _read_existence(self, predicate: Token) -> None:
        existing = next((noun for noun in predicate.having(*SUBJECT_RELATIONS) if noun.is_noun), None)
        if existing is None:
            return
        things = self.names.all(existing)
        self.topic = things[0]
        if existing.lemma not in PICTURE_NOUNS:
            for end in existence_ends(predicate, existing, self.names):
                for thing in things:
                    self._add(existing, thing, *end)

    def _read_verbal(self, verb: Token, actors: Sequence[_Actor]) -> None:
        gap = gapped_object(verb)
        self.chained.update(chain.last for chain in verb_chains(verb))
        self.quoted.update(quotation(verb).tokens)
        for actor in actors:
            for chain in verb_chains(verb, actor.denial):
                for agent in passive_agents(chain.last):
                    for name in self.names.all(agent):
                        self._add(verb, name, chain.predicate, actor.name)
                for end in argument_ends(chain, self.names, gap if chain.last is verb else None):
                    self._add(verb, actor.name, *end)
