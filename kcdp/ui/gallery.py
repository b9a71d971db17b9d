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
from kcdp.ui.history import note
from kcdp.ui.inputs import Planner, known_errors
from kcdp.ui.jobs import Progress, paint
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import Tell, say, tell_in
from kcdp.ui.painted import PaintedPicture, png
from kcdp.ui.parts import Handover, TabParts, link

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: A picture and the file that the gallery shows.
SavedPicture = tuple[PaintedPicture, str]

#: Seconds until a painting that waits looks again whether it was stopped.
_WAIT_SECONDS = 0.2


def _empty_card(tell: Tell) -> str:
    return cards.status_card(
        tell("Nothing painted yet"), tell("The pictures, and what they make people feel, will appear here.")
    )


def painted_gallery(
    backend: Backend,
    name: str,
    planners: Mapping[gr.Button, Planner],
    stop: gr.Button,
    inputs: Mapping[str, gr.components.Component],
    tab_id: str = "",
) -> TabParts:
    """Build the output side inside the open layout, and connect the buttons with it.

    Args:
        name: of the tab, for the ids of the components.
        planners: buttons that start a painting, and what makes its plan from the values of `inputs`.
        stop: the button that ends a painting; shown while there is one.
        inputs: by the names that they have in links.
        tab_id: of the tab in links; `name` if not given.

    Returns what the tab gives the page: settings, results and pictures.
    """
    stop_events: dict[str, threading.Event] = {}  # of the paintings in work, by session
    saved = gr.State(time_to_live=3600)
    selected = gr.State(0)
    result = gr.State()
    settings: dict[str, dict[str, Any]] = {}  # of the last painting as links have them, by session
    compared = gr.ImageSlider(
        label=say("Before and after"),
        interactive=False,
        visible=False,
        height=340,
        buttons=["fullscreen"],
        elem_id=f"{name}-compared",
        elem_classes="kc-compared",
    )
    gallery = gr.Gallery(
        label=say("Pictures"),
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
    card = gr.HTML(elem_id=f"{name}-verdict", elem_classes="kc-narrow")
    cards.first_card(card, _empty_card)
    with gr.Row(visible=False, equal_height=True) as download_row:
        download = gr.DownloadButton(say("Download as PNG"), elem_id=f"{name}-download", min_width=160)
        download_all = gr.DownloadButton(say("Download all as ZIP"), elem_id=f"{name}-zip", min_width=160)
        include_settings = gr.Checkbox(
            label=say("Say in the file how it was made"),
            elem_id=f"{name}-with-settings",
            container=False,
            min_width=220,
        )
    with gr.Row(visible=False) as handover_row:
        understand = gr.Button(say("Read it in Understand"), elem_id=f"{name}-to-understand", min_width=160)
        refeel = gr.Button(say("Take it to Re-feel"), elem_id=f"{name}-to-refeel", min_width=160)

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

    def selection(
        pictures: Sequence[SavedPicture], index: int, with_settings: bool, tell: Tell, address: str
    ) -> dict[Any, Any]:
        painted, path = pictures[index]
        edited = painted.before is not None
        return {
            card: cards.painted_card(painted, tell, address, len(pictures) > 1),
            compared: gr.ImageSlider((pictures[0][1], path) if edited else None, visible=edited),
            download_row: gr.Row(visible=True),
            handover_row: gr.Row(visible=True),
            download: download_file(pictures[index], with_settings),
        }

    def settings_of(values: Sequence[Any], pictures: Sequence[SavedPicture]) -> dict[str, Any]:
        seed = next((painted.settings["seed"] for painted, _ in pictures if not painted.is_original), None)
        return dict(zip(inputs, values, strict=True)) | {"seed": seed}

    def address_of(session: str, painted: PaintedPicture) -> str:
        return link(tab_id or name, {**settings[session], **painted.chosen}) if session in settings else ""

    def buttons(busy: bool) -> dict[Any, Any]:
        return {stop: gr.Button(visible=busy)} | {button: gr.Button(interactive=not busy) for button in planners}

    def run(
        planner: Planner, request: gr.Request, with_settings: bool, values: Sequence[Any]
    ) -> Iterator[dict[Any, Any]]:
        session, tell = request.session_hash or "", tell_in(request)
        stop_event = stop_events[session] = threading.Event()
        # Said with every step: of updates that come faster than a browser draws it keeps the last.
        busy = buttons(busy=True)
        yield busy | {
            saved: [],
            selected: 0,
            gallery: gr.Gallery([], visible=False),
            compared: gr.ImageSlider(visible=False),
            download_row: gr.Row(visible=False),
            handover_row: gr.Row(visible=False),
            card: _progress_card(None, tell) if backend.bundle.done() else cards.loading_card(tell),
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
                        yield busy | {card: _queue_card(ahead, tell)}
                if not stop_event.is_set():
                    plan = planner(backend.bundle.result().uniemo, *values)
                    yield busy | {
                        card: _progress_card(None, tell),
                        gallery: gr.Gallery([], visible=True, columns=plan.columns),
                    }
                    for progress in paint(backend.bundle, plan.jobs, stop_event):
                        pictures = pictures + save_all(progress.pictures)
                        if progress.previews is not None:
                            previews = [save(preview, "preview.png") for preview in progress.previews]
                        yield busy | {
                            saved: pictures,
                            gallery: _captioned(pictures, tell) + previews,
                            card: _progress_card(progress, tell),
                        }
        except known_errors() as error:
            yield buttons(busy=False) | {card: cards.error_card(tell.error(error)), gallery: gr.Gallery(visible=False)}
        except Exception as error:
            yield buttons(busy=False) | {card: cards.fault_card(tell, error), gallery: gr.Gallery(visible=False)}
            raise
        else:
            index = next((index for index, (painted, _) in enumerate(pictures) if not painted.is_original), None)
            if index is None:
                stopped = cards.status_card(tell("Stopped"), tell("Nothing was finished by then."))
                yield buttons(busy=False) | {card: stopped, gallery: gr.Gallery(visible=False)}
                return
            settings[session] = settings_of(values, pictures)
            painted = pictures[index][0]
            address = address_of(session, painted)
            final = {
                selected: index,
                gallery: gr.Gallery(_captioned(pictures, tell), selected_index=index),
                download_all: zip_file(pictures, with_settings),
                result: note(painted.image, painted.emotion, address),
            }
            yield buttons(busy=False) | selection(pictures, index, with_settings, tell, address) | final
        finally:
            stop_events.pop(session, None)

    def select(
        request: gr.Request, choice: gr.SelectData, pictures: list[SavedPicture] | None, with_settings: bool
    ) -> Any:
        # Previews can be clicked, too, and have no verdict yet.
        if not pictures or choice.index >= len(pictures):
            return gr.skip()
        address = address_of(request.session_hash or "", pictures[choice.index][0])
        return {selected: choice.index} | selection(pictures, choice.index, with_settings, tell_in(request), address)

    def chosen_file(pictures: list[SavedPicture] | None, index: int) -> str | None:
        return pictures[index][1] if pictures and index < len(pictures) else None

    # Not by Gradio's `cancels`: what was on its way to the page could still arrive after what the button had put there.
    def request_stop(request: gr.Request) -> None:
        if request.session_hash in stop_events:
            stop_events[request.session_hash].set()

    def gone(request: gr.Request) -> None:
        request_stop(request)
        settings.pop(request.session_hash or "", None)

    chosen = [selected, card, compared, download_row, handover_row, download]
    outputs = [*chosen, saved, gallery, download_all, result, stop, *planners]
    for button, planner in planners.items():

        def start(request: gr.Request, with_settings: bool, *values: Any, planner: Planner = planner) -> Iterator[Any]:
            yield from run(planner, request, with_settings, values)

        button.click(
            start,
            [include_settings, *inputs.values()],
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
        Context.root_block.unload(gone)
    gallery.select(select, [saved, include_settings], chosen, **quick)
    include_settings.input(
        lambda pictures, index, checked: (
            (download_file(pictures[index], checked), zip_file(pictures, checked)) if pictures else gr.skip()
        ),
        [saved, selected, include_settings],
        [download, download_all],
        **quick,
    )
    return TabParts(
        handovers=[
            Handover(button, target, chosen_file, [saved, selected])
            for button, target in ((understand, "understand"), (refeel, "re-feel"))
        ],
        settings=inputs,
        result=result,
    )


def _captioned(pictures: Sequence[SavedPicture], tell: Tell) -> list[Any]:
    return [(path, sentences.picture_caption(painted, tell)) for painted, path in pictures]


def _loaded(bundle: Future[Bundle]) -> bool:
    """Whether the bundle is there; waits for it for a moment."""
    return bool(wait([bundle], timeout=_WAIT_SECONDS).done)


def _queue_card(ahead: int, tell: Tell) -> str:
    return cards.status_card(
        tell("Waiting for your turn"),
        tell("Paintings before yours: {number}. Reading pictures goes on meanwhile.", number=ahead),
        busy=True,
    )


def _progress_card(progress: Progress | None, tell: Tell) -> str:
    if progress is None:
        return cards.status_card(
            tell("Preparing"), tell("The emotion goes into the prompt; the picture begins as noise."), busy=True
        )
    sentence = sentences.progress_sentence(progress, tell)
    return cards.status_card(tell("Painting"), sentence, busy=True, share=progress.share)
