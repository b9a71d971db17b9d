"""UniEmo's result beside KCDP's: two cards, and the names of the attention maps."""

from __future__ import annotations

from html import escape

from kcdp import plots
from kcdp.results import AttentionMap, AttributeMatch, KCDPOutput, UniEmoOutput
from kcdp.ui import sentences

#: Emotions that are listed for an attribute.
_STRONGEST = 3


def map_name(item: AttentionMap) -> str:
    """The name of an attention map in the list to choose from."""
    if item.kind in ("scene", "object"):
        return f"{item.kind}: {item.text}" if item.text != item.kind else item.kind
    return item.text if item.kind == "word" else f"“{item.text}”"


def uniemo_cards(output: KCDPOutput | None, uniemo: UniEmoOutput) -> tuple[str, str]:
    """Two cards: UniEmo's emotion, and the scene and object that it found with their correlation coefficients."""
    emotion = (
        '<section class="kc-card"><h2>A second reading</h2>'
        f'<p class="kc-say">{escape(sentences.uniemo_sentence(output, uniemo))}</p>'
        f"{plots.probability_bars(uniemo.probabilities)}</section>"
    )
    found = _attribute("Scene", uniemo.scene) + _attribute("Object", uniemo.object)
    attributes = (
        '<section class="kc-card"><h2>What its scene and object speak for</h2>'
        "<p>How much pictures with such a scene or object have to do with each emotion, the strongest first.</p>"
        f"{found}</section>"
    )
    return emotion, attributes


def _attribute(title: str, match: AttributeMatch | None) -> str:
    if match is None:
        return f'<h3 class="kc-found">{title}</h3><p>None that the model knows is near enough.</p>'
    head = (
        f'<h3 class="kc-found">{title} <strong>{escape(match.name)}</strong> '
        f'<span class="kc-badge">cosine {plots.signed(match.cosine)}</span></h3>'
    )
    if not any(match.coefficients.values()):
        return f"{head}<p>It is not known what this has to do with emotions.</p>"
    strongest = sorted(match.coefficients.items(), key=lambda item: -item[1])[:_STRONGEST]
    return head + plots.probability_bars(dict(strongest), name=f"Correlation of {match.name} with emotions")
