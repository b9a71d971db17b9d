"""Charts of a result as small pieces of HTML and SVG, and attention drawn over the picture.

The charts hold real text, take their colours from the page's CSS variables, and so follow its width and its theme
(`kcdp/ui/style.css` has their look). Every string that comes from a model is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image, ImageOps

from kcdp.imaging import fit_square
from kcdp.palette import emotion_style
from kcdp.results import ExpertWeight

#: Says an English text, with values in its braces, in another language; `str.format` leaves it as it is.
Words = Callable[..., str]
#: Side of an overlay, in pixels: mini pictures are enlarged to it, large ones reduced.
OVERLAY_SIDE = 384


def glyph(label: str) -> str:
    """The emotion's shape as an inline SVG; decorative, as the name always stands beside it."""
    return (
        f'<svg class="kc-glyph" viewBox="0 0 24 24" aria-hidden="true"><path d="{emotion_style(label).glyph}"/></svg>'
    )


def tint(label: str) -> str:
    """CSS declaration that sets `--tint` to the emotion's colour, for a `style` attribute."""
    return f"--tint:var(--emotion-{escape(label)},var(--emotion-neutral))"


def percent(share: float) -> str:
    """A share in [0, 1] as words, never a bare zero for something that is not nothing."""
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def probability_bars(
    probabilities: Mapping[str, float],
    before: Mapping[str, float] | None = None,
    name: str = "Probability of every emotion",
    label_name: Callable[[str], str] = str,
) -> str:
    """One bar per emotion, likeliest first; `probabilities` are in [0, 1], `before` is marked as a tick on each bar.

    `name` is what a screen reader calls the list, `label_name` says what an emotion is called. Raises KeyError when `before`
    lacks a label.
    """

    def tick(label: str) -> str:
        return "" if before is None else f'<b style="left:{before[label]:.2%}"></b>'

    rows = [
        f'<li style="{tint(label)}">{glyph(label)}<span class="kc-name">{escape(label_name(label))}</span>'
        f'<span class="kc-track" aria-hidden="true"><i style="width:{share:.2%}"></i>{tick(label)}</span>'
        f'<span class="kc-value">{escape(percent(share))}</span></li>'
        for label, share in sorted(probabilities.items(), key=lambda item: -item[1])
    ]
    return f'<ul class="kc-bars" aria-label="{escape(name)}">{"".join(rows)}</ul>'


def was_asked(expert: ExpertWeight) -> bool:
    """Whether an expert is among the top-k and its weight is not next to nothing: under a hundredth it decides nothing."""
    return expert.chosen and expert.weight >= 0.01


def router_bars(experts: Sequence[ExpertWeight], words: Words = str.format) -> str:
    """One bar per expert in the router's order; those that `was_asked` are solid."""
    rows = [
        f'<li class="{"kc-chosen" if was_asked(item) else "kc-idle"}"><span class="kc-name">{escape(words("Network {number}", number=item.expert + 1))}</span>'
        f'<span class="kc-track" aria-hidden="true"><i style="width:{item.weight:.2%}"></i></span>'
        f'<span class="kc-value">{escape(percent(item.weight))}</span>'
        f'<span class="kc-badge">{escape(words("decided" if was_asked(item) else "left out"))}</span></li>'
        for item in experts
    ]
    return f'<ul class="kc-bars kc-router" aria-label="{escape(words("Weight of every network"))}">{"".join(rows)}</ul>'


def alignment_bars(
    similarities: Mapping[str, float],
    effects: Mapping[str, float],
    pseudo_label: str,
    words: Words = str.format,
    label_name: Callable[[str], str] = str,
) -> str:
    """For every emotion two bars around a common zero: the cosine similarity (eq. 9) and the prompt's effect (eq. 8).

    Both are in units of cosine and share one scale, so that their lengths compare. Raises KeyError when `effects`
    lacks a label of `similarities`.
    """
    largest = max((abs(value) for value in (*similarities.values(), *effects.values())), default=0.0)
    scale = max(0.1, math.ceil(largest * 10) / 10)

    def bar(value: float, kind: str) -> str:
        start = 50 * (1 + min(value, 0.0) / scale)
        return f'<i class="{kind}" style="left:{start:.2f}%;width:{50 * abs(value) / scale:.2f}%"></i>'

    rows = []
    for label, similarity in similarities.items():
        badge = f'<span class="kc-badge">{escape(words("closest"))}</span>' if label == pseudo_label else ""
        rows.append(
            f'<li style="{tint(label)}">{glyph(label)}<span class="kc-name">{escape(label_name(label))}{badge}</span>'
            f'<span class="kc-axis" aria-hidden="true">{bar(similarity, "kc-solid")}'
            f"{bar(effects[label], 'kc-hollow')}</span>"
            f'<span class="kc-value"><span aria-label="{escape(words("fit of the words"))}">{signed(similarity)}</span>'
            f'<span aria-label="{escape(words("lead over the other feelings (TIE)"))}">{signed(effects[label])}</span></span></li>'
        )
    legend = (
        f'<p class="kc-legend"><span><i class="kc-solid"></i>{escape(words("fit of the words"))}</span>'
        f'<span><i class="kc-hollow"></i>{escape(words("lead over the other feelings (TIE)"))}</span></p>'
    )
    return f'{legend}<ul class="kc-bars kc-pairs" aria-label="{escape(words("Similarity and effect per emotion"))}">{"".join(rows)}</ul>'


def signed(value: float) -> str:
    """A number from -1 to 1 with its sign, two digits and a real minus."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def overlay(picture: Image.Image, heat: np.ndarray) -> Image.Image:
    """`heat` (H, W) in [0, 1] as light over a dimmed grey copy of the picture.

    The heat is of the square that `fit_square` puts the picture in, as that is what the models see; the margins of
    that square are cut off again. Returns an RGB picture whose longer side is `OVERLAY_SIDE`.
    """
    square = fit_square(picture, OVERLAY_SIDE)
    grey = ImageOps.grayscale(square).convert("RGB")
    dimmed = Image.blend(square, grey, 0.75).point(lambda value: int(value * 0.62))
    levels = Image.fromarray((np.clip(heat, 0, 1) * 255).astype(np.uint8)).resize(square.size, Image.Resampling.BICUBIC)
    glow = ImageOps.colorize(levels, black="#3b0f70", mid="#de4968", white="#fff0a5")
    # Under the light the picture's own colours still shine through a little.
    lit = Image.composite(Image.blend(glow, square, 0.35), dimmed, levels)
    scale = OVERLAY_SIDE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    left, top = (OVERLAY_SIDE - width) // 2, (OVERLAY_SIDE - height) // 2
    return lit.crop((left, top, left + width, top + height))
