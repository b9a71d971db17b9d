"""Rules that turn the dependency trees of one caption into triplets (KCDP, section 4.1).

The paper reads them off semantic roles: ARG0 is the subject (ARG1 where there is none), V the predicate, ARG1 or ARG2 the
object, the first ARGM where there is no object; incomplete ones are dropped. Here the roles come from the syntax: the
agent of a passive is ARG0, objects and predicatives are ARG1 and ARG2, prepositional adjuncts are ARGM and bring
their preposition into the predicate. Attributes ("is"), owners ("has") and prepositions between nouns are propositions too.
"""

from __future__ import annotations

from collections.abc import Sequence

from kcdp.knowledge.clauses import (
    complements,
    gapped_object,
    is_about_picture,
    is_clause,
    objects,
    quotation,
    subjects,
    verb_chains,
)
from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import (
    DETERMINING_ADJECTIVES,
    LINKING_VERBS,
    PERSONAL_PRONOUNS,
    PICTURE_NOUNS,
    PLACE_NOUNS,
    TRANSPARENT_NOUNS,
)
from kcdp.knowledge.phrases import (
    compound_name,
    conjuncts,
    content_heads,
    is_negated,
    is_passive,
    place,
    preposition,
    present_participle,
    verb_phrase,
    with_particles,
)
from kcdp.results import Triplet


def extract_triplets(sentences: Sequence[list[Token]]) -> list[Triplet]:
    """Triplets of a caption's sentences, each once, in the order of the words they hang on."""
    return _Propositions(sentences).triplets()


