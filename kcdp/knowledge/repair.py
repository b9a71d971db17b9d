"""Repairs of the errors that a small parser makes on captions, which are mostly fragments without a finite verb."""

from __future__ import annotations

from kcdp.knowledge.attachment import repair_attachment
from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.garden_paths import repair_garden_paths
from kcdp.knowledge.lexicon import (
    APPEARANCES,
    BODY_PARTS,
    LOOKING_PARTICIPLES,
    PICTURE_NOUNS,
    SPEECH_NOUNS,
    SPEECH_VERBS,
)
from kcdp.knowledge.misread_verbs import repair_misread_verbs, verb_lemma
from kcdp.knowledge.morphology import getAllLemmas


def repair(tokens: list[Token]) -> None:
    """Apply all repairs to one tree, in place."""
    repair_garden_paths(tokens)
    for token in tokens:
        _adjective_read_as_verb(token)
        _picture_read_as_deed(token)
        _subject_read_as_adjective(token, tokens)
        _adjective_read_as_noun(token)
        _attribute_read_as_deed(token)
        _attribute_of_compound(token)
        _complement_read_as_noun(token, tokens)
        _quotation_after_verb_of_speech(token, tokens)
        _quotation_before_verb_of_speech(token)
        _verb_read_as_plural(token, tokens)
        _participle_before_bare_noun(token, tokens)
        _progressive_read_as_copula(token, tokens)
    repair_misread_verbs(tokens)
    repair_attachment(tokens)


def _picture_read_as_deed(picture: Token) -> None:
    """ "an ink drawing of a person": no ink draws."""
    material = picture.head
    contents = [noun for noun in picture.having("obl", "nmod") if noun.has_case("of")]
    if picture.tag != "VBG" or picture.text not in PICTURE_NOUNS or not contents or material is None:
        return
    if picture.relation != "acl" or material.index != picture.index - 1:
        return
    picture.pos, picture.tag, picture.lemma = "NOUN", "NN", picture.text
    picture.replace(material, "compound")
    for child in list(material.children):
        child.attach(picture, child.relation)
    for noun in picture.having("obl"):
        noun.relation = "nmod"


def _subject_read_as_adjective(verb: Token, tokens: list[Token]) -> None:
    """ "a bunny saying hello": the verb has an article where its subject was read as its adjective."""
    before = tokens[verb.index - 1] if verb.index else None
    articles = verb.having("det")
    if verb.tag not in ("VBG", "VBZ") or not verb.is_verb or not articles or before is None or before.head is not verb:
        return
    if before.pos != "ADJ" or before.relation not in ("amod", "nsubj") or articles[-1].index > before.index:
        return
    before.pos, before.tag = "NOUN", "NN"
    for child in list(verb.children):
        if child.index < before.index:
            child.attach(before, child.relation)
    if verb.tag == "VBZ":
        before.relation = "nsubj"
    else:
        before.replace(verb, "acl")


def _adjective_read_as_noun(adjective: Token) -> None:
    """ "a beige sofa" is beige, "a toothy grin" is toothy."""
    noun = adjective.head
    if adjective.relation not in ("compound", "amod") or noun is None or adjective.index > noun.index:
        return
    if adjective.text in APPEARANCES or _is_adjective_alone(adjective.text):
        adjective.relation, adjective.pos, adjective.tag = "amod", "ADJ", "JJ"
        for child in adjective.having("amod"):
            child.attach(noun, "amod")


def _attribute_of_compound(adjective: Token) -> None:
    """ "shiny dot eyes": the eyes are shiny, not the dot."""
    part = adjective.head
    if adjective.relation == "amod" and part is not None and part.relation == "compound" and part.tag == "NN":
        noun = part.head
        if noun is not None and noun.is_noun and noun.tag == "NNS" and adjective.index < part.index < noun.index:
            adjective.attach(noun, "amod")


def _complement_read_as_noun(shut: Token, tokens: list[Token]) -> None:
    """ "eyes squeezed shut": they are squeezed until they are."""
    if shut.text not in ("shut", "open", "closed") or not shut.is_noun or shut.index < 2:
        return
    noun, participle = tokens[shut.index - 2], tokens[shut.index - 1]
    if participle.tag not in ("VBN", "VBD") or participle not in (shut.head, *shut.children):
        return
    if not noun.is_noun or shut.governs(noun) or participle.governs(noun):
        return
    for child in list(shut.children):
        child.attach(noun, child.relation)
    participle.attach(noun, "acl")
    participle.pos, participle.tag = "VERB", "VBN"
    shut.pos, shut.tag = "ADJ", "JJ"
    shut.attach(participle, "xcomp")


def _is_adjective_alone(word: str) -> bool:
    kinds = getAllLemmas(word)
    return "ADJ" in kinds and "NOUN" not in kinds and "PROPN" not in kinds


