"""The tab Many pictures: files, folders and packs in, a table out, as CSV, JSON or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.context import Context
from gradio.processing_utils import save_file_to_cache

from kcdp.emotions import MIKELS_8
from kcdp.imaging import PACK_SUFFIXES, ImageError
from kcdp.ui import cards, rows
from kcdp.ui.inputs import known_errors, upload_path
from kcdp.ui.lanes import MAX_BATCH, Backend, BusyError
from kcdp.ui.languages import InputError, Tell, on_open, say, tell_in
from kcdp.ui.rows import ResultRow

if TYPE_CHECKING:
    from kcdp.batch import PictureFile
    from kcdp.decoded import DecodedPicture
    from kcdp.results import VerdictOutput

#: Pictures of one visit; more are for the command line, whose memory does not grow with them.
MAX_PICTURES = 5000
#: Seconds between two updates of the table while pictures are read, and between two tries of a lane that is full.
_TABLE_SECONDS, _BUSY_SECONDS = 3.0, 1.0
_FORMATS = ("csv", "json", "jsonl", "parquet")


def _empty_card(tell: Tell) -> str:
    return cards.status_card(
        tell("No pictures yet"), tell("Choose files, a folder or a pack of stickers; each is read by itself.")
    )


def many_tab(backend: Backend) -> None:
    """Build the tab inside the open `gr.Tab`."""
    stop_events: dict[str | None, Event] = {}  # of the runs in work, by session
    results = gr.State([], time_to_live=3600)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            files = gr.File(
                label=say("Pictures, and packs of them as ZIP"), file_count="multiple", elem_id="many-files"
            )
            folder = gr.File(label=say("Or a folder"), file_count="directory", height=120, elem_id="many-folder")
            gr.Markdown(
                say(
                    "Interrupted? Add the `results.jsonl` of last time to the pictures: what is in it is not read again."
                )
            )
            read = gr.Button(say("Read them"), variant="primary", elem_id="many-read")
            stop = gr.Button(say("Stop"), variant="stop", visible=False, elem_id="many-stop")
        with gr.Column(scale=1, min_width=300):
            status = gr.HTML(elem_id="many-status", elem_classes="kc-narrow")
            cards.first_card(status, _empty_card)
    with gr.Column(visible=False) as details:
        with gr.Row():
            emotions = gr.Dropdown(
                list(MIKELS_8.labels),
                label=say("Only these emotions (none chosen: all)"),
                multiselect=True,
                value=[],
                elem_id="many-emotions",
            )
            least = gr.Slider(
                0, 100, value=0, step=5, label=say("Confidence of at least, in percent"), elem_id="many-least"
            )
            order = gr.Dropdown(list(rows.SORTS), value=rows.SORTS[0], label=say("Order"), elem_id="many-order")
            on_open(emotions, lambda tell: gr.Dropdown([(tell.name(label), label) for label in MIKELS_8.labels]))
            on_open(order, lambda tell: gr.Dropdown([(tell(way), way) for way in rows.SORTS]))
            page = gr.Number(1, label=say("Page"), minimum=1, precision=0, elem_id="many-page")
        table = gr.HTML(elem_id="many-table")
        with gr.Row():
            downloads = [gr.DownloadButton(name.upper(), min_width=100, elem_id=f"many-{name}") for name in _FORMATS]

    def exported(found: Sequence[ResultRow]) -> list[str]:
        with TemporaryDirectory() as aside:
            paths = [Path(aside, f"results.{name}") for name in _FORMATS]
            for path in paths:
                rows.export(found, path)
            return [save_file_to_cache(path, files.GRADIO_CACHE) for path in paths]

    def shown(request: gr.Request, found: Sequence[ResultRow], *choice: Any) -> str:
        some, share, way, number = choice
        chosen = rows.chosen_rows(found, some or (), (share or 0) / 100, way)
        return rows.table(chosen, int(number or 1), tell_in(request))

    def run(request: gr.Request, uploads: Any, more: Any, known: list[ResultRow], *choice: Any) -> Iterator[Any]:
        tell = tell_in(request)
        stop_event = stop_events[request.session_hash] = Event()
        busy = {read: gr.Button(interactive=False), stop: gr.Button(visible=True)}
        ready = {read: gr.Button(interactive=True), stop: gr.Button(visible=False)}
        yield busy | {
            status: cards.status_card(
                tell("Looking for pictures"), tell("Files, folders and packs are opened."), busy=True
            )
        }
        found: list[ResultRow] = list(known or [])
        try:
            from kcdp.batch import understand_pictures  # not with the page: it waits for the model libraries

            pictures, earlier = uploaded_pictures([*(uploads or []), *(more or [])])
            names = {item.name for item in pictures}
            found = [row for row in [*earlier, *found] if row.name in names or row in earlier]
            done = {row.name for row in found}
            remaining = [item for item in pictures if item.name not in done]
            if not pictures and not found:
                raise ImageError("No picture arrived: choose files, a folder or a pack.")
            updated = 0.0
            for batch in understand_pictures(lambda some: _read(backend, some, stop_event), remaining, MAX_BATCH):
                found = [*found, *map(rows.row_of, batch)]
                share = len(found) / max(1, len(done) + len(remaining))
                progress = tell(
                    "{number} of {all} pictures are read.", number=len(found), all=len(done) + len(remaining)
                )
                update: dict[Any, Any] = {status: cards.status_card(tell("Reading"), progress, busy=True, share=share)}
                if monotonic() - updated > _TABLE_SECONDS:
                    updated = monotonic()
                    update |= {details: gr.Column(visible=True), table: shown(request, found, *choice)}
                yield update | {results: found}
        except _Stopped:
            pass
        except known_errors() as error:
            yield ready | {status: cards.error_card(tell.error(error))}
            return
        except Exception as error:
            yield ready | {status: cards.fault_card(tell, error)}
            raise
        finally:
            stop_events.pop(request.session_hash, None)
        labels = list(rows.mean_probabilities(found)) or list(MIKELS_8.labels)
        yield (
            ready
            | {
                results: found,
                status: rows.summary_card(found, tell) or _empty_card(tell),
                emotions: gr.Dropdown([(tell.name(label), label) for label in labels]),
            }
            | {details: gr.Column(visible=bool(found)), table: shown(request, found, *choice)}
            | dict(zip(downloads, exported(found), strict=True))
        )

    def request_stop(request: gr.Request) -> None:
        if request.session_hash in stop_events:
            stop_events[request.session_hash].set()

    choices: list[Any] = [emotions, least, order, page]
    read.click(
        run,
        [files, folder, results, *choices],
        [results, status, details, table, read, stop, emotions, *downloads],
        preprocess=False,
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    stop.click(request_stop, **quick)
    gr.on([choice.change for choice in choices], shown, [results, *choices], table, **quick)
    if Context.root_block is not None:
        Context.root_block.unload(request_stop)


class _Stopped(Exception):
    """Raised between two batches to end a run that nobody waits for."""


def _read(backend: Backend, pictures: Sequence[DecodedPicture], stop_event: Event) -> list[VerdictOutput]:
    """The verdicts of some pictures by way of the lane, where they wait as those of every other visitor do."""
    if stop_event.is_set():
        raise _Stopped
    while True:
        readings = []
        try:
            readings = [backend.readings.enter(picture, attention=False) for picture in pictures]
            return [backend.readings.read(reading) for reading in readings]
        except BusyError:
            for reading in readings:
                reading.cancel()
            if stop_event.wait(_BUSY_SECONDS):
                raise _Stopped from None


def uploaded_pictures(uploads: Sequence[Any]) -> tuple[list[PictureFile], list[ResultRow]]:
    """The pictures in uploaded files, those of packs among them, and the rows of uploaded .jsonl results.

    Names are those of the user's files, told apart by a number where two are the same. Raises InputError for more
    than `MAX_PICTURES`.
    """
    from kcdp.batch import PictureFile, stickers  # not with the page: it waits for the model libraries

    found: dict[str, PictureFile] = {}
    earlier: list[ResultRow] = []

    def add(name: str, source: Path | bytes | ImageError) -> None:
        if len(found) >= MAX_PICTURES:
            raise InputError(
                "These are more than {most} pictures; read them with the command `kcdp understand FOLDER --out FILE`.",
                most=MAX_PICTURES,
            )
        free, number = name, 1
        while free in found:
            number += 1
            free = f"{name} ({number})"
        found[free] = PictureFile(free, source)

    for upload in uploads:
        path = upload_path(upload)
        name = str(upload.get("orig_name") or path.name)
        if path.suffix.lower() == ".jsonl":
            earlier += _earlier_rows(path)
        elif path.suffix.lower() in PACK_SUFFIXES:
            for sticker in islice(stickers(path, name), MAX_PICTURES + 1):
                add(sticker.name, sticker.source)
        else:
            add(name, path)
    return list(found.values()), earlier


def _earlier_rows(path: Path) -> list[ResultRow]:
    """Rows of a file of results, at most `MAX_PICTURES`; lines that are no result are left out."""
    found = []
    with path.open("rb") as stream:
        for line in islice(stream, MAX_PICTURES):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if _is_result(record):
                found.append(ResultRow(record))
    return found


def _is_result(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("path"), str):
        return False
    if "error" in record:
        return True
    probabilities = record.get("probabilities")
    return (
        isinstance(probabilities, dict)
        and (record.get("emotion") is None or record["emotion"] in probabilities)
        and all(isinstance(value, int | float) for value in probabilities.values())
    )
