"""Names as plain English: phrases with articles, their head nouns, and adjectives for emotions."""

from __future__ import annotations

import re
from dataclasses import dataclass

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

#: Names of the Unicode list that are no phrase, or whose head noun is not the last word before a preposition.
_NAMES: dict[str, str] = {
    "star-struck": "a star-struck face",
    "rolling on the floor laughing": "a face rolling on the floor laughing",
    "ZZZ": "three sleepy letters Z",
    "dizzy": "a dizzy star",
    "collision": "a collision with a bang",
    "dashing away": "a puff of air",
    "foggy": "a foggy city",
    "locked": "a closed lock",
    "unlocked": "an open lock",
    "locked with key": "a closed lock with a key",
    "locked with pen": "a closed lock with a pen",
    "horse racing": "a horse racing with a jockey",
    "breast-feeding": "a person breast-feeding a baby",
    "performing arts": "theatre masks",
    "camping": "a tent in a forest",
    "cooking": "a frying pan with an egg",
    "construction": "a construction barrier",
    "building construction": "a building under construction",
    "radioactive": "a radioactive symbol",
    "biohazard": "a biohazard symbol",
    "warning": "a warning sign",
    "high voltage": "a lightning bolt",
    "selfie": "a hand taking a selfie",
    "thumbs up": "a thumb pointing up",
    "thumbs down": "a thumb pointing down",
    "call me hand": "a hand with a call me gesture",
    "milky way": "the milky way",
    "mount fuji": "mount fuji",
    "Statue of Liberty": "the statue of liberty",
    "Tokyo tower": "the tokyo tower",
    "kaaba": "the kaaba",
    "Santa Claus": "santa claus",
    "Mrs. Claus": "mrs. claus",
    "Mx Claus": "a person dressed as santa claus",
    "hamsa": "a hamsa hand",
    "dvd": "a dvd disc",
    "wood": "logs of wood",
    "brick": "bricks",
    "seat": "an airplane seat",
    "label": "a label tag",
    "link": "a chain link",
    "splatter": "a splatter of paint",
    "mate": "a mate drink in a gourd",
    "love hotel": "a love hotel",
    "wedding": "a wedding chapel with a heart",
    "night with stars": "a city at night with stars",
    "sunrise": "a sunrise over the sea",
    "sunset": "a sunset over buildings",
    "hourglass done": "an hourglass",
    "hourglass not done": "an hourglass with flowing sand",
    "snowman without snow": "a snowman",
    "sad but relieved face": "a sad but relieved face",
    "pile of poo": "a smiling poo",
    "nut and bolt": "a nut and a bolt",
    "bow and arrow": "a bow and an arrow",
    "skull and crossbones": "a skull and crossbones",
    "fork and knife": "a fork and a knife",
    "fork and knife with plate": "a fork and a knife with a plate",
    "hammer and pick": "a hammer and a pick",
    "hammer and wrench": "a hammer and a wrench",
    "couch and lamp": "a couch and a lamp",
    "woman and man holding hands": "a woman and a man holding hands",
    "person in suit levitating": "a person in a suit levitating",
    "x-ray": "an x-ray picture",
    "e-mail": "an e-mail envelope",
    "chart increasing": "an increasing chart",
    "chart decreasing": "a decreasing chart",
    "chart increasing with yen": "an increasing chart with a yen symbol",
    "magnifying glass tilted left": "a magnifying glass",
    "magnifying glass tilted right": "a magnifying glass",
    "page facing up": "a page of text",
    "palms up together": "palms held up together",
    "palm up hand": "a hand with the palm up",
    "palm down hand": "a hand with the palm down",
    "umbrella on ground": "an umbrella on the ground",
    "money with wings": "money with wings",
    "face with steam from nose": "a face with steam from the nose",
    "face with symbols on mouth": "a face with symbols on the mouth",
    "face with open eyes and hand over mouth": "a face with open eyes and a hand over the mouth",
    "face with hand over mouth": "a face with a hand over the mouth",
    "hand with index finger and thumb crossed": "a hand with crossed index finger and thumb",
    "leaf fluttering in wind": "a leaf fluttering in the wind",
    "speaker high volume": "a speaker at high volume",
    "speaker medium volume": "a speaker at medium volume",
    "speaker low volume": "a speaker at low volume",
    "backhand index pointing up": "a hand pointing up",
    "backhand index pointing down": "a hand pointing down",
    "backhand index pointing left": "a hand pointing left",
    "backhand index pointing right": "a hand pointing right",
    "index pointing up": "a hand pointing up",
    "index pointing at the viewer": "a hand pointing at the viewer",
    "dna": "a dna strand",
    "person mountain biking": "a person riding a mountain bike",
    "raised back of hand": "a raised hand seen from the back",
    "ping pong": "a ping pong paddle with a ball",
    "kiss": "a couple kissing",
    "couple with heart": "a couple with a heart",
    "family": "a family",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MASS = _words(
    "air bacon badminton bark baseball basketball blood bowling bread broccoli butter cardboard clothes coral corn "
    "cotton custard debris destruction dirt fear fire flatbread fog fondue food garlic grass hair handball hockey ice "
    "joy lacrosse lava lightning luggage meat milk money oden paper polish polo pollution popcorn rain rice root sake "
    "salt shrimp silhouette snow soap spaghetti sushi sweat tennis thread timber traffic weights wind yarn"
)
_SINGULAR_S = _words(
    "abacus brontosaurus bus cactus chess claus compass dress glass hibiscus hippopotamus hourglass ibis lotus minibus "
    "nautilus octopus platypus princess rhinoceros stegosaurus trolleybus"
)
_PLURALS = _words("people men women children teeth")
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
    if head in _MASS or head in _PLURALS or (head.endswith("s") and head not in _SINGULAR_S):
        return phrase
    sounds_like_consonant = re.match(r"(uni|eu|ew|u[st]e|one)", phrase)
    return f"{'an' if phrase[0] in 'aeiou8' and not sounds_like_consonant else 'a'} {phrase}"


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
        joined = " and ".join([", ".join(people[:-1]), people[-1]])
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
