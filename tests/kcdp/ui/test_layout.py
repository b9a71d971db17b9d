"""The tabs of the page."""

from __future__ import annotations

import importlib
from pathlib import Path

import gradio as gr
import pytest

from kcdp.ui.lanes import Backend
from kcdp.ui.layout import TABS, PageTab, build_app
from tests.fake_bundle import fake_bundle

NEW_TAB = """
import gradio as gr

def about_tab(backend):
    gr.Markdown("Examples: " + ", ".join(path.name for path in backend.examples))
"""


def tab_ids(app: gr.Blocks) -> list[str]:
    return [block.id for block in app.blocks.values() if isinstance(block, gr.Tab)]


def test_a_new_tab_is_a_file_and_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "about.py").write_text(NEW_TAB)
    monkeypatch.syspath_prepend(tmp_path)
    new = PageTab("about", "About", importlib.import_module("about").about_tab)
    app = build_app(Backend(fake_bundle(), [Path("fear.png")]), (*TABS, new))
    assert tab_ids(app) == [tab.tab_id for tab in TABS] + ["about"]
    assert "Examples: fear.png" in [block.value for block in app.blocks.values() if isinstance(block, gr.Markdown)]
