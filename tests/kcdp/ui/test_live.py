"""The picture that follows the settings: the newest state wins, in the page and in the models."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Page, expect

from kcdp.ui.jobs import PaintingJob, paint_live
from kcdp.ui.live import Newest
from tests.app_page import open_tab, serve
from tests.fake_bundle import FakeUniEmo, fake_bundle

pytest_plugins = ["tests.page_fixtures"]

JOB = PaintingJob(
    {
        "emotion": "awe",
        "prompt": "lamp",
        "num_images": 1,
        "seed": 7,
        "num_inference_steps": None,
        "guidance_scale": None,
    }
)


def test_a_newer_wish_supersedes_the_older_one_of_the_same_visitor() -> None:
    newest = Newest()
    first, other = newest.enter("one"), newest.enter("another")
    second = newest.enter("one")
    assert first.is_set() and not second.is_set() and not other.is_set()
    newest.leave("one", first)
    assert not second.is_set()
    newest.leave("one")
    assert second.is_set() and not other.is_set()


def test_a_refinement_gives_way_to_whatever_is_in_work() -> None:
    newest = Newest()
    moving = newest.enter("one")
    assert newest.enter("one", waits=True).is_set() and not moving.is_set()
    newest.leave("one", moving)
    assert not newest.enter("one", waits=True).is_set()


def test_a_superseded_picture_ends_at_its_next_step_and_is_never_shown() -> None:
    superseded, steps = threading.Event(), []

    def before_step(step: int) -> None:
        steps.append(step)
        if step == 1:
            superseded.set()

    assert paint_live(fake_bundle(FakeUniEmo(before_step)).result(), JOB, superseded, refine=False) is None
    assert steps == [0, 1]
    uniemo = FakeUniEmo()
    assert paint_live(fake_bundle(uniemo).result(), JOB, superseded, refine=True) is None and uniemo.calls == []


def test_a_moving_picture_is_the_students_and_a_resting_one_the_teachers_and_has_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    student, teacher = FakeUniEmo(), FakeUniEmo()
    bundle = fake_bundle(student).result()
    monkeypatch.setattr(type(bundle), "quality", property(lambda _: teacher))
    moving = paint_live(bundle, JOB, threading.Event(), refine=False)
    resting = paint_live(bundle, JOB, threading.Event(), refine=True)
    # Each takes as many steps as it is made for.
    assert [call["num_inference_steps"] for call in (*student.calls, *teacher.calls)] == [None, None]
    assert moving is not None and moving[1] is None
    assert resting is not None and resting[1] is not None and resting[1].emotion == "awe"


def test_the_picture_follows_the_slider_and_only_the_newest_state_is_painted(page: Page) -> None:
    gate = threading.Semaphore(0)
    uniemo = FakeUniEmo(lambda step: gate.acquire(timeout=60) or pytest.fail("nobody opened the gate"))
    open_tab(page, serve(fake_bundle(uniemo), live=True), "Mix")
    slider = page.locator("#mix-2 input[type=number]")
    # The first state, when the tab opens, is at work; what comes now waits in the page, and each forgets the one before.
    page.wait_for_function("() => true")
    while not uniemo.calls:
        page.wait_for_timeout(20)
    for weight in (10, 20, 30):
        slider.fill(str(weight))
    gate.release(1000)
    expect(page.locator("#mix-live [data-rested=yes]")).to_be_visible()
    expect(page.locator("#mix-live img")).to_have_attribute("alt", "46 % amusement, 23 % contentment and 31 % fear")
    weights = [call["emotion"].get("contentment", 0) for call in uniemo.calls]
    assert weights[-1] == 30 and 10 not in weights and 20 not in weights
    assert len({call["seed"] for call in uniemo.calls}) == 1


def test_an_example_is_painted_at_a_click_and_the_switch_ends_it(page: Page) -> None:
    uniemo = FakeUniEmo()
    open_tab(page, serve(fake_bundle(uniemo), live=True), "Transfer")
    expect(page.locator("#transfer-live [data-rested=yes]")).to_be_visible()
    page.get_by_text("contentment", exact=True).filter(visible=True).last.click()
    expect(page.locator("#transfer-live figcaption")).to_have_text("Asked for contentment, and read as contentment")
    page.locator("#transfer-follow input").uncheck()
    expect(page.locator("#transfer-live img")).to_have_count(0)
