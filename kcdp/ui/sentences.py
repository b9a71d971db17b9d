"""The sentences on the page about results and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kcdp.palette import emotion_style
from kcdp.plots import percent, signed, was_asked
from kcdp.results import KCDPOutput, UniEmoOutput, VerdictOutput

if TYPE_CHECKING:
    from kcdp.ui.jobs import Progress
    from kcdp.ui.painted import PaintedPicture


#: Confidence from which an emotion is called clear, and likely: where the verdict is calibrated, it is as often right.
CLEAR, LIKELY = 0.85, 0.6


def verdict_lead(verdict: VerdictOutput) -> str:
    """The words before the emotion; they tell how confident the verdict is, from "clearly" down to "cannot tell"."""
    if verdict.leaning is None:
        return "There is nothing in this picture that could be read; the answer is"
    if verdict.emotion is None:
        return f"What people feel on seeing this is not clear enough to say. It leans to {verdict.leaning}, but the answer is"
    share = verdict.probabilities[verdict.emotion]
    how = "clearly" if share >= CLEAR else "most likely" if share >= LIKELY else "perhaps"
    return f"Looking at this, people {how} feel"


def explanation(output: KCDPOutput) -> str:
    """How KCDP came to its reading: caption, attention and experts."""
    reads = f"reads the picture as “{output.triplets[0]}”" if output.triplets else "goes by its caption"
    word = sharpest_word(output)
    sentences = [f"The model {reads}" + (f" and looks most closely at “{word}”." if word else ".")]
    chosen = [item for item in output.experts if was_asked(item)]
    if chosen and len(output.experts) > len(chosen):
        who = f"expert{'s' if len(chosen) > 1 else ''} {join([str(item.expert + 1) for item in chosen])}"
        trust = percent(sum(item.weight for item in chosen))
        sentences.append(f"It asks {who} of {len(output.experts)} ({trust} of the router's trust).")
    return " ".join(sentences)


def sharpest_word(output: KCDPOutput) -> str | None:
    """The word with the most concentrated attention, among those in subjects and objects of the triplets if there are any."""
    words = [item for item in output.attention if item.kind == "word"]
    nouns = {part for item in output.triplets for part in f"{item.subject} {item.object}".split()}
    candidates = [item for item in words if item.text in nouns] or words
    sharpest = max(candidates, key=lambda item: float(item.heat.max() - item.heat.mean()), default=None)
    return None if sharpest is None else sharpest.text


def runner_up(output: VerdictOutput) -> str | None:
    """The second emotion, when it is at least half as likely as the first."""
    first, *others = sorted(output.probabilities, key=output.probabilities.__getitem__, reverse=True)
    close = others and output.probabilities[others[0]] >= output.probabilities[first] / 2
    return others[0] if close else None


def agreement_of_models(verdict: VerdictOutput) -> str:
    """Which models the verdict is of, and whether they agree; empty without a reading."""
    kcdp, uniemo = verdict.kcdp, verdict.uniemo
    if kcdp is None or uniemo is None:
        only = "KCDP" if kcdp is not None else "UniEmo" if uniemo is not None else None
        return f"This is the reading of one model, {only}." if only else ""
    if kcdp.emotion == uniemo.emotion:
        return f"Both models, KCDP and UniEmo, read {kcdp.emotion}; their calibrated readings are combined."
    return (
        f"The two models disagree, KCDP reads {kcdp.emotion} and UniEmo {uniemo.emotion}: their calibrated readings are "
        "combined, so take this with care."
    )


def agreement(output: KCDPOutput) -> str:
    """Whether the alignment of picture and words (CLIEA's pseudo-label) says the same as the prediction."""
    if output.pseudo_label == output.emotion:
        return f"Words and experts agree: the prompt closest to this picture is {output.pseudo_label}, too."
    return (
        f"Words and experts differ: the prompt closest to this picture is {output.pseudo_label}, "
        f"while the experts say {output.emotion}, so take the prediction with care."
    )


def uniemo_sentence(output: KCDPOutput | None, uniemo: UniEmoOutput) -> str:
    """What UniEmo reads from the picture, and whether it agrees with KCDP."""
    reads = f"UniEmo, which looks for a scene and an object, reads {uniemo.emotion}"
    share = percent(uniemo.probabilities[uniemo.emotion])
    if output is None:
        return f"{reads} ({share})."
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
        return "UniEmo alone, the model that paints, reads your picture before any change as"
    if painted.requested is None:
        return f"Asked for the feeling of the other picture, {painted.target}, and read as"
    return f"Asked for {blend_name(painted.requested)}, and read as"


def prompt_notes(settings: Mapping[str, Any]) -> str:
    """What the model did not understand of a prompt; empty where it understood all of it."""
    notes = []
    unknown, left_out = settings.get("unknown_words"), settings.get("left_out")
    if unknown:
        quoted = join([f"“{word}”" for word in unknown])
        notes.append(
            f"The model does not know the word{'s' if len(unknown) > 1 else ''} {quoted} and may paint anything there."
        )
    if left_out:
        notes.append(f"The prompt is too long; “{left_out}” was left out.")
    return " ".join(notes)


def painted_sentence(painted: PaintedPicture) -> str:
    """How much of the requested emotion is read from the picture, and by how much an edit changed it."""
    if painted.is_original:
        return f"{percent(painted.probabilities[painted.emotion])} {painted.emotion}."
    if painted.shift is not None:
        before, after = (reading[str(painted.target)] for reading in (painted.before or {}, painted.probabilities))
        moved = f"From {percent(before)} to {percent(after)} {painted.target}"
        if abs(painted.shift) < 0.005:
            return f"{moved}: no shift (Emo-S) to speak of; more strength may bring one."
        way = "towards" if painted.shift > 0 else "away from"
        return f"{moved}: a shift (Emo-S) of {signed(painted.shift)}, {way} what was asked for."
    requested = [label for label, weight in (painted.requested or {}).items() if weight > 0]
    if requested == [painted.emotion]:
        return emotion_style(painted.emotion).gloss
    return f"It carries {join([f'{percent(painted.probabilities[label])} {label}' for label in requested])}."
