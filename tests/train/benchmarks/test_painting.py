"""What a painting is measured beside calls the same networks as often as the painting does."""

from collections import Counter

import pytest
from diffusers import FlowMatchEulerDiscreteScheduler

from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo
from train.benchmarks.painting import bare_painting, fits_library, library_painting, measure_painting
from train.benchmarks.timing import Stopwatch


def calls(pipeline, work):
    """How many pictures each network was given."""
    found = Counter()

    def counted(name):
        def count(module, inputs, options):
            found[name] += len(inputs[0] if inputs else next(iter(options.values())))

        return count

    parts = {"unet": pipeline.unet, "decoder": pipeline.vae.decoder, "vision": pipeline.vision.encoder.layers[0]}
    handles = [part.register_forward_pre_hook(counted(name), with_kwargs=True) for name, part in parts.items()]
    work()
    for handle in handles:
        handle.remove()
    return found


@pytest.fixture
def painter(tiny_tokenizer):
    def make(**settings):
        pipeline = tiny_uniemo(tiny_pipeline(tiny_tokenizer), **settings)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return make


@pytest.mark.parametrize(
    ("settings", "pictures"),
    [
        ({"guidance_scale": 1.0}, 3),
        ({"guidance_scale": 3.0}, 6),
        ({"guidance_scale": 3.0, "emotion_guidance": 1.5}, 9),
    ],
)
def test_the_bare_calls_are_those_of_the_painting(painter, settings, pictures):
    pipeline = painter(**settings)
    ours = calls(pipeline, lambda: pipeline("awe", seed=1, num_inference_steps=3))
    assert ours == calls(pipeline, bare_painting(pipeline, "awe", 3)) == {"unet": pictures, "decoder": 1, "vision": 1}


def test_the_library_is_asked_where_it_takes_the_parts(painter):
    pipeline = painter(guidance_scale=3.0)
    assert fits_library(pipeline)
    ours = calls(pipeline, lambda: pipeline("awe", seed=1, num_inference_steps=3))
    assert ours == calls(pipeline, library_painting(pipeline, "awe", 3))
    pipeline.scheduler = FlowMatchEulerDiscreteScheduler()
    assert not fits_library(pipeline)


@pytest.mark.parametrize(("flow", "name"), [(False, "Stable Diffusion's pipeline"), (True, "its networks' bare calls")])
def test_every_painter_is_measured_beside_something(painter, flow, name):
    pipeline = painter(guidance_scale=1.0)
    if flow:
        pipeline = pipeline.painting_with(pipeline.unet, guidance_scale=1.0)
        pipeline.register_modules(scheduler=FlowMatchEulerDiscreteScheduler())
        pipeline.schedule = type(pipeline.schedule).of(pipeline.scheduler)
    alone, batch = measure_painting(pipeline, 2, 2, Stopwatch(1, "cpu"))
    assert name in alone.name
    assert alone.ratio is not None and batch.ratio is not None
