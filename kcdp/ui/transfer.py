"""The tab Transfer: give a thing an emotion.

Besides the page there is one named endpoint, `/transfer`:

    from gradio_client import Client

    client = Client("http://127.0.0.1:7860")
    made, pictures = client.predict("awe", "bench", number=4, seed=7, api_name="/transfer")
    made["seeds"], made["probabilities"]                 # everything that UniEmoImageOutput.to_dict() says
    pictures[0]["image"], pictures[0]["caption"]    # a PNG file for each, and its seed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.painting.things import THINGS
from kcdp.ui.endpoints import add_endpoint, painting_result
from kcdp.ui.gallery import painted_gallery
from kcdp.ui.inputs import Plan, call_options, emotion_name, emotion_radio, setting_fields, subject_field
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import say
from kcdp.ui.live import live_picture
from kcdp.ui.parts import SETTINGS, TabParts

if TYPE_CHECKING:
    from kcdp.pipelines.uniemo import UniEmoPipeline

#: Of the things that the shipped painter knows those that show a feeling best, by their surroundings.
_EXAMPLES = (("anger", "house"), ("fear", "lamp"), ("contentment", "bench"), ("excitement", "apple"))


def transfer_tab(backend: Backend) -> TabParts:
    """Build the tab inside the open `gr.Tab`."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            emotion = emotion_radio(say("Emotion"), _EXAMPLES[0][0], elem_id="transfer-emotion")
            thing = subject_field(say("A thing, or your own words"), _EXAMPLES[0][1], elem_id="transfer-thing")
            settings = setting_fields()
            inputs = [emotion, thing, *settings]
            make = gr.Button(say("Make pictures"), variant="primary", elem_id="transfer-make")
            with gr.Row():
                row = gr.Button(say("Every thing with this emotion"), min_width=140, elem_id="transfer-row")
                column = gr.Button(say("This thing in every emotion"), min_width=140, elem_id="transfer-column")
            stop = gr.Button(say("Stop"), variant="stop", visible=False, elem_id="transfer-stop")
        with gr.Column(scale=1, min_width=300):
            live_picture(backend, "transfer", plan_pictures, inputs, [emotion, thing], _EXAMPLES)
            parts = painted_gallery(
                backend,
                "transfer",
                {make: plan_pictures, row: plan_every_thing, column: plan_every_emotion},
                stop,
                {"emotion": emotion, "thing": thing} | dict(zip(SETTINGS, settings, strict=True)),
            )

    def transfer(
        emotion: str,
        thing: str,
        number: int,
        seed: int | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        negative_prompt: str | None = None,
    ) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        return painting_result(backend, plan_pictures, emotion, thing, number, seed, guidance, steps, negative_prompt)

    add_endpoint(
        transfer,
        inputs,
        "Paint pictures of a thing that evoke an emotion; returns what the model reads from them, and their seeds.",
    )
    return replace(parts, emotions=[emotion])


def plan_pictures(uniemo: UniEmoPipeline, emotion: str, thing: str, *values: Any) -> Plan:
    """One thing with one emotion, several times."""
    return Plan([PaintingJob(call_options(thing, *values) | {"emotion": emotion_name(emotion)})])


def plan_every_thing(uniemo: UniEmoPipeline, emotion: str, thing: str, *values: Any) -> Plan:
    """A row of the paper's figure 10a: the emotion on each of its things, from the same noise."""
    return _each([(emotion_name(emotion), name, name) for name in THINGS], values)


def plan_every_emotion(uniemo: UniEmoPipeline, emotion: str, thing: str, *values: Any) -> Plan:
    """A column of figure 10a: each of the emotions on the thing, from the same noise."""
    return _each([(label, thing, {label: 1.0}) for label in uniemo.labels], values)


def _each(pairs: Sequence[tuple[str, str, str | dict[str, float]]], values: Sequence[Any]) -> Plan:
    """One picture for every (emotion, thing, caption); all have the seed of the first, also where none was given."""
    common = call_options("", *values) | {"num_images": 1}
    return Plan(
        [
            PaintingJob(
                common | {"emotion": emotion, "prompt": call_options(thing, *values)["prompt"]},
                caption,
                chosen={"emotion": emotion, "thing": thing},
            )
            for emotion, thing, caption in pairs
        ],
        columns=4,
    )
