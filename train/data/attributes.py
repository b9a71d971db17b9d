"""Scene and object of a picture, as annotated or else read off its caption: what teaches the expert queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from datasets import Dataset

from kcdp.knowledge.dependency import SUBJECT_RELATIONS, Token
from kcdp.knowledge.lexicon import EMOJI_NOUNS, PICTURE_NOUNS
from kcdp.knowledge.phrases import content_heads, place, words
from kcdp.knowledge.triplets import TripletParser
from train.data.cache import cached_json, content_key
from train.data.dataset import PictureDataset
from train.data.records import Coded
from train.data.wording import normalise

#: Raise when the rules change: attributes found by the old ones are then looked for again.
RULES = 2


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


#: Where one can be. All are lemmas.
PLACES = _words(
    "beach sea ocean lake river underwater pond island coast shore waterfall pool bath water",
    "mountain hill valley cliff canyon volcano desert cave forest wood jungle meadow field garden park swamp land ground",
    "landscape nature countryside farm vineyard orchard sky space galaxy universe sunset sunrise dusk dawn evening night",
    "darkness dark storm thunderstorm tornado fog mist aurora weather autumn winter spring summer battle war fight",
    "city town village street road alley bridge highway harbor harbour port station airport skyline square market",
    "castle palace church temple mosque ruin stadium theater theatre museum cinema playground zoo camp fair funfair",
    "room kitchen bedroom bathroom corridor hallway office school classroom hospital prison factory laboratory gym",
    "shop store restaurant cafe bar club disco stage library graveyard cemetery funeral dump landfill sewer",
    "party wedding birthday carnival parade festival concert circus court battlefield spaceship traffic",
)
#: What makes the surroundings of something else, but is a thing where it stands alone.
SURROUNDINGS = PLACES | _words(
    "wave rock tree grass flower snow ice mud slime cloud star sun moon light shadow rain rainbow lightning wind",
    "fire flame smoke explosion lava firework house home building tower hut barn toilet floor window wall",
    "grave garbage trash rubbish carousel track crowd",
)
#: What leads to the place where a thing is; "with" leads to what a thing has.
_LOCATIVE = _words(
    "in on at under below beneath above over before behind between among amid beside near by across through along",
    "around inside outside into after against onto upon within to from off toward towards",
)
#: "a lamp sticker" is about a lamp.
_KINDS = PICTURE_NOUNS | EMOJI_NOUNS | _words("symbol")


class Attributes(NamedTuple):
    """Where a picture is and what it shows, in normal spelling; None where the caption does not say."""

    scene: str | None
    object: str | None


def _name(noun: Token) -> str | None:
    """The noun in the singular with its compound parts, less those that say what kind of picture it is."""
    parts = [part for part in noun.having("compound", "flat") if part.index < noun.index and part.lemma not in _KINDS]
    before = words(parts)
    if noun.lemma in _KINDS:
        return normalise(before) or None
    return normalise(f"{before} {noun.lemma}")


def _subject(tokens: Sequence[Token]) -> Token | None:
    """The noun that a caption is about: the subject of its sentence, or the phrase itself.

    A parser at a loss ("an amazed monkey sticker" as a clause) leaves the first noun that nothing leads to.
    """
    for root in (token for token in tokens if token.head is None):
        noun = next(iter(root.having(*SUBJECT_RELATIONS)), root)
        if noun.is_noun:
            return content_heads(noun)[0]
    return next((token for token in tokens if token.is_noun and not token.has("case")), None)


def _scene(tokens: Sequence[Token], subject: Token | None) -> str | None:
    """The first surrounding that a preposition leads to or a verb has for its object, else a subject that is a place."""
    for token in tokens:
        led = any(case.lemma in _LOCATIVE for case in token.having("case"))
        if token is not subject and (led or token.relation == "obj"):
            _, inner = place(token)
            if inner.lemma in SURROUNDINGS:
                return inner.lemma
    return subject.lemma if subject is not None and subject.lemma in PLACES else None


def attributes(captions: Sequence[str], parser: TripletParser) -> list[Attributes]:
    """Scene and object of every caption, parsed in batches.

    The object is the head noun of what the caption is about, with its compound parts ("race car"). The scene is what a
    preposition leads to or a verb has for its object, if that is one of `SURROUNDINGS`, else the object itself if that is
    one of `PLACES`: a tent between trees is at a "tree", a beach is at a "beach", a tree is nowhere.
    """
    found = []
    for sentences in parser.trees(captions):
        tokens = [token for sentence in sentences for token in sentence]
        subject = _subject(tokens)
        found.append(Attributes(_scene(tokens, subject), None if subject is None else _name(subject)))
    return found


def dataset_attributes(dataset: PictureDataset, parser: TripletParser) -> list[Attributes]:
    """Scene and object of every picture of a dataset: what people have annotated, the first object of several.

    Pictures without annotations have those of their plainest caption, read once and cached by the captions. Pictures that
    carry the same share one `Attributes`.
    """
    scenes = Coded.of(dataset.records, "scene")
    things = _coded(dataset.records, "objects", lambda names: names[0] if names else None)
    annotated = (scenes.codes >= 0) | (things.codes >= 0)
    captions = _coded(dataset.records.select(np.flatnonzero(~annotated)), "caption", str)
    read: list[Attributes] = []
    if len(captions):
        unique = list(captions.names)
        key = content_key("attributes", RULES, parser.version, unique)
        found = cached_json(dataset.cache_dir, key, len(unique), lambda rows: attributes(unique[rows], parser))
        read = [Attributes(*one) for one in found]
    told = {
        pair: Attributes(*(None if name is None else normalise(name) for name in pair))
        for pair in set(zip(scenes, things, strict=True))
    }
    untold = iter(captions.codes.tolist())
    return [
        told[pair] if known else read[next(untold)]
        for known, pair in zip(annotated.tolist(), zip(scenes, things, strict=True), strict=True)
    ]


def _coded(records: Dataset, name: str, text: Callable[[Any], str | None]) -> Coded:
    """What `text` makes of a column of `records`, which is read piece by piece."""
    index: dict[str, int] = {}
    pieces = records.select_columns(name).with_format("arrow").iter(10_000) if len(records) else ()
    texts = (text(value) for piece in pieces for value in piece[name].to_pylist())
    codes = [-1 if one is None else index.setdefault(one, len(index)) for one in texts]
    return Coded(tuple(index), np.array(codes, dtype=np.int32))


@dataclass(frozen=True)
class AttributeTable:
    """The attributes of one kind that pictures carry: `names` in alphabetical order, `indices` (N,) int64, -1 for none."""

    names: tuple[str, ...]
    indices: torch.Tensor

    @classmethod
    def count(cls, found: Sequence[str | None], min_count: int = 1) -> AttributeTable:
        """The table of pictures that carry what was `found`.

        A name that fewer than `min_count` pictures carry gives way to its last word ("beige egg" to "egg"), and where that
        is as rare, the picture has none.
        """
        counts = Counter(found)
        heads = [name if name is None or counts[name] >= min_count else name.split()[-1] for name in found]
        counts = Counter(heads)
        names = tuple(sorted(name for name, count in counts.items() if name is not None and count >= min_count))
        return cls(names, cls._indices(names, found))

    @staticmethod
    def _indices(names: tuple[str, ...], found: Sequence[str | None]) -> torch.Tensor:
        known = {name: index for index, name in enumerate(names)}
        heads = ((name, name.split()[-1]) if name else ("", "") for name in found)
        return torch.tensor([known.get(name, known.get(head, -1)) for name, head in heads], dtype=torch.long)

    def of(self, found: Sequence[str | None]) -> torch.Tensor:
        """Which of the names other pictures carry, (N,) int64, -1 for none of them."""
        return self._indices(self.names, found)
