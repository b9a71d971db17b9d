"""The tab Re-feel: a picture of your own with another emotion.

Besides the page there is one named endpoint, `/refeel`. The emotion has a name, or is that of a second picture:

    from gradio_client import Client, handle_file

    client = Client("http://127.0.0.1:7860")
    made, pictures = client.predict(handle_file("sticker.png"), "awe", strength=0.6, seed=7, api_name="/refeel")
    made["before"], made["verdicts"], made["shifts"]    # read before and after, and Emo-S of each picture
    made, pictures = client.predict(
        handle_file("sticker.png"), other=handle_file("sunset.png"), api_name="/refeel"
    )
    made["target"]                                      # the emotion that the second picture is read as
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from kcdp.decoded import DecodedPicture
from kcdp.imaging import fit_square
from kcdp.ui.endpoints import add_endpoint, painting_result
from kcdp.ui.gallery import painted_gallery
from kcdp.ui.inputs import Plan, call_options, emotion_name, emotion_radio, setting_fields, subject_field, uploaded_path
from kcdp.ui.jobs import PaintingJob
from kcdp.ui.lanes import Backend

if TYPE_CHECKING:
    from kcdp.pipelines.uniemo import UniEmoPipeline

_BY_NAME, _BY_PICTURE = "by its name", "of another picture"


def refeel_tab(backend: Backend) -> list[gr.Radio]:
    """Build the tab inside the open `gr.Tab`, and return the inputs that choose an emotion."""
    # `preprocess=False` everywhere: Gradio would decode the files itself, with its own errors.
    upload = {"type": "filepath", "image_mode": None, "sources": ["upload", "clipboard", "webcam"], "buttons": []}
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            picture = gr.Image(
                label="Your picture",
                height=260,
                placeholder="# Drop a picture\nor click to choose a sticker, emoji, cartoon, painting or photo",
                elem_id="refeel-picture",
                **upload,
            )
            source = gr.Radio(
                [_BY_NAME, _BY_PICTURE],
                value=_BY_NAME,
                label="The new emotion",
                elem_classes="kc-chips",
                elem_id="refeel-source",
            )
            emotion = emotion_radio("Emotion", "awe", show_label=False, elem_id="refeel-emotion")
            other = gr.Image(
                label="The picture that has the emotion",
                height=200,
                placeholder="# Drop a second picture\nwhose emotion yours shall have",
                visible=False,
                elem_id="refeel-other",
                **upload,
            )
            strength = gr.Slider(
                0.05,
                1,
                value=0.6,
                step=0.05,
                label="Strength",
                info="How much of your picture may change.",
                elem_id="refeel-strength",
            )
            thing = subject_field("What to show", info="May stay empty.", elem_id="refeel-thing")
            inputs = [picture, emotion, other, strength, thing, *setting_fields(number=3)]
            make = gr.Button("Re-feel it", variant="primary", elem_id="refeel-make")
            stop = gr.Button("Stop", variant="stop", visible=False, elem_id="refeel-stop")
        with gr.Column(scale=1, min_width=300):
            painted_gallery(backend, "refeel", {make: _pictures}, stop, inputs)

    def switch(choice: str) -> tuple[gr.Radio, gr.Image]:
        # A second picture that is not seen must not decide.
        return gr.Radio(visible=choice == _BY_NAME), gr.Image(value=None, visible=choice == _BY_PICTURE)

    source.input(switch, source, [emotion, other], show_progress="hidden", api_visibility="private")

    def refeel(
        picture: dict[str, Any],
        emotion: str,
        other: dict[str, Any] | None = None,
        strength: float = 0.6,
        thing: str = "",
        number: int = 3,
        seed: int | None = None,
        guidance: float | None = None,
        steps: int = 25,
    ) -> tuple[dict[str, Any], list[tuple[Image.Image, str]]]:
        return painting_result(
            backend, _pictures, picture, emotion, other, strength, thing, number, seed, guidance, steps
        )

    add_endpoint(
        refeel,
        inputs,
        "Paint a picture again with another emotion, named or of a second picture; returns what the model reads before and after.",
    )
    return [emotion]


def _pictures(
    uniemo: UniEmoPipeline,
    picture: dict[str, Any] | None,
    emotion: str | None,
    other: dict[str, Any] | None,
    strength: float | None,
    thing: str,
    *values: Any,
) -> Plan:
    """Edits of the picture; the original is shown beside them."""
    path = uploaded_path(picture, "Please choose the picture that shall feel different.")
    if not isinstance(strength, int | float):
        raise ValueError(f"The strength must be a number above 0 and at most 1, not {strength}.")
    image = DecodedPicture.load(path)
    if other is None:
        target = emotion_name(emotion)
    else:
        path = uploaded_path(other, "Please choose the second picture, whose emotion yours shall have.")
        target = DecodedPicture.load(path)
    options = call_options(thing, *values) | {"emotion": target, "image": image, "strength": strength}
    return Plan([PaintingJob(options, original=fit_square(image.middle, uniemo.size))])
