"""How far a bundle can be trusted, in plain words made of its figures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from kcdp.figures import CLEAR, PartFigures
from kcdp.results import VerdictOutput
from kcdp.ui.languages import ENGLISH, Tell

#: Test parts by their names in the recipes, and how a visitor would call such pictures.
_KINDS = {
    "emoji": "emoji of a new kind",
    "kinds": "characters",
    "new-kinds": "characters of a new kind",
    "cartoons": "cartoon faces",
    "new-cartoons": "cartoon faces of a new kind",
    "photos": "photos",
    "drawn": "drawn stickers",
    "things": "drawn things",
}


#: What is less often right by more than this is said to be.
_LESS = 0.1


def in_ten(share: float, tell: Tell) -> str:
    """A share in [0, 1] as a person says it, "6 of 10"; ten of ten is what never failed."""
    return tell("{number} of 10", number=10 if share == 1 else min(9, round(10 * share)))


def trust_sentence(figures: Mapping[str, PartFigures], verdict: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """How often a verdict that is as sure as this one is right, over all test pictures that the weights have not seen.

    Then on which kinds of pictures, seen or not, that is less by more than `_LESS`.
    """
    if verdict.emotion is None:
        return ""
    clear = verdict.probabilities[verdict.emotion] >= CLEAR
    counts = {part: _such_answers(values, clear) for part, values in figures.items()}
    total, right = (sum(counts[part][turn] for part, values in figures.items() if not values.seen) for turn in (0, 1))
    if not total:
        return ""
    share = right / total
    harder = [part for part, (count, correct) in counts.items() if count and correct / count < share - _LESS]
    return tell.sentences(
        tell(
            "When it was tested on pictures it had never seen, answers as clear as this one were right in {share}."
            if clear
            else "When it was tested on pictures it had never seen, answers that were given, but not clear, like this one, were right in {share}.",
            share=in_ten(share, tell),
        ),
        tell("Less often on {kinds}.", kinds=tell.join([tell.name(_KINDS.get(part, part)) for part in harder]))
        if harder
        else "",
    )


def _such_answers(part: PartFigures, clear: bool) -> tuple[int, int]:
    """How many answers were clear, or were given without being so, and how many of those were right."""
    clear_ones = (part.clear, part.clear * (part.right_when_clear or 0))
    told_ones = (part.told, part.told * (part.right_when_told or 0))
    count, right = clear_ones if clear else (told_ones[0] - clear_ones[0], told_ones[1] - clear_ones[1])
    return round(part.pictures * count), round(part.pictures * right)


def photo_sentence(figures: Mapping[str, PartFigures], tell: Tell = ENGLISH) -> str:
    """Of a picture that looks like a photo: that the bundle is weaker there; empty where its figures do not say so."""
    photos = figures.get("photos")
    others = [part for name, part in figures.items() if name != "photos"]
    pictures = sum(part.pictures for part in others)
    if photos is None or not pictures:
        return ""
    if photos.accuracy >= sum(part.pictures * part.accuracy for part in others) / pictures:
        return ""
    return tell(
        "This looks like a photo. On photos it is right in {share}, less often than on drawings.",
        share=in_ten(photos.accuracy, tell),
    )


def trust_list(figures: Mapping[str, PartFigures], tell: Tell = ENGLISH) -> str:
    """A list of the test parts: how often it is right on each, and how often it says nothing."""
    if not figures:
        return f"<p>{escape(tell('This bundle says nothing about how often it is right.'))}</p>"
    items = []
    for part, values in figures.items():
        kind = tell.name(_KINDS.get(part, part))
        text = tell(
            "On {kind} it is right in {share} ({pictures} pictures); it names an emotion in {told}.",
            kind=kind,
            share=in_ten(values.accuracy, tell),
            pictures=values.pictures,
            told=in_ten(values.told, tell),
        )
        if values.seen:
            text = tell.sentences(text, tell("It has learned from these pictures, so that says little."))
        items.append(f"<li>{escape(text)}</li>")
    return f'<ul class="kc-list">{"".join(items)}</ul>'
