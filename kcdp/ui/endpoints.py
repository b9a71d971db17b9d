"""The named endpoints of the API, and what the page learns from the bundle once it is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.emotions import MIKELS_8
from kcdp.ui.inputs import Planner, known_errors
from kcdp.ui.jobs import run_job
from kcdp.ui.painted import painted_pictures

if TYPE_CHECKING:
    from kcdp.bundle import Bundle


def painting_result(
    bundle: Future[Bundle], planner: Planner, *values: Any
) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
    """Run the one job that `planner` makes: `UniEmoImageOutput.to_dict()`, and the pictures with their seeds.

    After an edit the first also has `target`, `before` (read from the original) and `shifts` (Emo-S, one a picture).
    Raises gr.Error with a sentence for values that cannot be used.
    """
    try:
        (job,) = planner(bundle.result().uniemo, *values).jobs
        job, output = run_job(bundle, job)
    except known_errors() as error:
        raise gr.Error(str(error), print_exception=False) from error
    result = output.to_dict()
    if job.before is not None:
        shifts = [painted.shift for painted in painted_pictures(output, target=job.target, before=job.before)]
        result |= {"target": job.target, "before": dict(job.before), "shifts": shifts}
    return result, [(image, f"seed {seed}") for image, seed in zip(output.images, output.seeds, strict=True)]


def add_endpoint(function: Callable[..., Any], inputs: Sequence[gr.components.Component], description: str) -> None:
    """An endpoint named after `function`, which takes the values of `inputs` and returns a `painting_result`."""
    gr.Button(visible=False).click(
        function,
        list(inputs),
        [gr.JSON(label="Result", visible=False), gr.Gallery(label="Pictures", format="png", visible=False)],
        api_name=function.__name__,
        api_description=description,
        # The sentences of the planners say more than the components' own.
        preprocess=False,
        concurrency_id="model",
        concurrency_limit=1,
    )


def show_painting_tabs(app: gr.Blocks, bundle: Future[Bundle], tabs: Mapping[gr.Tab, Sequence[gr.Radio]]) -> None:
    """Show `tabs`, hidden so far, where the bundle paints; their radios get the bundle's emotions."""

    async def wait() -> None:
        # Shielded: whoever closes the page must not cancel the loading for everybody.
        await asyncio.shield(asyncio.wrap_future(bundle))

    def update() -> Any:
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
        update,
        None,
        outputs,
        show_progress="hidden",
        concurrency_id="model",
        concurrency_limit=1,
        api_visibility="private",
    )
