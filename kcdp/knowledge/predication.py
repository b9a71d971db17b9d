"""What a clause says of its subject: copulas, verbs with their arguments and adjuncts, existence."""

from __future__ import annotations

from collections.abc import Iterator

from kcdp.knowledge.clauses import (
    VerbChain,
    complements,
    objects,
    quotation,
    verb_phrase,
)
from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import LINKING_VERBS
from kcdp.knowledge.negation import negation, noun_negation
from kcdp.knowledge.nominal import IS, End, adjuncts, passive_agents
from kcdp.knowledge.phrases import (
    Phrase,
    conjuncts,
    content_heads,
    is_passive,
    preposition,
    present_participle,
    with_particles,
)
from kcdp.knowledge.reference import Names


def infinitives(state: Token) -> list[Token]:
    """ "about to leave", "afraid to jump": the verbs that complete an adjective."""
    if state.pos not in ("ADJ", "ADV", "ADP", "SCONJ"):
        return []
    linked = state.having("xcomp", "advcl")
    return [verb for verb in linked if verb.is_verb and verb.has("mark") and not verb.has(*SUBJECT_RELATIONS)]


def copular_states(predicate: Token) -> list[Token]:
    """Everything that one copula links to the subject: "is happy and proud"; not "is there"."""
    return [
        state
        for state in conjuncts(predicate)
        if not (state is not predicate and state.has("cop", *SUBJECT_RELATIONS))
        and not (state.pos == "ADV" and state.lemma in ("there", "here"))
    ]


def copular_ends(predicate: Token, denial: Phrase, names: Names) -> Iterator[End]:
    """ "is happy and proud of the dog", "is not a painter but a poet", "is in love", "is about to leave"."""
    copula = IS + Phrase("", tuple(predicate.having("cop")))
    for state in copular_states(predicate):
        negated = copula + (negation(state) or (noun_negation(state) if state.is_noun else denial) or denial)
        linked = infinitives(state)
        for verb in linked:
            lead = negated + Phrase.of([state, *(mark for mark in verb.having("mark") if mark.text == "to")])
            yield from argument_ends(VerbChain(lead, verb_phrase(verb), verb), names)
        if linked:
            continue
        nominal = state.is_noun or state.pos == "PRON"
        further = state.having("obl", "nmod") if state.pos in ("ADJ", "ADV") else []
        if not (further and state.pos == "ADV"):  # "is far from home", but not "is far"
            yield negated + preposition(state) if nominal else negated, names.of(state)
        yield from adjuncts(further, negated + Phrase.of([state]), names)


def argument_ends(chain: VerbChain, names: Names, gap: Token | None = None) -> Iterator[End]:
    """Everything that a verb says of its subject; the bare verb ("is running") when it takes no argument.

    `gap` is the noun that stands before a relative clause for the object it lacks.
    """
    verb, agents = chain.last, passive_agents(chain.last)
    ends = [] if gap is None else [(chain.predicate, names.of(gap))]
    said = quotation(verb)
    ends += [(chain.predicate, said)] if said else _object_ends(chain, names)
    if not said or objects(verb) or any(token.is_quotation for token in said.tokens):
        nouns = [
            noun
            for noun in verb.having("obl", "obl:tmod", "obl:npmod", "obl:unmarked", "nmod")
            if noun not in agents and not noun.is_quotation
        ]
        ends += adjuncts(nouns, chain.predicate, names)
        for adverb in verb.having("advmod"):
            ends += adjuncts(adverb.having("obl", "nmod"), chain.predicate + Phrase.of([adverb]), names)
    if not ends and not agents:
        ends = [_bare_end(chain)]
    yield from ends


def _bare_end(chain: VerbChain) -> End:
    """ "is running", "is not smiling", "has never slept", "can not swim", "is trying to escape"."""
    verb = chain.last
    auxiliaries = Phrase("", tuple(verb.having("aux", "aux:pass")))
    bare = with_particles(verb.text, verb)
    if any(auxiliary.tag == "MD" for auxiliary in verb.having("aux")):
        return chain.lead + _before(bare, chain.phrase), bare
    if chain.lead:
        lead = chain.lead if chain.lead.text.startswith("is ") or not _is_participle(chain.lead) else IS + chain.lead
        return lead + auxiliaries, chain.phrase
    perfect = [auxiliary for auxiliary in verb.having("aux") if auxiliary.lemma == "have"]
    if perfect and not is_passive(verb):
        return Phrase.of(perfect[:1]) + _before(bare, chain.phrase), bare
    done = is_passive(verb) or verb.tag.startswith("JJ") or verb.tag in ("VBG", "VBN")
    participle = verb.text if done else present_participle(verb.lemma)
    return IS + auxiliaries + _before(bare, chain.phrase), with_particles(participle, verb)


def _is_participle(lead: Phrase) -> bool:
    first = next((token for token in lead.tokens if token.is_verb), None)
    return first is not None and first.tag == "VBG"


def _before(bare: Phrase, phrase: Phrase) -> Phrase:
    """What stands before a verb in its own phrase: modal and negation."""
    return Phrase(phrase.text.removesuffix(bare.text).strip(), tuple(t for t in phrase.tokens if t not in bare.tokens))


def _object_ends(chain: VerbChain, names: Names) -> Iterator[End]:
    """(predicate, object) for objects ("have no": negated ones) and for what completes a linking verb."""
    verb = chain.last
    own = objects(verb)
    for noun in own:
        if is_passive(verb) and noun.index < verb.index:
            continue
        for head in content_heads(noun):
            none = noun_negation(head)
            predicate = chain.predicate + Phrase("no", none.tokens) if none else chain.predicate
            yield predicate, names.of(head)
    if not own or verb.lemma in LINKING_VERBS:
        for state in complements(verb):
            to_be = Phrase("to be", tuple(state.having("mark", "cop")))
            linked = chain.predicate + to_be if state.has("cop") and state.has("mark") else chain.predicate
            denial = negation(state)
            yield (denial + linked if denial and not negation(verb) else linked), names.of(state)


def existence_ends(predicate: Token, existing: Token, names: Names) -> Iterator[End]:
    """ "there is no dog in the park": where the thing is, or is not."""
    denial = negation(predicate) or noun_negation(existing)
    yield from adjuncts(predicate.having("obl"), denial, names)
