"""Work for a GPU: right here, and in a forked process as on ZeroGPU."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from PIL import Image

from kcdp.bundle import BundleError
from kcdp.imaging import ImageError
from kcdp.ui import endpoints, fuse, gpu, inputs, refeel, transfer
from kcdp.ui.jobs import paint
from kcdp.ui.lanes import Backend, ReadingLane
from kcdp.ui.understand import understand_picture
from tests.fake_bundle import FakeUniEmo, fake_bundle, fake_output

if TYPE_CHECKING:
    from tests.fake_spaces import FakeSpaces

pytest_plugins = ["tests.fake_spaces"]

#: Number of pictures, seed, guidance, steps.
VALUES = (2, 7, None, 4)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    Image.new("RGB", (96, 64), "gold").save(tmp_path / "own.png")
    return {"path": str(tmp_path / "own.png")}


def whereabouts(bundle: Any, *args: Any) -> Iterator[tuple]:
    yield os.getpid(), bundle.uniemo.labels, *args


def give_a_lock(bundle: Any) -> Iterator[Any]:
    yield threading.Lock()


def break_with(bundle: Any, kind: str) -> Iterator[Any]:
    yield "one"
    if kind == "picture":
        raise ImageError("The picture is empty.")
    if kind == "bundle":
        raise BundleError("The bundle is damaged.")
    if kind == "value":
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "no text")
    if kind == "fault":
        raise OddError(1, 2)
    os._exit(1)


class OddError(Exception):
    """Cannot be unpickled: its arguments are not those of its constructor."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def unpicklable() -> Future:
    """A bundle that may be inherited and not sent."""
    bundle = fake_bundle()
    bundle.result().lock = threading.Lock()
    return bundle


def test_without_the_package_the_work_is_done_here() -> None:
    lock = threading.Lock()
    assert list(gpu.on_gpu(1, unpicklable(), whereabouts, lock)) == [(os.getpid(), FakeUniEmo.labels, lock)]
    with pytest.raises(OddError, match="1 and 2"):
        list(gpu.on_gpu(1, unpicklable(), break_with, "fault"))


def test_work_goes_to_a_process_that_inherits_the_models(zero_gpu: FakeSpaces) -> None:
    ((process, *rest),) = gpu.on_gpu(2.6, unpicklable(), whereabouts, "a", {"b": 1})
    assert process != os.getpid() and rest == [FakeUniEmo.labels, "a", {"b": 1}]
    assert zero_gpu.asked == [gpu.START_SECONDS + 3]


def test_models_that_still_load_are_waited_for(zero_gpu: FakeSpaces) -> None:
    bundle: Future = Future()
    threading.Timer(0.2, lambda: bundle.set_result(unpicklable().result())).start()
    assert len(list(gpu.on_gpu(1, bundle, whereabouts))) == 1


def test_what_cannot_be_pickled_does_not_pass(zero_gpu: FakeSpaces) -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        list(gpu.on_gpu(1, unpicklable(), whereabouts, threading.Lock()))
    with pytest.raises(gpu.GPUError, match="TypeError"):
        list(gpu.on_gpu(1, unpicklable(), give_a_lock))


@pytest.mark.parametrize(
    ("how", "kind", "sentence"),
    [
        ("picture", ImageError, "The picture is empty."),
        ("bundle", BundleError, "The bundle is damaged."),
        ("value", ValueError, "no text"),
        ("fault", RuntimeError, "OddError: 1 and 2"),
    ],
)
def test_errors_come_out_with_their_words_and_whence_they_came(
    zero_gpu: FakeSpaces, how: str, kind: type[Exception], sentence: str
) -> None:
    results = gpu.on_gpu(1, unpicklable(), break_with, how)
    assert next(results) == "one"
    with pytest.raises(kind, match=sentence) as caught:
        next(results)
    assert caught.type is kind and "in break_with" in caught.value.__notes__[0]


def test_no_gpu_is_one_sentence(zero_gpu: FakeSpaces, own: dict[str, str]) -> None:
    with pytest.raises(gpu.GPUError, match=r"^ZeroGPU worker error: GPU task aborted\.$"):
        list(gpu.on_gpu(1, unpicklable(), break_with, "death"))
    zero_gpu.refuse = "Your quota is used up. Try again in 3:00:00. "
    sentence = r"^ZeroGPU quota exceeded: Your quota is used up. Try again in 3:00:00\.$"
    for work in (
        lambda: understand_picture(ReadingLane(fake_bundle()), own),
        lambda: list(paint(fake_bundle(), [], threading.Event())),
    ):
        with pytest.raises(gpu.GPUError, match=sentence):
            work()
    with pytest.raises(gr.Error) as caught:
        endpoints.painting_result(Backend(fake_bundle()), transfer.plan_pictures, "awe", "bench", *VALUES)
    assert caught.value.message == "ZeroGPU quota exceeded: Your quota is used up. Try again in 3:00:00."


def test_a_picture_is_understood_there(zero_gpu: FakeSpaces, own: dict[str, str]) -> None:
    result = understand_picture(ReadingLane(unpicklable()), own)
    assert result.verdict.kcdp.to_dict() == fake_output().to_dict()
    assert result.verdict.uniemo.scene.name == "beach" and len(result.attention) == len(fake_output().attention) + 2
    assert understand_picture(ReadingLane(fake_bundle(with_uniemo=False)), own).verdict.uniemo is None


