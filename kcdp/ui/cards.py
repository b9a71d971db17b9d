"""The cards that every tab shows: a status, an error, and what is read from a painted picture."""

from __future__ import annotations

from html import escape

from kcdp import plots
from kcdp.emotions import MIKELS_8
from kcdp.ui import sentences
from kcdp.ui.painted import PaintedPicture


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


def loading_card(next_one: str) -> str:
    """Shown while the models load; `next_one` is what comes after that."""
    return status_card("Starting the models", f"This happens once and takes a moment; {next_one} next.", busy=True)


def error_card(sentence: str) -> str:
    """An error, as the sentence that the user reads."""
    return f'<section class="kc-card kc-sorry" role="alert"><p>{escape(sentence)}</p></section>'


def painted_card(painted: PaintedPicture) -> str:
    """What UniEmo reads from a painted picture, beside what was asked for and what it read before an edit."""
    emotion = painted.emotion
    legend = ""
    if painted.before is not None:
        legend = '<p class="kc-legend"><span><i class="kc-solid"></i>now</span><span><b></b>before</span></p>'
    note = '<p class="kc-why">The model that painted it says so of its own work; people may feel otherwise.</p>'
    words = sentences.prompt_notes(painted.settings.get("settings", {}))
    if words:
        note = f'<p class="kc-why">{escape(words)}</p>{note}'
    return (
        f'<section class="kc-card kc-verdict" style="{plots.tint(emotion)}" aria-live="polite">'
        f'<p class="kc-lead">{escape(sentences.painted_lead(painted))}</p>'
        f"<strong>{escape(emotion)}{plots.glyph(emotion)}</strong><p>{escape(sentences.painted_sentence(painted))}</p>"
        f"{legend}{plots.probability_bars(painted.probabilities, painted.before)}{'' if painted.is_original else note}</section>"
    )
