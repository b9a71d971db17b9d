from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.results import AttentionMap, ExpertWeight, FrameVerdict
from kcdp.ui import sentences
from kcdp.ui.jobs import Progress
from kcdp.ui.languages import Tell
from kcdp.ui.painted import PaintedPicture
from tests.fake_bundle import FakeUniEmo, fake_output, fake_reading, fake_verdict


@pytest.mark.parametrize(("share", "how"), [(0.85, "clearly"), (0.84, "most likely"), (0.59, "perhaps")])
def test_lead_says_how_confident_the_verdict_is(share: float, how: str) -> None:
    verdict = replace(fake_verdict(fake_output("awe")), probabilities={"awe": share, "fear": 1 - share})
    assert how in sentences.verdict_lead(verdict)


def test_what_cannot_be_told_is_said() -> None:
    unclear = replace(fake_verdict(fake_output("awe")), emotion=None)
    assert "not clear enough to say. It leans to awe" in sentences.verdict_lead(unclear)
    assert "nothing in this picture" in sentences.verdict_lead(replace(unclear, leaning=None))


def test_of_an_animation_that_cannot_be_told_it_is_said_that_its_feeling_changes() -> None:
    moments = [
        FrameVerdict(turn, 1, emotion, "awe", {"awe": 0.6, "fear": 0.4})
        for turn, emotion in enumerate(("awe", "awe", None, "fear", "awe"))
    ]
    unclear = replace(fake_verdict(fake_output("awe")), emotion=None, frames=tuple(moments))
    lead = sentences.verdict_lead(unclear)
    assert lead.startswith("What people feel changes while this moves: awe, fear and awe. Of all of it")
    assert "leans to awe" in sentences.verdict_lead(replace(unclear, frames=tuple(moments[:3])))
    assert "perhaps" in sentences.verdict_lead(replace(unclear, emotion="awe"))


def test_models_agree_disagree_or_are_alone() -> None:
    contentment = FakeUniEmo().understand(DecodedPicture.load(Image.new("RGB", (8, 8))))
    assert "agree on contentment" in sentences.agreement_of_models(
        fake_verdict(fake_output("contentment"), contentment)
    )
    disagree = sentences.agreement_of_models(fake_verdict(fake_output("awe"), contentment))
    assert "KCDP reads awe, UniEmo contentment" in disagree and "with care" in disagree
    assert "one model, KCDP" in sentences.agreement_of_models(fake_verdict(fake_output("awe")))


def test_why_names_what_was_read_where_it_looked_and_who_was_asked() -> None:
    assert sentences.explanation(fake_output("awe")) == (
        "The model reads the picture as “round yellow face hugs small red heart”. It looks most closely at “round”. "
        "Of its 4 small networks, numbers 1 and 3 decide (73 % of the weight)."
    )


def test_why_without_triplets_attention_or_several_experts() -> None:
    output = replace(fake_output("awe"), triplets=(), attention=(), experts=(ExpertWeight(0, 1.0, True),))
    assert sentences.explanation(output) == "The model goes by its caption."


def test_a_close_second_is_named() -> None:
    output = replace(fake_verdict(fake_output("awe")), probabilities={"awe": 0.5, "fear": 0.4, "anger": 0.1})
    assert sentences.runner_up(output) == "fear"
    assert sentences.runner_up(replace(output, probabilities={"awe": 0.8, "fear": 0.2})) is None


def test_sharpest_word_is_one_of_the_triplets_words_where_it_can_be() -> None:
    broad, sharp = np.full((8, 8), 1.0, np.float32), np.eye(8, dtype=np.float32)
    maps = tuple(
        AttentionMap(word, "word", heat) for word, heat in (("face", broad), ("heart", sharp**2 * 0.5), ("with", sharp))
    )
    output = replace(fake_output(), attention=maps)
    assert sentences.sharpest_word(output) == "heart"
    assert sentences.sharpest_word(replace(output, triplets=())) == "with"


def test_agreement_and_disagreement_are_plain_sentences() -> None:
    assert "words for awe fit" in sentences.agreement(fake_output("awe")) and "awe, too" in sentences.agreement(
        fake_output("awe")
    )
    differ = sentences.agreement(fake_output("awe", pseudo_label="fear"))
    assert "words for fear fit the picture best, but KCDP reads awe" in differ


def painted(**more) -> PaintedPicture:
    reading = fake_reading({"awe": 0.7, "fear": 0.3})
    usual = {"image": Image.new("RGB", (4, 4)), "caption": "", "reading": reading, "settings": {"seed": 1}}
    return PaintedPicture(**usual | more)


