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


def in_ten(share: float, tell: Tell) -> str:
    """A share in [0, 1] as a person says it, "6 of 10"; ten of ten is what never failed."""
    return tell("{number} of 10", number=10 if share == 1 else min(9, round(10 * share)))


def trust_sentence(figures: Mapping[str, PartFigures], verdict: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """How often a verdict that is as sure as this one is right, over all test pictures that the weights have not seen."""
    unseen = [part for part in figures.values() if not part.seen]
    if verdict.emotion is None:
        return ""
    if verdict.probabilities[verdict.emotion] >= CLEAR:
        counts = [(part.pictures * part.clear, part.right_when_clear) for part in unseen]
    else:
        counts = [(part.pictures * part.told, part.right_when_told) for part in unseen]
    known = [(count, right) for count, right in counts if right is not None and count]
    total = sum(count for count, _ in known)
    if not total:
        return ""
    share = sum(count * right for count, right in known) / total
    return tell(
        "When it was tested on pictures it had never seen, an answer like this was right in {share}; on photos less often."
        if "photos" in figures and figures["photos"].accuracy < share
        else "When it was tested on pictures it had never seen, an answer like this was right in {share}.",
        share=in_ten(share, tell),
    )


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
