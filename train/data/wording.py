"""Names as plain English: phrases with articles, their head nouns, and adjectives for emotions."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from train.english import indefinite_article, is_plural, listed

#: How a face or a person looks, and what a thing does to whoever sees it.
SHOWN = {
    "amusement": "amused",
    "awe": "amazed",
    "contentment": "contented",
    "excitement": "excited",
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "frightened",
    "sadness": "sad",
}
EVOKED = {
    "amusement": "funny",
    "awe": "awe-inspiring",
    "contentment": "peaceful",
    "excitement": "exciting",
    "anger": "infuriating",
    "disgust": "disgusting",
    "fear": "frightening",
    "sadness": "sad",
}

TABLES = Path(__file__).parent / "tables"


def read_table(name: str) -> list[dict[str, str | None]]:
    """Rows of a CSV file in `tables`; an empty cell is None."""
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return [{column: value or None for column, value in row.items()} for row in csv.DictReader(file)]


#: Names of the Unicode list that are no phrase, or whose head noun is not the last word before a preposition.
_NAMES = {row["name"]: row["phrase"] for row in read_table("emoji_names.csv")}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MASS = _words(
    "air bacon badminton bark baseball basketball blood bowling bread broccoli butter cardboard clothes coral corn "
    "cotton custard debris destruction dirt fear fire flatbread fog fondue food garlic grass hair handball hockey ice "
    "joy lacrosse lava lightning luggage meat milk money oden paper polish polo pollution popcorn rain rice root sake "
    "salt shrimp silhouette snow soap spaghetti sushi sweat tennis thread timber traffic weights wind yarn"
)
_COMPOUNDS = ("ice cream", "hot dog", "milky way", "santa claus", "mrs. claus", "mount fuji")
_CUTS = _words(
    "with without of in on over behind at from and under between for through about after asleep showing dressed seen"
)
_LINKS = r"with|without|behind|on|in|wearing|taking|getting|rowing|bouncing|feeding|raising|tipping|savoring"
_ACTORS = _words("person man woman people men women face head hand thumb heart leaf couple rider horse cat")


@dataclass(frozen=True)
class Subject:
    """A noun phrase with its article, and its head noun."""

    phrase: str
    noun: str


def normalise(name: str) -> str:
    """One spelling for the names of one attribute.

    >>> normalise("Alarm clock"), normalise("alarm_clock"), normalise("  ALARM   clock")
    ('alarm clock', 'alarm clock', 'alarm clock')
    """
    return " ".join(name.replace("_", " ").lower().split())


def with_article(phrase: str) -> str:
    """`phrase` with "a" or "an" where its head noun is singular and countable and nothing stands in front yet."""
    words = phrase.split()
    if words[0] in ("a", "an", "the", "two", "three", "his", "her", "their"):
        return phrase
    head = head_noun(phrase)
    if head in _MASS or head.endswith(" claus") or is_plural(head):
        return phrase
    return f"{indefinite_article(phrase)} {phrase}"


def head_noun(phrase: str) -> str:
    """The last word of the noun phrase before a preposition, a conjunction or what the subject is doing."""
    words = [word for word in re.findall(r"[\w'.-]+", phrase.lower()) if word not in ("a", "an", "the")]
    for position, word in enumerate(words):
        doing = word.endswith("ing") and words[position - 1] in _ACTORS
        if position and (word in _CUTS or doing):
            words = words[:position]
            break
    pair = " ".join(words[-2:])
    return pair if pair in _COMPOUNDS else words[-1]


def _subject_of_emoji(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    kind, _, detail = name.partition(": ")
    if detail and kind in ("man", "woman", "person"):
        name = f"bald {kind}" if detail == "bald" else f"{kind} with {detail}"
    elif detail:
        people = [with_article(member) for member in detail.split(", ")]
        joined = listed(people)
        name = {"kiss": f"a kiss between {joined}", "couple with heart": f"{joined} with a heart"}.get(
            kind, f"{kind} of {joined}"
        )
    name = name.replace("\u2019", "'").lower()
    if re.match(r"sun( |$)", name):
        name = f"the {name}"
    # The list leaves out inner articles: "face with monocle".
    name = re.sub(rf"\b({_LINKS}) (?!lotus|bed$)(.+)$", _inner_article, name)
    return with_article(name.replace("in lotus position", "in the lotus position"))


def _inner_article(match: re.Match[str]) -> str:
    return f"{match[1]} {with_article(match[2])}"


def subject_of_emoji(name: str) -> Subject:
    """The CLDR short name of an emoji as a phrase: "face with monocle" is "a face with a monocle"."""
    phrase = _subject_of_emoji(name)
    return Subject(phrase, head_noun(phrase))


def with_feeling(phrase: str, emotion: str, shows: bool) -> str:
    """`phrase` with an adjective for the emotion, which it `shows` (a face) or evokes (a thing).

    "a ghost" that evokes fear is "a frightening ghost", a face that shows it "a frightened face".
    """
    adjective = (SHOWN if shows else EVOKED).get(emotion, emotion)
    article, _, rest = phrase.partition(" ")
    if article in ("a", "an"):
        return with_article(f"{adjective} {rest}")
    return f"{article} {adjective} {rest}" if article in ("the", "two", "three") else f"{adjective} {phrase}"
