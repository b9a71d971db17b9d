from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.ui import jobs
from kcdp.ui.jobs import PaintingJob, Progress, paint
from tests.fake_bundle import FakeUniEmo, fake_bundle

OPTIONS = {"prompt": "bench", "num_images": 2, "seed": 7, "num_inference_steps": 4, "guidance_scale": None}


def job(emotion: str = "awe", **more) -> PaintingJob:
    return PaintingJob(OPTIONS | {"emotion": emotion} | more, emotion)


def turnstile() -> tuple[threading.Semaphore, Callable[[int], None]]:
    """A gate for `before_step`: each release lets one step through."""
    gate = threading.Semaphore(0)
    return gate, lambda step: gate.acquire(timeout=10) or pytest.fail("nobody opened the gate")


def test_pieces_of_all_tasks_arrive_in_order() -> None:
    uniemo = FakeUniEmo()
    updates = list(paint(fake_bundle(uniemo), [job("awe"), job("fear")], threading.Event()))
    assert not uniemo.loud
    assert [(painted.emotion, painted.settings["seed"]) for progress in updates for painted in progress.pictures] == [
        ("awe", 7),
        ("awe", 8),
        ("fear", 7),
        ("fear", 8),
    ]
    assert updates[-1].share == 1 and updates[-1].previews == []


def test_steps_are_told_as_they_happen_with_previews_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PREVIEW_SECONDS", 0)
    monkeypatch.setattr(jobs, "PREVIEW_COST", 0)
    gate, before_step = turnstile()
    seen = []
    gate.release()
    for progress in paint(fake_bundle(FakeUniEmo(before_step)), [job()], threading.Event()):
        greys = [preview.getpixel((0, 0))[0] for preview in progress.previews or []]
        seen.append((progress.step, progress.steps, progress.share, greys))
        gate.release()
    assert [step for step, *_ in seen[:3]] == [1, 2, 3]
    assert {steps for _, steps, *_ in seen} == {4}
    assert [share for _, _, share, _ in seen[:3]] == [0.25, 0.5, 0.75]
    shades = [greys for *_, greys in seen[:3]]
    assert all(len(greys) == 2 for greys in shades) and shades == sorted(shades) and shades[0] < shades[2]


def test_previews_do_not_come_at_every_step() -> None:
    uniemo = FakeUniEmo()
    decoded = []
    plain = uniemo.decode
    uniemo.decode = lambda latents: decoded.append(1) or plain(latents)
    list(paint(fake_bundle(uniemo), [job(num_inference_steps=50)], threading.Event()))
    assert len(decoded) == 1


def test_an_edit_takes_a_part_of_the_steps() -> None:
    own = DecodedPicture.load(Image.new("RGB", (8, 8)))
    updates = paint(fake_bundle(), [job(image=own, strength=0.5)], threading.Event())
    assert max(progress.steps for progress in updates) == 2


def test_closing_ends_the_work_after_the_step_it_is_at() -> None:
    gate, before_step = turnstile()
    uniemo = FakeUniEmo(before_step)
    done = threading.Event()
    work = paint(fake_bundle(uniemo), [job(num_inference_steps=100), job("fear")], threading.Event())
    gate.release()
    assert next(work).step == 1
    work.close()
    for _ in range(3):
        gate.release()
    # The next painting gets the brush only when the stopped one has laid it down.
    threading.Thread(
        target=lambda: (list(paint(fake_bundle(), [job()], threading.Event())), done.set()), daemon=True
    ).start()
    assert done.wait(10)
    assert len(uniemo.calls) == 1


def test_halting_ends_at_once_and_leaves_what_is_finished() -> None:
    gate, before_step = turnstile()
    stop_event = threading.Event()
    for _ in range(5):
        gate.release()
    pictures = []
    for progress in paint(fake_bundle(FakeUniEmo(before_step)), [job("awe"), job("fear")], stop_event):
        pictures += progress.pictures
        if (progress.job, progress.step) == (1, 1):
            stop_event.set()
    assert [painted.emotion for painted in pictures] == ["awe", "awe"]
    gate.release()


def test_what_the_pipeline_raises_is_raised_after_what_was_finished() -> None:
    pictures = []
    with pytest.raises(ValueError, match="'boredom' is not one of the Mikels-8 labels"):
        for progress in paint(fake_bundle(), [job("awe"), job("boredom"), job("fear")], threading.Event()):
            pictures += progress.pictures
    assert [painted.emotion for painted in pictures] == ["awe", "awe"]


def test_share_of_the_work() -> None:
    assert Progress(jobs=4, job=1, step=1, steps=2).share == 0.375
    assert Progress(jobs=1, job=1).share == 1
