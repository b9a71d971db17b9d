import pytest

from train.data.wording import (
    head_noun,
    subject_of_emoji,
    with_article,
    with_feeling,
)


@pytest.mark.parametrize(
    ("name", "phrase", "noun"),
    [
        ("loudly crying face", "a loudly crying face", "face"),
        ("face with monocle", "a face with a monocle", "face"),
        ("face with tears of joy", "a face with tears of joy", "face"),
        ("angry face", "an angry face", "face"),
        ("unicorn", "a unicorn", "unicorn"),
        ("umbrella", "an umbrella", "umbrella"),
        ("hourglass done", "an hourglass", "hourglass"),
        ("salt", "salt", "salt"),
        ("scissors", "scissors", "scissors"),
        ("cactus", "a cactus", "cactus"),
        ("people holding hands", "people holding hands", "people"),
        ("person taking bath", "a person taking a bath", "person"),
        ("person in bed", "a person in bed", "person"),
        ("man in lotus position", "a man in the lotus position", "man"),
        ("woman: red hair", "a woman with red hair", "woman"),
        ("man: bald", "a bald man", "man"),
        ("family: adult, child", "a family of an adult and a child", "family"),
        ("kiss: woman, man", "a kiss between a woman and a man", "kiss"),
        ("couple with heart: man, man", "a man and a man with a heart", "man"),
        ("sun behind cloud", "the sun behind a cloud", "sun"),
        ("man\u2019s shoe", "a man's shoe", "shoe"),
        ("glass of milk", "a glass of milk", "glass"),
        ("ice cream", "an ice cream", "ice cream"),
    ],
)
def test_names_of_emoji_become_phrases(name, phrase, noun):
    subject = subject_of_emoji(name)
    assert (subject.phrase, subject.noun) == (phrase, noun)


def test_faces_show_a_feeling_and_things_evoke_it():
    assert with_feeling("a ghost", "fear", shows=False) == "a frightening ghost"
    assert with_feeling("a ghost", "fear", shows=True) == "a frightened ghost"
    assert with_feeling("an egg", "awe", shows=False) == "an awe-inspiring egg"
    assert with_feeling("two hearts", "contentment", shows=False) == "two peaceful hearts"
    assert with_feeling("fireworks", "excitement", shows=False) == "exciting fireworks"
    assert with_feeling("a dog", "joy", shows=True) == "a joy dog"


@pytest.mark.parametrize(
    ("phrase", "noun"),
    [
        ("a person running away", "person"),
        ("two siblings", "siblings"),
        ("a cougar's face", "face"),
        ("the statue of liberty", "statue"),
    ],
)
def test_head_noun_of_other_phrases(phrase, noun):
    assert head_noun(phrase) == noun


def test_an_article_is_never_given_twice():
    assert with_article("the sun") == "the sun"
    assert with_article("an eye") == "an eye"
