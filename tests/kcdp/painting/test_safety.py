"""A tiny safety checker of random weights, with diffusers' own code, that objects to one picture that it is shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image

from kcdp.painting.safety import objected, withheld_picture
from tests.tiny_diffusion import SIZE, object_to, safety_parts, stable_diffusion, uniemo_on

SETTINGS = {"num_inference_steps": 2, "guidance_scale": 1.0, "num_images": 2, "seed": 5}


@pytest.fixture
def checker() -> StableDiffusionSafetyChecker:
    torch.manual_seed(0)
    return safety_parts()["safety_checker"]


@pytest.fixture
def pictures() -> list[Image.Image]:
    noise = np.random.default_rng(1)
    return [Image.fromarray(noise.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)) for _ in range(3)]


def test_it_objects_to_what_diffusers_pipeline_objects_to(checker, pictures, tiny_tokenizer):
    processor = safety_parts()["feature_extractor"]
    object_to(checker, processor, pictures[1])
    parts = stable_diffusion(tiny_tokenizer)
    theirs = StableDiffusionPipeline(**parts, safety_checker=checker, feature_extractor=processor)
    pixels = torch.stack([torch.from_numpy(np.array(one)).permute(2, 0, 1) / 127.5 - 1 for one in pictures])
    _, expected = theirs.run_safety_checker(pixels, "cpu", torch.float32)
    assert objected(checker, processor, pictures) == tuple(expected) == (False, True, False)


def test_a_picture_that_is_withheld_has_nothing_but_its_size():
    assert withheld_picture(Image.new("RGB", (5, 3), "red")).getcolors() == [(15, (128, 128, 128))]


@pytest.fixture(scope="module")
def pipeline(tiny_tokenizer):
    torch.manual_seed(0)
    return uniemo_on(stable_diffusion(tiny_tokenizer), **safety_parts())


def test_a_picture_that_it_objects_to_never_leaves_the_pipeline(pipeline):
    seen: list[list[Image.Image]] = []

    def preview(pipe, number, timestep, tensors):
        seen.append(pipe.decode(tensors["latents"]))

    before = pipeline("awe", "a cat", **SETTINGS, callback_on_step_end=preview)
    assert before.withheld == (False, False)
    object_to(pipeline.safety_checker, pipeline.feature_extractor, before.images[0])
    after = pipeline("awe", "a cat", **SETTINGS, callback_on_step_end=preview)
    assert after.withheld == (True, False) and after.to_dict()["withheld"] == [True, False]
    assert after.images[0].getcolors() == [(SIZE * SIZE, (128, 128, 128))]
    assert after.images[1].tobytes() == before.images[1].tobytes()
    # The last preview is of the finished picture.
    assert seen[-1][0].getcolors() == [(SIZE * SIZE, (128, 128, 128))]
    assert np.abs(np.int16(seen[-1][1]) - np.int16(before.images[1])).max() <= 3
    (tensor, _) = pipeline("awe", "a cat", **SETTINGS, output_type="pt").images
    assert len(tensor.unique()) == 1
    clear, _ = pipeline("awe", "a cat", **SETTINGS, transparent=True).images
    assert len(clear.getcolors()) == 1


def test_half_a_checker_is_one_sentence(pipeline):
    with pytest.raises(ValueError, match="belong together; give both or neither"):
        pipeline.painting_with(pipeline.unet).__class__(**pipeline.components | {"feature_extractor": None})


def test_it_is_saved_and_loaded_with_the_rest(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    loaded = type(pipeline).from_pretrained(tmp_path)
    assert type(loaded.safety_checker) is StableDiffusionSafetyChecker
    assert torch.equal(loaded.safety_checker.concept_embeds, pipeline.safety_checker.concept_embeds)
    picture = Image.new("RGB", (SIZE, SIZE), "red")
    pixels = [one.feature_extractor(picture, return_tensors="pt").pixel_values for one in (loaded, pipeline)]
    assert torch.equal(*pixels)
