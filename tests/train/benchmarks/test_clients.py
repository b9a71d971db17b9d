"""Clients of a page that reads and paints at once, and what is counted of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.ui import lanes
from kcdp.ui.painted import png
from tests.app_page import serve
from tests.fake_bundle import FakeBundle, fake_bundle
from train.benchmarks.clients import Load, WatchedApp, run_load


@pytest.fixture
def page() -> Iterator[SimpleNamespace]:
    """A page in this process, which computes 2 s and takes 1 MB between two looks."""
    yield SimpleNamespace(
        url=serve(fake_bundle()).rstrip("/"),
        memory=itertools.count(100.0).__next__,
        computed=itertools.count(0.0, 2.0).__next__,
    )
    gr.close_all()


def pictures() -> Iterator[bytes]:
    for number in itertools.count():
        yield png(Image.new("RGB", (8, 8), (number % 256, number // 256 % 256, 0)))


def test_every_answer_is_counted_and_no_picture_sent_twice(
    page: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    plain = FakeBundle.read
    monkeypatch.setattr(
        FakeBundle,
        "read",
        lambda self, images, attention: (
            seen.extend(DecodedPicture.load(one).middle.tobytes() for one in images) or plain(self, images, attention)
        ),
    )
    load = run_load(page, pictures(), clients=3, seconds=1.0, painters=1)
    assert load.errors == {} and load.busy == 0
    # Besides those counted every client's first, and what is read in the paintings.
    read = [pixels for pixels in seen if len(pixels) == 8 * 8 * 3]
    assert len(load.waited) == len(read) - 3 > 0 and len(set(read)) == len(read)
    assert load.painted and load.computed == 2 and load.seconds >= 1
    assert load.memory[:2] == [100, 101] and load.memory[-1] == 100 + len(load.memory) - 1
    assert json.loads(json.dumps(load.to_dict()))["waited"] == load.waited
    table = str(load)
    assert f"| {len(load.waited)}, {len(load.waited) / load.seconds:.2f} a second |" in table
    assert f"{2000 / len(load.waited):.0f} ms an answer" in table and "| errors | 0 |" in table


def test_a_page_that_is_busy_is_told_from_one_that_fails(
    page: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = run_load(page, itertools.repeat(b"this is no picture"), clients=1, seconds=0.2, painters=0)
    assert broken.errors.total() > 1 and broken.waited == [] and broken.busy == 0
    assert all(text.startswith("RuntimeError: ") and text.endswith(".") for text in broken.errors)
    assert "| answers | 0, 0.00 a second |" in str(broken) and "ms an answer" not in str(broken)
    monkeypatch.setattr(lanes, "MAX_READINGS", 0)
    monkeypatch.setattr(lanes, "MAX_PAINTINGS", 0)
    busy = run_load(page, pictures(), clients=1, seconds=0.2, painters=1)
    assert busy.busy > 1 and busy.errors == {} and busy.waited == busy.painted == []


def test_percentiles_and_growth_are_of_what_was_measured() -> None:
    load = Load(
        2, 0, seconds=50.0, waited=[float(number) for number in range(101)], memory=[900.0, 1000.0, 990.0, 1050.0]
    )
    table = str(load)
    assert "| 50.00 s, 95.00 s |" in table and "900, 1000, 1050 MB (+5.0% since warm)" in table
    assert "101, 2.02 a second" in table


PAGE = """
import http.server, sys
port = int(sys.argv[sys.argv.index("--port") + 1])
server = http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler)
"""


def test_a_page_of_its_own_can_be_looked_at(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text(
        PAGE + "print('ready at', port, flush=True)\nserver.serve_forever()", encoding="utf-8"
    )
    client = SimpleNamespace(src="http://127.0.0.1:1/", close=lambda: None)
    monkeypatch.setattr("train.benchmarks.builds.Client", lambda url, verbose: client)
    with WatchedApp(tmp_path) as app:
        assert app.url == "http://127.0.0.1:1" and 1 < app.memory() < 500 and 0 <= app.computed() < 60


def test_a_page_whose_models_do_not_load_is_no_page(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text(PAGE + "server.handle_request()", encoding="utf-8")
    monkeypatch.setattr("train.benchmarks.builds.Client", lambda url, verbose: None)
    with pytest.raises(RuntimeError, match="ended before it was ready"):
        WatchedApp(tmp_path)
