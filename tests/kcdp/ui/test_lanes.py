from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType, SimpleNamespace

import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.ui import lanes
from kcdp.ui.jobs import PaintingJob, paint
from kcdp.ui.lanes import BusyError, ModelTurns, PaintingLane, ReadingLane, Superseded
from tests.fake_bundle import FakeUniEmo, fake_bundle

SECONDS = 10


def picture(color: str = "gold") -> DecodedPicture:
    return DecodedPicture.load(Image.new("RGB", (8, 8), color))


class SlowBundle:
    """Notes every batch and holds it until `gate` is released once."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, bool]] = []
        self.started = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def read(self, images: list[DecodedPicture], attention: bool) -> list:
        self.batches.append((len(images), attention))
        self.started.release()
        assert self.gate.acquire(timeout=SECONDS)
        return list(images)

    @property
    def bundle(self) -> Future:
        future: Future = Future()
        future.set_result(self)
        return future


def test_who_waits_meanwhile_is_read_in_one_batch_and_gets_their_own_result() -> None:
    slow = SlowBundle()
    lane = ReadingLane(slow.bundle)
    pictures = [picture() for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(lane.read, lane.enter(pictures[0], False))
        assert slow.started.acquire(timeout=SECONDS)
        others = [
            pool.submit(lane.read, lane.enter(one, attention))
            for one, attention in zip(pictures[1:], (False, True, False, False), strict=True)
        ]
        for _ in range(3):
            slow.gate.release()
        results = [future.result(SECONDS) for future in (first, *others)]
    # Heat maps are computed for those alone who asked for them.
    assert slow.batches == [(1, False), (3, False), (1, True)]
    assert all(mine is own for mine, own in zip(results, pictures, strict=True))


def test_no_batch_is_larger_than_allowed_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_BATCH", 2)
    monkeypatch.setattr(lanes, "MAX_READINGS", 3)
    slow = SlowBundle()
    lane = ReadingLane(slow.bundle)
    readings = [lane.enter(picture(), False) for _ in range(3)]
    with pytest.raises(BusyError, match="try again"):
        lane.enter(picture(), False)
    for _ in range(2):
        slow.gate.release()
    for reading in readings:
        lane.read(reading)
    assert [size for size, _ in slow.batches] == [2, 1]
    lane.enter(picture(), False)


def test_a_reading_that_is_cancelled_is_not_computed() -> None:
    slow = SlowBundle()
    lane = ReadingLane(slow.bundle)
    cancelled, other = lane.enter(picture(), False), lane.enter(picture(), False)
    cancelled.cancel()
    slow.gate.release()
    lane.read(other)
    with pytest.raises(Superseded):
        lane.read(cancelled)
    assert slow.batches == [(1, False)]


def test_who_has_gone_is_not_read_and_the_others_are() -> None:
    slow = SlowBundle()
    lane = ReadingLane(slow.bundle)
    gone, other = lane.enter(picture(), False, lambda: True), lane.enter(picture(), False)
    slow.gate.release()
    with pytest.raises(Superseded):
        lane.read(gone)
    lane.read(other)
    assert slow.batches == [(1, False)]


def test_who_has_a_result_does_not_wait_for_the_batch_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_BATCH", 2)
    slow = SlowBundle()
    lane = ReadingLane(slow.bundle)
    with ThreadPoolExecutor(8) as pool:
        first, second, *later = [lane.enter(picture(), False) for _ in range(6)]
        led = pool.submit(lane.read, first)
        assert slow.started.acquire(timeout=SECONDS)
        # Those of the later batches stand before the second of the first one, wherever they wait.
        behind = [pool.submit(lane.read, one) for one in later]
        until_waiting(4)
        shared = pool.submit(lane.read, second)
        until_waiting(5)
        slow.gate.release()
        assert slow.started.acquire(timeout=SECONDS)
        # The next batch is at work, and stays so until the others have theirs.
        assert led.result(SECONDS) is first.picture and shared.result(SECONDS) is second.picture
        slow.gate.release(2)
        assert [one.result(SECONDS) for one in behind] == [one.picture for one in later]


def until_waiting(number: int) -> None:
    """Wait until so many threads wait for a batch of others."""
    waiting = 0
    while waiting < number:
        frames = sys._current_frames().values()
        waiting = sum(any(of.f_code.co_name == "read" for of in stack(frame)) for frame in frames) - 1


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and those that called it, of the lane's module alone."""
    while frame is not None:
        if frame.f_code.co_filename == lanes.__file__:
            yield frame
        frame = frame.f_back


def test_a_fault_of_the_models_reaches_all_of_the_batch() -> None:
    bundle: Future = Future()
    bundle.set_result(SimpleNamespace(read=lambda *args, **options: 1 / 0))
    lane = ReadingLane(bundle)
    for reading in [lane.enter(picture(), True) for _ in range(2)]:
        with pytest.raises(ZeroDivisionError):
            lane.read(reading)


def test_a_reading_waits_for_a_painting_no_longer_than_a_step() -> None:
    """The painting stops before its second step until the reading is over."""
    steps: list[int] = []
    first_step, go_on = threading.Event(), threading.Semaphore(0)

    def before_step(step: int) -> None:
        steps.append(step)
        first_step.set()
        assert go_on.acquire(timeout=SECONDS)

    bundle = fake_bundle(FakeUniEmo(before_step))
    job = PaintingJob(
        {"emotion": "awe", "prompt": "", "num_images": 1, "seed": 1, "num_inference_steps": 9, "guidance_scale": None}
    )
    painted = threading.Thread(target=lambda: list(paint(bundle, [job], threading.Event())), daemon=True)
    painted.start()
    assert first_step.wait(SECONDS)
    lane = ReadingLane(bundle)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lane.read, lane.enter(picture(), False))
        while not lanes.MODEL_TURNS._readings:
            pass
        go_on.release()
        assert result.result(SECONDS).emotion == "contentment"
        assert len(steps) <= 2
    for _ in range(9):
        go_on.release()
    painted.join(SECONDS)
    assert steps == list(range(9))


def test_readings_without_end_do_not_stop_a_painting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 0.01)
    turns = ModelTurns()
    over = threading.Event()

    def read_on() -> None:
        while not over.is_set():
            with turns.reading():
                pass

    readers = [threading.Thread(target=read_on, daemon=True) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        with ThreadPoolExecutor(1) as pool:

            def work() -> str:
                with turns.painting():
                    for _ in range(5):
                        turns.between_steps()
                return "painted"

            assert pool.submit(work).result(SECONDS) == "painted"
    finally:
        over.set()


def test_nobody_computes_beside_somebody_else() -> None:
    turns = ModelTurns()
    busy = threading.Lock()

    def alone() -> None:
        assert busy.acquire(blocking=False)
        busy.release()

    def read() -> None:
        for _ in range(200):
            with turns.reading():
                alone()

    def work() -> None:
        with turns.painting():
            for _ in range(200):
                alone()
                turns.between_steps()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(task) for task in (read, work, read, work)]:
            future.result(SECONDS)


def test_paintings_come_in_turn_and_know_how_many_are_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MAX_PAINTINGS", 3)
    lane = PaintingLane()
    first, second, third = lane.enter(), lane.enter(), lane.enter()
    with pytest.raises(BusyError, match="try again"):
        lane.enter()
    assert [ticket.ahead for ticket in (first, second, third)] == [0, 1, 2]
    assert first.wait(0) and not second.wait(0)
    second.close()
    assert third.ahead == 1
    with ThreadPoolExecutor(1) as pool:
        turn = pool.submit(third.wait, SECONDS)
        first.close()
        assert turn.result(SECONDS)
