"""The page: header, tabs, footer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from kcdp.ui.endpoints import fit_painting_tabs
from kcdp.ui.fuse import fuse_tab
from kcdp.ui.lanes import Backend
from kcdp.ui.refeel import refeel_tab
from kcdp.ui.transfer import transfer_tab
from kcdp.ui.understand import understand_tab

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

TITLE = "KCDP: what a picture makes people feel"
HEADER = (
    "<h1>What does it make people feel?</h1><p>Drop a picture and see its emotion, and how the model came to it.</p>"
)
FOOTER = (
    "Code and weights: Apache-2.0; the data behind them is credited in NOTICE. Pictures stay on the machine that runs "
    "this app and are deleted after a day. It says what many people might feel on seeing a picture, not what anyone in "
    "the picture feels."
)
#: How long uploads, overlays and downloads stay on disk, in seconds.
DAY = 24 * 60 * 60


def build_app(bundle: Future[Bundle], examples: Sequence[Path] = ()) -> gr.Blocks:
    """The whole page around a bundle that may still be loading; `examples` are picture files to offer."""
    backend = Backend(bundle)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY // 24, DAY)) as app:
        gr.HTML(HEADER, elem_classes="kc-header")
        with gr.Tab("Understand", id="understand"):
            understand_tab(backend, examples)
        painting_tabs = {}
        for name, tab in (("Transfer", transfer_tab), ("Fuse", fuse_tab), ("Re-feel", refeel_tab)):
            tab_id = name.lower()
            with gr.Tab(name, id=tab_id):
                painting_tabs[tab_id] = tab(backend)
        fit_painting_tabs(app, bundle, painting_tabs)
        gr.HTML(f"<p>{FOOTER}</p>", elem_classes="kc-footer")
    return app
