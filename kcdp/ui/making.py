"""What the tabs that make pictures share: their inputs, what is made of these, and the same through the API."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.emotions import MIKELS_8
from kcdp.imaging import ImageError
from kcdp.ui import gpu
from kcdp.ui.painter import Task, make
from kcdp.ui.pieces import pieces_of

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: The neutral things of the paper's figure 10a.
THINGS = ("bench", "book", "cup", "lamp", "room", "sofa", "street")
MOST_PICTURES = 8
MOST_STEPS = 100
LONGEST_PROMPT = 300
#: Drawn seeds are below this: short enough to be read under a picture and typed again.
_SEEDS = 10**6


@dataclass(frozen=True)
class Plan:
    """What a button starts: calls of the pipeline, and how many of their pictures hang in a row."""

    tasks: Sequence[Task]
    columns: int = 2


#: From the pipeline, of which it knows but what needs no GPU (labels, size), and the values of a tab's inputs to what is to
#: be made; ValueError is a sentence for the user.
Planner = Callable[..., Plan]


def emotion_chips(label: str, value: str, **options: Any) -> gr.Radio:
    """One chip for each emotion; `offer` puts the bundle's own in place."""
    return gr.Radio(list(MIKELS_8.labels), value=value, label=label, elem_classes="kc-chips", **options)


def subject(label: str, value: str = "", **options: Any) -> gr.Dropdown:
    """A thing of the paper, or the user's own words."""
    return gr.Dropdown(list(THINGS), value=value, label=label, allow_custom_value=True, **options)


def settings(number: int = 4) -> list[gr.components.Component]:
    """The inputs that every call has, in the order of `call_options`: number of pictures, seed, guidance, steps."""
    pictures = gr.Slider(1, MOST_PICTURES, value=number, step=1, label="Number of pictures")
    with gr.Accordion("Seed, guidance and steps", open=False):
        with gr.Row():
            seed = gr.Number(None, label="Seed", placeholder="random", precision=0, minimum=0, min_width=120)
            guidance = gr.Number(None, label="Guidance", placeholder="as trained", minimum=0, step=0.5, min_width=120)
        steps = gr.Slider(1, MOST_STEPS, value=25, step=1, label="Steps")
    # When the page loads: a field whose first value is None turns to 0 as soon as it is shown, one that was emptied does not.
    gr.on(fn=lambda: (None, None), outputs=[seed, guidance], show_progress="hidden", api_visibility="private")
    return [pictures, seed, guidance, steps]


def call_options(
    prompt: str | None, number: float | None, seed: float | None, guidance: float | None, steps: float | None
) -> dict[str, Any]:
    """The pipeline's arguments that every tab gives. Draws the seed, if none is given, so that several calls can share it.

    Raises ValueError with one sentence for what does not go.
    """
    prompt = "" if prompt is None else prompt
    if not isinstance(prompt, str):
        raise ValueError(f"What to show must be a text, not {type(prompt).__name__}.")
    prompt = prompt.strip()
    if guidance is not None and not isinstance(guidance, int | float):
        raise ValueError(f"The guidance must be a number, not {guidance}.")
    if len(prompt) > LONGEST_PROMPT:
        raise ValueError(f"Please say it in at most {LONGEST_PROMPT} characters; this has {len(prompt)}.")
    return {
        "prompt": prompt,
        "num_images": _whole(number, "number of pictures", 1, MOST_PICTURES),
        "seed": secrets.randbelow(_SEEDS) if seed is None else _whole(seed, "seed", 0, 2**63 - 1),
        "num_inference_steps": _whole(steps, "number of steps", 1, MOST_STEPS),
        "guidance_scale": guidance,
    }


def _whole(value: float | None, name: str, low: int, high: int) -> int:
    if not isinstance(value, int | float) or value != value // 1 or not low <= value <= high:
        raise ValueError(f"The {name} must be a whole number from {low} to {high}, not {value}.")
    return int(value)


def named(emotion: str | None) -> str:
    """The emotion that was chosen; the pipeline knows whether there is one of that name. Raises ValueError without one."""
    if not emotion or not isinstance(emotion, str):
        raise ValueError("Please choose an emotion by its name.")
    return emotion


def uploaded(upload: dict[str, Any] | None, missing: str) -> str:
    """Path of a picture that was sent; raises ImageError with the sentence `missing` where none was."""
    if not upload or not upload.get("path"):
        raise ImageError(missing)
    return upload["path"]


def known_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is a sentence for the user."""
    from kcdp.bundle import BundleError  # not with the page: it waits for the model libraries

    return ValueError, BundleError, gpu.GPUError


def endpoint(
    bundle: Future[Bundle], planner: Planner, *values: Any
) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
    """Make the one call that `planner` says: `UniEmoImageOutput.to_dict()`, and the pictures with their seeds.

    After an edit the first also has `target`, `before` (the verdict on the original) and `shifts` (Emo-S, one a picture).
    Raises gr.Error with a sentence for what does not go.
    """
    try:
        (task,) = planner(bundle.result().uniemo, *values).tasks
        task, made = make(bundle, task)
    except known_errors() as error:
        raise gr.Error(str(error), print_exception=False) from error
    result = made.to_dict()
    if task.before is not None:
        shifts = [piece.shift for piece in pieces_of(made, target=task.target, before=task.before)]
        result |= {"target": task.target, "before": dict(task.before), "shifts": shifts}
    return result, [(image, f"seed {seed}") for image, seed in zip(made.images, made.seeds, strict=True)]


def publish(answer: Callable[..., Any], inputs: Sequence[gr.components.Component], description: str) -> None:
    """Name the endpoint after the function `answer`, whose arguments are the values of `inputs` and which ends in `endpoint`."""
    gr.Button(visible=False).click(
        answer,
        list(inputs),
        [gr.JSON(label="Result", visible=False), gr.Gallery(label="Pictures", format="png", visible=False)],
        api_name=answer.__name__,
        api_description=description,
        # The sentences of the planners say more than the components' own.
        preprocess=False,
        concurrency_id="model",
        concurrency_limit=1,
    )


def offer(app: gr.Blocks, bundle: Future[Bundle], tabs: Mapping[gr.Tab, Sequence[gr.Radio]]) -> None:
    """Show `tabs`, hidden so far, on every page whose models can make pictures; their radios get the bundle's emotions."""

    async def wait() -> None:
        # Shielded: whoever closes the page must not cancel the loading for everybody.
        await asyncio.shield(asyncio.wrap_future(bundle))

    def look() -> Any:
        try:
            labels = list(bundle.result().uniemo.labels)
        except known_errors():
            return gr.skip()
        shown: dict[Any, Any] = {tab: gr.Tab(visible=True) for tab in tabs}
        if labels != list(MIKELS_8.labels):
            radios = [radio for emotions in tabs.values() for radio in emotions]
            shown |= {radio: gr.Radio(labels, value=labels[turn % len(labels)]) for turn, radio in enumerate(radios)}
        return shown

    outputs = [part for tab, emotions in tabs.items() for part in (tab, *emotions)]
    app.load(wait, show_progress="hidden", concurrency_limit=None, api_visibility="private").then(
        look,
        None,
        outputs,
        show_progress="hidden",
        concurrency_id="model",
        concurrency_limit=1,
        api_visibility="private",
    )
