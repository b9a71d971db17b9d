"""The cards that every tab shows: a status, an error, and what is read from a painted picture."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import gradio as gr
from PIL import Image

from kcdp import plots
from kcdp.emotions import MIKELS_8
from kcdp.files import is_disk_full
from kcdp.results import VerdictOutput
from kcdp.ui import sentences
from kcdp.ui.languages import ENGLISH, Tell, on_open
from kcdp.ui.painted import PaintedPicture, png


def status_card(title: str, sentence: str, busy: bool = False, share: float | None = None) -> str:
    """The emotions' glyphs over a title and a sentence, animated when `busy`; `share` in [0, 1] is drawn as a progress bar."""
    shapes = "".join(
        f'<span style="{plots.tint(label)};--turn:{turn}">{plots.glyph(label)}</span>'
        for turn, label in enumerate(MIKELS_8.labels)
    )
    bar = ""
    if share is not None:
        bar = (
            f'<span class="kc-track kc-done" role="progressbar" aria-label="{escape(title)}" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share * 100:.0f}">'
            f'<i style="width:{share:.1%}"></i></span>'
        )
    return (
        f'<section class="kc-card kc-wait {"kc-busy" if busy else ""}" role="status"><div class="kc-shapes">{shapes}</div>'
        f"<h2>{escape(title)}</h2><p>{escape(sentence)}</p>{bar}</section>"
    )


def loading_card(tell: Tell) -> str:
    """Shown while the models load."""
    return status_card(
        tell("Starting the models"), tell("This happens once and takes a moment; then it goes on by itself."), busy=True
    )


def error_card(sentence: str) -> str:
    """An error, as the sentence that the user reads."""
    return f'<section class="kc-card kc-sorry" role="alert"><p>{escape(sentence)}</p></section>'


#: Of a disk that is full.
NO_ROOM = "There is no room left on the disk of the machine that runs this app; tell whoever runs it."


def fault_card(tell: Tell, error: Exception) -> str:
    """An error that is no fault of the user's."""
    if is_disk_full(error):
        return error_card(tell(NO_ROOM))
    return error_card(tell("That did not work, through a fault of this program; its log says more."))


def help_note(text: str, tell: Tell) -> str:
    """A question mark that opens what the papers' words on a card mean."""
    return (
        f'<details class="kc-help"><summary aria-label="{escape(tell("What does this mean?"))}">?</summary>'
        f"<p>{escape(tell(text))}</p></details>"
    )


def emotion_bars(probabilities: Mapping[str, float], before: Mapping[str, float] | None, tell: Tell) -> str:
    """How probable each emotion is, beside `before` where that is given, and a line that says what the bars are not."""
    line = tell("How sure it is, not how strong the feeling is.")
    bars = plots.probability_bars(probabilities, before, tell("Probability of every emotion"), tell.name)
    return f'<p class="kc-say">{escape(line)}</p>{bars}'


def first_card(component: gr.HTML, card: Callable[[Tell], str]) -> None:
    """Show `card` in a component when the page opens, in the visitor's language."""
    component.value = card(ENGLISH)
    on_open(component, card)


def painted_card(painted: PaintedPicture, tell: Tell = ENGLISH, link: str = "", one_of_several: bool = False) -> str:
    """What both models read from a painted picture, beside what was asked for and what they read before an edit."""
    which = ""
    if one_of_several:
        words = tell("This is about the framed picture; click another one to see what is read in it.")
        which = f'<p class="kc-note">{escape(words)}</p>'
    legend = ""
    if painted.before is not None:
        now, before = escape(tell("now")), escape(tell("before"))
        legend = f'<p class="kc-legend"><span><i class="kc-solid"></i>{now}</span><span><b></b>{before}</span></p>'
    notes = ""
    if not painted.is_original:
        words = sentences.prompt_notes(painted.settings.get("settings", {}), tell)
        own = tell(
            "Read by the two models of Understand, of which one has painted it: people may feel otherwise."
            if painted.reading.kcdp is not None
            else "The model that painted it says so of its own work: people may feel otherwise."
        )
        notes = "".join(f'<p class="kc-why">{escape(note)}</p>' for note in (words, own) if note)
    bars = emotion_bars(painted.probabilities, painted.before, tell)
    help_text = help_note(_EMO_S if painted.before is not None else _GUIDANCE, tell)
    anchor = f'<p><a href="{escape(link)}">{escape(tell("Link to these settings"))}</a></p>' if link else ""
    return (
        f'<section class="kc-card kc-verdict" style="{plots.tint(painted.emotion or "neutral")}" aria-live="polite">'
        f'{help_text}{which}<p class="kc-lead">{escape(sentences.painted_lead(painted, tell))}</p>'
        f"<strong>{verdict_title(painted.reading, tell)}</strong><p>{escape(sentences.painted_sentence(painted, tell))}</p>"
        f"{legend}{bars}{notes}{anchor}</section>"
    )


_EMO_S = (
    "Emo-S is the shift of a feeling: how much more probable the wanted emotion is after the change than before, from -1 to 1. "
    "Strength is how much of the picture may be painted anew."
)
_GUIDANCE = (
    "Guidance is how strictly the painter follows the words: more of it is clearer and less varied. The seed is the noise that "
    "a picture begins as; the same seed and settings give the same picture."
)


def verdict_title(reading: VerdictOutput, tell: Tell) -> str:
    """The emotion with its shape; without one only that it cannot be told, as a dash behind it would look cut off."""
    shape = "" if reading.emotion is None else plots.glyph(reading.emotion)
    return escape(sentences.verdict_name(reading, tell)) + shape


def live_card(
    image: Image.Image, reading: VerdictOutput | None, withheld: bool, options: Mapping[str, Any], tell: Tell
) -> str:
    """A picture that follows its settings; once it rests also what is read from it, and where it is withheld why."""
    emotion = options["emotion"]
    weights = {emotion: 1.0} if isinstance(emotion, str) else emotion
    total = sum(weights.values()) or 1.0
    asked = {label: weight / total for label, weight in weights.items()}
    wish = sentences.blend_name(asked, tell)
    text = tell("{emotion}; seed {seed}", emotion=wish, seed=options["seed"])
    if reading is not None:
        text = sentences.live_sentence(asked, reading, tell)
    if withheld:
        text = sentences.withheld(tell)
    source = base64.b64encode(png(image)).decode()
    return (
        f'<figure class="kc-card kc-live" data-rested="{"yes" if reading else "no"}"><img src="data:image/png;base64,{source}" '
        f'alt="{escape(wish)}"><figcaption>{escape(text)}</figcaption></figure>'
    )
