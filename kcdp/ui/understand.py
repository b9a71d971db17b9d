"""The tab Understand: a picture in, and what it makes people feel, and why.

Besides the page there is one named endpoint, `/understand`:

    from gradio_client import Client, handle_file

    client = Client("http://127.0.0.1:7860")
    result, overlays = client.predict(handle_file("sticker.png"), attention=True, api_name="/understand")
    result["emotion"], result["probabilities"]      # everything that VerdictOutput.to_dict() says; None: cannot tell
    result["kcdp"], result["uniemo"]                # what it was combined from; None where the bundle lacks it
    overlays[0]["image"], overlays[0]["caption"]    # with attention: a PNG file for each word, triplet, scene and object
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import Context
from gradio.processing_utils import save_bytes_to_cache
from PIL import Image

from kcdp import plots
from kcdp.photo import is_photo
from kcdp.ui import cards, sentences
from kcdp.ui.askers import asker_is_gone
from kcdp.ui.corrections import correction_panel
from kcdp.ui.endpoints import api_errors, describe
from kcdp.ui.history import note
from kcdp.ui.inputs import decode_upload, known_errors, preview, upload_path
from kcdp.ui.lanes import Backend, Reading, ReadingLane, Superseded
from kcdp.ui.languages import Tell, say, tell_in
from kcdp.ui.parts import Handover, TabParts
from kcdp.ui.reading_cards import alignment_card, knowledge_card, map_name, router_card, uniemo_cards, verdict_card
from kcdp.ui.understanding import Understanding

_MISSING = "No picture arrived: please choose one."
_HEADS = ("Subject", "Predicate", "Object")
_ALT = "The picture, bright where the model looked for the chosen word or triplet"


@dataclass
class _Request:
    """What a page waits for: the reading of its last upload, once that is decoded."""

    reading: Reading | None = None


def understand_tab(backend: Backend) -> TabParts:
    """Build the tab inside the open `gr.Blocks`."""
    latest: dict[str | None, _Request] = {}  # by session
    previews: dict[str | None, str] = {}  # by session, the name of the file that stands for an upload no browser draws
    understanding = gr.State(time_to_live=3600)
    noted = gr.State()
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            # `preprocess=False` below: Gradio would decode the file itself, with its own errors, and lose the frames.
            picture = gr.Image(
                label=say("Picture"),
                type="filepath",
                image_mode=None,
                sources=["upload", "clipboard", "webcam"],
                height=340,
                buttons=[],
                placeholder=say("# Drop a picture\nor click to choose a sticker, emoji, cartoon, painting or photo"),
                elem_id="picture",
            )
            if backend.examples:
                gr.Examples(
                    [[str(path)] for path in backend.examples],
                    [picture],
                    label=say("Or try one of these"),
                    cache_examples=False,
                )
        with gr.Column(scale=1, min_width=300):
            verdict = gr.HTML(elem_id="verdict")
            cards.first_card(verdict, _empty_card)
            refeel = gr.Button(say("Take it to Re-feel"), visible=False, elem_id="understand-to-refeel")
            with gr.Accordion(say("This is wrong"), open=False, visible=False, elem_id="wrong") as wrong:
                correction_panel(backend.corrections, understanding, noted)
    with gr.Column(visible=False) as details:
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=300):
                knowledge = gr.HTML(elem_id="knowledge")
                table = gr.Dataframe(
                    headers=list(_HEADS),
                    column_widths=["36%", "28%", "36%"],
                    label=say("The same as a table"),
                    interactive=False,
                    wrap=True,
                    buttons=["copy"],
                    elem_id="triplets",
                )
            with gr.Column(scale=1, min_width=300) as attention_column:
                map_choice = gr.Radio(
                    label=say("Where the model looked for each word: the bright places"), choices=[], elem_id="focus"
                )
                overlay = gr.Image(
                    label=say("Where the model looked"),
                    show_label=False,
                    interactive=False,
                    height=340,
                    buttons=["download", "fullscreen"],
                    alt_text=_ALT,
                    elem_id="overlay",
                )
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=300):
                alignment = gr.HTML(elem_id="alignment")
            with gr.Column(scale=1, min_width=300):
                router = gr.HTML(elem_id="router")
        with gr.Row(equal_height=False, visible=False) as uniemo_row:
            with gr.Column(scale=1, min_width=300):
                uniemo_card = gr.HTML(elem_id="uniemo", elem_classes="kc-narrow")
            with gr.Column(scale=1, min_width=300):
                attributes_card = gr.HTML(elem_id="attributes", elem_classes="kc-narrow")
        download = gr.DownloadButton(say("Download everything as JSON"), elem_id="download")

    def cancel(request: gr.Request) -> None:
        superseded = latest.pop(request.session_hash, None)
        previews.pop(request.session_hash, None)
        if superseded is not None and superseded.reading is not None:
            superseded.reading.cancel()

    def show(result: Understanding, tell: Tell) -> dict[Any, Any]:
        verdict_output, output, uniemo_output = result.verdict, result.verdict.kcdp, result.verdict.uniemo
        choices = [(map_name(item, tell), index) for index, item in enumerate(result.attention)]
        first = _first_map(result)
        cards_of_uniemo = ("", "") if uniemo_output is None else uniemo_cards(output, uniemo_output, tell)
        triplets = [list(item) for item in verdict_output.triplets]
        return {
            understanding: result,
            verdict: verdict_card(verdict_output, backend.bundle.result().figures, tell, is_photo(result.frame)),
            noted: note(result.frame, verdict_output.emotion),
            refeel: gr.Button(visible=True),
            wrong: gr.Accordion(visible=backend.corrections is not None),
            details: gr.Column(visible=output is not None or uniemo_output is not None),
            knowledge: "" if output is None else knowledge_card(output, tell),
            table: gr.Dataframe(triplets, headers=[tell(head) for head in _HEADS], visible=bool(triplets)),
            attention_column: gr.Column(visible=bool(choices)),
            map_choice: gr.Radio(choices=choices, value=first),
            overlay: gr.Image(_overlay(result, first), alt_text=tell(_ALT)),
            alignment: "" if output is None else alignment_card(output, tell),
            router: "" if output is None else router_card(output, tell),
            uniemo_row: gr.Row(visible=uniemo_output is not None),
            uniemo_card: cards_of_uniemo[0],
            attributes_card: cards_of_uniemo[1],
            download: _json_file(result, picture.GRADIO_CACHE),
        }

    def understand_upload(request: gr.Request, upload: dict[str, Any] | None) -> Iterator[dict[Any, Any]]:
        if upload is not None and Path(str(upload.get("path"))).name == previews.get(request.session_hash):
            yield gr.skip()
            return
        cancel(request)
        tell = tell_in(request)
        blank: dict[Any, Any] = {details: gr.Column(visible=False), understanding: None}
        blank |= {refeel: gr.Button(visible=False), wrong: gr.Accordion(visible=False)}
        if upload is None:
            yield blank | {verdict: _empty_card(tell)}
            return
        yield blank | {verdict: _busy_card(tell) if backend.bundle.done() else cards.loading_card(tell)}
        own = latest[request.session_hash] = _Request()
        try:
            decoded = decode_upload(upload, _MISSING)
            if latest.get(request.session_hash) is not own:
                return
            drawn = preview(upload, decoded, picture.GRADIO_CACHE)
            # Said with the result again: a browser that is behind puts both into one update, and keeps the last.
            standing = {} if drawn is None else {picture: drawn}
            if drawn is not None:
                previews[request.session_hash] = Path(drawn).name
                yield standing
            own.reading = backend.readings.enter(decoded, attention=True)
            shown = standing | show(Understanding.of(decoded, backend.readings.read(own.reading)), tell)
        except Superseded:
            return
        except known_errors() as error:
            yield blank | {verdict: cards.error_card(tell.error(error))}
            return
        except Exception as error:
            yield blank | {verdict: cards.fault_card(tell, error)}
            raise
        if latest.get(request.session_hash) is own:
            yield shown

    outputs = [
        picture,
        understanding,
        verdict,
        details,
        knowledge,
        table,
        attention_column,
        map_choice,
        overlay,
        alignment,
        router,
    ]
    outputs += [uniemo_row, uniemo_card, attributes_card, download, noted, refeel, wrong]
    picture.change(
        understand_upload,
        [picture],
        outputs,
        preprocess=False,
        show_progress="hidden",
        # A new picture never waits for the last one's result, which nobody wants any more.
        trigger_mode="multiple",
        concurrency_limit=None,
        api_visibility="private",
    )
    if Context.root_block is not None:
        Context.root_block.unload(cancel)
    map_choice.input(
        _overlay,
        [understanding, map_choice],
        overlay,
        show_progress="minimal",
        concurrency_limit=4,
        api_visibility="private",
    )

    def understand(
        upload: dict[str, Any] | None, attention: bool = False
    ) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        with api_errors():
            result = understand_picture(backend.readings, upload, attention=bool(attention))
            return result.verdict.to_dict(), result.overlays()

    inputs = [picture, gr.Checkbox(label="Attention maps", visible=False)]
    describe(understand, inputs)
    gr.Button(visible=False).click(
        understand,
        inputs,
        [gr.JSON(label="Result", visible=False), gr.Gallery(label="Attention overlays", format="png", visible=False)],
        api_name="understand",
        api_description="What the picture makes people feel and why; with attention, also where the model looked for it.",
        preprocess=False,
        concurrency_limit=None,
    )
    return TabParts(
        picture=picture,
        handovers=[Handover(refeel, "re-feel", lambda upload: str(upload_path(upload)) if upload else None, [picture])],
        result=noted,
    )


def understand_picture(lane: ReadingLane, upload: dict[str, Any] | None, attention: bool = True) -> Understanding:
    """Both models' results for an upload, with heat maps if `attention`.

    Raises ImageError as `decode_upload`, BundleError when the bundle has no KCDP, GPUError when there is no GPU for it, and
    BusyError when too many wait, Superseded when the asker hangs up meanwhile.
    """
    picture = decode_upload(upload, _MISSING)
    return Understanding.of(picture, lane.read(lane.enter(picture, attention, asker_is_gone())))


def _first_map(result: Understanding) -> int | None:
    """Index of the attention map shown first: the word that the explanation names, else the first map."""
    word = None if result.verdict.kcdp is None else sentences.sharpest_word(result.verdict.kcdp)
    maps = result.attention
    return next((index for index, item in enumerate(maps) if item.text == word), 0 if maps else None)


def _overlay(result: Understanding | None, index: int | None) -> Image.Image | None:
    if result is None or index is None:
        return None
    return plots.overlay(result.frame, result.attention[index].heat)


def _json_file(result: Understanding, cache: str) -> str:
    """Path of the whole result as a JSON file in Gradio's cache, which the app empties by itself."""
    text = json.dumps(result.verdict.to_dict(), indent=1, ensure_ascii=False)
    return save_bytes_to_cache(text.encode(), f"{result.verdict.emotion or 'cannot-tell'}.json", cache)


def _empty_card(tell: Tell) -> str:
    return cards.status_card(
        tell("Waiting for a picture"), tell("Its emotion and the reasons for it will appear here.")
    )


def _busy_card(tell: Tell) -> str:
    return cards.status_card(
        tell("Looking at the picture"), tell("Reading it with two models, comparing feelings."), busy=True
    )
