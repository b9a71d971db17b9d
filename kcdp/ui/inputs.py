"""The inputs that the painting tabs share, and the checks that turn their values into arguments of the pipeline."""

from __future__ import annotations

import math
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.i18n import I18nData
from gradio.processing_utils import save_pil_to_cache
from gradio.utils import get_upload_folder, is_in_or_equal

from kcdp.decoded import DecodedPicture
from kcdp.emotions import MIKELS_8
from kcdp.imaging import ImageError
from kcdp.imaging.formats import recognised
from kcdp.imaging.unpacked import GZIP
from kcdp.painting.things import SUBJECTS
from kcdp.ui import gpu
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import BusyError
from kcdp.ui.languages import InputError, say

MAX_PICTURES = 8
MAX_STEPS = 100
MAX_GUIDANCE = 50
#: Of a prompt, in characters.
MAX_PROMPT_LENGTH = 300
#: Large photos take much memory while they are decoded.
_DECODERS = threading.BoundedSemaphore(4)
#: Formats that browsers draw, by the names in `FORMATS`, and how many bytes of a file say which it is.
_DRAWN_BY_BROWSERS = ("PNG", "JPEG", "WebP", "GIF", "AVIF", "BMP", "SVG", "ICO")
_HEAD = 4096
#: Random seeds are below this: short enough to be read under a picture and typed again.
RANDOM_SEEDS = 10**6


@dataclass(frozen=True)
class Plan:
    """What a button starts: painting jobs, and in how many columns the gallery shows their pictures."""

    jobs: Sequence[PaintingJob]
    columns: int = 2


#: A function from the pipeline, of which it uses only what needs no GPU (labels, size), and the values of a tab's inputs to
#: a plan. Raises ValueError with a sentence for the user.
Planner = Callable[..., Plan]


def emotion_radio(label: str | I18nData, value: str, **options: Any) -> gr.Radio:
    """A choice among the emotions of Mikels-8; `fit_painting_tabs` puts the bundle's own in their place."""
    return gr.Radio(list(MIKELS_8.labels), value=value, label=label, elem_classes="kc-chips", **options)


def subject_field(label: str | I18nData, value: str = "", **options: Any) -> gr.Dropdown:
    """What to paint: something that the painter knows, or free text."""
    return gr.Dropdown(list(SUBJECTS), value=value, label=label, allow_custom_value=True, **options)


def setting_fields(number: int = 4) -> list[gr.components.Component]:
    """The inputs of every painting tab, in the order of `call_options`: number, seed, guidance, steps, negative prompt."""
    pictures = gr.Slider(1, MAX_PICTURES, value=number, step=1, label=say("Number of pictures"))
    with gr.Accordion(say("Seed, guidance and steps"), open=False):
        another = gr.Checkbox(True, label=say("Another seed each time"), container=False)
        with gr.Row():
            seed, guidance, steps = (
                gr.Number(None, label=say(label), placeholder=say(unset), precision=digits, minimum=0, min_width=90)
                for label, unset, digits in (
                    ("Seed", "random", 0),
                    ("Guidance", "as trained", None),
                    ("Steps", "as trained", 0),
                )
            )
        negative_prompt = gr.Textbox(
            label=say("What to avoid"), placeholder=say("nothing"), max_length=MAX_PROMPT_LENGTH
        )
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    another.input(lambda on: None if on else secrets.randbelow(RANDOM_SEEDS), another, seed, **quick)
    seed.input(lambda value: value is None, seed, another, **quick)
    return [pictures, seed, guidance, steps, negative_prompt]


def for_one_picture(values: Sequence[Any], seed: int) -> list[Any]:
    """The values of a tab's inputs, which end with those of `setting_fields`, for a single picture; `seed` where they say none."""
    *own, _, given, guidance, steps, negative_prompt = values
    return [*own, 1, seed if _is_empty(given) else given, guidance, steps, negative_prompt]


