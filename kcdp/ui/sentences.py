"""The sentences on the page about results and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kcdp.palette import emotion_style
from kcdp.plots import percent, signed
from kcdp.results import KCDPOutput, UniEmoOutput

if TYPE_CHECKING:
    from kcdp.ui.jobs import Progress
    from kcdp.ui.painted import PaintedPicture


def verdict_lead(output: KCDPOutput) -> str:
    """The words before the emotion; they tell how confident the prediction is, from "clearly" down to "perhaps"."""
    share = output.probabilities[output.emotion]
    how = "clearly" if share >= 0.75 else "most likely" if share >= 0.45 else "perhaps"
    return f"Looking at this, people {how} feel"


def explanation(output: KCDPOutput) -> str:
    """How the prediction came about: caption, attention, experts, and the second emotion."""
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
    """The word with the most concentrated attention, among those in subjects and objects of the triplets if there are any."""
    words = [item for item in output.attention if item.kind == "word"]
    nouns = {part for item in output.triplets for part in f"{item.subject} {item.object}".split()}
    candidates = [item for item in words if item.text in nouns] or words
    sharpest = max(candidates, key=lambda item: float(item.heat.max() - item.heat.mean()), default=None)
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


def uniemo_sentence(output: KCDPOutput, uniemo: UniEmoOutput) -> str:
    """What UniEmo reads from the picture, and whether it agrees with KCDP."""
    reads = f"UniEmo, which looks for a scene and an object, reads {uniemo.emotion}"
    share = percent(uniemo.probabilities[uniemo.emotion])
    return (
        f"{reads}, too ({share})." if uniemo.emotion == output.emotion else f"{reads} ({share}), not {output.emotion}."
    )


def join(names: list[str]) -> str:
    """One name, "a and b", or "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def blend_name(weights: Mapping[str, float]) -> str:
    """Requested emotions in words: "awe", or "70 % awe and 30 % fear"."""
    parts = {label: weight for label, weight in weights.items() if weight > 0}
    if len(parts) == 1:
        return next(iter(parts))
    return join([f"{percent(weight)} {label}" for label, weight in parts.items()])


def progress_sentence(progress: Progress) -> str:
    """How far the painting jobs are."""
    if progress.job == progress.jobs:
        return "Done; showing the pictures."
    step = f"step {progress.step} of {progress.steps}" if progress.step else "the first step"
    return f"Picture {progress.job + 1} of {progress.jobs}, {step}." if progress.jobs > 1 else f"{step.capitalize()}."


def painted_lead(painted: PaintedPicture) -> str:
    """The words before the emotion that is read from a painted picture."""
    if painted.is_original:
        return "Your picture, before anything was changed, is read as"
    if painted.requested is None:
        return f"Asked for the feeling of the other picture, {painted.target}, and read as"
    return f"Asked for {blend_name(painted.requested)}, and read as"


def painted_sentence(painted: PaintedPicture) -> str:
    """How much of the requested emotion is read from the picture, and by how much an edit changed it."""
    if painted.is_original:
        return f"{percent(painted.probabilities[painted.emotion])} {painted.emotion}."
    if painted.shift is not None:
        before, after = painted.before[painted.target], painted.probabilities[painted.target]
        moved = f"From {percent(before)} to {percent(after)} {painted.target}"
        if abs(painted.shift) < 0.005:
            return f"{moved}: no shift (Emo-S) to speak of; more strength may bring one."
        way = "towards" if painted.shift > 0 else "away from"
        return f"{moved}: a shift (Emo-S) of {signed(painted.shift)}, {way} what was asked for."
    requested = [label for label, weight in (painted.requested or {}).items() if weight > 0]
    if requested == [painted.emotion]:
        return emotion_style(painted.emotion).gloss
    return f"It carries {join([f'{percent(painted.probabilities[label])} {label}' for label in requested])}."
