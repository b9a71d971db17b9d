"""The tab Understand: a picture in, and what it makes people feel, and why.

Besides the page there is one named endpoint, `/understand`:

    from gradio_client import Client, handle_file

    client = Client("http://127.0.0.1:7860")
    result, overlays = client.predict(handle_file("sticker.png"), api_name="/understand")
    result["emotion"], result["probabilities"]      # everything that KCDPOutput.to_dict() says
    overlays[0]["image"], overlays[0]["caption"]    # one picture per word and per triplet, with the attention on it
    result.get("uniemo")                            # UniEmoOutput.to_dict(), and two more overlays, where the bundle has it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from PIL import Image

from kcdp import plots
from kcdp.imaging import ImageError, load_frames
from kcdp.palette import emotion_style
from kcdp.results import AttentionMap, KCDPOutput, UniEmoOutput
from kcdp.triplet_graph import triplet_graph
from kcdp.ui import cards, gpu, words
from kcdp.ui.making import known_errors
from kcdp.ui.reading import focus_name, reading_cards, second_reading

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: What understanding takes on ZeroGPU, with room to spare; nearly all of it the captioner's.
_SECONDS = 10


@dataclass(frozen=True)
class Seen:
    """What the attention switch goes back to: the readings of a picture and the frame that their maps are of."""

    output: KCDPOutput
    reading: UniEmoOutput | None
    frame: Image.Image

    @property
    def attention(self) -> tuple[AttentionMap, ...]:
        """The maps of all readings."""
        return self.output.attention + (() if self.reading is None else self.reading.attention)

    def to_dict(self) -> dict[str, Any]:
        """KCDP's result, JSON-clean, with UniEmo's under "uniemo" where there is one."""
        return self.output.to_dict() | ({} if self.reading is None else {"uniemo": self.reading.to_dict()})


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
        with gr.Row(equal_height=False, visible=False) as again:
            with gr.Column(scale=1, min_width=300):
                reading = gr.HTML(elem_id="reading", elem_classes="kc-narrow")
            with gr.Column(scale=1, min_width=300):
                attributes = gr.HTML(elem_id="attributes", elem_classes="kc-narrow")
        download = gr.DownloadButton("Download everything as JSON", elem_id="download")

    def show(upload: dict[str, Any] | None) -> Iterator[dict[Any, Any]]:
        blank: dict[Any, Any] = {details: gr.Column(visible=False), seen: None}
        if upload is None:
            yield blank | {verdict: _invitation()}
            return
        yield blank | {verdict: _busy(started=bundle.done())}
        try:
            now = _understand(bundle, upload)
        except known_errors() as error:
            yield blank | {verdict: cards.sorry(str(error))}
            return
        output = now.output
        choices = [(focus_name(item), index) for index, item in enumerate(now.attention)]
        first = _first_focus(now)
        second = ("", "") if now.reading is None else reading_cards(output, now.reading)
        yield {
            seen: now,
            verdict: _verdict(output),
            details: gr.Column(visible=True),
            knowledge: _knowledge(output),
            table: gr.Dataframe(value=[list(item) for item in output.triplets], visible=bool(output.triplets)),
            looking: gr.Column(visible=bool(choices)),
            focus: gr.Radio(choices=choices, value=first),
            look: _overlay(now, first),
            alignment: _alignment(output),
            router: _router(output),
            again: gr.Row(visible=now.reading is not None),
            reading: second[0],
            attributes: second[1],
            download: _json_file(now, picture.GRADIO_CACHE),
        }

    outputs = [seen, verdict, details, knowledge, table, looking, focus, look, alignment, router]
    outputs += [again, reading, attributes, download]
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
            now = _understand(bundle, upload)
        except known_errors() as error:
            raise gr.Error(str(error), print_exception=False) from error
        return now.to_dict(), [(plots.overlay(now.frame, item.heat), item.text) for item in now.attention]

    # One overlay for each word and triplet: Gradio's WebP would take longer to write than all models need to think.
    overlays = gr.Gallery(label="Attention overlays", format="jpeg", visible=False)
    gr.Button(visible=False).click(
        understand,
        [picture],
        [gr.JSON(label="Result", visible=False), overlays],
        api_name="understand",
        api_description="What the picture makes people feel and why, and where the model looked for it.",
        preprocess=False,
        concurrency_id="model",
        concurrency_limit=1,
    )


def _understand(bundle: Future[Bundle], upload: dict[str, Any] | None) -> Seen:
    """The readings of an upload and the frame that their attention is of.

    Raises ImageError, a sentence for the user, when there is no picture or it cannot be read, BundleError when the bundle
    has no KCDP, and GPUError when there is no GPU for it.
    """
    if not upload or not upload.get("path"):
        raise ImageError("No picture arrived: please send a PNG, JPEG, GIF or WebP file.")
    frames = load_frames(upload["path"])
    ((output, reading),) = gpu.on_gpu(_SECONDS, bundle, _readings, upload["path"])
    frame = frames[len(frames) // 2]
    # Kept for the attention switch, for every open page: no larger than an overlay needs.
    frame.thumbnail((plots.OVERLAY_SIDE, plots.OVERLAY_SIDE))
    return Seen(output, reading, frame)


def _readings(bundle: Bundle, path: str) -> Iterator[tuple[KCDPOutput, UniEmoOutput | None]]:
    yield bundle.kcdp(path), second_reading(bundle, path)


def _first_focus(seen: Seen) -> int | None:
    """Index of the attention map shown first: the word that the explanation names, else the first map."""
    word = words.sharpest_word(seen.output)
    maps = seen.attention
    return next((index for index, item in enumerate(maps) if item.text == word), 0 if maps else None)


def _overlay(seen: Seen | None, index: int | None) -> Image.Image | None:
    if seen is None or index is None:
        return None
    return plots.overlay(seen.frame, seen.attention[index].heat)


def _json_file(seen: Seen, cache: str) -> str:
    """Path of the whole result as a JSON file in Gradio's cache, which the app empties by itself."""
    text = json.dumps(seen.to_dict(), indent=1, ensure_ascii=False)
    return save_bytes_to_cache(text.encode(), f"{seen.output.emotion}.json", cache)


def _invitation() -> str:
    return cards.waiting("Waiting for a picture", "Its emotion and the reasons for it will appear here.")


def _busy(started: bool) -> str:
    if not started:
        return cards.starting("your picture is")
    return cards.waiting("Looking at the picture", "Reading it, asking the experts, comparing feelings.", busy=True)


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
