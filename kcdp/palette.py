"""One colour, one glyph and one gloss for every emotion, the same in every chart, in light and in dark.

Colours never stand alone: each comes with its shape and its name, so nothing depends on telling hues apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EmotionStyle:
    """How an emotion looks.

    `light` and `dark` are #rrggbb for the two themes, both at least 4.5:1 against that theme's cards; `glyph` is an
    SVG path in a 24 x 24 box; `gloss` says in a few words what the feeling is.
    """

    light: str
    dark: str
    glyph: str
    gloss: str


_SMILE = "M2 8a10 10 0 0 0 20 0h-4.5a5.5 5.5 0 0 1-11 0z"
_STAR = "M12 1l2.8 8.2L23 12l-8.2 2.8L12 23l-2.8-8.2L1 12l8.2-2.8z"
_DISC = "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z"
_BOLT = "M14 1L4 14h6.5L9 23l11-14h-7z"
_PEAK = "M12 2.5L22.5 21h-21z"
_CROSS = "M5 2l7 7 7-7 3 3-7 7 7 7-3 3-7-7-7 7-3-3 7-7-7-7z"
_RHOMB = "M12 1l10 11-10 11L2 12z"
_DROP = "M12 1.5c4 6 7 9 7 13a7 7 0 0 1-14 0c0-4 3-7 7-13z"
_DASH = "M2 9.5h20v5H2z"

_GOLD = ("#8a6100", "#f2c14e", _SMILE)
_CYAN = ("#0b7285", "#63d2e6", _STAR)
_GREEN = ("#0a7354", "#57d3a4", _DISC)
_ORANGE = ("#b4490a", "#ff9f5f", _BOLT)
_RED = ("#b42332", "#ff8078", _PEAK)
_OLIVE = ("#5a6a12", "#bccb57", _CROSS)
_VIOLET = ("#7a3ea1", "#cb9bef", _RHOMB)
_BLUE = ("#2a56bd", "#8fb0ff", _DROP)
_GREY = ("#5b6472", "#aab3c0", _DASH)

#: Every label of every label space; labels that share a look never share a space.
EMOTION_STYLES: dict[str, EmotionStyle] = {
    "amusement": EmotionStyle(*_GOLD, "a smile, perhaps a laugh"),
    "awe": EmotionStyle(*_CYAN, "small before something great"),
    "contentment": EmotionStyle(*_GREEN, "calm and at ease"),
    "excitement": EmotionStyle(*_ORANGE, "full of energy"),
    "anger": EmotionStyle(*_RED, "wronged and ready to push back"),
    "disgust": EmotionStyle(*_OLIVE, "wanting to turn away"),
    "fear": EmotionStyle(*_VIOLET, "threatened, wanting to flee"),
    "sadness": EmotionStyle(*_BLUE, "heavy with loss"),
    "surprise": EmotionStyle(*_CYAN, "caught off guard"),
    "happy": EmotionStyle(*_GOLD, "glad and light"),
    "joy": EmotionStyle(*_GOLD, "glad and light"),
    "sad": EmotionStyle(*_BLUE, "heavy with loss"),
    "neutral": EmotionStyle(*_GREY, "no feeling stands out"),
    "positive": EmotionStyle(*_GREEN, "a pleasant feeling"),
    "negative": EmotionStyle(*_RED, "an unpleasant feeling"),
}


def emotion_style(label: str) -> EmotionStyle:
    """The look of `label`; a grey dash without a gloss for a label that we have no look for."""
    return EMOTION_STYLES.get(label, EmotionStyle(*_GREY, ""))


def palette_css() -> str:
    """CSS custom properties `--emotion-<label>` for the light theme and, under `.dark`, for the dark one."""
    light = "".join(f"--emotion-{label}:{style.light};" for label, style in EMOTION_STYLES.items())
    dark = "".join(f"--emotion-{label}:{style.dark};" for label, style in EMOTION_STYLES.items())
    return f":root{{{light}}}.dark{{{dark}}}"
