"""Offloading with the CPU as the device that weights are brought to: the hooks are those of a GPU."""

from __future__ import annotations

import copy
from typing import get_args

import accelerate
import pytest
import torch
from accelerate import cpu_offload
from safetensors.torch import load_file

from kcdp.loading import OFFLOADS
from kcdp.offload import Offload, bring, execution_device, place
from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo


@pytest.fixture(autouse=True)
def cpu_without_a_number(monkeypatch):
    """diffusers numbers every device, and torch takes "cpu:0" for another one than "cpu"."""
    monkeypatch.setattr(
        accelerate, "cpu_offload", lambda model, device, **options: cpu_offload(model, torch.device("cpu"), **options)
    )


@pytest.fixture
def pipeline(tiny_tokenizer):
    return tiny_pipeline(tiny_tokenizer)


def where(network) -> set[str]:
    return {parameter.device.type for parameter in network.parameters()}


def test_the_flag_takes_every_way_to_offload():
    assert get_args(Offload) == OFFLOADS


def test_without_hooks_a_network_computes_where_it_is(tiny_text_encoder):
    assert execution_device(tiny_text_encoder) == torch.device("cpu")
    bring(tiny_text_encoder)
    assert execution_device(copy.deepcopy(tiny_text_encoder).to("meta")) == torch.device("meta")


def test_kernels_are_laid_out_for_a_cpu_and_say_the_same(pipeline, picture, tmp_path):
    uniemo = tiny_uniemo(pipeline)
    uniemo.set_progress_bar_config(disable=True)
    given = {"prompt": "a cat", "seed": 3, "num_inference_steps": 2, "output_type": "pt"}
    expected, painted = pipeline(picture()), uniemo("awe", **given)
    before = {key: weight.clone() for key, weight in pipeline.unet.state_dict().items()}
    place(pipeline, "cpu", None)
    place(uniemo, "cpu", None)
    for network in (pipeline.unet, pipeline.denoiser.unet, pipeline.vae, pipeline.pyramid, uniemo.unet, uniemo.vae):
        kernels = [weight for weight in network.parameters() if weight.ndim == 4]
        assert kernels and all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    assert pipeline(picture()).probabilities == pytest.approx(expected.probabilities, abs=1e-4)
    torch.testing.assert_close(uniemo("awe", **given).images[0], painted.images[0], atol=1e-4, rtol=1e-4)
    pipeline.unet.save_pretrained(tmp_path)
    saved = load_file(tmp_path / "diffusion_pytorch_model.safetensors")
    assert saved.keys() == before.keys() and all(torch.equal(saved[key], before[key]) for key in before)


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offloaded_perception_sees_the_same_twice(pipeline, picture, offload):
    expected = pipeline(picture())
    place(pipeline, "cpu", offload)
    assert execution_device(pipeline.unet).type == "cpu"
    for _ in range(2):
        found = pipeline(picture())
        assert found.caption == expected.caption
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    if offload == "sequential":
        # Nothing is left where it computes, in neither the UNet nor the view on it.
        assert where(pipeline.unet) == where(pipeline.denoiser.unet) == where(pipeline.captioner) == {"meta"}


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offloaded_generation_paints_the_same(pipeline, picture, offload):
    uniemo = tiny_uniemo(pipeline)
    uniemo.set_progress_bar_config(disable=True)
    given = {"prompt": "a cat", "seed": 3, "num_inference_steps": 2, "output_type": "pt"}
    expected, seen = uniemo("awe", **given), uniemo.understand(picture())
    carried = uniemo(picture(), **given)
    place(pipeline, "cpu", offload)
    place(uniemo, "cpu", offload)
    for _ in range(2):
        torch.testing.assert_close(uniemo("awe", **given).images[0], expected.images[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(uniemo(picture(), **given).images[0], carried.images[0], atol=1e-4, rtol=1e-4)
        assert uniemo.understand(picture()).probabilities == pytest.approx(seen.probabilities, abs=1e-5)
        # Both pipelines share networks, and take turns.
        assert pipeline(picture(), caption="a cat").emotion in pipeline.labels