def call_options(
    prompt: object,
    number: object,
    seed: object = None,
    guidance: object = None,
    steps: object = None,
    negative_prompt: object = None,
) -> dict[str, Any]:
    """The pipeline's arguments that every tab gives; numbers may come as text. Without a seed one is drawn, so that several
    calls can share it.

    Raises ValueError with one sentence for a value that cannot be used.
    """
    return {
        "prompt": free_text(prompt, "What to show"),
        "num_images": whole_number(number, "number of pictures", 1, MAX_PICTURES),
        "seed": secrets.randbelow(RANDOM_SEEDS) if _is_empty(seed) else whole_number(seed, "seed", 0, 2**63 - 1),
        "num_inference_steps": None if _is_empty(steps) else whole_number(steps, "number of steps", 1, MAX_STEPS),
        "guidance_scale": None if _is_empty(guidance) else finite_number(guidance, "guidance", 0, MAX_GUIDANCE),
        "negative_prompt": free_text(negative_prompt, "What to avoid") or None,
    }


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def free_text(value: object, name: str) -> str:
    """A text as it goes into a prompt: one line, without control characters. Raises ValueError when it is none or too long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError("{name} must be a text, not {kind}.", name=name, kind=type(value).__name__)
    if len(value) > MAX_PROMPT_LENGTH:
        raise InputError(
            "Please say it in at most {most} characters; this has {length}.", most=MAX_PROMPT_LENGTH, length=len(value)
        )
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())


def finite_number(value: object, name: str, low: float, high: float) -> float:
    """A number from `low` to `high`, also from its text. Raises ValueError with one sentence for anything else."""
    number = _as_number(value)
    if not low <= number <= high:
        raise InputError(
            "The {name} must be a number from {low} to {high}, not {value}.",
            name=name,
            low=f"{low:g}",
            high=f"{high:g}",
            value=str(value)[:40],
        )
    return number


def whole_number(value: object, name: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`, also from its text. Raises ValueError with one sentence for anything else."""
    number = _as_number(value)
    if not (low <= number <= high and number == number // 1):
        raise InputError(
            "The {name} must be a whole number from {low} to {high}, not {value}.",
            name=name,
            low=low,
            high=high,
            value=str(value)[:40],
        )
    return int(number)


def _as_number(value: object) -> float:
    """A number, or what a text says; NaN for anything else. Whole ones stay exact, as seeds are longer than a float."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value.strip()):
        return int(value)
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def emotion_name(emotion: object) -> str:
    """The name of the chosen emotion in lower case, which the pipeline checks. Raises ValueError when there is none."""
    if not isinstance(emotion, str) or not emotion.strip():
        raise InputError("Please choose an emotion by its name.")
    return emotion.strip().casefold()


def decode_upload(upload: dict[str, Any] | None, missing: str) -> DecodedPicture:
    """An uploaded picture; raises ImageError with a sentence, which is `missing` when there is none."""
    path = upload_path(upload, missing)
    with _DECODERS:
        return DecodedPicture.load(path)


def upload_path(upload: object, missing: str = "No file arrived: please choose one.") -> Path:
    """Where an uploaded file lies.

    Raises ImageError with one sentence, `missing` without an upload, for every other path: whoever sends a request by hand
    can write any into it, and Gradio checks none where `preprocess=False`.
    """
    path = upload.get("path") if isinstance(upload, dict) else None
    if not path:
        raise ImageError(missing)
    if not isinstance(path, str) or "\0" in path or not is_in_or_equal(path, get_upload_folder()):
        raise ImageError("The picture is no upload; send its file first, and then the path that came back.")
    return Path(path)


def preview(upload: dict[str, Any] | None, picture: DecodedPicture, cache: str) -> str | None:
    """Path of a PNG in Gradio's `cache` that the page shows for an upload no browser draws; None for one that they do."""
    with upload_path(upload).open("rb") as file:
        head = file.read(_HEAD)
    format = recognised(head)
    if format is not None and format.name in _DRAWN_BY_BROWSERS and not head.startswith(GZIP):
        return None
    return save_pil_to_cache(picture.middle, cache, name="preview", format="png")


def show_preview(field: gr.Image) -> None:
    """Let a field of one picture show a file that no browser draws, by a picture of it that takes its place."""

    def shown(upload: dict[str, Any] | None) -> Any:
        try:
            found = preview(upload, decode_upload(upload, ""), field.GRADIO_CACHE)
        except ImageError:  # it is said when the picture is wanted
            found = None
        return gr.skip() if found is None else found

    field.upload(shown, field, field, preprocess=False, show_progress="hidden", api_visibility="private")


def known_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is a sentence for the user."""
    from kcdp.bundle import BundleError  # not with the page: it waits for the model libraries

    return ValueError, BundleError, gpu.GPUError, BusyError
