"""Repairs of garden paths: main verbs that a small parser read as part of what stands before them.

Captions are mostly noun phrases, so the verb after "a man who wears a hat" comes late and unexpected.
"""

from __future__ import annotations

from kcdp.knowledge.dependency import Token
from kcdp.knowledge.lexicon import IMAGINING_VERBS, SPEECH_VERBS

FINITE = ("VBZ", "VBP", "VBD")


def repair_garden_paths(tokens: list[Token]) -> None:
    """Give the caption's first noun its main verb where another noun has it, in place."""
    for token in tokens:
        _verb_read_as_noun(token, tokens)
        _verb_of_another_noun(token, tokens)


def _topic(verb: Token) -> Token | None:
    """The noun on which everything hangs, a verb that might be its own included."""
    top = verb
    while top.head is not None:
        top = top.head
    return top if top is not verb and top.is_noun and not top.has("cop", "nsubj") else None


def _make_main(verb: Token, topic: Token) -> None:
    verb.pos = "VERB"
    verb.replace(topic, "nsubj")
    for child in verb.having("nmod", "obl"):
        child.relation = "obl" if child.has("case") or not verb.has("compound:prt") else "obj"


def _verb_read_as_noun(verb: Token, tokens: list[Token]) -> None:
    """ "a man who wears a hat sits", "a dog bigger than a house barks": no thing is called a hat sits."""
    topic = _topic(verb) if verb.tag == "VBZ" and verb.relation in ("obj", "obl", "nmod", "conj") else None
    before = tokens[verb.index - 1] if verb.index else None
    if topic is None or before is None or before.head is not verb or not before.is_noun:
        return
    if verb.head is not None and verb.head.lemma in IMAGINING_VERBS | SPEECH_VERBS:
        return
    if not before.relation.startswith("compound") and not (before.relation == "nsubj" and verb.has("case")):
        return
    for child in list(verb.children):
        if child is not before and child.index < before.index:
            child.attach(before, "case" if child.relation == "mark" else child.relation)
    before.attach(verb.head, verb.relation)
    _make_main(verb, topic)


def _verb_of_another_noun(verb: Token, tokens: list[Token]) -> None:
    """ "a dog that stole a sausage runs away", "who lost her job and her home sits": the dog runs, not the sausage."""
    topic = _topic(verb) if verb.tag in FINITE and verb.is_verb else None
    noun = tokens[verb.index - 1] if verb.index else None
    if topic is None or noun is None or noun.head is not verb or noun.relation != "nsubj" or not noun.is_noun:
        return
    relative = next((clause for clause in topic.having("acl:relcl") if clause.index < noun.index), None)
    if relative is None or relative is verb or relative.lemma in IMAGINING_VERBS | SPEECH_VERBS:
        return
    if not relative.is_verb or not any(child.is_relative_pronoun for child in relative.having("nsubj")):
        return
    coordinators = [child for child in verb.having("cc") if child.index < noun.index]
    objects = relative.having("obj")
    if bool(coordinators) != bool(objects):
        return
    for coordinator in coordinators:
        coordinator.attach(noun, "cc")
    noun.attach(*((objects[-1], "conj") if objects else (relative, "obj")))
    _make_main(verb, topic)
