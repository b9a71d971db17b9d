"""What a caption denies is denied by its triplets, as far as the negation reaches and no further."""

from __future__ import annotations

from pathlib import Path

import pytest

from kcdp.knowledge.triplets import TripletParser

PARSER = Path(__file__).resolve().parents[3] / "assets" / "mini" / "parser"


@pytest.fixture(scope="module")
def parser() -> TripletParser:
    return TripletParser.from_pretrained(PARSER)


#: Kind of negation -> caption -> what it says.
DENIED: dict[str, dict[str, list[str]]] = {
    "a determiner before what a preposition leads to": {
        "a room with no windows": ["room with no windows"],
        "an owl with no feathers and a hat": ["owl with no feathers", "owl with hat"],
        "a bowl with no fish in it": ["bowl with no fish"],
        "a girl with no shoes or socks": ["girl with no shoes", "girl with no socks"],
    },
    "a determiner before the thing that the caption is about": {
        "no people on the street": ["people not on street"],
        "no birds in the cage": ["birds not in cage"],
        "not a single tree in the desert": ["tree not in desert"],
        "no man is an island": ["man is not island"],
    },
    "existence": {
        "there is no dog in the park": ["dog not in park"],
        "there are no stars above the village": ["stars not above village"],
        "there aren't any clouds in the sky": ["clouds not in sky"],
        "there is a dog in the park": ["dog in park"],
    },
    "neither and nor": {
        "a woman who is neither happy nor sad": ["woman is not happy", "woman is not sad"],
        "a boy neither crying nor laughing": ["boy is not crying", "boy is not laughing"],
        "neither the cat nor the dog is hungry": ["cat is not hungry", "dog is not hungry"],
        "a girl neither sings nor plays the piano": ["girl is not singing", "girl not plays piano"],
        "a boy neither runs nor walks to school": ["boy is not running", "boy not walks to school"],
        "the cat neither eats the fish nor drinks the milk": ["cat not eats fish", "cat not drinks milk"],
        "a soup with neither carrots nor onions": ["soup with no carrots", "soup with no onions"],
        "none of the children is smiling": ["children is not smiling"],
    },
    "almost": {
        "a man almost touches a bear": ["man almost touches bear"],
        "a boy nearly falls into a lake": ["boy nearly falls into lake"],
    },
    "no longer": {
        "a man no longer smiling": ["man is no longer smiling"],
        "a woman no longer waiting for the train": ["woman no longer waiting for train"],
        "a pirate no longer drinking rum": ["pirate no longer drinking rum"],
        "a bear barely touching honey": ["bear barely touching honey"],
        "a lion no longer in its cage": ["lion no longer in cage"],
    },
    "instead of": {
        "a girl is crying instead of laughing": ["girl is crying", "girl is not laughing"],
        "a man eating rather than working": ["man is eating", "man is not working"],
        "a boy with a stick instead of a sword": ["boy with stick", "stick instead of sword"],
        "a man leaving without paying": ["man is leaving", "man is not paying"],
    },
    "without": {
        "a street without people": ["street without people"],
        "a knight without fear or doubt": ["knight without fear", "knight without doubt"],
        "a man without a hat on his head": ["man without hat"],
        "a cat without a red collar": ["cat without collar"],
    },
    "not one but another": {
        "a boy is not happy but sad": ["boy is not happy", "boy is sad"],
        "a girl who is not sad, but angry": ["girl is not sad", "girl is angry"],
        "not a cat but a tiger behind the door": ["tiger behind door"],
        "a woman not dancing but sitting on a chair": ["woman is not dancing", "woman sitting on chair"],
    },
    "adverbs": {
        "a man who hardly moves": ["man is hardly moving"],
        "a girl barely holding an umbrella": ["girl barely holding umbrella"],
        "a boy who never sleeps": ["boy is never sleeping"],
    },
    "pronouns": {
        "nobody is happy": ["nobody is happy"],
        "nobody in the room": ["nobody in room"],
        "no one sits at the table": ["no one sits at table"],
        "a door that nobody opens": ["nobody opens door"],
    },
    "verbs": {
        "the soup isn't hot": ["soup is not hot"],
        "a cat that isn't hungry or thirsty": ["cat is not hungry", "cat is not thirsty"],
        "a man who can't swim": ["man can not swim"],
        "a child unable to sleep": ["child is unable to sleep"],
        "a child refusing to leave": ["child is refusing to leave"],
        "a man trying to escape": ["man is trying to escape"],
        "a woman not wearing a red coat": ["woman not wearing coat"],
        "a woman not wearing her red coat": ["woman not wearing coat", "coat is red"],
    },
    "verbs that end a deed, or say that it is none": {
        "a horse stops chasing the dog": ["horse stops chasing dog"],
        "a man avoids touching the snake": ["man avoids touching snake"],
        "a cat prevented from catching a mouse": ["cat prevented from catching mouse"],
        "a boy keeps from laughing": ["boy keeps from laughing"],
        "a boy pretending to read a book": ["boy pretending to read book"],
        "a girl gives up climbing the tree": ["girl gives up climbing tree"],
        "a horse stops to drink water": ["horse stops to drink water"],
        "a man stopping the car": ["man stopping car"],
        "a man is about to hit the dog": ["man is about to hit dog"],
        "a woman about to kiss a frog": ["woman is about to kiss frog"],
        "two boys about to eat the cake": ["boys is about to eat cake"],
        "a man just about to jump": ["man is about to jump"],
        "a book about dragons": ["book about dragons"],
        "a dog and a cat avoid looking at the owl": ["dog avoid looking at owl", "cat avoid looking at owl"],
        "a man holds a rose but forgets to smile": ["man holds rose", "man forgets to smile"],
        "a girl sings and forgets to dance": ["girl is singing", "girl forgets to dance"],
        "a child declines to answer": ["child declines to answer"],
        "a teacher wishes to sing": ["teacher wishes to sing"],
        "a girl dreams of flying": ["girl dreams of flying"],
    },
    "few, little and almost none": {
        "few people watch the game": ["few people watch game"],
        "few of the dogs are barking": ["few dogs is barking"],
        "there are few trees in the desert": ["few trees in desert"],
        "little snow covers the roof": ["little snow covers roof"],
        "a few people watch the game": ["people watch game"],
        "a little dog on a sofa": ["dog is little", "dog on sofa"],
        "hardly any people watch the show": ["people hardly watch show"],
        "almost no people are on the beach": ["people is not on beach"],
        "no one of the children is laughing": ["children is not laughing"],
    },
    "what is not denied": {
        "a shelf with nothing but books": ["shelf with books"],
        "a man wearing nothing but a towel": ["man wearing towel"],
        "a cat that is not only hungry but also angry": ["cat is hungry", "cat is angry"],
        "a man crying as if he had lost a friend": ["man is crying"],
    },
}


@pytest.mark.parametrize(
    ("caption", "triplets"),
    [case for cases in DENIED.values() for case in cases.items()],
    ids=lambda case: str(case)[:40],
)
def test_negation(parser: TripletParser, caption: str, triplets: list[str]) -> None:
    assert [str(triplet) for triplet in parser(caption)] == triplets
