"""Closed lists of words that the triplet rules treat in their own way; all are lemmas unless said otherwise."""

from __future__ import annotations


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


#: "a group of people": what follows "of" is what the phrase is about.
TRANSPARENT_NOUNS = _words(
    "image photo photograph picture painting drawing illustration sketch close closeup view shot portrait depiction",
    "scene group couple pair bunch crowd lot number variety kind type sort set series row up one rendering",
)
#: The picture itself and its parts, which a caption mentions but does not describe.
PICTURE_NOUNS = _words(
    "image photo photograph picture painting drawing illustration sketch scene background foreground portrait sticker"
)
#: "the image shows", "the mood is": statements about the picture, with no proposition of their own.
PICTURE_SUBJECTS = PICTURE_NOUNS | _words("emotion mood feeling expression")
PICTURE_VERBS = _words(
    "depict show feature portray display illustrate capture present convey represent contain include suggest evoke be"
)
#: "several people", "the same dog": words that tell which one is meant, not what it is like.
DETERMINING_ADJECTIVES = _words(
    "other same such many several few last next first second own various certain more most much front top close",
    "different single whole",
)
#: Those that "who" may mean when they stand after "with": "a mother with a baby who is crying".
PERSON_NOUNS = _words(
    "person people man woman child baby boy girl kid toddler infant mother father parent son daughter brother sister",
    "grandmother grandfather husband wife friend bride groom lady gentleman player soldier doctor nurse teacher student",
)
#: "in front of the house" is one preposition.
PLACE_NOUNS = _words("front top middle side back edge center centre bottom midst corner")
SPEECH_VERBS = _words("say read shout yell write scream whisper ask")
#: Verbs that an adjective completes: "looks happy".
LINKING_VERBS = _words("look seem appear feel become get remain stay stand sit lie turn sound")
#: Verbs whose object does not become the subject of the infinitive after it: "tries the door to get in".
SUBJECT_CONTROL_VERBS = _words("try begin start")
#: Texts, not lemmas: the pronouns that stand for a noun named before.
PERSONAL_PRONOUNS = _words("he she it they him her them")
RELATIVE_PRONOUNS = _words("who which that whom")
NEGATIONS = _words("not n't never nt")
QUOTATION_MARKS = _words("\" `` ''")
POSSESSIVE_MARKS = _words("' 's")
