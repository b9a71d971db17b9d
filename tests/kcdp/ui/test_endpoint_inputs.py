"""Whatever JSON an endpoint is sent, it makes valid arguments of it, or one sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kcdp.imaging import ImageError
from kcdp.mcp_server import decode_picture
from kcdp.ui import fuse, refeel, transfer
from kcdp.ui.inputs import MAX_GUIDANCE, MAX_PICTURES, MAX_PROMPT_LENGTH, MAX_STEPS, decode_upload
from tests.fake_bundle import FakeUniEmo

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=400)
_JSON = st.recursive(_PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
_NUMBER = st.integers(-5, 5) | st.floats(allow_nan=True) | st.integers(0, 100).map(str) | st.sampled_from(["", "1e400"])
_ANY = _JSON | _NUMBER
_EMOTION = st.sampled_from(["awe", " FEAR ", "joy", "", None]) | _JSON
_WORDS = st.sampled_from(["a cat", "<b>&amp;</b>", "x" * 2**20, "\x1b[31m\0\u202e", "\ud800"]) | _JSON

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def valid(plan: Callable[..., Any], *values: Any) -> None:
    """Plan a painting: the arguments fit the pipeline, or the error is a sentence for whoever asked."""
    try:
        jobs = plan(FakeUniEmo(), *values).jobs
    except ValueError as error:
        assert_one_sentence(str(error))
        return
    for job in jobs:
        options = job.options
        assert 1 <= options["num_images"] <= MAX_PICTURES and isinstance(options["num_images"], int)
        assert 0 <= options["seed"] < 2**63 and isinstance(options["seed"], int)
        assert options["num_inference_steps"] is None or 1 <= options["num_inference_steps"] <= MAX_STEPS
        guidance = options["guidance_scale"]
        assert guidance is None or (math.isfinite(guidance) and 0 <= guidance <= MAX_GUIDANCE)
        for text in (options["prompt"], options["negative_prompt"] or ""):
            assert len(text) <= MAX_PROMPT_LENGTH and text.isprintable()


def assert_one_sentence(text: str) -> None:
    assert text.endswith(".") and "\n" not in text and len(text) < 400
    json.dumps(text).encode()


@quick
@given(st.tuples(_EMOTION, _WORDS, _ANY, _ANY, _ANY, _ANY, _WORDS))
def test_transfer(values: tuple[Any, ...]) -> None:
    valid(transfer.plan_pictures, *values)


@quick
@given(st.tuples(_EMOTION, _EMOTION, _ANY, _WORDS, _ANY, _ANY, _ANY, _ANY, _WORDS))
def test_fuse(values: tuple[Any, ...]) -> None:
    valid(fuse.plan_pictures, *values)


@quick
@given(st.data())
def test_refeel(tmp_path: Path, data: st.DataObject) -> None:
    Image.new("RGB", (32, 32), "gold").save(tmp_path / "own.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
        uploads = st.just({"path": str(tmp_path / "own.png")}) | st.fixed_dictionaries({"path": _JSON}) | _JSON
        kinds = (uploads, _EMOTION, uploads, _ANY, _WORDS, _ANY, _ANY, _ANY, _ANY, _WORDS)
        valid(refeel.plan_pictures, *(data.draw(kind) for kind in kinds))


@quick
@given(_JSON | st.fixed_dictionaries({"path": _JSON}))
def test_understand(upload: Any) -> None:
    with pytest.raises(ImageError) as error:
        decode_upload(upload, "No picture arrived.")
    assert_one_sentence(str(error.value))


@quick
@given(st.text(max_size=200) | st.binary(max_size=50).map(lambda data: f"data:image/png;base64,{data.hex()}"))
def test_pictures_of_the_tools(text: str) -> None:
    with pytest.raises(ImageError) as error:
        decode_picture(text)
    assert_one_sentence(str(error.value))
