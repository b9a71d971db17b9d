"""Where the pictures of a tab appear: previews while they are painted, then the gallery, the verdict and the download."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from PIL import Image

from kcdp.ui import cards, words
from kcdp.ui.making import Planner, known_errors
from kcdp.ui.painter import Stage, paint
from kcdp.ui.pieces import Piece, png

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: A piece and the file that it hangs as.
Hung = tuple[Piece, str]

_INVITATION = cards.waiting("Nothing painted yet", "The pictures, and what they make people feel, will appear here.")
_STOPPED = cards.waiting("Stopped", "Nothing was finished by then.")


def easel(
    bundle: Future[Bundle],
    name: str,
    starts: Mapping[gr.Button, Planner],
    stop: gr.Button,
    inputs: Sequence[gr.components.Component],
) -> None:
    """Build the easel inside the open layout and let the buttons work on it.

    Args:
        bundle: may still be loading; the first request waits for it.
        name: of the tab, for the ids of the parts.
        starts: buttons, and what they make of the values of `inputs`.
        stop: ends the work; shown while there is some.
    """
    halts: dict[str, threading.Event] = {}  # by session: what its stop button sets
    pieces = gr.State(time_to_live=3600)
    chosen = gr.State(0)
    gallery = gr.Gallery(
        label="Pictures",
        show_label=False,
        height="auto",
        object_fit="contain",
        format="png",
        allow_preview=False,
        interactive=False,
        visible=False,
        buttons=["fullscreen"],
        elem_id=f"{name}-gallery",
        elem_classes="kc-gallery",
    )
    card = gr.HTML(_INVITATION, elem_id=f"{name}-verdict", elem_classes="kc-narrow")
    with gr.Row(visible=False, equal_height=True) as take:
        download = gr.DownloadButton("Download as PNG", elem_id=f"{name}-download", min_width=160)
        told = gr.Checkbox(
            label="Say in the file how it was made",
            elem_id=f"{name}-told",
            container=False,
            min_width=220,
        )

    def save(image: Image.Image, title: str, about: Mapping[str, Any] | None = None) -> str:
        # Gradio would write a picture anew each time it is shown, also while somebody reads it.
        with TemporaryDirectory() as folder:
            path = Path(folder, title)
            path.write_bytes(png(image, about))
            return save_file_to_cache(path, gallery.GRADIO_CACHE)

    def hang(new: Sequence[Piece]) -> list[Hung]:
        return [(piece, save(piece.image, piece.title)) for piece in new]

    def file(hung: Hung, with_settings: bool) -> str:
        piece, bare = hung
        return save(piece.image, piece.title, piece.settings) if with_settings and piece.settings else bare

    def show(hung: Hung, with_settings: bool) -> dict[Any, Any]:
        return {card: cards.judged(hung[0]), take: gr.Row(visible=True), download: file(hung, with_settings)}

    def ready(busy: bool) -> dict[Any, Any]:
        return {stop: gr.Button(visible=busy)} | {button: gr.Button(interactive=not busy) for button in starts}

    def run(planner: Planner, session: str, with_settings: bool, values: Sequence[Any]) -> Iterator[dict[Any, Any]]:
        halt = halts[session] = threading.Event()
        yield ready(True) | {
            pieces: [],
            chosen: 0,
            gallery: gr.Gallery([], visible=False),
            take: gr.Row(visible=False),
            card: _painting(None) if bundle.done() else cards.starting("your pictures are"),
        }
        try:
            uniemo = bundle.result().uniemo
            plan = planner(uniemo, *values)
            hung: list[Hung] = []
            previews: list[str] = []
            yield {card: _painting(None), gallery: gr.Gallery([], visible=True, columns=plan.columns)}
            for stage in paint(bundle, plan.tasks, halt):
                hung = hung + hang(stage.pieces)
                if stage.previews is not None:
                    previews = [save(preview, "preview.png") for preview in stage.previews]
                yield {pieces: hung, gallery: _captioned(hung) + previews, card: _painting(stage)}
        except known_errors() as error:
            yield ready(False) | {card: cards.sorry(str(error)), gallery: gr.Gallery(visible=False)}
        except Exception:
            broken = cards.sorry("The pictures could not be made, through a fault of this program; its log says more.")
            yield ready(False) | {card: broken, gallery: gr.Gallery(visible=False)}
            raise
        else:
            index = next((index for index, (piece, _) in enumerate(hung) if not piece.original), None)
            if index is None:
                yield ready(False) | {card: _STOPPED, gallery: gr.Gallery(visible=False)}
                return
            last = {chosen: index, gallery: gr.Gallery(_captioned(hung), selected_index=index)}
            yield ready(False) | show(hung[index], with_settings) | last
        finally:
            halts.pop(session, None)

    def choose(choice: gr.SelectData, hung: list[Hung] | None, with_settings: bool) -> Any:
        # Previews can be clicked, too, and have no verdict yet.
        if not hung or choice.index >= len(hung):
            return gr.skip()
        return {chosen: choice.index} | show(hung[choice.index], with_settings)

    # Not by Gradio's `cancels`: what was on its way to the page could still arrive after what the button had put there.
    def give_up(request: gr.Request) -> None:
        if request.session_hash in halts:
            halts[request.session_hash].set()

    parts = [pieces, chosen, gallery, card, take, download, stop, *starts]
    for button, planner in starts.items():

        def start(request: gr.Request, with_settings: bool, *values: Any, planner: Planner = planner) -> Iterator[Any]:
            yield from run(planner, request.session_hash, with_settings, values)

        button.click(
            start,
            [told, *inputs],
            parts,
            preprocess=False,
            show_progress="minimal",
            show_progress_on=card,
            concurrency_id="model",
            concurrency_limit=1,
            api_visibility="private",
        )
    quick = {"show_progress": "hidden", "concurrency_limit": 4, "api_visibility": "private"}
    stop.click(give_up, **quick)
    gallery.select(choose, [pieces, told], [chosen, card, take, download], **quick)
    told.input(
        lambda hung, index, with_settings: file(hung[index], with_settings) if hung else gr.skip(),
        [pieces, chosen, told],
        download,
        **quick,
    )


def _captioned(hung: Sequence[Hung]) -> list[Any]:
    return [(path, piece.caption) for piece, path in hung]


def _painting(stage: Stage | None) -> str:
    if stage is None:
        return cards.waiting(
            "Mixing the colours", "The emotion goes into the words, and the words into noise.", busy=True
        )
    return cards.waiting("Painting", words.progress(stage), busy=True, share=stage.share)
