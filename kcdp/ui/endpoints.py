"""The named endpoints of the API: their errors, their results, and what the page learns from the bundle once it is loaded."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import gradio as gr
from PIL import Image

from kcdp.emotions import MIKELS_8
from kcdp.files import is_disk_full
from kcdp.imaging import FORMATS, ImageError
from kcdp.ui import gpu
from kcdp.ui.askers import asker_is_gone, forget_session
from kcdp.ui.cards import NO_ROOM
from kcdp.ui.inputs import MAX_GUIDANCE, MAX_PICTURES, MAX_PROMPT_LENGTH, MAX_STEPS, Planner, known_errors
from kcdp.ui.jobs import run_job
from kcdp.ui.lanes import Backend, BusyError, Superseded
from kcdp.ui.languages import ENGLISH, tell_in
from kcdp.ui.painted import painted_pictures

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

#: Seconds until a painting that waits looks again whether it is its turn.
_WAIT_SECONDS = 1.0
_GONE = "Whoever asked for this has hung up."  # which nobody reads, but those who look on
_FAULT = "The request failed through a fault of this program; its log says more."


def error_code(error: BaseException) -> str:
    """A word for programs that stands beside an error's sentence.

    bad_picture, bad_input, not_supported (by this bundle), no_gpu, busy, no_room (on the disk), or fault.
    """
    from kcdp.bundle import BundleError  # not with the page: it waits for the model libraries

    kinds = (
        (ImageError, "bad_picture"),
        (ValueError, "bad_input"),
        (BundleError, "not_supported"),
        (gpu.GPUError, "no_gpu"),
        (BusyError, "busy"),
    )
    other = "no_room" if is_disk_full(error) else "fault"
    return next((code for kind, code in kinds if isinstance(error, kind)), other)


@contextmanager
def api_errors() -> Iterator[None]:
    """Every error as a gr.Error whose message is one sentence and whose title is the `error_code`.

    What Gradio keeps of the call is forgotten at its end, where it is a session of its own.
    """
    try:
        yield
    except gr.Error:
        raise
    except Superseded as error:
        raise gr.Error(_GONE, title="gone", print_exception=False) from error
    except known_errors() as error:
        raise gr.Error(str(error), title=error_code(error), print_exception=False) from error
    except Exception as error:
        logging.getLogger(__name__).exception("An endpoint failed")
        sentence = NO_ROOM if is_disk_full(error) else _FAULT
        raise gr.Error(sentence, title=error_code(error), print_exception=False) from error
    finally:
        forget_session()


def painting_result(
    backend: Backend, planner: Planner, *values: Any
) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
    """Run the one job that `planner` makes: `UniEmoImageOutput.to_dict()`, and the pictures with their seeds.

    `probabilities` are those of both models' verdicts, as everywhere on the page. After an edit there are also `target`, `before` (read from
    the original) and `shifts` (Emo-S, one a picture). Who hangs up leaves the lane, and their painting ends after its step.
    Raises as `api_errors` says.
    """
    gone = asker_is_gone()
    with api_errors():
        (job,) = planner(backend.bundle.result().uniemo, *values).jobs
        with closing(backend.paintings.enter()) as ticket:
            its_turn = False
            while not its_turn:
                its_turn = ticket.wait(_WAIT_SECONDS)
                if gone():
                    raise Superseded
            job, output, readings = run_job(backend.bundle, job, gone)
        result = output.to_dict() | {"probabilities": [dict(reading.probabilities) for reading in readings]}
        if job.before is not None:
            before = job.before.probabilities
            pictures = painted_pictures(output, readings, target=job.target, before=before)
            shifts = [painted.shift for painted in pictures]
            result |= {"target": job.target, "before": dict(before), "shifts": shifts}
    images = cast("tuple[Image.Image, ...]", output.images)
    return result, [(image, f"seed {seed}") for image, seed in zip(images, output.seeds, strict=True)]


#: What the parameters of endpoints mean, by their names.
PARAMETERS = {
    "upload": f"The picture, still or animated: {', '.join(format.name for format in FORMATS)}.",
    "attention": "Whether to add heat maps, one PNG for each word, triplet, scene and object.",
    "emotion": "Name of an emotion of the bundle, in any case: amusement, awe, contentment, excitement, anger, disgust, fear, "
    "sadness.",
    "thing": f"What to show: any words, at most {MAX_PROMPT_LENGTH} characters; <emotion> says where the emotion stands.",
    "number": f"How many pictures, 1 to {MAX_PICTURES}.",
    "seed": "Of the first picture, 0 or more; the same seed and settings make the same picture. Drawn if not given.",
    "guidance": f"How far to follow the prompt, 0 to {MAX_GUIDANCE}; the bundle's own if not given.",
    "steps": f"Of denoising, 1 to {MAX_STEPS}; as many as the bundle is made for if not given.",
    "negative_prompt": "Words to lead away from.",
    "weights": "Weights of emotions by their names, 0 or above; they need not sum to 1.",
    "share": "Weight of the second emotion, 0 to 100 percent.",
    "strength": "How much of the picture may change, 0.05 to 1.",
    "picture": "The picture to change.",
    "other": "For /fuse the second emotion's name; for /refeel a picture whose emotion is taken instead of a name.",
}


def describe(function: Callable[..., Any], inputs: Sequence[gr.components.Component]) -> None:
    """Say in the API what the parameters of an endpoint are, in `PARAMETERS`' words."""
    names = [name for name in inspect.signature(function).parameters if name != "request"]
    for name, component in zip(names, inputs, strict=True):
        schema = component.api_info() | {"description": PARAMETERS[name], "additional_description": PARAMETERS[name]}
        component.api_info_as_input = partial(dict, schema)  # type: ignore[method-assign]


