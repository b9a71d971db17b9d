"""Which pictures count as the same, and how many readings are kept."""

from __future__ import annotations

from concurrent.futures import Future
from io import BytesIO

import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.ui import remembered
from kcdp.ui.lanes import BusyError, ReadingLane
from kcdp.ui.remembered import RememberedReadings, content_key


def still(color: str = "gold", size: tuple[int, int] = (8, 8)) -> DecodedPicture:
    return DecodedPicture.load(Image.new("RGB", size, color))


def test_the_key_is_of_pixels_times_and_the_way_of_reading() -> None:
    file = BytesIO()
    Image.new("RGB", (8, 8), "gold").save(file, "BMP")
    same = content_key(still(), False)
    assert content_key(DecodedPicture.load(file.getvalue()), False) == same
    frame = still().frames[0]
    others = [
        content_key(still(), True),
        content_key(still("navy"), False),
        content_key(still(size=(16, 16)), False),
        content_key(still(size=(8, 32)), False),
        content_key(DecodedPicture((frame, frame), ((0, 40), (40, 40))), False),
        content_key(DecodedPicture((frame, frame), ((0, 50), (50, 50))), False),
    ]
    assert len({same, *others}) == 7


def test_the_reading_nobody_asked_for_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "REMEMBERED", 2)
    kept = RememberedReadings()
    for name in ("a", "b"):
        kept.keep(name, name)
    assert kept.get("a") == "a"
    kept.keep("c", "c")
    assert [kept.get(name) for name in ("a", "b", "c")] == ["a", None, "c"]


def test_a_picture_seen_before_is_answered_without_the_models_and_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    class Bundle:
        def read(self, images: list[DecodedPicture], attention: bool) -> list[object]:
            batches.append(len(images))
            return [object() for _ in images]

    loaded: Future = Future()
    loaded.set_result(Bundle())
    lane = ReadingLane(loaded)
    first = lane.read(lane.enter(still(), True))
    monkeypatch.setattr("kcdp.ui.lanes.MAX_READINGS", 0)
    again = lane.enter(still(), True)
    assert again.result.done() and lane.read(again) is first and batches == [1]
    with pytest.raises(BusyError):
        lane.enter(still(), False)  # read with maps, never without


def test_what_failed_is_read_again() -> None:
    class Bundle:
        fails = True

        def read(self, images: list[DecodedPicture], attention: bool) -> list[str]:
            if self.fails:
                raise RuntimeError("out of memory")
            return ["read"]

    bundle, loaded = Bundle(), Future()
    loaded.set_result(bundle)
    lane = ReadingLane(loaded)
    with pytest.raises(RuntimeError, match="out of memory"):
        lane.read(lane.enter(still(), True))
    bundle.fails = False
    assert lane.read(lane.enter(still(), True)) == "read"
