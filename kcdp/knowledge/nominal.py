"""What a noun phrase says without a verb: attributes, owners, prepositional modifiers, comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import (
    DETERMINING_ADJECTIVES,
    EMOJI_NOUNS,
    INDEFINITE_PRONOUNS,
    PICTURE_NOUNS,
    PLACE_NOUNS,
    STYLE_WORDS,
    STYLES,
    TRANSPARENT_NOUNS,
)
from kcdp.knowledge.negation import absence, negation, noun_negation, place_negation
from kcdp.knowledge.phrases import (
    Phrase,
    conjuncts,
    contained_noun,
    content_heads,
    is_passive,
    place,
    preposition,
    scarcity,
)
from kcdp.knowledge.reference import Names

#: What a word says of another one: predicate and object.
End = tuple[Phrase, Phrase]
IS, HAS = Phrase("is"), Phrase("has")


def noun_propositions(noun: Token, names: Names) -> Iterator[tuple[Phrase, Phrase, Phrase]]:
    """Everything that a noun says of itself; nothing where the caption says that it is not there."""
    absent = bool(absence(noun))
    if absent and noun.relation not in ("root", "nsubj", "conj"):
        return
    subjects = names.all(noun) if noun.lemma in TRANSPARENT_NOUNS else [names.of(noun)]
    if not absent:
        for end in attributes(noun, names):
            yield from ((subject, *end) for subject in subjects)
        for owner in noun.having("nmod:poss"):
            if owner.is_noun:
                yield names.of(owner), HAS, names.of(noun)
    for end in modifiers(noun, names):
        yield subjects[0], *end


def is_indefinite_pronoun(token: Token) -> bool:
    """ "nobody in the room": a pronoun of which a noun phrase may say as much as of a noun."""
    return token.pos == "PRON" and token.text in INDEFINITE_PRONOUNS


def attributes(noun: Token, names: Names) -> Iterator[End]:
    """ "the red car", "a wet and angry cat"; not how a picture is made, nor what follows its noun (`predication`)."""
    if noun.lemma in PICTURE_NOUNS:
        return
    for adjective in [member for head in noun.having("amod") for member in conjuncts(head)]:
        if is_postnominal(adjective):
            continue
        describing = adjective.pos in ("ADJ", "VERB") or adjective.tag.startswith(("JJ", "VB"))
        if not describing or adjective.text in DETERMINING_ADJECTIVES or adjective in scarcity(noun):
            continue
        if adjective.text in (STYLE_WORDS if noun.lemma in EMOJI_NOUNS else STYLES):
            continue
        yield IS + negation(adjective), Phrase.of([adjective])


def is_postnominal(adjective: Token) -> bool:
    """ "a child unable to sleep", "a dog bigger than a car": as good as a clause with a copula."""
    noun = adjective.head
    described = adjective.relation in ("amod", "acl") and adjective.pos == "ADJ" and not adjective.has("cop")
    return described and noun is not None and noun.is_noun and noun.index < adjective.index


def modifiers(noun: Token, names: Names) -> Iterator[End]:
    """ "a cat with tears", "no cars on the road": what a preposition says of a noun, or denies of one that is not there."""
    if noun.lemma in PICTURE_NOUNS:
        return
    place_noun = noun.lemma in PLACE_NOUNS | TRANSPARENT_NOUNS
    contained = contained_noun(noun)
    inner = [
        child
        for child in noun.having("nmod")
        if child is not contained and not (place_noun and child.has_case("of")) and child.pos != "ADJ"
    ]
    inner += [child for adverb in noun.having("advmod") if adverb.text == "longer" for child in adverb.having("obl")]
    yield from adjuncts(inner, noun_negation(noun), names)


def adjuncts(nouns: Sequence[Token], phrase: Phrase, names: Names) -> Iterator[End]:
    """(predicate with preposition, noun) for every prepositional adjunct; none for "in the image", "while ...".

    Members of a list may have prepositions of their own: "in the rain or under a lamp". A noun that is not there is told
    by its preposition, "with no".
    """
    for noun in nouns:
        relation, inner = place(noun)
        about_picture = noun.lemma in PICTURE_NOUNS and relation.text in ("in", "of", "on")
        clausal = noun.is_verb or not {"while", "after", "before"}.isdisjoint(relation.text.split())
        if not relation or about_picture or clausal or noun.is_relative_pronoun:
            continue
        for member in content_heads(inner):
            own = (
                preposition(member) if member is not inner and inner is noun and member.relation == "conj" else relation
            )
            none = Phrase("no", noun_negation(member).tokens) if noun_negation(member) else Phrase()
            yield phrase + place_negation(member) + (own or relation) + none, names.of(member)


def passive_agents(verb: Token) -> list[Token]:
    """ "destroyed by fire": who or what did it."""
    return [noun for noun in verb.having("obl:agent", "obl") if is_passive(verb) and noun.has_case("by")]
