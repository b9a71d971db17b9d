"""What the tests of both pipelines look at, and the pipeline whose parts the other one shares."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image
from transformers import CLIPTokenizer

from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.results import UniEmoImageOutput
from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import STEPS, tiny_uniemo


@pytest.fixture(scope="module")
def kcdp(tiny_tokenizer: CLIPTokenizer) -> KCDPPipeline:
    return tiny_pipeline(tiny_tokenizer)


@pytest.fixture(scope="module")
def faces(picture: Callable[..., Image.Image]) -> list[Image.Image]:
    return [picture(40, color="gold"), picture((48, 30), color="red", smile=False), picture(64, "RGBA", color="blue")]


@pytest.fixture(scope="module")
def pipeline(kcdp: KCDPPipeline) -> UniEmoPipeline:
    return tiny_uniemo(kcdp)


@pytest.fixture(scope="module")
def make(pipeline: UniEmoPipeline) -> Callable[..., UniEmoImageOutput]:
    """A call of a few steps that guides little, so that nothing but what is asked for makes the picture."""

    def call(emotion: object, prompt: str = "a cat", **options: object) -> UniEmoImageOutput:
        return pipeline(emotion, prompt, **{"seed": 5, "num_inference_steps": STEPS, "guidance_scale": 2.0} | options)

    return call


@pytest.fixture(scope="module")
def drawn(make: Callable[..., UniEmoImageOutput]) -> UniEmoImageOutput:
    """Three pictures of awe, of the seeds 5 to 7."""
    return make("awe", num_images=3)
