"""How a prediction is guided: by a scale, by the emotion alone, and not at all in a distilled painter."""

import copy

import pytest
import torch

from kcdp.pipelines.uniemo import UniEmoPipeline
from tests.pixels import distance, same
from tests.tiny_uniemo import STEPS, tiny_uniemo


@torch.no_grad()
@pytest.mark.parametrize("rescale", [0.0, 0.25])
def test_guidance_leads_away_from_the_empty_prompt(pipeline, make, rescale):
    """What the UNet says of both prompts, by hand for a single step from pure noise."""
    calls = []
    unet = pipeline.unet
    handle = unet.register_forward_hook(lambda module, inputs, output: calls.append((inputs, output[0])))
    stepped = []
    options = {"num_inference_steps": 1, "guidance_scale": 3.0, "guidance_rescale": rescale}
    make("awe", **options, callback_on_step_end=lambda *given: stepped.append(given))
    handle.remove()
    ((latents, _), predicted), timestep = calls[0], stepped[0][2]
    assert torch.equal(*latents.chunk(2))
    without, towards = predicted.chunk(2)
    scheduler = copy.deepcopy(pipeline.scheduler)
    scheduler.set_timesteps(1)
    guided = without + 3.0 * (towards - without)
    # A share of the way back to the deviation of the prompt's own prediction.
    guided = guided * (1 - rescale + rescale * towards.std() / guided.std())
    expected = scheduler.step(guided, timestep, latents[:1], return_dict=False)[0]
    torch.testing.assert_close(stepped[0][3]["latents"], expected)


def test_guidance_of_one_asks_once_a_step_and_a_negative_prompt_counts(pipeline, make, drawn):
    sizes = []
    handle = pipeline.unet.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    alone = make("awe", guidance_scale=1.0)
    guided = make("awe")
    handle.remove()
    assert sizes == [1] * STEPS + [2] * STEPS
    assert not same(alone.images[0], guided.images[0])
    assert not same(make("awe", negative_prompt="a dog").images[0], drawn.images[0])
    assert same(make("awe", negative_prompt="").images[0], drawn.images[0])


def test_the_pipelines_own_guidance_holds_where_none_is_given(kcdp):
    pipeline = tiny_uniemo(kcdp, guidance_scale=3.5, guidance_rescale=0.5)
    options = {"seed": 1, "num_inference_steps": 2}
    found = pipeline("awe", **options)
    assert found.settings["guidance_scale"] == 3.5
    assert found.settings["guidance_rescale"] == 0.5
    assert same(found.images[0], pipeline("awe", guidance_scale=3.5, guidance_rescale=0.5, **options).images[0])
    assert not same(found.images[0], pipeline("awe", guidance_rescale=0.0, **options).images[0])


def test_a_pipeline_that_follows_emotions_more_than_words_also_asks_for_all_emotions_alike(kcdp):
    pipeline, sizes, told = tiny_uniemo(kcdp, guidance_scale=3.0, emotion_guidance=1.5), [], []

    def keep(module, inputs, options):
        sizes.append(len(inputs[0]))
        told.append(options["encoder_hidden_states"])

    handle = pipeline.unet.register_forward_pre_hook(keep, with_kwargs=True)
    options = {"prompt": "a cat", "seed": [1, 2], "num_inference_steps": 1}
    strong = pipeline("awe", **options)
    handle.remove()
    assert sizes == [6]
    (states,) = told
    everything = dict.fromkeys(pipeline.labels, 1.0)
    neutral = pipeline.prompts.with_emotions(["a cat"] * 2, pipeline.emotion_tokens.sample(everything, [1, 2])).states
    torch.testing.assert_close(states[2:4], neutral)
    assert not same(strong.images[0], tiny_uniemo(kcdp, guidance_scale=3.0)("awe", **options).images[0])
    # Without guidance there is nothing to lead from.
    plain, other = (
        pipeline("awe", guidance_scale=1.0, **options),
        tiny_uniemo(kcdp)("awe", guidance_scale=1.0, **options),
    )
    assert same(plain.images[0], other.images[0])


@pytest.fixture(scope="module")
def student(kcdp):
    quality = {"num_inference_steps": 5, "guidance_scale": 4.0, "guidance_rescale": 0.5}
    return tiny_uniemo(kcdp, num_inference_steps=2, guidance_scale=1.0, quality=quality)


def test_a_distilled_painter_takes_few_steps_and_asks_once_at_each(student, faces):
    calls = []
    hook = student.unet.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    made = student({"awe": 0.4, "fear": 0.6}, "a cat", num_images=3, seed=5)
    student("awe", image=faces[0], strength=0.5, seed=5, negative_prompt="")
    hook.remove()
    assert calls == [3, 3, 1]
    assert made.settings["num_inference_steps"] == 2 and made.settings["guidance_scale"] == 1.0


@pytest.mark.parametrize("arguments", [{"guidance_scale": 1.5}, {"negative_prompt": "a dog"}])
def test_a_distilled_painter_cannot_be_guided_again(student, arguments, monkeypatch):
    monkeypatch.setattr(student.unet, "forward", lambda *_, **__: pytest.fail("began to work"))
    with pytest.raises(ValueError, match="has its guidance inside it and takes no other") as error:
        student("awe", **arguments)
    assert "\n" not in str(error.value)


def test_its_teachers_settings_make_a_painter_of_the_same_parts(student, pipeline, tmp_path):
    student.save_pretrained(tmp_path)
    loaded = UniEmoPipeline.from_pretrained(tmp_path)
    teacher = loaded.painting_with(pipeline.unet, **loaded.config.quality)
    teacher.set_progress_bar_config(disable=True)
    options = {"num_inference_steps": 5, "guidance_scale": 4.0, "guidance_rescale": 0.5, "negative_prompt": "a dog"}
    found, expected = (
        teacher("awe", "a cat", seed=5, negative_prompt="a dog"),
        pipeline("awe", "a cat", seed=5, **options),
    )
    assert distance(found.images[0], expected.images[0]) < 0.5
    assert teacher.chain is loaded.chain and teacher.config.quality is None
