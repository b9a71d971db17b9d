"""Repairs of attachment: words that a small parser hung on the wrong one of those before them."""

from __future__ import annotations

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import (
    BODY_PARTS,
    CLOTHES,
    EMOJI_NOUNS,
    ENDING_VERBS,
    IMAGINING_VERBS,
    LINKING_VERBS,
    NEAR_NEGATIONS,
    NEGATIONS,
    PERSON_NOUNS,
    PICTURE_NOUNS,
    SPEECH_VERBS,
)
from kcdp.knowledge.phrases import contained_noun


def repair_attachment(tokens: list[Token]) -> None:
    """Hang participles, clauses, adjuncts and members of lists where they belong, in place."""
    for token in tokens:
        _substitute_or_exception(token, tokens)
        _participle_after_absent_thing(token)
        _participle_after_clothes(token)
        _negation_before_participle(token, tokens)
        _modifier_of_picture(token)
        _participle_after_part(token, tokens)
        _part_in_list(token)
        _coordinated_adjunct(token, tokens)
        _coordinated_participle(token)
        _list_before_singular_verb(token, tokens)
        _clause_about_a_person(token)
        _clause_about_what_speaks(token, tokens)
        _adjective_after_adjunct(token, tokens)
        _gerund_after_finite_verb(token, tokens)
        _deed_after_ending_verb(token, tokens)


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


def _coordinated_adjunct(noun: Token, tokens: list[Token]) -> None:
    """ "dancing in the rain or under a lamp": a noun with a preposition is coordinated with another one that has one."""
    head = noun.head
    if noun.relation != "conj" or not noun.is_noun or not noun.has("case") or not noun.has("cc"):
        return
    if head is None or head.has("case") or head.relation == "conj":
        return
    first = min(child.index for child in noun.having("case", "cc"))
    before = [other for other in tokens[:first] if other.relation in ("obl", "nmod") and other.has("case")]
    if before and head.governs(before[-1]) and not noun.governs(before[-1]):
        noun.attach(before[-1], "conj")


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


def _deed_after_ending_verb(deed: Token, tokens: list[Token]) -> None:
    """ "stops chasing", "kept from laughing", "wishes to sing": no deed of its own, but what ends or is not so."""
    marks = [word for word in deed.having("mark", "case", "aux") if word.text in ("to", "from", "of", "about")]
    first = min([deed.index, *(mark.index for mark in marks)])
    before = [word for word in tokens[:first] if word.relation != "compound:prt"]
    ending = before[-1] if before else None
    if ending is None or ending.lemma not in ENDING_VERBS | IMAGINING_VERBS or not ending.is_verb or ending.has("obj"):
        return
    if not deed.is_verb or deed.relation == "xcomp" or not (deed.tag == "VBG" or marks) or deed.governs(ending):
        return
    for mark in marks:
        mark.relation = "mark"
    deed.attach(ending, "xcomp")


def _participle_after_clothes(participle: Token) -> None:
    """ "a girl with a hat eating an apple": hats eat nothing."""
    thing = participle.head
    if participle.relation != "acl" or participle.tag != "VBG" or thing is None or thing.lemma not in CLOTHES:
        return
    owner = thing.head
    if thing.relation == "nmod" and owner is not None and owner.is_noun and participle.has("obj"):
        participle.attach(owner, "acl")


def _negation_before_participle(participle: Token, tokens: list[Token]) -> None:
    """ "a nurse hardly sleeping": the negation straight before a participle is its own."""
    before = tokens[participle.index - 1] if participle.index else None
    if participle.tag not in ("VBG", "VBN") or participle.relation != "acl" or before is None:
        return
    negates = before.text in NEAR_NEGATIONS or before.text in NEGATIONS or before.text == "longer"
    if negates and before.head is not participle and not before.governs(participle):
        before.attach(participle, "advmod")


def _modifier_of_picture(picture: Token) -> None:
    """ "a drawing of a person with a smile": the person has it."""
    shown = contained_noun(picture) if picture.lemma in PICTURE_NOUNS | EMOJI_NOUNS else None
    for modifier in picture.having("nmod") if shown is not None else []:
        if shown is not None and modifier.index > shown.index and modifier.is_noun and not modifier.has_case("of"):
            modifier.attach(shown, "nmod")


def _participle_after_part(participle: Token, tokens: list[Token]) -> None:
    """ "a face with eyes curved upward": the eyes are, not the face."""
    before = tokens[participle.index - 1] if participle.index else None
    if participle.relation != "acl" or participle.tag != "VBN" or before is None or before is participle.head:
        return
    plain = all(child.relation in ("advmod", "xcomp", "compound:prt") for child in participle.children)
    if plain and _is_part(before) and before.relation in ("nmod", "conj") and not participle.governs(before):
        participle.attach(before, "acl")


def _part_in_list(part: Token) -> None:
    """ "a face with closed eyes and a frown": the face has both, where "a girl with a hat and a boy" are two."""
    owner = part.head
    if part.relation != "conj" or owner is None or not owner.is_noun or not _is_part(part):
        return
    having = [noun for noun in owner.having("nmod") if noun.has_case("with") and noun.index < part.index]
    if having and _is_part(having[-1]) and not part.has("case"):
        part.attach(having[-1], "conj")


def _is_part(noun: Token) -> bool:
    return noun.is_noun and (noun.lemma in BODY_PARTS or noun.text in BODY_PARTS)


def _coordinated_participle(participle: Token) -> None:
    """ "singing and holding banners": two deeds, not one that completes the other, nor a kind of banner."""
    head = participle.head
    if participle.tag != "VBG" or head is None:
        return
    coordinators = participle.having("cc") or [word for word in head.having("cc") if word.index == participle.index - 1]
    if not coordinators:
        return
    if participle.relation in ("xcomp", "ccomp") and head.is_verb:
        participle.relation = "conj"
    elif participle.relation in ("compound", "amod") and head.is_noun and head.index > participle.index:
        verb = head.head
        if verb is not None and verb.is_verb and verb.index < participle.index and head.relation == "obj":
            participle.pos = "VERB"
            participle.attach(verb, "conj")
            coordinators[0].attach(participle, "cc")
            head.attach(participle, "obj")


def _list_before_singular_verb(member: Token, tokens: list[Token]) -> None:
    """ "a man in a coat and a hat is reading": one who reads, so the hat goes with the coat."""
    subject = member.head
    if member.relation != "conj" or subject is None or subject.relation not in ("nsubj", "nsubj:pass"):
        return
    verb = subject.head
    adjuncts = [noun for noun in subject.having("nmod") if noun.has("case") and noun.index < member.index]
    if verb is None or not adjuncts or any(child.lemma in ("or", "nor") for child in member.having("cc")):
        return
    finite = next((word for word in verb.having("aux", "aux:pass", "cop") if word.tag in ("VBZ", "VBD", "VBP")), verb)
    if finite.tag == "VBZ" or finite.text == "was":
        member.attach(adjuncts[-1], "conj")


def _clause_about_what_speaks(clause: Token, tokens: list[Token]) -> None:
    """ "a bear with a sign that says hello": what says it is the noun straight before "that"."""
    pronouns = [child for child in clause.having("nsubj") if child.text in ("that", "which")]
    if clause.relation != "acl:relcl" or clause.lemma not in SPEECH_VERBS or not pronouns or pronouns[0].index == 0:
        return
    before = tokens[pronouns[0].index - 1]
    if before.is_noun and before.relation == "nmod" and before is not clause.head and not clause.governs(before):
        clause.attach(before, "acl:relcl")