def add_endpoint(function: Callable[..., Any], inputs: Sequence[gr.components.Component], description: str) -> None:
    """An endpoint named after `function`, which takes the values of `inputs` and returns a `painting_result`."""
    describe(function, inputs)
    gr.Button(visible=False).click(
        function,
        list(inputs),
        [gr.JSON(label="Result", visible=False), gr.Gallery(label="Pictures", format="png", visible=False)],
        api_name=function.__name__,
        api_description=description,
        # The sentences of the planners say more than the components' own.
        preprocess=False,
        concurrency_limit=None,
    )


def fit_painting_tabs(
    app: gr.Blocks, bundle: Future[Bundle], tabs: Mapping[str, Sequence[gr.Radio | gr.Slider]]
) -> None:
    """Hide the tabs with these ids where the bundle turns out not to paint; where it does, they offer its emotions.

    Radio buttons get all of its emotions; of a tab's sliders each gets one, and those that are left over go.
    """
    # Gradio does not hide a tab that was never opened.
    style = gr.HTML(visible="hidden")
    radios = [one for emotions in tabs.values() for one in emotions if isinstance(one, gr.Radio)]
    boards = [[one for one in emotions if isinstance(one, gr.Slider)] for emotions in tabs.values()]

    async def wait() -> None:
        # Shielded: whoever closes the page must not cancel the loading for everybody.
        await asyncio.shield(asyncio.wrap_future(bundle))

    def update(request: gr.Request) -> Any:
        tell = tell_in(request)
        try:
            labels = list(bundle.result().uniemo.labels)
        except known_errors():
            selectors = ",".join(f"[role=tab][data-tab-id={tab}]" for tab in tabs)
            return {style: f"<style>{selectors}{{display:none}}</style>"}
        usual = labels == list(MIKELS_8.labels)
        if usual and tell == ENGLISH:
            return gr.skip()
        choices = [(tell.name(label), label) for label in labels]
        fitted: dict[Any, Any] = {}
        for turn, radio in enumerate(radios):
            fitted[radio] = gr.Radio(choices) if usual else gr.Radio(choices, value=labels[turn % len(labels)])
        for board in boards:
            for turn, slider in enumerate(board):
                known = turn < len(labels)
                fitted[slider] = gr.Slider(label=choices[turn][0] if known else "", visible=known)
        return fitted

    app.load(wait, show_progress="hidden", concurrency_limit=None, api_visibility="private").then(
        update,
        None,
        [style, *radios, *(slider for board in boards for slider in board)],
        show_progress="hidden",
        concurrency_limit=None,
        api_visibility="private",
    )
