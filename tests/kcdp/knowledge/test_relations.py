"""What captions say beside what they deny: quotations, owners, shared verbs, passives, comparisons, parts, kinds of picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from kcdp.knowledge.triplets import TripletParser

PARSER = Path(__file__).resolve().parents[3] / "assets" / "mini" / "parser"


@pytest.fixture(scope="module")
def parser() -> TripletParser:
    return TripletParser.from_pretrained(PARSER)


#: Captions with triplets that must be among those found, one kind of relation a block.
FOUND: dict[str, dict[str, list[str]]] = {
    "quotations": {
        "a cat says 'hello'": ["cat says hello"],
        "a sign that says 'no entry' in red letters": ["sign says no entry"],
        "a t-shirt with the word 'love' on it": ["t-shirt with word love"],
        'a dog named "Max" is barking': ["dog named max"],
        "a child asks 'are you happy?' while sitting on a chair": ["child asks are you happy"],
        '"go away", shouts the girl': ["girl shouts go away"],
    },
    "possessives": {
        "the girl's cat is sleeping": ["girl has cat", "cat is sleeping"],
        "the boys' ball is red": ["boys has ball", "ball is red"],
        "a dog licking its owner's hand": ["dog licking hand", "owner has hand"],
    },
    "shared verbs and subjects": {
        "a boy and a girl eating an apple": ["boy eating apple", "girl eating apple"],
        "the cat and the dog are sleeping": ["cat is sleeping", "dog is sleeping"],
        "a man singing and playing the piano": ["man is singing", "man playing piano"],
        "a girl sings and her brother plays the drum": ["girl is singing", "brother plays drum"],
    },
    "passives": {
        "the bread was eaten by a bird": ["bird eaten bread"],
        "a castle surrounded by water": ["water surrounded castle"],
        "a boy is being chased by two geese": ["geese chased boy"],
    },
    "relative clauses": {
        "a man who wears a hat sits on a bench": ["man wears hat", "man sits on bench"],
        "a toy that the baby loves": ["baby loves toy"],
        "a dog which is barking at a cat": ["dog barking at cat"],
    },
    "comparisons": {
        "a man roaring like a lion": ["man roaring like lion"],
        "a cat as big as a house": ["cat is big", "cat is big as house"],
        "the mouse is bigger than the cat": ["mouse is bigger", "mouse is bigger than cat"],
    },
    "numbers": {
        "three dogs chasing two cats": ["dogs chasing cats"],
        "two of the dogs are barking": ["dogs is barking"],
        "one of the girls is dancing": ["girls is dancing"],
    },
    "what has parts": {
        "a face with closed eyes and a frown": ["face with eyes", "face with frown", "eyes is closed"],
        "a head with slanted brows and bared teeth": ["head with brows", "head with teeth", "teeth is bared"],
        "a yellow face with eyes squeezed shut": ["face with eyes", "eyes squeezed shut"],
        "a round face with eyes curved upward and a small mouth": ["face with mouth", "eyes is curved"],
    },
    "late verbs": {
        "a man who wears a hat sits on a bench": ["man wears hat", "man sits on bench"],
        "a dog that stole a sausage runs away": ["dog stole sausage", "dog is running away"],
        "a penguin with a scarf slides down a hill": ["penguin with scarf", "penguin slides down hill"],
        "a man in a coat and a hat is reading a newspaper": ["man in hat", "man reading newspaper"],
    },
    "hyphens": {
        "a half-eaten apple": ["apple is half-eaten"],
        "a five-year-old girl with a balloon": ["girl is five-year-old", "girl with balloon"],
        "a well-dressed man in a t-shirt": ["man is well-dressed", "man in t-shirt"],
    },
}


@pytest.mark.parametrize(
    ("caption", "triplets"),
    [case for cases in FOUND.values() for case in cases.items()],
    ids=lambda case: str(case)[:40],
)
def test_relations(parser: TripletParser, caption: str, triplets: list[str]) -> None:
    assert set(triplets) <= {str(triplet) for triplet in parser(caption)}


@pytest.mark.parametrize(
    ("caption", "triplets"),
    [
        ("a flat emoji", []),
        ("a flat emoji of a face with tears", ["face with tears"]),
        ("a 3d emoji of a crying cat", ["cat is crying"]),
        ("a blurry photo of a spider on a web", ["spider on web"]),
        ("a photo in black and white", []),
        ("a crying cat emoji", ["cat is crying"]),
        ("a cartoon bear that is happy", ["bear is happy"]),
        ("an emoji crying", ["emoji is crying"]),
        ("a sticker of a bear hugging a heart", ["bear hugging heart"]),
        ("a drawing of an angry bird on a plain background", ["bird is angry"]),
        ("an ink drawing of a person with a smile", ["person with smile"]),
        ("a hand-drawn face", []),
        ("a flat tire on a car", ["tire is flat", "tire on car"]),
    ],
)
def test_the_kind_of_picture_is_no_knowledge(parser: TripletParser, caption: str, triplets: list[str]) -> None:
    assert [str(triplet) for triplet in parser(caption)] == triplets
