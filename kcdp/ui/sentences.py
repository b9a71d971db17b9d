"""The sentences on the page about results and pictures, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from kcdp.emotions import MIKELS_8
from kcdp.figures import CLEAR, LIKELY
from kcdp.painting.things import SUBJECTS
from kcdp.palette import emotion_style
from kcdp.plots import percent, signed, was_asked
from kcdp.results import KCDPOutput, UniEmoOutput, VerdictOutput
from kcdp.ui.languages import ENGLISH, Tell

if TYPE_CHECKING:
    from kcdp.ui.jobs import Progress
    from kcdp.ui.painted import PaintedPicture


def verdict_lead(verdict: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """The words before the emotion; they tell how confident the verdict is, from "clearly" down to "cannot tell"."""
    if verdict.leaning is None:
        return tell("There is nothing in this picture that could be read; the answer is")
    felt = [emotion for emotion, _ in groupby(frame.emotion for frame in verdict.frames) if emotion is not None]
    if verdict.emotion is None and len(set(felt)) > 1:
        names = tell.join([tell.name(emotion) for emotion in felt])
        return tell(
            "What people feel changes while this moves: {emotions}. Of all of it together the answer is", emotions=names
        )
    if verdict.emotion is None:
        return tell(
            "What people feel on seeing this is not clear enough to say. It leans to {emotion}, but the answer is",
            emotion=tell.name(verdict.leaning),
        )
    share = verdict.probabilities[verdict.emotion]
    if share >= CLEAR:
        return tell("Looking at this, people clearly feel")
    return tell(
        "Looking at this, people most likely feel" if share >= LIKELY else "Looking at this, people perhaps feel"
    )


def verdict_name(verdict: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """The emotion, or that it cannot be told."""
    return tell("cannot tell") if verdict.emotion is None else tell.name(verdict.emotion)


def explanation(output: KCDPOutput, tell: Tell = ENGLISH) -> str:
    """How KCDP came to its reading: caption, attention and experts."""
    word = sharpest_word(output)
    sees = tell("The model goes by its caption.")
    if output.triplets:
        sees = tell("The model reads the picture as {triplet}.", triplet=tell.quoted(output.triplets[0]))
    looks = tell("It looks most closely at {word}.", word=tell.quoted(word)) if word else ""
    chosen = [item for item in output.experts if was_asked(item)]
    asks = ""
    if chosen and len(output.experts) > len(chosen):
        asks = tell(
            "Of its {number} small networks, number {names} decides ({share} of the weight)."
            if len(chosen) == 1
            else "Of its {number} small networks, numbers {names} decide ({share} of the weight).",
            names=tell.join([str(item.expert + 1) for item in chosen]),
            number=len(output.experts),
            share=percent(sum(item.weight for item in chosen)),
        )
    return tell.sentences(sees, looks, asks)


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


def close_call(output: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """Names the `runner_up`; empty without one."""
    second = None if output.leaning is None else runner_up(output)
    if second is None:
        return ""
    return tell(
        "It is a close call: {emotion} comes next with {share}.",
        emotion=tell.name(second),
        share=percent(output.probabilities[second]),
    )


def agreement_of_models(verdict: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """Which models the verdict is of, and whether they agree; empty without a reading."""
    kcdp, uniemo = verdict.kcdp, verdict.uniemo
    if kcdp is None or uniemo is None:
        only = "KCDP" if kcdp is not None else "UniEmo" if uniemo is not None else None
        return tell("This is the reading of one model, {name}.", name=only) if only else ""
    if kcdp.emotion == uniemo.emotion:
        return tell(
            "Its two models, KCDP and UniEmo, agree on {emotion}.",
            emotion=tell.name(kcdp.emotion),
        )
    return tell(
        "Its two models disagree: KCDP reads {one}, UniEmo {other}. The answer weighs both; take it with care.",
        one=tell.name(kcdp.emotion),
        other=tell.name(uniemo.emotion),
    )


def agreement(output: KCDPOutput, tell: Tell = ENGLISH) -> str:
    """Whether the alignment of picture and words (CLIEA's pseudo-label) says the same as the prediction."""
    if output.pseudo_label == output.emotion:
        return tell(
            "The words for {emotion} fit the picture best, and KCDP reads {emotion}, too.",
            emotion=tell.name(output.pseudo_label),
        )
    return tell(
        "The words for {one} fit the picture best, but KCDP reads {other}: take this with care.",
        one=tell.name(output.pseudo_label),
        other=tell.name(output.emotion),
    )


def uniemo_sentence(output: KCDPOutput | None, uniemo: UniEmoOutput, tell: Tell = ENGLISH) -> str:
    """What UniEmo reads from the picture, and whether it agrees with KCDP."""
    values: dict[str, str] = {
        "emotion": tell.name(uniemo.emotion),
        "share": percent(uniemo.probabilities[uniemo.emotion]),
    }
    if output is None:
        return tell("UniEmo, which looks for a scene and an object, reads {emotion} ({share}).", **values)
    if uniemo.emotion == output.emotion:
        return tell("UniEmo, which looks for a scene and an object, reads {emotion}, too ({share}).", **values)
    return tell(
        "UniEmo, which looks for a scene and an object, reads {emotion} ({share}), not {other}.",
        other=tell.name(output.emotion),
        **values,
    )


def blend_name(weights: Mapping[str, float], tell: Tell = ENGLISH) -> str:
    """Requested emotions in words: "awe", or "70 % awe and 30 % fear"."""
    parts = {label: weight for label, weight in weights.items() if weight > 0}
    if len(parts) == 1:
        return tell.name(next(iter(parts)))
    return tell.join([f"{percent(weight)} {tell.name(label)}" for label, weight in parts.items()])


def example_name(values: Sequence[str | float], tell: Tell = ENGLISH) -> str:
    """The emotions and the thing of an example: an emotion, two and the share of the second, or the weights of a board."""
    *choice, thing = values
    if all(isinstance(value, int) for value in choice):
        total = sum(map(float, choice))
        shares = {label: float(weight) / total for label, weight in zip(MIKELS_8.labels, choice, strict=True)}
    elif len(choice) == 3:
        first, second, percentage = choice
        shares = {str(first): 1 - float(percentage) / 100, str(second): float(percentage) / 100}
    else:
        shares = {str(choice[0]): 1.0}
    return f"{blend_name(shares, tell)}: {thing}"


def progress_sentence(progress: Progress, tell: Tell = ENGLISH) -> str:
    """How far the painting jobs are."""
    if progress.job == progress.jobs:
        return tell("Done; showing the pictures.")
    step = tell("Step {step} of {steps}.", step=max(1, progress.step), steps=progress.steps)
    if progress.jobs == 1:
        return step
    return tell.sentences(tell("Picture {number} of {all}.", number=progress.job + 1, all=progress.jobs), step)


def painted_lead(painted: PaintedPicture, tell: Tell = ENGLISH) -> str:
    """The words before the emotion that is read from a painted picture."""
    told = painted.emotion is not None
    if painted.is_original:
        return tell(
            "Before any change your picture is read, as in Understand, as"
            if told
            else "Before any change what people feel on seeing your picture is not clear enough to say; the answer is"
        )
    if painted.requested is None:
        return tell(
            "Asked for the feeling of the other picture, {emotion}, and read as"
            if told
            else "Asked for the feeling of the other picture, {emotion}. What people feel on seeing it is not clear enough to say; the answer is",
            emotion=tell.name(str(painted.target)),
        )
    return tell(
        "Asked for {emotion}, and read as"
        if told
        else "Asked for {emotion}. What people feel on seeing it is not clear enough to say; the answer is",
        emotion=blend_name(painted.requested, tell),
    )


def live_sentence(requested: Mapping[str, float], reading: VerdictOutput, tell: Tell = ENGLISH) -> str:
    """What was asked for by name, and what a picture that follows the choice is read as."""
    wish = blend_name(requested, tell)
    if reading.emotion is None:
        return tell("Asked for {emotion}; what people feel on seeing it is not clear.", emotion=wish)
    return f"{tell('Asked for {emotion}, and read as', emotion=wish)} {tell.name(reading.emotion)}"


def picture_caption(painted: PaintedPicture, tell: Tell = ENGLISH) -> str:
    """What stands under a picture: what sets it apart from those beside it, and its seed."""
    if painted.is_original:
        return tell("before")
    # Held together, as captions are narrow.
    seed = tell("seed {seed}", seed=painted.settings["seed"]).replace(" ", "\N{NO-BREAK SPACE}")
    name = painted.caption if isinstance(painted.caption, str) else blend_name(painted.caption, tell)
    return f"{name} · {seed}" if name else seed


def prompt_notes(settings: Mapping[str, Any], tell: Tell = ENGLISH) -> str:
    """What the model did not understand of a prompt; empty where it understood all of it."""
    unknown, left_out = settings.get("unknown_words"), settings.get("left_out")
    notes = []
    if unknown:
        quoted = tell.join([tell.quoted(word) for word in unknown])
        notes.append(
            tell(
                "The painter does not know {words} and may paint anything there. It knows {things} and more.",
                words=quoted,
                things=", ".join(SUBJECTS),
            )
        )
    if left_out:
        notes.append(tell("The prompt is too long; {words} was left out.", words=tell.quoted(left_out)))
    return tell.sentences(*notes)


def painted_sentence(painted: PaintedPicture, tell: Tell = ENGLISH) -> str:
    """How much of the requested emotion is read from the picture, and by how much an edit changed it."""
    if painted.withheld:
        return withheld(tell)
    if painted.reading.leaning is None:
        return tell("There is nothing in it that could be read.")
    if painted.shift is not None:
        before, after = (reading[str(painted.target)] for reading in (painted.before or {}, painted.probabilities))
        values = {"emotion": tell.name(str(painted.target)), "before": percent(before), "after": percent(after)}
        if abs(painted.shift) < 0.005:
            return tell(
                "Probability of {emotion}: {before} before, {after} now; no shift (Emo-S) to speak of.", **values
            )
        return tell(
            "Probability of {emotion}: {before} before, {after} now; a shift (Emo-S) of {shift}, towards what was asked for."
            if painted.shift > 0
            else "Probability of {emotion}: {before} before, {after} now; a shift (Emo-S) of {shift}, away from what was asked for.",
            shift=signed(painted.shift),
            **values,
        )
    return carried(painted.reading, painted.requested or {}, tell)


def withheld(tell: Tell = ENGLISH) -> str:
    """Of a picture that is not shown."""
    return tell("This picture is not shown: the safety checker objects to it. Try another seed or other words.")


def carried(reading: VerdictOutput, requested: Mapping[str, float], tell: Tell = ENGLISH) -> str:
    """How probable the emotions are that were asked for; of the user's own picture the likeliest."""
    names = [label for label, weight in requested.items() if weight > 0] or [str(reading.leaning)]
    if names == [reading.emotion]:
        return tell.name(emotion_style(names[0]).gloss)
    shares = tell.join([f"{percent(reading.probabilities[label])} {tell.name(label)}" for label in names])
    return tell("Probability of what was asked for: {shares}." if requested else "It leans to {shares}.", shares=shares)
