from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from PIL import Image
from transformers import CLIPTokenizer

from kcdp.decoded import DecodedPicture
from kcdp.emotions import MIKELS_8
from kcdp.imaging import ImageError
from kcdp.painting.things import THINGS
from kcdp.ui import fuse, inputs, mix, refeel, transfer
from kcdp.ui.jobs import paint
from tests.fake_bundle import FakeUniEmo, fake_bundle
from tests.tiny_pipeline import SIZE, tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo

#: Number of pictures, seed, guidance, steps.
VALUES = (4, 7, None, 25)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    Image.new("RGB", (96, 64), "gold").save(tmp_path / "own.png")
    return {"path": str(tmp_path / "own.png")}


def test_call_options_are_the_pipelines_arguments() -> None:
    assert inputs.call_options(" a bench ", 2.0, 7, 3.5, 10) == {
        "prompt": "a bench",
        "num_images": 2,
        "seed": 7,
        "num_inference_steps": 10,
        "guidance_scale": 3.5,
        "negative_prompt": None,
    }
    assert inputs.call_options("", "2", " 9223372036854775807 ", "3.5", 10.0, "a dog") == {
        "prompt": "",
        "num_images": 2,
        "seed": 2**63 - 1,
        "num_inference_steps": 10,
        "guidance_scale": 3.5,
        "negative_prompt": "a dog",
    }
    unset = inputs.call_options("", 1, "", "", "")
    assert unset["guidance_scale"] is None and unset["num_inference_steps"] is None
    assert inputs.call_options(None, *VALUES)["prompt"] == ""


def test_names_are_taken_in_any_case_and_prompts_without_control_characters() -> None:
    assert inputs.emotion_name(" AWE ") == "awe"
    (job,) = fuse.plan_pictures(FakeUniEmo(), "Awe", "FEAR", "30", "a\x00cat\n\ton\u202e <b>mats</b>", *VALUES).jobs
    assert job.options["emotion"] == pytest.approx({"awe": 0.7, "fear": 0.3})
    assert job.options["prompt"] == "a cat on <b>mats</b>"


