"""The page: header, tabs, footer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from kcdp.ui.endpoints import fit_painting_tabs
from kcdp.ui.fuse import fuse_tab
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import say
from kcdp.ui.many import many_tab
from kcdp.ui.refeel import refeel_tab
from kcdp.ui.transfer import transfer_tab
from kcdp.ui.understand import understand_tab

TITLE = "KCDP: what a picture makes people feel"
#: Two, as Gradio translates one text of each component.
HEADERS = (
    f"<h1>{say('What does it make people feel?')}</h1>",
    f"<p>{say('Drop a picture and see its emotion, and how the model came to it.')}</p>",
)
FOOTER = (
    "Code and weights: Apache-2.0; the data behind them is credited in NOTICE. Pictures stay on the machine that runs "
    "this app and are deleted after a day. It says what many people might feel on seeing a picture, not what anyone in "
    "the picture feels."
)
#: How long uploads, overlays and downloads stay on disk, in seconds.
DAY = 24 * 60 * 60


def build_app(backend: Backend, examples: Sequence[Path] = ()) -> gr.Blocks:
    """The whole page; `examples` are picture files to offer."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY // 24, DAY)) as app:
        for header in HEADERS:
            gr.HTML(header, elem_classes="kc-header")
        with gr.Tab(say("Understand"), id="understand"):
            understand_tab(backend, examples)
        painting_tabs = {}
        for name, tab in (("Transfer", transfer_tab), ("Fuse", fuse_tab), ("Re-feel", refeel_tab)):
            tab_id = name.lower()
            with gr.Tab(say(name), id=tab_id):
                painting_tabs[tab_id] = tab(backend)
        with gr.Tab(say("Many pictures"), id="many"):
            many_tab(backend)
        fit_painting_tabs(app, backend.bundle, painting_tabs)
        gr.HTML(f"<p>{FOOTER}</p>", elem_classes="kc-footer")
    return app
