"""The inputs that the painting tabs share, and the checks that turn their values into arguments of the pipeline."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from kcdp.emotions import MIKELS_8
from kcdp.imaging import ImageError
from kcdp.painting.things import THINGS
from kcdp.ui import gpu
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import BusyError

MAX_PICTURES = 8
MAX_STEPS = 100
#: Of a prompt, in characters.
MAX_PROMPT_LENGTH = 300
#: Random seeds are below this: short enough to be read under a picture and typed again.
_RANDOM_SEEDS = 10**6


@dataclass(frozen=True)
class Plan:
    """What a button starts: painting jobs, and in how many columns the gallery shows their pictures."""

    jobs: Sequence[PaintingJob]
    columns: int = 2


#: A function from the pipeline, of which it uses only what needs no GPU (labels, size), and the values of a tab's inputs to
#: a plan. Raises ValueError with a sentence for the user.
Planner = Callable[..., Plan]


def emotion_radio(label: str, value: str, **options: Any) -> gr.Radio:
    """A choice among the emotions of Mikels-8; `fit_painting_tabs` puts the bundle's own in their place."""
    return gr.Radio(list(MIKELS_8.labels), value=value, label=label, elem_classes="kc-chips", **options)


def subject_field(label: str, value: str = "", **options: Any) -> gr.Dropdown:
    """What to paint: one of the paper's things, or free text."""
    return gr.Dropdown(list(THINGS), value=value, label=label, allow_custom_value=True, **options)


def setting_fields(number: int = 4) -> list[gr.components.Component]:
    """The inputs of every painting tab, in the order of `call_options`: number of pictures, seed, guidance, steps."""
    pictures = gr.Slider(1, MAX_PICTURES, value=number, step=1, label="Number of pictures")
    with gr.Accordion("Seed, guidance and steps", open=False):
        with gr.Row():
            seed = gr.Number(None, label="Seed", placeholder="random", precision=0, minimum=0, min_width=120)
            guidance = gr.Number(None, label="Guidance", placeholder="as trained", minimum=0, step=0.5, min_width=120)
        steps = gr.Slider(1, MAX_STEPS, value=25, step=1, label="Steps")
    # When the page loads: a field whose first value is None turns to 0 as soon as it is shown, one that was emptied does not.
    gr.on(fn=lambda: (None, None), outputs=[seed, guidance], show_progress="hidden", api_visibility="private")
    return [pictures, seed, guidance, steps]


def call_options(
    prompt: str | None, number: float | None, seed: float | None, guidance: float | None, steps: float | None
) -> dict[str, Any]:
    """The pipeline's arguments that every tab gives. Without a seed one is drawn, so that several calls can share it.

    Raises ValueError with one sentence for a value that cannot be used.
    """
    prompt = "" if prompt is None else prompt
    if not isinstance(prompt, str):
        raise ValueError(f"What to show must be a text, not {type(prompt).__name__}.")
    prompt = prompt.strip()
    if guidance is not None and not isinstance(guidance, int | float):
        raise ValueError(f"The guidance must be a number, not {guidance}.")
    if len(prompt) > MAX_PROMPT_LENGTH:
        raise ValueError(f"Please say it in at most {MAX_PROMPT_LENGTH} characters; this has {len(prompt)}.")
    return {
        "prompt": prompt,
        "num_images": _whole_number(number, "number of pictures", 1, MAX_PICTURES),
        "seed": secrets.randbelow(_RANDOM_SEEDS) if seed is None else _whole_number(seed, "seed", 0, 2**63 - 1),
        "num_inference_steps": _whole_number(steps, "number of steps", 1, MAX_STEPS),
        "guidance_scale": guidance,
    }


def _whole_number(value: float | None, name: str, low: int, high: int) -> int:
    if not isinstance(value, int | float) or value != value // 1 or not low <= value <= high:
        raise ValueError(f"The {name} must be a whole number from {low} to {high}, not {value}.")
    return int(value)


def emotion_name(emotion: str | None) -> str:
    """The name of the chosen emotion, which the pipeline checks. Raises ValueError when there is none."""
    if not emotion or not isinstance(emotion, str):
        raise ValueError("Please choose an emotion by its name.")
    return emotion


def uploaded_path(upload: dict[str, Any] | None, missing: str) -> str:
    """Path of an uploaded picture; raises ImageError with the sentence `missing` when there is none."""
    if not upload or not upload.get("path"):
        raise ImageError(missing)
    return upload["path"]


def known_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is a sentence for the user."""
    from kcdp.bundle import BundleError  # not with the page: it waits for the model libraries

    return ValueError, BundleError, gpu.GPUError, BusyError
