"""What this browser has seen: small thumbnails that stay in it, each with a link; no server keeps them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

import gradio as gr
from PIL import Image

from kcdp.emotions import LABEL_SPACES
from kcdp.ui.languages import Tell, say, tell_in
from kcdp.ui.parts import TabParts

#: Results that are kept, and the side of their thumbnails in pixels: together some 50 kB.
_KEPT, _SIDE = 24, 72
_LABELS = {label for space in LABEL_SPACES.values() for label in space.labels}


def note(image: Image.Image, emotion: str | None, link: str = "") -> dict[str, str]:
    """What is kept of a result: a thumbnail, the emotion ("" where it cannot be told), and the link that makes it again, if any does."""
    small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    data = BytesIO()
    small.save(data, "WEBP", quality=70)
    return {"picture": base64.b64encode(data.getvalue()).decode(), "emotion": emotion or "", "link": link}


def remembered(kept: object, new: Mapping[str, str] | None) -> list[dict[str, str]]:
    """What a browser has kept, the newest first, with one more; what is no note of ours is left out."""
    notes = [item for item in kept if _is_note(item)] if isinstance(kept, list) else []
    return ([dict(new)] if new else []) + notes[: _KEPT - bool(new)]


def _is_note(item: object) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(name), str) for name in ("picture", "emotion", "link"))


def strip(notes: Sequence[Mapping[str, str]], tell: Tell) -> str:
    """The notes as small pictures; every text in it is escaped, and links lead to this page alone."""
    if not notes:
        return f'<p class="kc-note">{escape(tell("Nothing yet. What you read and paint will appear here."))}</p>'
    items = []
    for item in notes:
        name = tell.name(item["emotion"]) if item["emotion"] in _LABELS else tell("cannot tell")
        body = f'<img src="data:image/webp;base64,{escape(item["picture"])}" alt=""><span>{escape(name)}</span>'
        address = item["link"]
        items.append(f'<a href="{escape(address)}">{body}</a>' if address.startswith("?") else f"<div>{body}</div>")
    return f'<div class="kc-history">{"".join(items)}</div>'


def history_panel(parts: Sequence[TabParts]) -> None:
    """Build the panel inside the open `gr.Blocks`; it fills with the results of the tabs."""
    # The secret keeps nothing secret: it is what lets a browser read its own notes after the app has been restarted.
    kept = gr.BrowserState([], storage_key="kcdp-history", secret="kcdp-history")
    with gr.Accordion(say("Earlier in this browser"), open=False, elem_id="history"):
        shown = gr.HTML(elem_id="history-strip", elem_classes="kc-narrow")
        clear = gr.Button(say("Forget all of it"), elem_id="history-clear", size="sm")
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}

    def add(request: gr.Request, new: Mapping[str, str] | None, notes: object) -> tuple[list[dict[str, str]], str]:
        found = remembered(notes, new)
        return found, strip(found, tell_in(request))

    def show(request: gr.Request, notes: object) -> str:
        return strip(remembered(notes, None), tell_in(request))

    def forget(request: gr.Request) -> tuple[list[dict[str, str]], str]:
        return [], strip([], tell_in(request))

    for one in parts:
        if one.result is not None:
            one.result.change(add, [one.result, kept], [kept, shown], **quick)
    gr.on(fn=show, inputs=kept, outputs=shown, **quick)
    clear.click(forget, None, [kept, shown], **quick)
