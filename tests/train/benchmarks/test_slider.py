"""A moved slider is timed until the picture of its new state, and of no other, is seen."""

from __future__ import annotations

import itertools
import json
import time
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page

from tests.app_page import serve
from tests.fake_bundle import FakeUniEmo, fake_bundle
from train.benchmarks import slider as module
from train.benchmarks.slider import SHARES, SliderTimes, measure_slider, move_slider

pytest_plugins = ["tests.page_fixtures"]

#: Seconds of a step of four that the page's painter takes.
STEP = 0.05


def test_every_move_is_painted_and_waited_for(page: Page) -> None:
    uniemo = FakeUniEmo(lambda step: time.sleep(STEP))
    # A page in this process, which computes 6 s between two looks.
    app = SimpleNamespace(url=serve(fake_bundle(uniemo), live=True), computed=itertools.count(0.0, 6.0).__next__)
    times = move_slider(page, app, moves=3)
    assert len(times.moving) == len(times.refining) == 3 and times.computed == 2
    assert min(times.moving + times.refining) >= 4 * STEP
    # Each state in its turn, some of them a second time, refined.
    shares = [round(100 * call["emotion"]["fear"]) for call in uniemo.calls]
    assert [share for number, share in enumerate(shares) if number == 0 or shares[number - 1] != share] == [*SHARES[:8]]
    assert json.loads(json.dumps(times.to_dict()))["moving"] == times.moving


def test_what_was_refined_meanwhile_is_not_what_was_waited_for(page: Page) -> None:
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA{}"
    page.set_content(f"<input type=range><div id=live><img alt='50 %' src='{pixel.format('=')}'></div>")
    page.evaluate(
        """([same, other]) => document.querySelector('input').addEventListener('input', ({ target }) => {
          const show = (alt, src) => { document.querySelector('#live').innerHTML = `<img alt="${alt}" src="${src}">`; };
          setTimeout(() => show('50 %', same), 50);
          setTimeout(() => show(`${target.value} %`, other), 400);
        })""",
        [pixel.format("+"), pixel.format("/")],
    )
    assert page.evaluate(module._MOVE, ["input", "#live", 55]) >= 0.4


def test_percentiles_are_of_what_was_measured() -> None:
    times = SliderTimes([number / 100 for number in range(101)], [2.0, 2.0], computed=0.25, load=1.5)
    assert "| while it moves | 101 | 0.50 s | 0.95 s |" in str(times)
    assert "refined | 2 | 2.00 s | 2.00 s |" in str(times) and "included: 1.5 on" in str(times)
    assert "250 ms a move" in str(times)


def test_without_a_browser_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHROMIUM", None)
    with pytest.raises(RuntimeError, match="Chromium on the PATH"):
        measure_slider(1)
