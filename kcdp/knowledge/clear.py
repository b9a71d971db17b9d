"""CLEAR dependency labels (`en_core_web_*`) to Universal Dependencies, as far as the triplet rules need it.

The two schemes differ in three ways: names; prepositions, which CLEAR puts above their noun and UD below it; and
copulas, which CLEAR makes the head of the clause and UD a child of what they link.
"""

from __future__ import annotations

from spacy.tokens import Span

from kcdp.knowledge.dependency import Token, read_tree
from kcdp.knowledge.masking import MaskedCaption

_NAMES = {
    "nsubjpass": "nsubj:pass",
    "csubjpass": "csubj:pass",
    "auxpass": "aux:pass",
    "dobj": "obj",
    "dative": "iobj",
    "prt": "compound:prt",
    "poss": "nmod:poss",
    "relcl": "acl:relcl",
    "neg": "advmod",
    "npadvmod": "obl:npmod",
    "oprd": "xcomp",
    "acomp": "xcomp",
    "preconj": "cc",
    "predet": "det",
    "quantmod": "advmod",
    "nn": "compound",
    "intj": "discourse",
}


def read_clear_tree(sentence: Span, caption: MaskedCaption | None = None) -> list[Token]:
    """The words of a sentence parsed with CLEAR labels as tokens with Universal Dependencies labels."""
    tokens = read_tree(sentence, caption)
    for token in tokens:
        token.relation = _NAMES.get(token.relation, token.relation)
    for token in tokens:
        _flatten_conjunct(token)
    for token in tokens:
        _lower_preposition(token)
    for token in tokens:
        _lower_copula(token)
    return tokens


def _flatten_conjunct(token: Token) -> None:
    """A list hangs on its first member; CLEAR chains every member to the one before."""
    while token.relation == "conj" and token.head is not None and token.head.relation == "conj":
        token.attach(token.head.head, "conj")


def _lower_preposition(token: Token) -> None:
    """Put a preposition below its noun or clause, which takes its place in the tree."""
    introduces = token.relation in ("prep", "agent", "iobj") and token.pos in ("ADP", "SCONJ", "PART", "ADV")
    if not introduces and not (token.relation == "conj" and token.pos == "ADP"):
        return
    head = token.head
    nominal = head is not None and (head.is_noun or head.pos in ("PRON", "NUM"))
    nouns, clauses = token.having("pobj"), token.having("pcomp")
    if nouns:
        relation = "obl:agent" if token.relation == "agent" else "nmod" if nominal else "obl"
        _swap(token, nouns[0], relation, "case")
        for child in nouns[0].having("prep"):
            # "next to the bed": the outer preposition is part of the case, not a phrase of its own.
            if child.index < nouns[0].index and not child.children:
                child.relation = "case"
    elif clauses:
        _swap(token, clauses[0], "acl" if nominal else "advcl", "mark")


def _lower_copula(token: Token) -> None:
    """Put "be" below the noun, adjective or prepositional phrase that it links to the subject."""
    if token.lemma != "be" or token.pos not in ("AUX", "VERB") or token.relation in ("aux", "aux:pass"):
        return
    if token.has("expl"):
        token.pos = "VERB"
        for existing in token.having("attr"):
            existing.relation = "nsubj"
        return
    linked = [child for child in token.having("attr", "xcomp") if child.index > token.index and child.pos != "VERB"]
    linked = linked or [child for child in token.having("obl") if child.index > token.index][:1]
    if linked:
        token.pos = "AUX"
        _swap(token, linked[0], token.relation, "cop")


def _swap(upper: Token, lower: Token, relation: str, upper_relation: str) -> None:
    """Let `lower` take the place of its head `upper`, with all its other children, and `upper` hang on `lower`."""
    lower.attach(upper.head, relation)
    for child in list(upper.children):
        child.attach(lower, child.relation)
    upper.attach(lower, upper_relation)
