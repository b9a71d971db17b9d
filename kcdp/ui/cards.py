"""The cards that every tab shows: one that waits, one that says sorry, and one that judges a picture that was made."""

from __future__ import annotations

from html import escape

from kcdp import plots
from kcdp.emotions import MIKELS_8
from kcdp.ui import words
from kcdp.ui.pieces import Piece


def waiting(title: str, sentence: str, busy: bool = False, share: float | None = None) -> str:
    """The emotions' shapes over a title and a sentence; they breathe when `busy`.

    `share` in [0, 1] is drawn as a bar of how much of the work is done.
    """
    shapes = "".join(
        f'<span style="{plots.tint(label)};--turn:{turn}">{plots.glyph(label)}</span>'
        for turn, label in enumerate(MIKELS_8.labels)
    )
    bar = ""
    if share is not None:
        bar = (
            f'<span class="kc-track kc-done" role="progressbar" aria-label="{escape(title)}" aria-valuenow="{share:.0%}">'
            f'<i style="width:{share:.1%}"></i></span>'
        )
    return (
        f'<section class="kc-card kc-wait {"kc-busy" if busy else ""}" role="status"><div class="kc-shapes">{shapes}</div>'
        f"<h2>{escape(title)}</h2><p>{escape(sentence)}</p>{bar}</section>"
    )


def starting(next_one: str) -> str:
    """While the models load; `next_one` is whose turn comes then."""
    return waiting("Starting the models", f"This happens once and takes a moment; {next_one} next.", busy=True)


def sorry(sentence: str) -> str:
    """What went wrong, as the sentence that the user reads."""
    return f'<section class="kc-card kc-sorry" role="alert"><p>{escape(sentence)}</p></section>'


def judged(piece: Piece) -> str:
    """What the understanding side says of a picture, against what was asked for and what the picture was before."""
    emotion = piece.reading
    legend = ""
    if piece.before is not None:
        legend = '<p class="kc-legend"><span><i class="kc-solid"></i>now</span><span><b></b>before</span></p>'
    note = '<p class="kc-why">The model that painted it says so of its own work; people may feel otherwise.</p>'
    return (
        f'<section class="kc-card kc-verdict" style="{plots.tint(emotion)}" aria-live="polite">'
        f'<p class="kc-lead">{escape(words.judgement_lead(piece))}</p>'
        f"<strong>{escape(emotion)}{plots.glyph(emotion)}</strong><p>{escape(words.judgement(piece))}</p>"
        f"{legend}{plots.probability_bars(piece.verdict, piece.before)}{'' if piece.original else note}</section>"
    )