def _attribute_read_as_deed(participle: Token) -> None:
    """ "a face with raised brows, sparkling eyes and bared teeth": attributes of what it has, not what it does."""
    owner, parts = participle.head, participle.having("obj")
    if (
        participle.relation not in ("acl", "advcl", "conj", "xcomp")
        or owner is None
        or not parts
        or participle.has("nsubj")
    ):
        return
    noun = parts[0]
    past = participle.tag in ("VBN", "VBD") and (noun.lemma in BODY_PARTS or noun.text in BODY_PARTS)
    attributive = past or participle.text in LOOKING_PARTICIPLES
    if not attributive or noun.index < participle.index or noun.has("det", "nmod:poss"):
        return
    while owner is not None and not (owner.is_noun and any(part.has_case("with") for part in owner.having("nmod"))):
        owner = owner.head
    listed = [part for part in owner.having("nmod") if part.has_case("with")] if owner is not None else []
    if not listed or listed[0].index > participle.index:
        return
    noun.attach(listed[0], "conj")
    for child in list(participle.children):
        child.attach(noun, child.relation)
    participle.attach(noun, "amod")


def _progressive_read_as_copula(noun: Token, tokens: list[Token]) -> None:
    """ "two queens are opening presents": no queen is a present that opens."""
    copulas, subjects = noun.having("cop"), noun.having("nsubj")
    participles = [word for word in noun.having("amod", "compound") if word.tag == "VBG"]
    if not (noun.is_noun and copulas and subjects and participles) or noun.has("det", "nmod:poss"):
        return
    verb = participles[0]
    if verb.index != copulas[-1].index + 1:
        return
    verb.pos = "VERB"
    verb.replace(noun, "obj")
    copulas[-1].attach(verb, "aux")
    for child in list(noun.children):
        if child.index < verb.index or child.relation in ("conj", "advcl", "punct"):
            child.attach(verb, child.relation)


def _adjective_read_as_verb(adjective: Token) -> None:
    """ "is asleep", "is hungry but thirsty": a copula links no finite verb."""
    first = adjective.head if adjective.relation == "conj" else None
    listed = first is not None and first.pos == "ADJ" and first.has("cop") and not adjective.has("obj", "nsubj")
    if adjective.tag in ("VBP", "VB") and (adjective.has("cop") or listed) and not adjective.has("mark"):
        adjective.pos, adjective.tag, adjective.lemma = "ADJ", "JJ", adjective.text


def _quotation_after_verb_of_speech(quoted: Token, tokens: list[Token]) -> None:
    """'a boy whispers "stop"', 'the words "good luck"': a quotation belongs to the word straight before it."""
    before = [token for token in tokens[: quoted.index] if token.pos != "PUNCT"]
    if not quoted.is_quotation or not before or quoted.governs(before[-1]):
        return
    word = before[-1]
    if word.lemma in SPEECH_NOUNS and word.is_noun and not _speaks(word):
        quoted.attach(word, "appos")
    elif word.is_verb or _speaks(word):
        quoted.attach(word, "obj")


def _quotation_before_verb_of_speech(quoted: Token) -> None:
    """'"go away", shouts the girl': the girl shouts, not the quotation."""
    verb = quoted.head
    if not quoted.is_quotation or verb is None or quoted.index > verb.index or verb.lemma not in SPEECH_VERBS:
        return
    speakers = [noun for noun in verb.having("obj", "nsubj") if noun is not quoted]
    if quoted.relation in SUBJECT_RELATIONS and len(speakers) == 1 and speakers[0].index > verb.index:
        speakers[0].relation, quoted.relation = "nsubj", "ccomp"


def _speaks(plural: Token) -> bool:
    """Whether a verb of speech was read as a plural: "boy whispers"."""
    named = any(child.relation == "compound" and child.is_noun for child in plural.children)
    return plural.tag in ("NNS", "NNPS") and named and verb_lemma(plural) in SPEECH_VERBS


def _verb_read_as_plural(plural: Token, tokens: list[Token]) -> None:
    """ "a dog waits" is no plural of "a dog wait": after "a" or "an", the last word is the verb, the one before its subject."""
    if plural.tag in ("NNS", "NNPS") and plural.has("nsubj") and not plural.has("cop", "det", "case"):
        plural.pos, plural.tag, plural.lemma = "VERB", "VBZ", verb_lemma(plural)
        return
    finite_noun = plural.tag == "VBZ" and plural.pos == "NOUN"
    singular = finite_noun or any(determiner.text in ("a", "an") for determiner in plural.having("det"))
    if not (singular or (any(child.is_quotation for child in plural.children) and _speaks(plural))):
        return
    if not (finite_noun or plural.tag in ("NNS", "NNPS")) or plural.index == 0:
        return
    subject, finite = tokens[plural.index - 1], plural.head
    if subject.head is not plural or subject.relation != "compound" or not subject.is_noun:
        return
    clause = plural.relation == "conj" and finite is not None and finite.is_verb
    if finite is not None and not clause and not _separate_clause(plural, finite):
        return
    plural.pos, plural.tag, plural.lemma = "VERB", "VBZ", verb_lemma(plural)
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
