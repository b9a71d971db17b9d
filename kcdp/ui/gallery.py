"""The output side of a painting tab: previews while it paints, then gallery, verdict and download."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.context import Context
from gradio.processing_utils import save_file_to_cache
from PIL import Image

from kcdp.ui import cards, sentences
from kcdp.ui.inputs import Planner, known_errors
from kcdp.ui.jobs import Progress, paint
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import say
from kcdp.ui.painted import PaintedPicture, png

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: A picture and the file that the gallery shows.
SavedPicture = tuple[PaintedPicture, str]

_EMPTY = cards.status_card("Nothing painted yet", "The pictures, and what they make people feel, will appear here.")
#: Seconds until a painting that waits looks again whether it was stopped.
_WAIT_SECONDS = 0.2
_STOPPED = cards.status_card("Stopped", "Nothing was finished by then.")


def painted_gallery(
    backend: Backend,
    name: str,
    planners: Mapping[gr.Button, Planner],
    stop: gr.Button,
    inputs: Sequence[gr.components.Component],
) -> None:
    """Build the output side inside the open layout, and connect the buttons with it.

    Args:
        name: of the tab, for the ids of the components.
        planners: buttons that start a painting, and what makes its plan from the values of `inputs`.
        stop: the button that ends a painting; shown while there is one.
    """
    stop_events: dict[str, threading.Event] = {}  # of the paintings in work, by session
    saved = gr.State(time_to_live=3600)
    selected = gr.State(0)
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
    card = gr.HTML(_EMPTY, elem_id=f"{name}-verdict", elem_classes="kc-narrow")
    with gr.Row(visible=False, equal_height=True) as download_row:
        download = gr.DownloadButton(say("Download as PNG"), elem_id=f"{name}-download", min_width=160)
        download_all = gr.DownloadButton(say("Download all as ZIP"), elem_id=f"{name}-zip", min_width=160)
        include_settings = gr.Checkbox(
            label=say("Say in the file how it was made"),
            elem_id=f"{name}-with-settings",
            container=False,
            min_width=220,
        )

    def save(image: Image.Image, file_name: str, settings: Mapping[str, Any] | None = None) -> str:
        # Gradio would write a picture anew each time it is shown, also while somebody reads it.
        with TemporaryDirectory() as folder:
            path = Path(folder, file_name)
            path.write_bytes(png(image, settings))
            return save_file_to_cache(path, gallery.GRADIO_CACHE)

    def save_all(pictures: Sequence[PaintedPicture]) -> list[SavedPicture]:
        return [(painted, save(painted.image, painted.file_name)) for painted in pictures]

    def download_file(picture: SavedPicture, with_settings: bool) -> str:
        painted, path = picture
        if not (with_settings and painted.settings):
            return path
        return save(painted.image, painted.file_name, painted.settings)

    def zip_file(pictures: Sequence[SavedPicture], with_settings: bool) -> str:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"{name}.zip")
            with zipfile.ZipFile(path, "w") as archive:
                for number, picture in enumerate(pictures, 1):
                    archive.write(download_file(picture, with_settings), f"{number}-{picture[0].file_name}")
            return save_file_to_cache(path, gallery.GRADIO_CACHE)

    def selection(picture: SavedPicture, with_settings: bool) -> dict[Any, Any]:
        return {
            card: cards.painted_card(picture[0]),
            download_row: gr.Row(visible=True),
            download: download_file(picture, with_settings),
        }

    def buttons(busy: bool) -> dict[Any, Any]:
        return {stop: gr.Button(visible=busy)} | {button: gr.Button(interactive=not busy) for button in planners}

    def run(planner: Planner, session: str, with_settings: bool, values: Sequence[Any]) -> Iterator[dict[Any, Any]]:
        stop_event = stop_events[session] = threading.Event()
        yield buttons(busy=True) | {
            saved: [],
            selected: 0,
            gallery: gr.Gallery([], visible=False),
            download_row: gr.Row(visible=False),
            card: _progress_card(None) if backend.bundle.done() else cards.loading_card("your pictures are"),
        }
        pictures: list[SavedPicture] = []
        previews: list[str] = []
        try:
            with closing(backend.paintings.enter()) as ticket:
                shown = 0
                while not (stop_event.is_set() or (ticket.wait(_WAIT_SECONDS) and _loaded(backend.bundle))):
                    ahead = ticket.ahead
                    if ahead and ahead != shown:
                        shown = ahead
                        yield {card: _queue_card(ahead)}
                if not stop_event.is_set():
                    plan = planner(backend.bundle.result().uniemo, *values)
                    yield {card: _progress_card(None), gallery: gr.Gallery([], visible=True, columns=plan.columns)}
                    for progress in paint(backend.bundle, plan.jobs, stop_event):
                        pictures = pictures + save_all(progress.pictures)
                        if progress.previews is not None:
                            previews = [save(preview, "preview.png") for preview in progress.previews]
                        yield {
                            saved: pictures,
                            gallery: _captioned(pictures) + previews,
                            card: _progress_card(progress),
                        }
        except known_errors() as error:
            yield buttons(busy=False) | {card: cards.error_card(str(error)), gallery: gr.Gallery(visible=False)}
        except Exception:
            fault = cards.error_card(
                "The pictures could not be made, through a fault of this program; its log says more."
            )
            yield buttons(busy=False) | {card: fault, gallery: gr.Gallery(visible=False)}
            raise
        else:
            index = next((index for index, (painted, _) in enumerate(pictures) if not painted.is_original), None)
            if index is None:
                yield buttons(busy=False) | {card: _STOPPED, gallery: gr.Gallery(visible=False)}
                return
            final = {
                selected: index,
                gallery: gr.Gallery(_captioned(pictures), selected_index=index),
                download_all: zip_file(pictures, with_settings),
            }
            yield buttons(busy=False) | selection(pictures[index], with_settings) | final
        finally:
            stop_events.pop(session, None)

    def select(choice: gr.SelectData, pictures: list[SavedPicture] | None, with_settings: bool) -> Any:
        # Previews can be clicked, too, and have no verdict yet.
        if not pictures or choice.index >= len(pictures):
            return gr.skip()
        return {selected: choice.index} | selection(pictures[choice.index], with_settings)

    # Not by Gradio's `cancels`: what was on its way to the page could still arrive after what the button had put there.
    def request_stop(request: gr.Request) -> None:
        if request.session_hash in stop_events:
            stop_events[request.session_hash].set()

    outputs = [saved, selected, gallery, card, download_row, download, download_all, stop, *planners]
    for button, planner in planners.items():

        def start(request: gr.Request, with_settings: bool, *values: Any, planner: Planner = planner) -> Iterator[Any]:
            yield from run(planner, request.session_hash or "", with_settings, values)

        button.click(
            start,
            [include_settings, *inputs],
            outputs,
            preprocess=False,
            show_progress="hidden",
            # The lane lets them in one by one, and knows who waits.
            concurrency_limit=None,
            api_visibility="private",
        )
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    stop.click(request_stop, **quick)
    if Context.root_block is not None:
        Context.root_block.unload(request_stop)
    gallery.select(select, [saved, include_settings], [selected, card, download_row, download], **quick)
    include_settings.input(
        lambda pictures, index, checked: (
            (download_file(pictures[index], checked), zip_file(pictures, checked)) if pictures else gr.skip()
        ),
        [saved, selected, include_settings],
        [download, download_all],
        **quick,
    )


def _captioned(pictures: Sequence[SavedPicture]) -> list[Any]:
    return [(path, painted.caption) for painted, path in pictures]


def _loaded(bundle: Future[Bundle]) -> bool:
    """Whether the bundle is there; waits for it for a moment."""
    return bool(wait([bundle], timeout=_WAIT_SECONDS).done)


def _queue_card(ahead: int) -> str:
    who = "One painting is" if ahead == 1 else f"{ahead} paintings are"
    return cards.status_card(
        "Waiting for your turn", f"{who} before yours. Reading pictures goes on meanwhile.", busy=True
    )


def _progress_card(progress: Progress | None) -> str:
    if progress is None:
        return cards.status_card(
            "Preparing", "The emotion goes into the prompt; the picture begins as noise.", busy=True
        )
    return cards.status_card("Painting", sentences.progress_sentence(progress), busy=True, share=progress.share)