class _Propositions:
    """One walk through a caption; knows what was named last, for the pronouns of later sentences."""

    def __init__(self, sentences: Sequence[list[Token]]) -> None:
        self.found: list[tuple[tuple[int, int], Triplet]] = []
        self.antecedent: str | None = None
        for number, sentence in enumerate(sentences):
            self.number = number
            self._read(sentence)

    def triplets(self) -> list[Triplet]:
        ordered = sorted(self.found, key=lambda item: item[0])
        return list(dict.fromkeys(triplet for _, triplet in ordered))

    def _add(self, anchor: Token, subject: str, predicate: str, obj: str) -> None:
        """Keep a complete proposition; `anchor` is the word whose place in the caption it takes."""
        if subject and predicate and obj and subject != obj and obj not in PERSONAL_PRONOUNS:
            self.found.append(((self.number, anchor.index), Triplet(subject, predicate, obj)))

    def _name(self, noun: Token) -> str:
        """How a noun is written; "he" and "it" are what the last sentence was about."""
        if noun.text in PERSONAL_PRONOUNS and self.antecedent is not None:
            return self.antecedent
        return compound_name(noun)

    def _names(self, noun: Token) -> list[str]:
        return [self._name(head) for head in content_heads(noun)]

    def _read(self, sentence: list[Token]) -> None:
        self.chained: set[int] = set()
        self.topic: str | None = None
        for token in sentence:
            if is_clause(token) and token.index not in self.chained:
                self._read_clause(token)
        for token in sentence:
            if token.is_noun:
                self._read_noun(token)
        self.antecedent = self.topic or self.antecedent

    def _read_clause(self, predicate: Token) -> None:
        actors = [actor for actor in subjects(predicate) if actor.lemma != "there"]
        if is_about_picture(predicate, actors):
            return
        names = [self._name(actor) for actor in actors]
        headless = predicate.relation in ("root", "parataxis", "conj") and predicate.tag in ("VBG", "VB", "VBZ")
        if not names and headless and predicate.is_verb and self.antecedent and self.number > 0:
            names = [self.antecedent]
        if predicate.has("cop") and not predicate.is_verb:
            self._read_copular(predicate, names)
        elif predicate.lemma == "be" and (predicate.has("expl") or not names):
            existing = [noun for noun in predicate.having(*SUBJECT_RELATIONS) if noun.is_noun]
            self.topic = self._names(existing[0])[0] if existing else self.topic
        elif predicate.lemma != "be" or predicate.has("obj", "xcomp", "obl"):
            self._read_verbal(predicate, names)
        main = predicate.relation in ("root", "conj", "acl", "acl:relcl", "parataxis")
        if actors and actors[0].is_noun and main and self.topic is None:
            self.topic = names[0]

    def _read_copular(self, predicate: Token, names: list[str]) -> None:
        """ "is happy and proud of the dog", "is a painter", "is in love", "is about to leave"."""
        if predicate.relation == "xcomp" and predicate.head is not None:
            return  # "appears to be angry": told with the governing verb
        copula = "is not" if is_negated(predicate) else "is"
        for state in conjuncts(predicate):
            own_clause = state is not predicate and state.has("cop", *SUBJECT_RELATIONS)
            if own_clause or (state.pos == "ADV" and state.lemma in ("there", "here")):
                continue
            infinitives = [
                verb
                for verb in state.having("xcomp", "advcl")
                if verb.is_verb and verb.has("mark") and not verb.has(*SUBJECT_RELATIONS)
            ]
            if infinitives and state.pos in ("ADJ", "ADV", "ADP", "SCONJ"):
                for verb in infinitives:
                    self.chained.add(verb.index)
                    self._add_arguments(predicate, verb, f"{copula} {state.text} to {verb_phrase(verb)}", names)
                continue
            nominal = state.is_noun or state.pos == "PRON"
            linked = f"{copula} {preposition(state)}".strip() if nominal else copula
            self._add_all(predicate, names, [(linked, self._name(state))])
            if state.pos == "ADJ":
                self._add_all(predicate, names, self._adjuncts(state.having("obl", "nmod"), f"{copula} {state.text}"))

    def _read_verbal(self, verb: Token, names: list[str]) -> None:
        gap = gapped_object(verb)
        for phrase, last in verb_chains(verb):
            self.chained.add(last.index)
            self._add_arguments(verb, last, phrase, names, gap if last is verb else None)

    def _add_all(self, anchor: Token, names: Sequence[str], ends: Sequence[tuple[str, str]]) -> None:
        for predicate, obj in ends:
            for name in names:
                self._add(anchor, name, predicate, obj)

    def _add_arguments(
        self, anchor: Token, verb: Token, phrase: str, names: Sequence[str], gap: Token | None = None
    ) -> None:
        """Everything that one verb says of its subjects; the bare verb ("is running") when it takes no argument."""
        passive = is_passive(verb)
        agents = [noun for noun in verb.having("obl:agent", "obl") if passive and noun.has_case("by")]
        for agent in agents:
            for name in self._names(agent):
                self._add_all(anchor, [name], [(phrase, patient) for patient in names])
        ends = [] if gap is None else [(phrase, self._name(gap))]
        ends += self._object_ends(verb, phrase, passive)
        said = quotation(verb)
        if said:
            ends.append((phrase, said))
        else:
            adjuncts = [noun for noun in verb.having("obl", "obl:tmod", "obl:npmod", "obl:unmarked", "nmod")]
            ends += self._adjuncts([noun for noun in adjuncts if noun not in agents], phrase)
        for adverb in verb.having("advmod"):
            ends += self._adjuncts(adverb.having("obl", "nmod"), f"{phrase} {adverb.text}")
        if not ends and not agents:
            participle = verb.text if passive or verb.tag in ("VBG", "VBN") else present_participle(verb.lemma)
            ends = [("is not" if is_negated(verb) else "is", with_particles(participle, verb))]
        self._add_all(anchor, names, ends)

    def _object_ends(self, verb: Token, phrase: str, passive: bool) -> list[tuple[str, str]]:
        """(predicate, object) for objects ("have no": negated ones) and for what completes a linking verb."""
        ends = []
        own = objects(verb)
        for noun in own:
            if passive and noun.index < verb.index:
                continue
            for head in content_heads(noun):
                none = any(determiner.lemma == "no" for determiner in head.having("det"))
                ends.append((f"{phrase} no" if none else phrase, self._name(head)))
        if not own or verb.lemma in LINKING_VERBS:
            for state in complements(verb):
                linked = f"{phrase} to be" if state.has("cop") and state.has("mark") else phrase
                ends.append((linked, self._name(state)))
        return ends

    def _adjuncts(self, nouns: Sequence[Token], phrase: str) -> list[tuple[str, str]]:
        """(predicate with preposition, noun) for every prepositional adjunct; none for "in the image", "while ..."."""
        ends = []
        for noun in nouns:
            relation, inner = place(noun)
            about_picture = noun.lemma in PICTURE_NOUNS and relation in ("in", "of")
            clausal = noun.is_verb or not {"while", "after", "before"}.isdisjoint(relation.split())
            if relation and not about_picture and not clausal and not noun.is_relative_pronoun:
                ends += [(f"{phrase} {relation}", name) for name in self._names(inner)]
        return ends

    def _read_noun(self, noun: Token) -> None:
        """ "the red car", "the woman's dog", "a cat with tears": what a noun phrase says with no verb."""
        transparent = noun.lemma in TRANSPARENT_NOUNS
        names = self._names(noun) if transparent else [self._name(noun)]
        if noun.lemma not in TRANSPARENT_NOUNS & PICTURE_NOUNS:
            for adjective in [member for head in noun.having("amod") for member in conjuncts(head)]:
                describing = adjective.pos in ("ADJ", "VERB") or adjective.tag.startswith(("JJ", "VB"))
                if describing and adjective.lemma not in DETERMINING_ADJECTIVES:
                    self._add_all(noun, names, [("is", adjective.text)])
        for owner in noun.having("nmod:poss"):
            if owner.is_noun:
                self._add(noun, self._name(owner), "has", self._name(noun))
        if noun.lemma not in PICTURE_NOUNS:
            inside = transparent or noun.lemma in PLACE_NOUNS
            modifiers = [inner for inner in noun.having("nmod") if not (inside and preposition(inner) == "of")]
            self._add_all(noun, names[:1], [(end[0].strip(), end[1]) for end in self._adjuncts(modifiers, "")])
