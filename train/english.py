"""English morphology for captions and their measures: base forms, plurals (lemminflect's lexicon), and "a" or "an"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lemminflect import getAllLemmas, getInflection, getLemma

#: Begin with a vowel as written and with a consonant as spoken: "unicorn", "euro", "ewe", "user", "one-eyed".
_SPOKEN_CONSONANT = re.compile(r"uni(?!n|m)|eu|ew|u[st][aei]|u[fk][ou]|one\b|once\b", re.IGNORECASE)
#: The other way round.
_SPOKEN_VOWEL = re.compile(r"hour|honest|honou?r|heir|8|11\b|18\b|x-", re.IGNORECASE)


def indefinite_article(phrase: str) -> str:
    """The article that goes before a phrase: "a" or "an".

    >>> [indefinite_article(word) for word in ("unicorn", "umbrella", "hourglass", "one-eyed man", "uninvited guest")]
    ['a', 'an', 'an', 'a', 'an']
    """
    vowel = phrase.lower().startswith(tuple("aeiou")) and not _SPOKEN_CONSONANT.match(phrase)
    return "an" if vowel or _SPOKEN_VOWEL.match(phrase) else "a"


def listed(phrases: Sequence[str]) -> str:
    """Phrases, one or more, as a list.

    >>> listed(["a cat"]), listed(["a cat", "a dog", "a tree"])
    ('a cat', 'a cat, a dog and a tree')
    """
    *before, last = phrases
    return f"{', '.join(before)} and {last}" if before else last


#: What the lexicon gives another plural, "persons", or no singular.
_PEOPLE = {"person": "people"}
_ONLY_PLURAL = frozenset(("people", "scissors", "clothes", "police", "goggles", "jeans", "maracas"))


def plural(noun: str) -> str:
    """The plural of a noun, of its last word where it has several.

    >>> plural("mouse"), plural("polar bear")
    ('mice', 'polar bears')
    """
    before, space, head = noun.rpartition(" ")
    return before + space + (_PEOPLE.get(head) or next(iter(getInflection(head, "NNS")), head))


def is_plural(noun: str) -> bool:
    """Whether a noun is the plural of another one, or has no singular: "wolves", "people", "scissors".

    >>> is_plural("mice"), is_plural("princess"), is_plural("glasses")
    (True, False, True)
    """
    singulars = getAllLemmas(noun, upos="NOUN").get("NOUN") or getLemma(noun, "NOUN")
    found = any(lemma != noun and noun in getInflection(lemma, "NNS") for lemma in singulars)
    return noun in _ONLY_PLURAL or (found and not noun.endswith(("us", "ss")))


def base_forms(word: str) -> frozenset[str]:
    """What a lower-case word may be a form of, itself among them: as a noun, a verb or an adjective.

    >>> sorted(base_forms("flies")), sorted(base_forms("worn"))
    (['flies', 'fly'], ['wear', 'worn'])
    """
    known = {lemma for lemmas in getAllLemmas(word).values() for lemma in lemmas}
    guessed = set() if known else {lemma for kind in ("NOUN", "VERB") for lemma in getLemma(word, kind)}
    return frozenset({word, *(one for one, many in _PEOPLE.items() if many == word), *known, *guessed})
