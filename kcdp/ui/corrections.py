"""Visitors' corrections: a picture and what they feel, in a folder that training reads as a data set (`--folder`)."""

from __future__ import annotations

import hashlib
import json
import threading
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from kcdp.emotions import MIKELS_8
from kcdp.files import write_whole
from kcdp.ui import cards
from kcdp.ui.languages import InputError, say, tell_in
from kcdp.ui.painted import png
from kcdp.ui.understanding import Understanding

#: Corrections that a folder takes: a page that anybody can open must not fill the disk.
MAX_CORRECTIONS = 10_000
_LOCK = threading.Lock()


def save_correction(folder: Path, result: Understanding, emotion: str) -> None:
    """Add the picture as it was shown, without what came with its file, and a line of `metadata.jsonl`.

    Raises ValueError with one sentence for an unknown emotion, for the same correction again and when the folder is full, and
    OSError.
    """
    labels = tuple(result.verdict.probabilities)
    if emotion not in labels:
        raise InputError("Please choose one of {names}.", names=", ".join(labels))
    content = png(result.frame.convert("RGB"))
    name = f"{hashlib.sha256(content).hexdigest()[:20]}.png"
    line = json.dumps(
        {"file_name": name, "emotion": emotion, "text": result.verdict.caption or "", "license": "unknown"}
    )
    metadata = folder / "metadata.jsonl"
    with _LOCK:
        folder.mkdir(parents=True, exist_ok=True)
        lines = metadata.read_text(encoding="utf-8").splitlines() if metadata.is_file() else []
        kept = [known for known in lines if json.loads(known)["file_name"] != name]
        if len(kept) >= MAX_CORRECTIONS:
            raise ValueError("No more corrections can be stored here; tell whoever runs this app.")
        write_whole(folder / name, content)
        # Whoever says otherwise about the same picture later is believed.
        write_whole(metadata, "".join(f"{one}\n" for one in [*kept, line]).encode())


def correction_panel(folder: Path | None, understanding: gr.State, noted: gr.State) -> None:
    """Build the panel inside the open accordion: for the result in `understanding`, a new one whenever `noted` changes."""
    gr.Markdown(
        say(
            "What do you feel? Sending it stores the picture, small, and your answer on the machine that runs this app; models "
            "learn from them later. Nothing about you is stored."
        )
    )
    choice = gr.Radio(list(MIKELS_8.labels), label=say("Emotion"), elem_classes="kc-chips", elem_id="wrong-emotion")
    send = gr.Button(say("Store my answer"), elem_id="wrong-send")
    answer = gr.HTML(elem_id="wrong-answer")

    def store(request: gr.Request, result: Any, emotion: str | None) -> str:
        tell = tell_in(request)
        if folder is None or result is None or emotion is None:
            return f'<p role="alert">{escape(tell("Please choose an emotion first."))}</p>'
        try:
            save_correction(folder, result, emotion)
        except ValueError as error:
            return f'<p role="alert">{escape(tell.error(error))}</p>'
        except OSError as error:
            return cards.fault_card(tell, error)
        return f'<p role="status">{escape(tell("Stored. Thank you."))}</p>'

    send.click(store, [understanding, choice], answer, show_progress="hidden", api_visibility="private")

    def renew(request: gr.Request, result: Any) -> tuple[gr.Radio, str]:
        labels = MIKELS_8.labels if result is None else result.verdict.probabilities
        return gr.Radio([(tell_in(request).name(label), label) for label in labels], value=None), ""

    noted.change(renew, understanding, [choice, answer], show_progress="hidden", api_visibility="private")
