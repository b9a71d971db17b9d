"""The tab Fuse: two emotions in one picture.

Besides the page there is one named endpoint, `/fuse`; `share` is that of the second emotion, in percent:

    from gradio_client import Client

    client = Client("http://127.0.0.1:7860")
    made, pictures = client.predict("amusement", "sadness", share=30, thing="a cat", seed=7, api_name="/fuse")
    made["emotion"]                                 # {"amusement": 0.7, "sadness": 0.3}
    pictures[0]["image"], pictures[0]["caption"]    # a PNG file for each, and its seed
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.ui.endpoints import add_endpoint, painting_result
from kcdp.ui.gallery import painted_gallery
from kcdp.ui.inputs import (
    Plan,
    call_options,
    emotion_name,
    emotion_radio,
    finite_number,
    setting_fields,
    subject_field,
)
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import InputError, say
from kcdp.ui.live import live_picture
from kcdp.ui.parts import SETTINGS, TabParts

if TYPE_CHECKING:
    from kcdp.pipelines.uniemo import UniEmoPipeline

#: Pictures in a strip from the one emotion to the other; odd, so that one is in the middle.
STRIP = 7
_EXAMPLES = (("amusement", "fear", 50, "house"), ("awe", "sadness", 40, "lamp"), ("anger", "excitement", 50, "apple"))


def fuse_tab(backend: Backend) -> TabParts:
    """Build the tab inside the open `gr.Tab`."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            first = emotion_radio(say("One emotion"), "amusement", elem_id="fuse-first")
            second = emotion_radio(say("and another"), "fear", elem_id="fuse-second")
            share = gr.Slider(
                0, 100, value=50, step=5, label=say("Share of the other, in percent"), elem_id="fuse-share"
            )
            thing = subject_field(say("A thing, or your own words"), _EXAMPLES[0][3], elem_id="fuse-thing")
            settings = setting_fields()
            inputs = [first, second, share, thing, *settings]
            with gr.Row():
                make = gr.Button(say("Make pictures"), variant="primary", min_width=140, elem_id="fuse-make")
                strip = gr.Button(say("From one to the other"), min_width=140, elem_id="fuse-strip")
            stop = gr.Button(say("Stop"), variant="stop", visible=False, elem_id="fuse-stop")
        with gr.Column(scale=1, min_width=300):
            live_picture(backend, "fuse", plan_pictures, inputs, [first, second, share, thing], _EXAMPLES)
            named: dict[str, gr.components.Component] = {
                "emotion": first,
                "other": second,
                "share": share,
                "thing": thing,
            }
            named |= dict(zip(SETTINGS, settings, strict=True))
            parts = painted_gallery(backend, "fuse", {make: plan_pictures, strip: plan_strip}, stop, named)

    def fuse(
        emotion: str,
        other: str,
        share: float,
        thing: str,
        number: int,
        seed: int | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        negative_prompt: str | None = None,
    ) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        return painting_result(
            backend, plan_pictures, emotion, other, share, thing, number, seed, guidance, steps, negative_prompt
        )

    add_endpoint(
        fuse, inputs, "Paint pictures that evoke two emotions; returns what the model reads from them, and their seeds."
    )
    return replace(parts, emotions=[first, second])


def _blend(first: str, second: str, share: float | None) -> dict[str, float]:
    """Weights of two emotions; `share` is that of the second, in percent. Raises ValueError with one sentence."""
    if emotion_name(first) == emotion_name(second):
        raise InputError("Please choose two different emotions; both are {name}.", name=emotion_name(first))
    percent = finite_number(share, "share", 0, 100)
    return {emotion_name(first): 1 - percent / 100, emotion_name(second): percent / 100}


def plan_pictures(uniemo: UniEmoPipeline, first: str, second: str, share: float, thing: str, *values: Any) -> Plan:
    """One blend, several times."""
    return Plan([PaintingJob(call_options(thing, *values) | {"emotion": _blend(first, second, share)})])


def plan_strip(uniemo: UniEmoPipeline, first: str, second: str, share: float, thing: str, *values: Any) -> Plan:
    """From all of the first emotion to all of the second, from the same noise."""
    common = call_options(thing, *values) | {"num_images": 1}
    shares = [100 * turn / (STRIP - 1) for turn in range(STRIP)]
    blends = [_blend(first, second, one) for one in shares]
    return Plan(
        [
            PaintingJob(common | {"emotion": blend}, blend, chosen={"share": round(one)})
            for one, blend in zip(shares, blends, strict=True)
        ],
        columns=4,
    )
