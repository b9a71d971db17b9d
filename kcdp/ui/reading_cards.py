"""The cards of a reading: the verdict, and every reason for it that the two models give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from kcdp import plots
from kcdp.figures import PartFigures
from kcdp.palette import emotion_style
from kcdp.results import AttentionMap, AttributeMatch, FrameVerdict, KCDPOutput, UniEmoOutput, VerdictOutput
from kcdp.triplet_graph import triplet_graph
from kcdp.ui import cards, sentences
from kcdp.ui.languages import ENGLISH, Tell
from kcdp.ui.trust import photo_sentence, trust_sentence

#: Emotions that are listed for an attribute.
_STRONGEST = 3
#: What stands behind the question mark of a card.
_HELP = {
    "verdict": (
        "Two models read the picture: KCDP by words that it finds for it, UniEmo by its scene and object. Both are calibrated: "
        "where they are 80 % sure they should be right in 8 of 10 such pictures. Where neither is sure, the answer is that it "
        "cannot be told."
    ),
    "knowledge": (
        "A small model writes one sentence about the picture. A grammar turns it into triplets: who does or is what. KCDP "
        "reads the picture together with them, so a wrong sentence can lead it astray."
    ),
    "alignment": (
        "For each emotion there is a prompt such as “a picture of awe”. Its cosine, from -1 to 1, is how much picture and "
        "prompt point the same way. TIE, the total indirect effect, is how much of that is due to naming this emotion and "
        "not another: what the prompts of the other emotions reach on average is taken away. The pseudo-label is the emotion of the nearest prompt; from such labels "
        "KCDP learns on pictures that nobody has labelled."
    ),
    "router": (
        "The small networks are called experts: each has specialised by itself while learning, and has no name. Another one, "
        "the router, says for every picture how much each of them counts."
    ),
    "uniemo": (
        "UniEmo sends questions, called expert queries, through the picture: first about the scene, then about the object. "
        "Together with the picture itself they give the emotion. It can differ from KCDP's; the verdict above weighs both."
    ),
    "attributes": (
        "Scene and object are the nearest of a list of names that the model has learned; the cosine says how near. The bars "
        "are the correlation of pictures with that scene or object with each emotion: a habit of the training pictures, not a "
        "reading of yours."
    ),
    "frames": "Some moments of the animation are read by themselves; the verdict is the mean of them.",
}


def map_name(item: AttentionMap, tell: Tell = ENGLISH) -> str:
    """The name of an attention map in the list to choose from."""
    if item.kind in ("scene", "object"):
        kind = tell("Scene" if item.kind == "scene" else "Object")
        return f"{kind}: {item.text}" if item.text != item.kind else kind
    return item.text if item.kind == "word" else tell.quoted(item.text)


def verdict_card(
    verdict: VerdictOutput, figures: Mapping[str, PartFigures], tell: Tell = ENGLISH, photo: bool = False
) -> str:
    """The verdict, how sure it is, how it came about, and how often such verdicts are right; also that it is of a `photo`."""
    emotion, kcdp = verdict.emotion, verdict.kcdp
    gloss = "" if emotion is None else f"<p>{escape(tell.name(emotion_style(emotion).gloss))}</p>"
    why = tell.sentences(
        sentences.agreement_of_models(verdict, tell),
        sentences.close_call(verdict, tell),
        "" if kcdp is None else sentences.explanation(kcdp, tell),
    )
    bars = ""
    if verdict.leaning is not None:
        bars = cards.emotion_bars(verdict.probabilities, None, tell)
    # Of a picture with nothing in it there is nothing to be wrong about.
    caution = photo_sentence(figures, tell) if photo and verdict.leaning is not None else ""
    notes = "".join(
        f'<p class="{kind}">{escape(text)}</p>'
        for kind, text in (("kc-why", why), ("kc-note", caution or trust_sentence(figures, verdict, tell)))
        if text
    )
    return (
        f'<section class="kc-card kc-verdict" style="{plots.tint(emotion or "neutral")}" aria-live="polite">'
        f"{cards.help_note(_HELP['verdict'], tell)}"
        f'<p class="kc-lead">{escape(sentences.verdict_lead(verdict, tell))}</p>'
        f"<strong>{cards.verdict_title(verdict, tell)}</strong>{gloss}{bars}"
        f"{frames_strip(verdict.frames, tell)}{notes}</section>"
    )


def frames_strip(frames: Sequence[FrameVerdict], tell: Tell = ENGLISH) -> str:
    """The feeling over the time of an animation, a block a moment as wide as it lasts; empty for a still."""
    if len(frames) < 2:
        return ""
    blocks = []
    for frame in frames:
        label = frame.leaning or "neutral"
        name = tell.name(frame.emotion) if frame.emotion else tell("cannot tell")
        share = plots.percent(max(frame.probabilities.values()))
        time = tell("{seconds} s", seconds=f"{frame.time:.1f}")
        blocks.append(
            f'<li class="{"" if frame.emotion else "kc-idle"}" style="{plots.tint(label)};flex-grow:{max(frame.duration, 0.01):.3f}">'
            f"{plots.glyph(label)}<span>{escape(name)}</span><small>{escape(time)} · {escape(share)}</small></li>"
        )
    title = escape(tell("The feeling over time"))
    return f'<h2>{title}</h2>{cards.help_note(_HELP["frames"], tell)}<ol class="kc-frames" aria-label="{title}">{"".join(blocks)}</ol>'


def _card(title: str, line: str, body: str, about: str, tell: Tell) -> str:
    """A card with its heading, one plain line of what it is, its content, and on demand what it means."""
    say_line = f'<p class="kc-say">{escape(line)}</p>' if line else ""
    return f'<section class="kc-card">{cards.help_note(_HELP[about], tell)}<h2>{escape(title)}</h2>{say_line}{body}</section>'


def knowledge_card(output: KCDPOutput, tell: Tell = ENGLISH) -> str:
    """The caption, and its triplets as a graph."""
    body = (
        f'<blockquote class="kc-quote" lang="en">{escape(output.caption)}</blockquote>'
        f"<h2>{escape(tell('What it made of that sentence'))}</h2>{triplet_graph(output.triplets, tell)}"
    )
    line = tell("The model wrote this sentence by itself, and it can be wrong.")
    return _card(tell("What it sees"), line, body, "knowledge", tell)


def alignment_card(output: KCDPOutput, tell: Tell = ENGLISH) -> str:
    """How near the picture is to the prompt of each emotion."""
    bars = plots.alignment_bars(output.similarities, output.effects, output.pseudo_label, tell, tell.name)
    line = tell(
        "How well the words for each feeling fit the picture: right of the middle they fit, left of it they do not."
    )
    body = f"<p>{escape(sentences.agreement(output, tell))}</p>{bars}"
    return _card(tell("How close each feeling is"), line, body, "alignment", tell)


def router_card(output: KCDPOutput, tell: Tell = ENGLISH) -> str:
    """What each expert counts for."""
    asked = sum(plots.was_asked(item) for item in output.experts)
    line = tell(
        "Each is good at other pictures; {asked} of the {number} decided here.",
        number=len(output.experts),
        asked=asked,
    )
    return _card(
        tell("Which of its small networks decided"), line, plots.router_bars(output.experts, tell), "router", tell
    )


def uniemo_cards(output: KCDPOutput | None, uniemo: UniEmoOutput, tell: Tell = ENGLISH) -> tuple[str, str]:
    """Two cards: UniEmo's emotion, and the scene and object that it found with their correlation coefficients."""
    bars = cards.emotion_bars(uniemo.probabilities, None, tell)
    emotion = _card(
        tell("What UniEmo alone reads"), sentences.uniemo_sentence(output, uniemo, tell), bars, "uniemo", tell
    )
    found = _attribute(tell("Scene"), uniemo.scene, tell) + _attribute(tell("Object"), uniemo.object, tell)
    line = tell(
        "What such scenes and objects usually go with, in the pictures it learned from; not a reading of yours."
    )
    return emotion, _card(tell("Scene and object it is reminded of"), line, found, "attributes", tell)


def _attribute(title: str, match: AttributeMatch | None, tell: Tell) -> str:
    head = f'<h3 class="kc-found">{escape(title)}'
    if match is None:
        return f"{head}</h3><p>{escape(tell('None that the model knows is near enough.'))}</p>"
    cosine = tell("nearness {number} of at most 1", number=plots.signed(match.cosine))
    head += f' <strong lang="en">{escape(match.name)}</strong> <span class="kc-badge">{escape(cosine)}</span></h3>'
    if not any(match.coefficients.values()):
        return f"{head}<p>{escape(tell('It is not known what this has to do with emotions.'))}</p>"
    strongest = sorted(match.coefficients.items(), key=lambda item: -item[1])[:_STRONGEST]
    name = tell("Correlation of {name} with emotions", name=match.name)
    return head + plots.probability_bars(dict(strongest), None, name, tell.name)
