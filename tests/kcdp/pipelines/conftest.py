"""What the tests of both pipelines look at, and the pipeline whose parts the other one shares."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image
from transformers import CLIPTokenizer

from kcdp.pipelines.kcdp import KCDPPipeline
from tests.tiny_pipeline import tiny_pipeline


@pytest.fixture(scope="module")
def kcdp(tiny_tokenizer: CLIPTokenizer) -> KCDPPipeline:
    return tiny_pipeline(tiny_tokenizer)


@pytest.fixture(scope="module")
def faces(picture: Callable[..., Image.Image]) -> list[Image.Image]:
    return [picture(40, color="gold"), picture((48, 30), color="red", smile=False), picture(64, "RGBA", color="blue")]