def test_seed_is_drawn_where_none_is_given() -> None:
    seeds = {inputs.call_options("", 1, None, None, 25)["seed"] for _ in range(5)}
    assert len(seeds) > 1 and all(0 <= seed < 10**6 for seed in seeds)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("", 9, 7, None, 25), "number of pictures must be a whole number from 1 to 8, not 9"),
        (("", 1.5, 7, None, 25), "not 1.5"),
        (("", None, 7, None, 25), "not None"),
        (("", float("nan"), 7, None, 25), "not nan"),
        (("", 1, -1, None, 25), "seed must be a whole number from 0"),
        (("", 1, "many", None, 25), "not many"),
        (("", 1, 7, None, 10**6), "number of steps must be a whole number from 1 to 100"),
        (("", True, 7, None, 25), "not True"),
        (("", 1, [7], None, 25), "seed must be a whole number from 0"),
        (("", 1, "9" * 5000, None, 25), "seed must be a whole number from 0"),
        (("", 1, 7, "strong", 25), "guidance must be a number from 0 to 50, not strong"),
        (("", 1, 7, float("inf"), 25), "guidance must be a number from 0 to 50, not inf"),
        (("x" * 301, 1, 7, None, 25), "at most 300 characters; this has 301"),
        ((["a bench"], 1, 7, None, 25), "must be a text, not list"),
    ],
)
def test_what_does_not_go_is_said_in_a_sentence(values: tuple, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        inputs.call_options(*values)
    assert str(caught.value).endswith(".")


def test_transfer_makes_one_call_for_all_pictures() -> None:
    (job,) = transfer.plan_pictures(FakeUniEmo(), "awe", "a cat", *VALUES).jobs
    assert job.options["emotion"] == "awe" and job.options["prompt"] == "a cat" and job.options["num_images"] == 4


def test_a_row_has_every_thing_and_a_column_every_emotion_from_one_seed() -> None:
    values = (4, None, None, 25)
    row = transfer.plan_every_thing(FakeUniEmo(), "awe", "a cat", *values).jobs
    assert [job.options["prompt"] for job in row] == list(THINGS)
    assert {job.options["emotion"] for job in row} == {"awe"}
    column = transfer.plan_every_emotion(FakeUniEmo(), None, "a cat", *values).jobs
    assert [job.options["emotion"] for job in column] == list(MIKELS_8.labels)
    assert {job.options["prompt"] for job in column} == {"a cat"}
    for jobs in (row, column):
        assert len({job.options["seed"] for job in jobs}) == 1
        assert {job.options["num_images"] for job in jobs} == {1}
        # What a link to each of them says.
        assert [job.chosen for job in jobs] == [
            {"emotion": job.options["emotion"], "thing": job.options["prompt"]} for job in jobs
        ]


@pytest.mark.parametrize("emotion", [None, "", {"awe": 1}])
def test_an_emotion_must_be_named(emotion: object) -> None:
    with pytest.raises(ValueError, match="choose an emotion"):
        transfer.plan_pictures(FakeUniEmo(), emotion, "", *VALUES)


def test_fuse_gives_the_second_emotion_its_share() -> None:
    (job,) = fuse.plan_pictures(FakeUniEmo(), "awe", "fear", 30, "", *VALUES).jobs
    assert job.options["emotion"] == pytest.approx({"awe": 0.7, "fear": 0.3})


def test_a_strip_goes_from_one_emotion_to_the_other_with_one_seed() -> None:
    jobs = fuse.plan_strip(FakeUniEmo(), "awe", "fear", 30, "a cat", 4, None, None, 25).jobs
    shares = [job.options["emotion"]["fear"] for job in jobs]
    assert shares[0] == 0 and shares[3] == 0.5 and shares[-1] == 1 and shares == sorted(shares)
    assert len(jobs) == fuse.STRIP and len({job.options["seed"] for job in jobs}) == 1
    assert [job.chosen["share"] for job in jobs] == [0, 17, 33, 50, 67, 83, 100]
    assert jobs[0].caption == {"awe": 1, "fear": 0} and jobs[3].caption == {"awe": 0.5, "fear": 0.5}


@pytest.mark.parametrize(
    ("first", "second", "share", "sentence"),
    [
        ("awe", "awe", 50, "two different emotions; both are awe"),
        ("awe", None, 50, "choose an emotion"),
        ("awe", "fear", 101, "share must be a number from 0 to 100, not 101"),
        ("awe", "fear", "half", "not half"),
    ],
)
def test_fuse_says_what_does_not_go(first: str, second: str | None, share: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        fuse.plan_pictures(FakeUniEmo(), first, second, share, "", *VALUES)


def test_refeel_begins_from_the_picture_and_hangs_it_beside(own: dict[str, str]) -> None:
    (job,) = refeel.plan_pictures(FakeUniEmo(), own, "awe", None, 0.6, "", *VALUES).jobs
    assert job.options["emotion"] == "awe" and job.original.size == (64, 64)
    assert job.options["image"] == DecodedPicture.load(own["path"]) and job.options["strength"] == 0.6
    first, *others = [
        painted for progress in paint(fake_bundle(), [job], threading.Event()) for painted in progress.pictures
    ]
    assert first.is_original and first.emotion == "contentment" and len(others) == 4
    assert others[0].shift == pytest.approx(others[0].probabilities["awe"] - first.probabilities["awe"])


def test_refeel_takes_the_emotion_of_a_second_picture(own: dict[str, str]) -> None:
    (job,) = refeel.plan_pictures(FakeUniEmo(), own, "awe", own, 0.6, "", *VALUES).jobs
    assert job.options["emotion"] == DecodedPicture.load(own["path"])
    bundle = fake_bundle().result()
    job = job.with_readings(bundle)
    assert job.target == "contentment" and job.run(bundle)[0].requested is None


def test_refeel_refuses_files_that_are_no_pictures(own: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("this is no picture")
    broken = {"path": str(tmp_path / "broken.png")}
    for picture, other in ((broken, None), (own, broken)):
        with pytest.raises(ImageError, match=r"broken\.png"):
            refeel.plan_pictures(FakeUniEmo(), picture, "awe", other, 0.6, "", *VALUES)


def test_refeel_needs_a_picture_and_a_strength(own: dict[str, str]) -> None:
    with pytest.raises(ImageError, match="choose the picture"):
        refeel.plan_pictures(FakeUniEmo(), None, "awe", None, 0.6, "", *VALUES)
    with pytest.raises(ValueError, match=r"strength must be a number from 0\.05 to 1, not None"):
        refeel.plan_pictures(FakeUniEmo(), own, "awe", None, None, "", *VALUES)


def test_every_plan_is_one_that_the_real_pipeline_paints(tiny_tokenizer: CLIPTokenizer, own: dict[str, str]) -> None:
    uniemo = tiny_uniemo(tiny_pipeline(tiny_tokenizer))
    bundle = fake_bundle(uniemo)
    values = (2, 7, None, 2)
    plans = [
        (transfer.plan_pictures(uniemo, "awe", "a cat", *values), 2),
        (transfer.plan_every_emotion(uniemo, "awe", "a cat", *values), 8),
        (fuse.plan_strip(uniemo, "awe", "fear", 50, "a cat", *values), 7),
        (refeel.plan_pictures(uniemo, own, "awe", None, 1.0, "", *values), 2),
        (refeel.plan_pictures(uniemo, own, None, own, 1.0, "", *values), 2),
    ]
    plans.append((mix.plan_pictures(uniemo, {"awe": 3, "fear": 1}, "a cat", *values), 2))
    sizes = []
    for plan, count in plans:
        updates = list(paint(bundle, plan.jobs, threading.Event()))
        assert {progress.steps for progress in updates} == {2}
        sizes += [preview.size for progress in updates for preview in progress.previews or []]
        pictures = [painted for progress in updates for painted in progress.pictures if not painted.is_original]
        assert [painted.settings["seed"] for painted in pictures] == ([7, 8] if len(plan.jobs) == 1 else [7] * count)
        json.dumps([dict(painted.settings) for painted in pictures])
    # Not in every plan: who looks on slowly misses some.
    assert set(sizes) == {(SIZE, SIZE)}


def test_a_board_gives_the_pipelines_emotions_their_sliders() -> None:
    uniemo = FakeUniEmo()
    uniemo.labels = ("joy", "anger")
    (job,) = mix.plan_board(uniemo, 30, 90, 55, 55, 55, 55, 55, 55, "a cat", *VALUES, "").jobs
    assert job.options["emotion"] == {"joy": 30, "anger": 90} and job.options["prompt"] == "a cat"


def test_one_picture_keeps_a_given_seed_and_gets_one_otherwise() -> None:
    assert inputs.for_one_picture(["awe", "cat", 4, 7, None, None, ""], 3) == ["awe", "cat", 1, 7, None, None, ""]
    assert inputs.for_one_picture(["awe", "cat", 4, "", None, None, ""], 3) == ["awe", "cat", 1, 3, None, None, ""]
