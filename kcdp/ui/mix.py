"""The tab Mix: a board of all emotions, each with a slider; their sum does not matter.

Besides the page there is one named endpoint, `/mix`:

    from gradio_client import Client

    client = Client("http://127.0.0.1:7860")
    made, pictures = client.predict({"awe": 3, "fear": 1}, "a cat", seed=7, api_name="/mix")
    made["emotion"]                                 # {"awe": 0.75, "fear": 0.25}
    pictures[0]["image"], pictures[0]["caption"]    # a PNG file for each, and its seed
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.emotions import MIKELS_8
from kcdp.ui.endpoints import add_endpoint, painting_result
from kcdp.ui.gallery import painted_gallery
from kcdp.ui.inputs import Plan, call_options, emotion_name, finite_number, setting_fields, subject_field
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import InputError, say
from kcdp.ui.live import live_picture
from kcdp.ui.parts import SETTINGS, TabParts

if TYPE_CHECKING:
    from kcdp.pipelines.uniemo import UniEmoPipeline

#: Where the sliders end.
FULL = 100
#: Weights in the order of the emotions, and a thing; the board shows the first of them.
_EXAMPLES = (
    ((60, 0, 0, 0, 0, 0, 40, 0), "house"),
    ((0, 50, 50, 0, 0, 0, 0, 30), "lamp"),
    ((30, 0, 0, 60, 40, 0, 0, 0), "apple"),
)


def mix_tab(backend: Backend) -> TabParts:
    """Build the tab inside the open `gr.Tab`."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            with gr.Group(elem_classes="kc-board"):
                board = [
                    gr.Slider(0, FULL, value=weight, step=1, label=say(label), elem_id=f"mix-{turn}")
                    for turn, (label, weight) in enumerate(zip(MIKELS_8.labels, _EXAMPLES[0][0], strict=True))
                ]
            thing = subject_field(say("A thing, or your own words"), _EXAMPLES[0][1], elem_id="mix-thing")
            settings = setting_fields()
            make = gr.Button(say("Make pictures"), variant="primary", elem_id="mix-make")
            stop = gr.Button(say("Stop"), variant="stop", visible=False, elem_id="mix-stop")
        with gr.Column(scale=1, min_width=300):
            examples = [(*weights, word) for weights, word in _EXAMPLES]
            live_picture(backend, "mix", plan_board, [*board, thing, *settings], [*board, thing], examples)
            named: dict[str, gr.components.Component] = {f"w{turn}": slider for turn, slider in enumerate(board)}
            named |= {"thing": thing}
            named |= dict(zip(SETTINGS, settings, strict=True))
            parts = painted_gallery(backend, "mix", {make: plan_board}, stop, named)

    def mix(
        weights: dict[str, float],
        thing: str = "",
        number: int = 4,
        seed: int | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        negative_prompt: str | None = None,
    ) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        return painting_result(backend, plan_pictures, weights, thing, number, seed, guidance, steps, negative_prompt)

    add_endpoint(
        mix,
        [gr.JSON(visible=False), thing, *settings],
        "Paint pictures that evoke any mixture of emotions; returns what the models read from them, and their seeds.",
    )
    return replace(parts, emotions=board)


def plan_board(uniemo: UniEmoPipeline, *values: Any) -> Plan:
    """Of the values of all sliders, of which the first are those of the pipeline's emotions, the thing, and the settings."""
    count = len(values) - 1 - len(SETTINGS)
    return plan_pictures(uniemo, dict(zip(uniemo.labels, values[:count], strict=False)), *values[count:])


def plan_pictures(uniemo: UniEmoPipeline, weights: object, thing: str, *values: Any) -> Plan:
    """One mixture, several times. Raises ValueError with one sentence when it is none."""
    if not isinstance(weights, dict) or not weights:
        raise InputError("Please give weights by the names of emotions, as {example}.", example='{"awe": 3, "fear": 1}')
    parts = {emotion_name(name): finite_number(weight, "weight", 0, 1e6) for name, weight in weights.items()}
    parts = {name: weight for name, weight in parts.items() if weight}
    if not parts:
        raise InputError("Please give at least one emotion some weight.")
    return Plan([PaintingJob(call_options(thing, *values) | {"emotion": parts})])
