"""The tab Re-feel: a picture of your own with another emotion.

Besides the page there is one named endpoint, `/refeel`. The emotion has a name, or is that of a second picture:

    from gradio_client import Client, handle_file

    client = Client("http://127.0.0.1:7860")
    made, pictures = client.predict(handle_file("sticker.png"), "awe", strength=0.6, seed=7, api_name="/refeel")
    made["before"], made["probabilities"], made["shifts"]    # read before and after, and Emo-S of each picture
    made, pictures = client.predict(
        handle_file("sticker.png"), other=handle_file("sunset.png"), api_name="/refeel"
    )
    made["target"]                                      # the emotion that the second picture is read as
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.imaging import fit_square
from kcdp.ui.endpoints import add_endpoint, painting_result
from kcdp.ui.gallery import painted_gallery
from kcdp.ui.inputs import (
    Plan,
    call_options,
    decode_upload,
    emotion_name,
    emotion_radio,
    finite_number,
    setting_fields,
    show_preview,
    subject_field,
)
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import Backend
from kcdp.ui.languages import on_open, say
from kcdp.ui.parts import SETTINGS, TabParts

if TYPE_CHECKING:
    from kcdp.pipelines.uniemo import UniEmoPipeline

#: Less would change nothing that is seen.
MIN_STRENGTH = 0.05
_BY_NAME, _BY_PICTURE = "by its name", "of another picture"


def refeel_tab(backend: Backend) -> TabParts:
    """Build the tab inside the open `gr.Tab`."""
    # `preprocess=False` everywhere: Gradio would decode the files itself, with its own errors.
    upload: dict[str, Any] = {
        "type": "filepath",
        "image_mode": None,
        "sources": ["upload", "clipboard", "webcam"],
        "buttons": [],
    }
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            picture = gr.Image(
                label=say("Your picture"),
                height=260,
                placeholder=say("# Drop a picture\nor click to choose a sticker, emoji, cartoon, painting or photo"),
                elem_id="refeel-picture",
                **upload,
            )
            source = gr.Radio(
                [_BY_NAME, _BY_PICTURE],
                value=_BY_NAME,
                label=say("The new emotion"),
                elem_classes="kc-chips",
                elem_id="refeel-source",
            )
            on_open(source, lambda tell: gr.Radio([(tell(name), name) for name in (_BY_NAME, _BY_PICTURE)]))
            emotion = emotion_radio(say("Emotion"), "awe", show_label=False, elem_id="refeel-emotion")
            other = gr.Image(
                label=say("The picture that has the emotion"),
                height=200,
                placeholder=say("# Drop a second picture\nwhose emotion yours shall have"),
                visible=False,
                elem_id="refeel-other",
                **upload,
            )
            if backend.examples:
                gr.Examples(
                    [[str(path)] for path in backend.examples],
                    [picture],
                    label=say("Or try one of these"),
                    cache_examples=False,
                )
            strength = gr.Slider(
                MIN_STRENGTH,
                1,
                value=0.6,
                step=0.05,
                label=say("Strength"),
                info=say("How much of your picture may change."),
                elem_id="refeel-strength",
            )
            thing = subject_field(say("What to show"), info=say("May stay empty."), elem_id="refeel-thing")
            settings = setting_fields(number=3)
            named: dict[str, gr.components.Component] = {
                "picture": picture,
                "emotion": emotion,
                "other": other,
                "strength": strength,
                "thing": thing,
            }
            named |= dict(zip(SETTINGS, settings, strict=True))
            inputs = list(named.values())
            make = gr.Button(say("Re-feel it"), variant="primary", elem_id="refeel-make")
            stop = gr.Button(say("Stop"), variant="stop", visible=False, elem_id="refeel-stop")
        with gr.Column(scale=1, min_width=300):
            parts = painted_gallery(backend, "refeel", {make: plan_pictures}, stop, named, "re-feel")

    for field in (picture, other):
        show_preview(field)

    named_before = gr.State(None)

    def switch(choice: str, name: str | None, before: str | None) -> tuple[gr.Radio, gr.Image, str | None]:
        # What is not seen must not decide: neither a second picture nor a name, which is there again when it is asked for.
        by_name = choice == _BY_NAME
        chosen = name or before
        return (
            gr.Radio(value=chosen if by_name else None, visible=by_name),
            gr.Image(value=None, visible=not by_name),
            chosen,
        )

    source.input(
        switch,
        [source, emotion, named_before],
        [emotion, other, named_before],
        show_progress="hidden",
        api_visibility="private",
    )

    def refeel(
        picture: dict[str, Any],
        emotion: str,
        other: dict[str, Any] | None = None,
        strength: float = 0.6,
        thing: str = "",
        number: int = 3,
        seed: int | None = None,
        guidance: float | None = None,
        steps: int | None = None,
        negative_prompt: str | None = None,
    ) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        return painting_result(
            backend,
            plan_pictures,
            picture,
            emotion,
            other,
            strength,
            thing,
            number,
            seed,
            guidance,
            steps,
            negative_prompt,
        )

    add_endpoint(
        refeel,
        inputs,
        "Paint a picture again with another emotion, named or of a second picture; returns what the model reads before and after.",
    )
    return replace(parts, emotions=[emotion], picture=picture)


def plan_pictures(
    uniemo: UniEmoPipeline,
    picture: dict[str, Any] | None,
    emotion: str | None,
    other: dict[str, Any] | None,
    strength: float | None,
    thing: str,
    *values: Any,
) -> Plan:
    """`plan_edits` of uploads."""
    image = decode_upload(picture, "Please choose the picture that shall feel different.")
    target: str | DecodedPicture | None = emotion
    if other is not None or emotion is None:
        target = decode_upload(other, "Please choose the second picture, whose emotion yours shall have.")
    return plan_edits(uniemo, image, target, strength, thing, *values)


def plan_edits(
    uniemo: UniEmoPipeline,
    image: DecodedPicture,
    emotion: str | DecodedPicture | None,
    strength: float | None,
    thing: str,
    *values: Any,
) -> Plan:
    """Edits of a picture towards a named emotion, or that of another picture; the original is shown beside them."""
    target = emotion if isinstance(emotion, DecodedPicture) else emotion_name(emotion)
    share = finite_number(strength, "strength", MIN_STRENGTH, 1)
    options = call_options(thing, *values) | {"emotion": target, "image": image, "strength": share}
    return Plan([PaintingJob(options, original=fit_square(image.middle, uniemo.size))])
