"""Who has called an endpoint: whether they are still there, as nobody must wait for what nobody wants, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable

from gradio.context import LocalContext

#: Says whether nobody waits for an answer any more.
Gone = Callable[[], bool]


def never() -> bool:
    """Of who cannot go."""
    return False


def forget_session() -> None:
    """Let go of what Gradio keeps of the call over plain HTTP that is answered right now; without effect on other calls.

    Each such call is a session of its own, named as its event, to which nobody can come back. Gradio would keep half a
    megabyte of settings for it, until there are too many sessions and those of visitors are lost with it.
    """
    blocks, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    holder = getattr(blocks, "state_holder", None)
    if holder is not None and event_id is not None:
        with holder.lock:
            holder.session_data.pop(event_id, None)
            holder.time_last_used.pop(event_id, None)


def asker_is_gone() -> Gone:
    """For the call of an endpoint that is answered right now, whether its client has hung up; `never` outside of one.

    A client that has not begun to wait for the answer, as it may over plain HTTP, is not gone.
    """
    blocks, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    event = None if blocks is None or event_id is None else blocks._queue.event_ids_to_events.get(event_id)
    if event is None:
        return never
    return lambda: not event.alive
