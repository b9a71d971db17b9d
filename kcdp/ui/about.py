"""At the foot of the page: how often it is right, what it can paint, the papers and how to cite them, the bundle's card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import gradio as gr

from kcdp.painting.things import SUBJECTS
from kcdp.ui import cards
from kcdp.ui.inputs import known_errors
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import Tell, say, tell_in
from kcdp.ui.trust import trust_list


@dataclass(frozen=True)
class Paper:
    """A paper that this implements."""

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    url: str

    def bibtex(self) -> str:
        """Its entry for LaTeX."""
        authors = " and ".join(self.authors)
        fields = {"title": f"{{{self.title}}}", "author": authors, "year": str(self.year), "url": self.url}
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        return f"@misc{{{self.key},\n{body}\n}}"


PAPERS = (
    Paper(
        "yin2025kcdp",
        "Knowledge-Aligned Counterfactual-Enhancement Diffusion Perception for Unsupervised Cross-Domain Visual Emotion Recognition",
        ("Yin, Wen", "Wang, Yong", "Duan, Guiduo", "Zhang, Dongyang", "Hu, Xin", "Li, Yuan-Fang", "He, Tao"),
        2025,
        "https://yinwen2019.github.io/ucdver/",
    ),
    Paper(
        "zhu2025uniemo",
        "UniEmo: Unifying Emotional Understanding and Generation with Learnable Expert Queries",
        ("Zhu, Yijie", "Zhang, Lingsen", "Yu, Zitong", "Shao, Rui", "Tan, Tao", "Nie, Liqiang"),
        2025,
        "https://github.com/JiuTian-VL/UniEmo",
    ),
)


def card_text(folder: Path) -> str:
    """A bundle's card as Markdown, without its head of settings and its pictures; "" where it has none."""
    path = folder / "README.md"
    if not path.is_file():
        return ""
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text).strip()


def trust_text(backend: Backend, tell: Tell) -> str:
    """How often the bundle is right, what it can paint, and whether a safety checker looks at that, as HTML."""
    paints = tell("It paints any words it knows, best these things: {things}.", things=", ".join(SUBJECTS))
    return (
        f"<p>{escape(tell('It was made for stickers, emoji, cartoons and drawings. Of photos it has seen few.'))}</p>"
        f"{trust_list(backend.bundle.result().figures, tell)}<p>{escape(paints)}</p>{_safety(backend, tell)}"
    )


def _safety(backend: Backend, tell: Tell) -> str:
    from kcdp.bundle import BundleError  # not with the page: it waits for the model libraries

    try:
        checked = backend.bundle.result().uniemo.safety_checker is not None
    except BundleError:  # one that paints nothing
        return ""
    text = tell("A safety checker looks at every painted picture; what it objects to is not shown.")
    return f"<p>{escape(text)}</p>" if checked else ""


def about_panel(backend: Backend) -> None:
    """Build the panels inside the open `gr.Blocks`; what comes from the bundle is there once they are opened."""
    with gr.Accordion(say("How often is it right?"), open=False, elem_id="trust") as trust:
        figures = gr.HTML(elem_classes="kc-narrow")
    with gr.Accordion(say("Papers, citation and model card"), open=False, elem_id="about") as about:
        gr.HTML(
            '<ul class="kc-list">'
            + "".join(
                f'<li lang="en">{escape("; ".join(paper.authors))} ({paper.year}): '
                f'<a href="{escape(paper.url)}" target="_blank" rel="noopener">{escape(paper.title)}</a></li>'
                for paper in PAPERS
            )
            + "</ul>"
        )
        gr.Code(
            "\n\n".join(paper.bibtex() for paper in PAPERS),
            language=None,
            label="BibTeX",
            interactive=False,
            wrap_lines=True,
        )
        card = gr.Markdown(elem_id="card", elem_classes="kc-narrow")

    def fill_trust(request: gr.Request) -> str:
        try:
            return trust_text(backend, tell_in(request))
        except known_errors() as error:
            return cards.error_card(tell_in(request).error(error))

    def fill_card() -> str:
        try:
            return card_text(backend.bundle.result().folder)
        except known_errors() as error:
            return str(error)

    trust.expand(fill_trust, None, figures, show_progress="hidden", api_visibility="private")
    about.expand(fill_card, None, card, show_progress="hidden", api_visibility="private")
