"""The tab Understand: a picture in, and what it makes people feel, and why.

Besides the page there is one named endpoint, `/understand`:

    from gradio_client import Client, handle_file

    client = Client("http://127.0.0.1:7860")
    result, overlays = client.predict(handle_file("sticker.png"), api_name="/understand")
    result["emotion"], result["probabilities"]      # everything that KCDPOutput.to_dict() says
    overlays[0]["image"], overlays[0]["caption"]    # one picture per word and per triplet, with the attention on it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from PIL import Image

from kcdp import plots
from kcdp.emotions import MIKELS_8
from kcdp.imaging import ImageError, load_frames
from kcdp.palette import emotion_style
from kcdp.results import KCDPOutput
from kcdp.triplet_graph import triplet_graph
from kcdp.ui import words

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: What the attention switch goes back to: the result and the frame that it speaks of.
Seen = tuple[KCDPOutput, Image.Image]


def understand_tab(bundle: Future[Bundle], examples: Sequence[Path] = ()) -> None:
    """Build the tab inside the open `gr.Blocks`. `bundle` may still be loading: the first request waits for it."""
    seen = gr.State(time_to_live=3600)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            # `preprocess=False` below: Gradio would decode the file itself, with its own errors, and lose the frames.
            picture = gr.Image(
                label="Picture",
                type="filepath",
                image_mode=None,
                sources=["upload", "clipboard", "webcam"],
                height=340,
                buttons=[],
                placeholder="# Drop a picture\nor click to choose a sticker, emoji, cartoon, painting or photo",
                elem_id="picture",
            )
            if examples:
                gr.Examples(
                    [[str(path)] for path in examples], [picture], label="Or try one of these", cache_examples=False
                )
        with gr.Column(scale=1, min_width=300):
            verdict = gr.HTML(_invitation(), elem_id="verdict")
    with gr.Column(visible=False) as details:
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=300):
                knowledge = gr.HTML(elem_id="knowledge")
                table = gr.Dataframe(
                    headers=["Subject", "Predicate", "Object"],
                    column_widths=["36%", "28%", "36%"],
                    label="The same as a table",
                    interactive=False,
                    wrap=True,
                    buttons=["copy"],
                    elem_id="triplets",
                )
            with gr.Column(scale=1, min_width=300) as looking:
                focus = gr.Radio(label="Where the model looked for", choices=[], elem_id="focus")
                look = gr.Image(
                    label="Where the model looked",
                    show_label=False,
                    interactive=False,
                    height=340,
                    buttons=["download", "fullscreen"],
                    alt_text="The picture, bright where the model looked for the chosen word or triplet",
                    elem_id="overlay",
                )
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=300):
                alignment = gr.HTML(elem_id="alignment")
            with gr.Column(scale=1, min_width=300):
                router = gr.HTML(elem_id="router")
                download = gr.DownloadButton("Download everything as JSON", elem_id="download")

    def show(upload: dict[str, Any] | None) -> Iterator[dict[Any, Any]]:
        blank = {details: gr.Column(visible=False), seen: None}
        if upload is None:
            yield blank | {verdict: _invitation()}
            return
        yield blank | {verdict: _busy(started=bundle.done())}
        try:
            output, frame = _understand(bundle, upload)
        except ImageError as error:
            yield blank | {verdict: _sorry(str(error))}
            return
        choices = [
            (item.text if item.kind == "word" else f"“{item.text}”", index)
            for index, item in enumerate(output.attention)
        ]
        first = _first_focus(output)
        yield {
            seen: (output, frame),
            verdict: _verdict(output),
            details: gr.Column(visible=True),
            knowledge: _knowledge(output),
            table: gr.Dataframe(value=[list(item) for item in output.triplets], visible=bool(output.triplets)),
            looking: gr.Column(visible=bool(choices)),
            focus: gr.Radio(choices=choices, value=first),
            look: _overlay((output, frame), first),
            alignment: _alignment(output),
            router: _router(output),
            download: _json_file(output, picture.GRADIO_CACHE),
        }

    outputs = [seen, verdict, details, knowledge, table, looking, focus, look, alignment, router, download]
    picture.change(
        show,
        [picture],
        outputs,
        preprocess=False,
        show_progress="minimal",
        show_progress_on=verdict,
        trigger_mode="always_last",
        concurrency_id="model",
        concurrency_limit=1,
        api_visibility="private",
    )
    focus.input(_overlay, [seen, focus], look, show_progress="minimal", concurrency_limit=4, api_visibility="private")

    def understand(upload: dict[str, Any] | None) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        try:
            output, frame = _understand(bundle, upload)
        except ImageError as error:
            raise gr.Error(str(error)) from error
        return output.to_dict(), [(plots.overlay(frame, item.heat), item.text) for item in output.attention]

    gr.Button(visible=False).click(
        understand,
        [picture],
        [gr.JSON(label="Result", visible=False), gr.Gallery(label="Attention overlays", visible=False)],
        api_name="understand",
        api_description="What the picture makes people feel and why, and where the model looked for it.",
        preprocess=False,
        concurrency_id="model",
        concurrency_limit=1,
    )


def _understand(bundle: Future[Bundle], upload: dict[str, Any] | None) -> Seen:
    """The result for an upload and the frame that its caption and attention are of.

    Raises ImageError, a sentence for the user, when there is no picture or it cannot be read.
    """
    if not upload or not upload.get("path"):
        raise ImageError("No picture arrived: please send a PNG, JPEG, GIF or WebP file.")
    frames = load_frames(upload["path"])
    output = bundle.result().kcdp(upload["path"])
    frame = frames[len(frames) // 2]
    # Kept for the attention switch, for every open page: no larger than an overlay needs.
    frame.thumbnail((plots.OVERLAY_SIDE, plots.OVERLAY_SIDE))
    return output, frame


def _first_focus(output: KCDPOutput) -> int | None:
    """Index of the attention map shown first: the word that the explanation names, else the first map."""
    word = words.sharpest_word(output)
    return next(
        (index for index, item in enumerate(output.attention) if item.text == word), 0 if output.attention else None
    )


def _overlay(seen: Seen | None, index: int | None) -> Image.Image | None:
    if seen is None or index is None:
        return None
    output, frame = seen
    return plots.overlay(frame, output.attention[index].heat)


def _json_file(output: KCDPOutput, cache: str) -> str:
    """Path of the whole result as a JSON file in Gradio's cache, which the app empties by itself."""
    text = json.dumps(output.to_dict(), indent=1, ensure_ascii=False)
    return save_bytes_to_cache(text.encode(), f"{output.emotion}.json", cache)