def test_blends_are_named_with_their_shares_and_nothing_that_has_none() -> None:
    assert sentences.blend_name({"awe": 1.0, "fear": 0.0}) == "awe"
    assert sentences.blend_name({"awe": 0.7, "fear": 0.3}) == "70 % awe and 30 % fear"


def test_progress_counts_pictures_only_where_there_are_several() -> None:
    assert sentences.progress_sentence(Progress(jobs=1, step=3, steps=25)) == "Step 3 of 25."
    assert sentences.progress_sentence(Progress(jobs=7, job=2, step=3, steps=25)) == "Picture 3 of 7. Step 3 of 25."
    assert sentences.progress_sentence(Progress(jobs=7, job=7)).startswith("Done")


def test_judgement_of_what_was_asked_for() -> None:
    asked = painted(requested={"awe": 1.0})
    assert sentences.painted_lead(asked) == "Asked for awe, and read as"
    assert sentences.painted_sentence(asked) == "small before something great"
    assert (
        sentences.painted_sentence(painted(requested={"fear": 1.0})) == "Probability of what was asked for: 30 % fear."
    )
    assert (
        sentences.painted_sentence(painted(requested={"awe": 0.5, "fear": 0.5}))
        == "Probability of what was asked for: 70 % awe and 30 % fear."
    )


def test_a_picture_of_which_it_cannot_be_told_is_not_read_as_that() -> None:
    unclear = replace(fake_reading({"awe": 0.4, "fear": 0.35}), emotion=None)
    for made, asked in (
        (painted(requested={"awe": 1.0}), "Asked for awe."),
        (painted(target="fear", before={"awe": 1.0, "fear": 0.0}), "Asked for the feeling of the other picture, fear."),
        (painted(settings={}), "Before any change"),
    ):
        lead = sentences.painted_lead(replace(made, reading=unclear))
        assert lead.startswith(asked) and "read" not in lead and lead.endswith("clear enough to say; the answer is")
    assert sentences.painted_sentence(painted(settings={}, reading=unclear)) == "It leans to 40 % awe."
    wish = {"awe": 1.0}
    assert sentences.live_sentence(wish, unclear) == "Asked for awe; what people feel on seeing it is not clear."
    assert sentences.live_sentence(wish, fake_reading({"fear": 0.9})) == "Asked for awe, and read as fear"


def test_captions_and_examples_are_in_the_visitors_language() -> None:
    blend, tell = {"awe": 0.7, "fear": 0.3}, Tell("es")
    made = replace(painted(), caption=blend)
    assert sentences.picture_caption(made, tell).replace("\N{NO-BREAK SPACE}", " ") == (
        "70 % asombro y 30 % miedo · semilla 1"
    )
    assert sentences.picture_caption(painted(settings={}), tell) == "antes"
    assert sentences.example_name(("awe", "fear", 30, "cat"), tell) == "70 % asombro y 30 % miedo: cat"
    assert sentences.example_name(("awe", "cat")) == "awe: cat"
    assert sentences.example_name((0, 50, 0, 0, 50, 0, 0, 0, "cat")) == "50 % awe and 50 % anger: cat"


def test_judgement_of_an_edit_tells_the_shift_and_its_way() -> None:
    edit = painted(requested={"fear": 1.0}, target="fear", before={"awe": 0.9, "fear": 0.1})
    assert sentences.painted_sentence(edit) == (
        "Probability of fear: 10 % before, 30 % now; a shift (Emo-S) of +0.20, towards what was asked for."
    )
    assert "away from" in sentences.painted_sentence(painted(target="fear", before={"awe": 0.1, "fear": 0.9}))
    assert "no shift (Emo-S) to speak of" in sentences.painted_sentence(
        painted(target="fear", before={"awe": 0.7, "fear": 0.302})
    )
    assert "feeling of the other picture, fear" in sentences.painted_lead(
        painted(target="fear", before={"awe": 1.0, "fear": 0.0})
    )


def test_the_users_own_picture_is_not_judged_as_made() -> None:
    own = painted(settings={})
    assert sentences.painted_lead(own).startswith("Before any change your picture is read, as in Understand,")
    assert sentences.painted_sentence(own) == "small before something great"


def test_experts_with_next_to_no_weight_were_not_asked() -> None:
    experts = (ExpertWeight(0, 0.993, True), ExpertWeight(1, 0.007, True))
    output = replace(fake_output("awe"), experts=experts)
    assert "Of its 2 small networks, number 1 decides (99 %" in sentences.explanation(output)


def test_what_a_prompt_says_in_vain_is_named() -> None:
    assert sentences.prompt_notes({"unknown_words": [], "left_out": ""}) == ""
    notes = sentences.prompt_notes({"unknown_words": ["gnu", "emu"], "left_out": "and more"})
    assert notes.startswith("The painter does not know “gnu” and “emu”") and "“and more” was left out" in notes
