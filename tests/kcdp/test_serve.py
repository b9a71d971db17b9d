"""What the page's process leaves out, and what it keeps of calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gradio as gr
import pandas as pd
import pytest
from gradio_client import Client

from kcdp import serve
from tests.app_page import free_port

#: In a process of its own, as a test's has all modules already. Both are installed where the tests run.
PAGE = """
import sys
from pathlib import Path
from kcdp import serve
print(sorted({"gradio", "mcp", "pandas", "pyarrow"} & sys.modules.keys()))
"""
EXPORT = """
from kcdp.ui.rows import ResultRow, export
records = [
    {"path": "a.png", "emotion": "awe", "caption": "a gr\\u00fcn cat", "probabilities": {"awe": 0.75, "fear": 0.25}},
    {"path": "b.png", "error": "It is damaged."},
]
export([ResultRow(record) for record in records], Path(sys.argv[1]))
"""


def run(script: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_page_leaves_out_what_gradio_finds_and_has_it_for_an_export(tmp_path: Path) -> None:
    found, plain = tmp_path / "page.parquet", tmp_path / "plain.parquet"
    assert run(PAGE + EXPORT, found) == "['gradio', 'pandas']"
    run("import sys, pyarrow; from pathlib import Path" + EXPORT, plain)
    assert list(pd.read_parquet(found)["path"]) == ["a.png", "b.png"]
    pd.testing.assert_frame_equal(pd.read_parquet(found), pd.read_parquet(plain))


def test_gradio_looks_for_no_plots_while_the_page_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where matplotlib is not to be found, its name stands in `sys.modules` for nothing."""
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    seen = []

    def stop(*_: object) -> None:
        seen.append(sys.modules.get("matplotlib", "to be found"))
        raise SystemExit

    monkeypatch.setattr(serve, "build_app", stop)
    with pytest.raises(SystemExit):
        serve.main([])
    assert seen == [None] and sys.modules.get("matplotlib", "to be found") == "to be found"


def test_the_settings_are_there_before_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio reads them once, when a page is made."""
    for name in serve.GRADIO_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    seen = []

    def stop(*_: object) -> None:
        seen.append({name: serve.os.environ.get(name) for name in serve.GRADIO_SETTINGS})
        raise SystemExit

    monkeypatch.setattr(serve, "build_app", stop)
    with pytest.raises(SystemExit):
        serve.main([])
    assert seen == [serve.GRADIO_SETTINGS]


@pytest.mark.parametrize("ours", [True, False])
def test_gradio_keeps_no_list_of_calls_and_makes_no_table_of_it(monkeypatch: pytest.MonkeyPatch, ours: bool) -> None:
    """By itself it does both."""
    for name, value in serve.GRADIO_SETTINGS.items():
        if ours:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
    page = gr.Interface(lambda text: text, "text", "text", api_name="echo")
    try:
        _, url, _ = page.launch(server_port=free_port(), prevent_thread_lock=True, quiet=True, ssr_mode=False)
        client = Client(url, verbose=False)
        assert [client.predict(text, api_name="/echo") for text in "abc"] == ["a", "b", "c"]
        queue = page._queue
        assert (len(queue.event_analytics) > 1, bool(queue.cached_event_analytics_summary["functions"])) == (
            not ours,
            not ours,
        )
    finally:
        page.close()