def _invitation() -> str:
    return _waiting("Waiting for a picture", "Its emotion and the reasons for it will appear here.")


def _busy(started: bool) -> str:
    if started:
        return _waiting("Looking at the picture", "Reading it, asking the experts, comparing feelings.", "kc-busy")
    return _waiting("Starting the models", "This happens once and takes a moment; your picture is next.", "kc-busy")


def _waiting(title: str, sentence: str, kind: str = "") -> str:
    shapes = "".join(
        f'<span style="{plots.tint(label)};--turn:{turn}">{plots.glyph(label)}</span>'
        for turn, label in enumerate(MIKELS_8.labels)
    )
    return (
        f'<section class="kc-card kc-wait {kind}" role="status"><div class="kc-shapes">{shapes}</div>'
        f"<h2>{title}</h2><p>{sentence}</p></section>"
    )


def _sorry(sentence: str) -> str:
    return f'<section class="kc-card kc-sorry" role="alert"><p>{escape(sentence)}</p></section>'


def _verdict(output: KCDPOutput) -> str:
    style = emotion_style(output.emotion)
    frames = f" Averaged over {output.frames} frames." if output.frames > 1 else ""
    return (
        f'<section class="kc-card kc-verdict" style="{plots.tint(output.emotion)}" aria-live="polite">'
        f'<p class="kc-lead">{escape(words.verdict_lead(output))}</p>'
        f"<strong>{escape(output.emotion)}{plots.glyph(output.emotion)}</strong><p>{escape(style.gloss)}</p>"
        f"{plots.probability_bars(output.probabilities)}"
        f'<p class="kc-why">{escape(words.why(output))}{frames}</p></section>'
    )


def _knowledge(output: KCDPOutput) -> str:
    return (
        '<section class="kc-card"><h2>What it sees</h2>'
        f'<blockquote class="kc-quote">{escape(output.caption)}</blockquote>'
        f"<h2>What it knows from that</h2>{triplet_graph(output.triplets)}</section>"
    )


def _alignment(output: KCDPOutput) -> str:
    return (
        '<section class="kc-card"><h2>How close each feeling is</h2>'
        f'<p class="kc-say">{escape(words.agreement(output))}</p>'
        f"{plots.alignment_bars(output.similarities, output.effects, output.pseudo_label)}</section>"
    )


def _router(output: KCDPOutput) -> str:
    chosen = sum(item.chosen for item in output.experts)
    return (
        '<section class="kc-card"><h2>Which experts were asked</h2>'
        f"<p>A router weighs {len(output.experts)} small experts for every picture and asks the best {chosen}.</p>"
        f"{plots.router_bars(output.experts)}</section>"
    )
