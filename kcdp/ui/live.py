"""The picture that follows sliders and words while they change: one seed, few steps, and only the newest state is painted."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.context import Context

from kcdp.ui import cards, sentences
from kcdp.ui.inputs import RANDOM_SEEDS, Planner, for_one_picture, known_errors
from kcdp.ui.jobs import paint_live
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import on_open, say, tell_in

#: Live pictures that are painted at the same time, of all visitors.
_AT_ONCE = 4
#: Seconds that nothing changes before the picture is refined.
_REST_SECONDS = 0.2


class Newest:
    """Which wish of each visitor is the newest; one that is superseded has its event set."""

    def __init__(self) -> None:
        self._wishes: dict[str | None, threading.Event] = {}
        self._lock = threading.Lock()

    def enter(self, session: str | None, waits: bool = False) -> threading.Event:
        """A wish that supersedes the one before; one that `waits` gives way to any other instead."""
        own = threading.Event()
        with self._lock:
            if waits and session in self._wishes:
                own.set()
                return own
            older = self._wishes.get(session)
            if older is not None:
                older.set()
            self._wishes[session] = own
        return own

    def leave(self, session: str | None, own: threading.Event | None = None) -> None:
        """Give up a visitor's wish, whichever it is unless `own` is given."""
        with self._lock:
            if own is None or self._wishes.get(session) is own:
                wish = self._wishes.pop(session, None)
                if wish is not None:
                    wish.set()


def live_picture(
    backend: Backend,
    name: str,
    planner: Planner,
    inputs: Sequence[gr.components.Component],
    followed: Sequence[Any],
    examples: Sequence[Sequence[Any]] = (),
) -> None:
    """Build the picture and its switch inside the open layout.

    Args:
        name: of the tab, for the ids of the components.
        planner: makes a plan of one job from the values of `inputs`, which end with those of `setting_fields`.
        followed: those of the inputs whose changes are painted at once.
        examples: values of `followed`, offered to be painted at a click.
    """
    newest = Newest()
    switch = gr.Checkbox(backend.live, label=say("Paint while I choose"), container=False, elem_id=f"{name}-follow")
    picture = gr.HTML(elem_id=f"{name}-live", elem_classes="kc-narrow")
    shown = gr.Examples(
        [list(values) for values in examples],
        list(followed),
        label=say("Examples"),
        example_labels=[sentences.example_name(values) for values in examples],
        cache_examples=False,
    )

    on_open(
        shown.dataset,
        lambda tell: gr.Dataset(sample_labels=[sentences.example_name(values, tell) for values in examples]),
    )

    def painted(request: gr.Request, values: Sequence[Any], refine: bool) -> Any:
        superseded = newest.enter(request.session_hash, waits=refine)
        try:
            # What comes within this time makes the refinement needless.
            if superseded.wait(_REST_SECONDS if refine else 0):
                return gr.skip()
            bundle = backend.bundle.result()
            (job,) = planner(bundle.uniemo, *for_one_picture(values, _seed_of(request))).jobs
            made = paint_live(bundle, job, superseded, refine)
            return gr.skip() if made is None else cards.live_card(*made, job.options, tell_in(request))
        except known_errors() as error:
            return cards.error_card(tell_in(request).error(error))
        finally:
            newest.leave(request.session_hash, superseded)

    def follow(request: gr.Request, on: bool, *values: Any) -> Any:
        if not on:
            newest.leave(request.session_hash)
            return ""
        return painted(request, values, refine=False)

    def refine(request: gr.Request, on: bool, *values: Any) -> Any:
        return painted(request, values, refine=True) if on else gr.skip()

    def gone(request: gr.Request) -> None:
        newest.leave(request.session_hash)

    options: dict[str, Any] = {
        "inputs": [switch, *inputs],
        "outputs": picture,
        "show_progress": "hidden",
        "concurrency_id": "live",
        "concurrency_limit": _AT_ONCE,
        "api_visibility": "private",
    }
    changes = [item.input for item in followed]
    tab = _enclosing_tab()
    opened = [] if tab is None else [tab.select]
    # While one picture is painted the browser remembers that something has changed, not what: its next wish is the last state.
    moving = gr.on([*changes, switch.input, *opened], follow, trigger_mode="always_last", **options)
    chosen = shown.load_input_event.then(follow, trigger_mode="always_last", **options)
    for follows in (moving, chosen):
        follows.then(refine, trigger_mode="multiple", **options)
    if Context.root_block is not None:
        Context.root_block.unload(gone)


def _seed_of(request: gr.Request) -> int:
    """A seed for one visit: the same scene however its settings move, and another visitor's is another one."""
    return zlib.crc32(str(request.session_hash).encode()) % RANDOM_SEEDS


def _enclosing_tab() -> gr.Tab | None:
    block = Context.block
    while block is not None and not isinstance(block, gr.Tab):
        block = block.parent
    return block