def plans(uniemo: FakeUniEmo, own: dict[str, str]) -> list[tuple[inputs.Plan, int]]:
    """Of every tab, with the number of pictures."""
    return [
        (transfer.plan_pictures(uniemo, "awe", "a cat", *VALUES), 2),
        (transfer.plan_every_emotion(uniemo, "awe", "a cat", *VALUES), 8),
        (fuse.plan_strip(uniemo, "awe", "fear", 50, "a cat", *VALUES), 7),
        (refeel.plan_pictures(uniemo, own, "awe", None, 0.5, "", *VALUES), 3),
        (refeel.plan_pictures(uniemo, own, None, own, 0.5, "", *VALUES), 3),
    ]


def test_pictures_of_every_tab_are_painted_there_as_here(zero_gpu: FakeSpaces, own: dict[str, str]) -> None:
    bundle = unpicklable()
    painted = []
    for plan, count in plans(bundle.result().uniemo, own):
        updates = list(paint(bundle, plan.jobs, threading.Event()))
        assert updates[-1].share == 1 and updates[-1].previews == []
        painted.append([painted for progress in updates for painted in progress.pictures])
        assert len(painted[-1]) == count
    assert bundle.result().uniemo.calls == []
    assert [painted.shift is None for painted in painted[-2]] == [True, False, False]
    assert [painted.target for painted in painted[-1]] == [None, "contentment", "contentment"]
    here_bundle = fake_bundle().result()
    for plan, there in zip((plan for plan, _ in plans(FakeUniEmo(), own)), painted, strict=True):
        here = [painted for job in plan.jobs for painted in job.with_readings(here_bundle).run(here_bundle)]
        made = [painted for painted in there if not painted.is_original]
        assert [(painted.settings, painted.probabilities, painted.caption) for painted in made] == [
            (painted.settings, painted.probabilities, painted.caption) for painted in here
        ]
        assert [painted.image.tobytes() for painted in made] == [painted.image.tobytes() for painted in here]


def slowly(step: int) -> None:
    time.sleep(0.02)


@pytest.mark.parametrize("how", ["close", "stop_event"])
def test_nobody_paints_on_when_nobody_looks_on(zero_gpu: FakeSpaces, tmp_path: Path, how: str) -> None:
    def leave_a_mark(step: int) -> None:
        slowly(step)
        (tmp_path / str(step)).touch()

    bundle, stop_event = fake_bundle(FakeUniEmo(leave_a_mark)), threading.Event()
    jobs = transfer.plan_pictures(bundle.result().uniemo, "awe", "", 1, 7, None, 100).jobs
    updates = paint(bundle, jobs, stop_event)
    next(updates)
    if how == "close":
        updates.close()
    else:
        stop_event.set()
        assert list(updates) == []
    done = len(list(tmp_path.iterdir()))
    time.sleep(0.2)
    assert 1 <= len(list(tmp_path.iterdir())) <= done + 1 < 50


def test_previews_come_out(zero_gpu: FakeSpaces) -> None:
    bundle = fake_bundle(FakeUniEmo(slowly))
    jobs = transfer.plan_pictures(bundle.result().uniemo, "awe", "", *VALUES).jobs
    updates = list(paint(bundle, jobs, threading.Event()))
    assert [(len(progress.previews), progress.previews[0].size) for progress in updates if progress.previews] == [
        (2, (64, 64))
    ]


def test_an_unknown_emotion_is_the_same_sentence_there(zero_gpu: FakeSpaces, own: dict[str, str]) -> None:
    plan = refeel.plan_pictures(FakeUniEmo(), own, "boredom", None, 0.5, "", *VALUES)
    with pytest.raises(ValueError) as here:
        bundle = fake_bundle().result()
        plan.jobs[0].with_readings(bundle).run(bundle)
    with pytest.raises(type(here.value)) as there:
        list(paint(fake_bundle(), plan.jobs, threading.Event()))
    assert str(there.value) == str(here.value)


def test_endpoints_answer_from_there(zero_gpu: FakeSpaces, own: dict[str, str]) -> None:
    bundle = unpicklable()
    made, pictures = endpoints.painting_result(Backend(bundle), refeel.plan_pictures, own, None, own, 0.6, "", *VALUES)
    gains = [verdict["contentment"] - made["before"]["contentment"] for verdict in made["probabilities"]]
    assert made["target"] == "contentment" and made["shifts"] == pytest.approx(gains)
    assert [caption for _, caption in pictures] == ["seed 7", "seed 8"]
    with pytest.raises(gr.Error, match="'boredom' is not one of"):
        endpoints.painting_result(Backend(bundle), transfer.plan_pictures, "boredom", "bench", *VALUES)


def test_more_pictures_and_steps_ask_for_more_and_the_most_for_two_minutes(
    zero_gpu: FakeSpaces, own: dict[str, str]
) -> None:
    def asked(planner: Callable[..., inputs.Plan], *values: Any) -> float:
        zero_gpu.refuse = "No."
        with pytest.raises(gpu.GPUError):
            list(paint(fake_bundle(), planner(FakeUniEmo(), *values).jobs, threading.Event()))
        return zero_gpu.asked[-1]

    most = inputs.MAX_PICTURES, 7, None, inputs.MAX_STEPS
    usual = asked(transfer.plan_pictures, "awe", "", 4, 7, None, 25)
    assert (
        usual
        < asked(transfer.plan_pictures, "awe", "", 8, 7, None, 25)
        < asked(transfer.plan_pictures, "awe", "", *most)
    )
    assert asked(refeel.plan_pictures, own, "awe", None, 0.5, "", 4, 7, None, 25) < usual < 30
    assert (
        max(asked(transfer.plan_pictures, "awe", "", *most), asked(transfer.plan_every_emotion, "awe", "", *most))
        <= 120
    )
