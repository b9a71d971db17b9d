"""The sentences that the page says about results and pictures, in plain English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kcdp.palette import emotion_style
from kcdp.plots import percent, signed
from kcdp.results import KCDPOutput, UniEmoOutput

if TYPE_CHECKING:
    from kcdp.ui.painter import Stage
    from kcdp.ui.pieces import Piece


def verdict_lead(output: KCDPOutput) -> str:
    """The words before the emotion; they say how sure the prediction is, from "clearly" down to "perhaps"."""
    share = output.probabilities[output.emotion]
    how = "clearly" if share >= 0.75 else "most likely" if share >= 0.45 else "perhaps"
    return f"Looking at this, people {how} feel"


def why(output: KCDPOutput) -> str:
    """A few sentences that trace the prediction back: what was read, where it looked, who was asked, what came next."""
    reads = f"reads the picture as “{output.triplets[0]}”" if output.triplets else "goes by its caption"
    word = sharpest_word(output)
    sentences = [f"The model {reads}" + (f" and looks most closely at “{word}”." if word else ".")]
    chosen = [item for item in output.experts if item.chosen]
    if chosen and len(output.experts) > len(chosen):
        who = f"expert{'s' if len(chosen) > 1 else ''} {join([str(item.expert + 1) for item in chosen])}"
        trust = percent(sum(item.weight for item in chosen))
        sentences.append(f"It asks {who} of {len(output.experts)} ({trust} of the router's trust).")
    second = runner_up(output)
    if second:
        sentences.append(f"It is a close call: {second} comes next with {percent(output.probabilities[second])}.")
    else:
        sentences.append(f"{output.emotion.capitalize()} stands well ahead of every other feeling.")
    return " ".join(sentences)


def sharpest_word(output: KCDPOutput) -> str | None:
    """The word with the most concentrated attention, among the words of the triplets' things where there are any."""
    words = [item for item in output.attention if item.kind == "word"]
    things = {part for item in output.triplets for part in f"{item.subject} {item.object}".split()}
    named = [item for item in words if item.text in things] or words
    sharpest = max(named, key=lambda item: float(item.heat.max() - item.heat.mean()), default=None)
    return None if sharpest is None else sharpest.text


def runner_up(output: KCDPOutput) -> str | None:
    """The second emotion, when it is at least half as likely as the first."""
    first, *others = sorted(output.probabilities, key=output.probabilities.__getitem__, reverse=True)
    close = others and output.probabilities[others[0]] >= output.probabilities[first] / 2
    return others[0] if close else None


def agreement(output: KCDPOutput) -> str:
    """Whether the alignment of picture and words (CLIEA's pseudo-label) says the same as the prediction."""
    if output.pseudo_label == output.emotion:
        return f"Words and experts agree: the prompt closest to this picture is {output.pseudo_label}, too."
    return (
        f"Words and experts differ: the prompt closest to this picture is {output.pseudo_label}, "
        f"while the experts say {output.emotion}, so take the prediction with care."
    )


def second_opinion(output: KCDPOutput, reading: UniEmoOutput) -> str:
    """What expert queries for scene and object make of the picture, and whether that is the first reading."""
    reads = f"UniEmo, which looks for a scene and an object, reads {reading.emotion}"
    share = percent(reading.probabilities[reading.emotion])
    return (
        f"{reads}, too ({share})." if reading.emotion == output.emotion else f"{reads} ({share}), not {output.emotion}."
    )


def join(names: list[str]) -> str:
    """One name, "a and b", or "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def asked_for(weights: Mapping[str, float]) -> str:
    """The emotions that a picture was to evoke: "awe", or "70 % awe and 30 % fear"."""
    parts = {label: weight for label, weight in weights.items() if weight > 0}
    if len(parts) == 1:
        return next(iter(parts))
    return join([f"{percent(weight)} {label}" for label, weight in parts.items()])


def progress(stage: Stage) -> str:
    """How far the painting is."""
    if stage.task == stage.tasks:
        return "Done; hanging the pictures."
    step = f"step {stage.step} of {stage.steps}" if stage.step else "the first step"
    return f"Picture {stage.task + 1} of {stage.tasks}, {step}." if stage.tasks > 1 else f"{step.capitalize()}."


def judgement_lead(piece: Piece) -> str:
    """The words before the emotion that a picture is read as."""
    if piece.original:
        return "Your picture, before anything was changed, is read as"
    if piece.asked is None:
        return f"Asked for the feeling of the other picture, {piece.target}, and read as"
    return f"Asked for {asked_for(piece.asked)}, and read as"


def judgement(piece: Piece) -> str:
    """How far the picture shows what was asked for, and how far an edit moved it."""
    if piece.original:
        return f"{percent(piece.verdict[piece.reading])} {piece.reading}."
    if piece.shift is not None:
        before, after = piece.before[piece.target], piece.verdict[piece.target]
        moved = f"From {percent(before)} to {percent(after)} {piece.target}"
        if abs(piece.shift) < 0.005:
            return f"{moved}: no shift (Emo-S) to speak of; more strength may bring one."
        way = "towards" if piece.shift > 0 else "away from"
        return f"{moved}: a shift (Emo-S) of {signed(piece.shift)}, {way} what was asked for."
    wanted = [label for label, weight in (piece.asked or {}).items() if weight > 0]
    if wanted == [piece.reading]:
        return emotion_style(piece.reading).gloss
    return f"It carries {join([f'{percent(piece.verdict[label])} {label}' for label in wanted])}."
