"""The page: header, tabs, footer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.i18n import I18nData

from kcdp.ui.about import about_panel
from kcdp.ui.endpoints import fit_painting_tabs
from kcdp.ui.fuse import fuse_tab
from kcdp.ui.history import history_panel
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import say
from kcdp.ui.many import many_tab
from kcdp.ui.mix import mix_tab
from kcdp.ui.parts import TabParts, connect
from kcdp.ui.refeel import refeel_tab
from kcdp.ui.transfer import transfer_tab
from kcdp.ui.understand import understand_tab

TITLE = "KCDP: what a picture makes people feel"
#: Two, as Gradio translates one text of each component.
HEADERS = (
    f"<h1>{say('What does it make people feel?')}</h1>",
    f"<p>{say('See what a picture makes people feel, and why; or paint one with the feeling that you choose.')}</p>",
)
FOOTER = (
    "Code and weights: Apache-2.0; the data behind them is credited in NOTICE. Pictures stay on the machine that runs "
    "this app and are deleted after a day. It says what many people might feel on seeing a picture, not what anyone in "
    "the picture feels."
)
#: How long uploads, overlays and downloads stay on disk, in seconds.
DAY = 24 * 60 * 60


@dataclass(frozen=True)
class PageTab:
    """A tab of the page: id in links, name (a translated one by `say`), and the function that builds it in the open `gr.Tab`.

    `build` returns what the page connects with other tabs, if anything; a tab that `paints` is hidden where the bundle cannot.
    """

    tab_id: str
    name: str | I18nData
    build: Callable[[Backend], TabParts | None]
    paints: bool = False


#: In the order of the page; a new one is a file of its own and a line here.
TABS = (
    PageTab("understand", say("Understand"), understand_tab),
    PageTab("transfer", say("Transfer"), transfer_tab, paints=True),
    PageTab("fuse", say("Fuse"), fuse_tab, paints=True),
    PageTab("mix", say("Mix"), mix_tab, paints=True),
    PageTab("re-feel", say("Re-feel"), refeel_tab, paints=True),
    PageTab("many", say("Many pictures"), many_tab),
)


def build_app(backend: Backend, tabs: Sequence[PageTab] = TABS) -> gr.Blocks:
    """The whole page."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY // 24, DAY)) as app:
        for header in HEADERS:
            gr.HTML(header, elem_classes="kc-header")
        parts = {}
        with gr.Tabs() as group:
            for tab in tabs:
                with gr.Tab(tab.name, id=tab.tab_id):
                    parts[tab.tab_id] = tab.build(backend) or TabParts()
        history_panel(list(parts.values()))
        about_panel(backend)
        connect(app, group, parts)
        fit_painting_tabs(app, backend.bundle, {tab.tab_id: parts[tab.tab_id].emotions for tab in tabs if tab.paints})
        gr.HTML(f"<p>{say(FOOTER)}</p>", elem_classes="kc-footer")
    return app
