import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
)
from PIL import Image

from kcdp.emotions import KCDP_6, MIKELS_8
from kcdp.imaging import ImageError, to_tensor
from kcdp.painting.schedulers import Schedule
from kcdp.pipelines.pictures import encode_pictures
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.results import UniEmoImageOutput
from tests.image_files import encoded
from tests.pixels import distance, levels, same
from tests.tiny_pipeline import SIZE
from tests.tiny_uniemo import STEPS, tiny_uniemo

CAPTION = "a man hugs a woman under a big umbrella"


def test_pictures_come_with_their_seeds_and_probabilities(pipeline, drawn):
    assert isinstance(drawn, UniEmoImageOutput)
    assert drawn.seeds == (5, 6, 7)
    assert len(drawn.images) == len(drawn.probabilities) == 3
    assert drawn.emotion == {"awe": 1.0}
    assert drawn.prompt == "a cat"
    for image, read in zip(drawn.images, drawn.probabilities, strict=True):
        assert isinstance(image, Image.Image)
        assert (image.size, image.mode) == ((SIZE, SIZE), "RGB")
        assert tuple(read) == MIKELS_8.labels
        assert sum(read.values()) == pytest.approx(1, abs=1e-6)
        assert read == pytest.approx(pipeline.understand(image).probabilities, abs=1e-5)


def test_a_seed_makes_one_picture_alone_and_among_others(make, drawn):
    for place, seed in enumerate(drawn.seeds):
        assert same(make("awe", seed=seed).images[0], drawn.images[place])
    assert same(make("awe", seed=[9, 6]).images[1], drawn.images[1])
    assert not same(*drawn.images[:2])
    begun = [make("awe", seed=seeds, image=drawn.images[0]).images for seeds in ([6], [5, 6])]
    assert same(begun[0][0], begun[1][1])


def test_seeds_that_nobody_gave_are_told(make):
    first, second = make("awe", seed=None, num_images=2), make("awe", seed=None)
    assert len({*first.seeds, *second.seeds}) == 3
    assert same(make("awe", seed=first.seeds[1]).images[0], first.images[1])
    assert len(second.images) == 1


def test_emotion_and_prompt_make_the_picture(make, drawn, faces):
    others = [make("fear"), make({"awe": 0.5, "fear": 0.5}), make(faces[0]), make("awe", "a dog")]
    pictures = [drawn.images[0], *(other.images[0] for other in others)]
    for place, one in enumerate(pictures):
        for other in pictures[:place]:
            assert not same(one, other)
    assert others[2].emotion is None


def test_a_blend_is_weighted_and_ends_in_its_emotions(make, drawn):
    blend = make({"fear": 3, "awe": 1})
    assert blend.emotion == {"awe": 0.25, "fear": 0.75}
    assert same(blend.images[0], make({"awe": 0.25, "fear": 0.75}).images[0])
    assert same(make({"awe": 1, "fear": 0}).images[0], drawn.images[0])
    near = make({"awe": 0.99, "fear": 0.01}).images[0]
    assert distance(near, drawn.images[0]) < distance(make("fear").images[0], drawn.images[0]) / 3


def test_a_pictures_emotion_is_that_of_its_features(pipeline, make, faces, monkeypatch):
    """The space is not asked, and what is fused is the picture's own."""
    fused = []
    original = pipeline.fusion.forward
    monkeypatch.setattr(pipeline.fusion, "forward", lambda *given: fused.append(given) or original(*given))
    monkeypatch.setattr(pipeline.space, "sample", lambda *_: pytest.fail("asked the space"))
    make(faces[0], num_images=2)
    ((cls, scene, objects, alpha_scene, alpha_object),) = fused
    with torch.no_grad():
        out = pipeline.chain(pipeline.vision, to_tensor([faces[0]], SIZE))
    torch.testing.assert_close(cls, out.cls)
    torch.testing.assert_close(scene, out.scene.mean(1))
    torch.testing.assert_close(objects, out.object.mean(1))
    seen = pipeline.understand(faces[0])
    for alpha, match in ((alpha_scene, seen.scene), (alpha_object, seen.object)):
        expected = sum(seen.probabilities[label] * match.coefficients[label] for label in MIKELS_8.labels)
        assert alpha.item() == pytest.approx(expected, abs=1e-5)


def test_paths_and_bytes_are_pictures_too(make, faces, tmp_path):
    data = encoded(faces[0], "PNG")
    (tmp_path / "face.png").write_bytes(data)
    expected = make(faces[0], image=faces[1]).images[0]
    assert same(make(data, image=encoded(faces[1], "PNG")).images[0], expected)
    assert same(make(tmp_path / "face.png", image=faces[1]).images[0], expected)
    for options in (
        {"emotion": b"no picture"},
        {"emotion": "awe", "image": b"no picture"},
        {"emotion": Path("no.png")},
    ):
        with pytest.raises(ImageError):
            make(**options)


@torch.no_grad()
def test_low_strength_keeps_more_of_the_picture(pipeline, make, faces):
    kept = pipeline.decode(encode_pictures(pipeline.vae, [faces[0]]))[0]
    options = {"image": faces[0], "num_inference_steps": 20}
    far = [distance(kept, make("awe", strength=strength, **options).images[0]) for strength in (0.05, 0.5, 1.0)]
    assert far == sorted(far)
    assert far[0] < 0.9 * far[2]
    # Only with all of it allowed to change does nothing of it remain.
    free = [make("awe", image=face, strength=1.0).images[0] for face in faces[:2]]
    assert same(*free)
    bound = [make("awe", image=face, strength=0.5).images[0] for face in faces[:2]]
    assert not same(*bound)


def test_strength_is_the_share_of_the_steps_taken(make, faces):
    for strength, expected in ((1.0, 10), (0.55, 5), (0.01, 1)):
        steps = []
        make(
            "awe",
            image=faces[0],
            strength=strength,
            num_inference_steps=10,
            callback_on_step_end=lambda pipe, step, *_, steps=steps: steps.append(step),
        )
        assert steps == list(range(expected))


def test_a_callback_sees_each_step_and_may_change_it(pipeline, make, drawn):
    seen = []
    kept = make("awe", callback_on_step_end=lambda *given: seen.append(given))
    assert same(kept.images[0], drawn.images[0])
    assert [step for _, step, _, _ in seen] == list(range(STEPS))
    assert all(who is pipeline for who, *_ in seen)
    times = [int(timestep) for _, _, timestep, _ in seen]
    assert times == sorted(times, reverse=True)
    assert same(pipeline.decode(seen[-1][3]["latents"])[0], kept.images[0])
    changed = make("awe", callback_on_step_end=lambda pipe, step, timestep, given: {"latents": 0 * given["latents"]})
    assert same(changed.images[0], pipeline.decode(torch.zeros_like(seen[0][3]["latents"]))[0])
    assert not same(changed.images[0], drawn.images[0])


def test_what_a_callback_raises_ends_the_generation(make, drawn):
    class Cancelled(Exception):
        pass

    steps = []

    def cancel(pipe, step, timestep, given):
        steps.append(step)
        if step == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        make("awe", callback_on_step_end=cancel)
    assert steps == [0, 1]
    assert same(make("awe").images[0], drawn.images[0])


def test_the_emotion_stands_where_the_prompt_says(make):
    pictures = [make("awe", prompt).images[0] for prompt in ("<emotion> cat", "cat", "cat <emotion>", "")]
    assert same(*pictures[:2])
    assert not same(*pictures[1:3])
    assert not same(pictures[1], pictures[3])


@pytest.mark.parametrize(
    "scheduler",
    [DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, HeunDiscreteScheduler, LCMScheduler],
)
def test_any_scheduler_that_fits_will_do(pipeline, make, faces, scheduler, monkeypatch):
    monkeypatch.setattr(pipeline, "scheduler", scheduler.from_config(pipeline.scheduler.config))
    for image in (None, faces[0]):
        together = make("awe", image=image, num_images=2)
        assert together.settings["scheduler"] == scheduler.__name__
        assert same(make("awe", image=image, seed=6).images[0], together.images[1])


def test_a_denoiser_of_flow_takes_schedulers_of_flow(pipeline, make, faces, monkeypatch):
    flow = FlowMatchEulerDiscreteScheduler()
    monkeypatch.setattr(pipeline, "scheduler", flow)
    with pytest.raises(ValueError, match="FlowMatchEulerDiscreteScheduler does not fit the noise"):
        make("awe")
    monkeypatch.setattr(pipeline, "schedule", Schedule.of(flow))
    for image in (None, faces[0]):
        together = make("awe", image=image, num_images=2)
        assert same(make("awe", image=image, seed=6).images[0], together.images[1])


def test_latents_that_are_no_numbers_are_an_error(make):
    for bad in (float("nan"), float("inf"), -float("inf")):

        def spoil(pipeline, number, timestep, values, bad=bad):
            values["latents"][0, 0, 0, 0] = bad
            return values

        with pytest.raises(ValueError, match="not finite"):
            make("awe", callback_on_step_end=spoil)


def test_names_in_any_case_and_numbers_of_other_libraries(make, drawn):
    for emotion in (
        "AWE",
        " Awe ",
        np.str_("awe"),
        {"Awe": np.float32(2)},
        {"aWe": torch.tensor(1)},
        {"AWE": 1, "awe": 0},
    ):
        assert same(make(emotion).images[0], drawn.images[0])
    for seed in (
        np.int64(5),
        np.uint8(5),
        torch.tensor(5),
        np.array(5),
        [np.int32(5)],
        np.array([5]),
        torch.tensor([5]),
    ):
        assert make("awe", seed=seed).seeds == (5,)
    assert make("awe", seed=np.array([5, 9]), num_images=np.int64(2)).seeds == (5, 9)
    blend = {"awe": 0.25, "fear": 0.75}
    every = np.array([blend.get(name, 0.0) for name in MIKELS_8.labels])
    for weights in (every, torch.tensor(every), {name: np.float64(weight) for name, weight in blend.items()}):
        found = make(weights)
        assert {name: weight for name, weight in found.emotion.items() if weight} == pytest.approx(blend)
        json.dumps(found.to_dict(), allow_nan=False)


def test_tensors_are_the_same_pictures(make, drawn):
    found = make("awe", output_type="pt", num_images=2)
    for tensor, image in zip(found.images, drawn.images[:2], strict=True):
        assert tensor.shape == (3, SIZE, SIZE)
        assert tensor.min() >= 0
        assert tensor.max() <= 1
        np.testing.assert_allclose(255 * tensor.permute(1, 2, 0).numpy(), levels(image), atol=1.1)
    assert found.probabilities[0] == pytest.approx(drawn.probabilities[0], abs=1e-3)


def test_a_result_is_clean_json(make, drawn, faces):
    read = json.loads(json.dumps(drawn.to_dict(), allow_nan=False))
    assert read["seeds"] == [5, 6, 7]
    assert read["probabilities"] == list(drawn.probabilities)
    assert read["settings"] == drawn.settings
    assert "images" not in read
    assert drawn.settings["strength"] is None
    assert drawn.settings["num_inference_steps"] == STEPS
    assert make("awe", image=faces[0], strength=0.5).settings["strength"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"emotion": "joyful"}, "'joyful' is not one of the Mikels-8 labels: amusement, awe"),
        ({"emotion": {"awe": 1, "bliss": 1}}, "'bliss' is not one of the Mikels-8 labels"),
        ({"emotion": {"awe": -1.0, "fear": 2.0}}, "weights of the emotions must be 0 or above"),
        ({"emotion": {"awe": 0}}, "not all of them 0"),
        ({"emotion": {}}, "not all of them 0"),
        ({"emotion": {"awe": float("nan")}}, "weights of the emotions"),
        ({"prompt": 7}, "prompt must be a text, not int"),
        ({"prompt": "<emotion> or <emotion>"}, "<emotion> only once"),
        ({"negative_prompt": ["blue"]}, "negative prompt must be a text, not list"),
        ({"strength": 0.0}, "strength must be above 0 and at most 1, not 0.0"),
        ({"strength": 1.5}, "strength must be above 0 and at most 1, not 1.5"),
        ({"num_images": 0}, "number of pictures must be at least 1, not 0"),
        ({"num_inference_steps": 0}, "number of steps must be at least 1, not 0"),
        ({"guidance_scale": float("inf")}, "guidance scale must be a finite number"),
        ({"guidance_rescale": 1.5}, "rescaling must be from 0 to 1"),
        ({"seed": -1}, "whole number from 0 to"),
        ({"seed": 2**63}, "whole number from 0 to"),
        ({"seed": [1, 2.5]}, "whole number from 0 to 2.*not 2.5"),
        ({"seed": [1, 2], "num_images": 3}, "2 seeds for 3 pictures"),
        ({"seed": []}, "0 seeds for no pictures"),
        ({"seed": True}, "whole number from 0 to"),
        ({"seed": 7.0}, "whole number from 0 to"),
        ({"seed": "7"}, "whole number from 0 to"),
        ({"seed": np.array([1.5])}, "whole number from 0 to"),
        ({"seed": torch.tensor([True])}, "whole number from 0 to"),
        ({"seed": np.array([[1, 2]])}, "whole number from 0 to"),
        ({"seed": torch.tensor(-1)}, "whole number from 0 to"),
        ({"num_images": 1.5}, "at least 1, not 1.5"),
        ({"emotion": {"awe": "1"}}, "weights of the emotions"),
        ({"emotion": {"awe": None}}, "weights of the emotions"),
        ({"emotion": {"awe": np.array([1.0, 2.0])}}, "weights of the emotions"),
        ({"emotion": {"awe": torch.tensor(float("inf"))}}, "weights of the emotions"),
        ({"output_type": "gif"}, "Unknown output type 'gif'; choose one of pil, pt"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(pipeline, make, arguments, message, monkeypatch):
    monkeypatch.setattr(pipeline.unet, "forward", lambda *_, **__: pytest.fail("began to work"))
    with pytest.raises(ValueError, match=message) as error:
        make(**{"emotion": "awe"} | arguments)
    assert "\n" not in str(error.value)


def test_an_unknown_label_space_is_one_sentence(kcdp):
    parts = tiny_uniemo(kcdp).components
    with pytest.raises(ValueError, match="Unknown label space 'Mikels'; choose one of Mikels-8, "):
        UniEmoPipeline(**parts, label_space="Mikels")


def test_another_label_space_speaks_its_own_words(kcdp, faces):
    pipeline = tiny_uniemo(kcdp, label_space="KCDP-6")
    assert tuple(pipeline.understand(faces[0]).probabilities) == KCDP_6.labels
    made = pipeline("happy", seed=1, num_inference_steps=2)
    assert tuple(made.probabilities[0]) == KCDP_6.labels
    with pytest.raises(ValueError, match="'awe' is not one of the KCDP-6 labels"):
        pipeline("awe")


def test_both_pipelines_stand_on_the_same_weights(kcdp, pipeline):
    for name in ("unet", "vae", "text_encoder"):
        theirs, ours = getattr(kcdp, name), getattr(pipeline, name)
        assert all(a is b for a, b in zip(theirs.parameters(), ours.parameters(), strict=True))


def test_generation_and_perception_leave_each_other_alone(kcdp, pipeline, make, drawn, faces):
    before = kcdp(faces[0], caption=CAPTION).to_dict()
    weights = {name: value.clone() for name, value in pipeline.unet.state_dict().items()}
    assert same(make("awe").images[0], drawn.images[0])
    assert kcdp(faces[0], caption=CAPTION).to_dict() == before
    assert all(torch.equal(value, weights[name]) for name, value in pipeline.unet.state_dict().items())


def test_threads_do_not_mix_their_pictures(kcdp, make, faces):
    work = [
        lambda: levels(make("awe").images[0]).tolist(),
        lambda: kcdp(faces[0], caption=CAPTION).to_dict(),
        lambda: levels(make({"fear": 1, "anger": 2}, "a dog in the park", num_inference_steps=7).images[0]).tolist(),
        lambda: levels(make(faces[1], image=faces[0], strength=0.5).images[0]).tolist(),
    ]
    expected = [job() for job in work]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda job: job(), work * 3))
    assert found == expected * 3


def test_tokenizers_are_called_by_one_thread_at_a_time(make, unlocked_calls):
    make({"fear": 1, "anger": 2}, "a dog in the park", negative_prompt="a cat")
    assert not unlocked_calls


def test_saving_and_loading_changes_nothing(pipeline, make, drawn, faces, tmp_path):
    pipeline.save_pretrained(tmp_path)
    kinds = {file.suffix for file in tmp_path.rglob("*") if file.is_file()}
    assert kinds <= {".json", ".safetensors", ".txt", ".jinja"}
    loaded = UniEmoPipeline.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    assert type(loaded.vision) is type(pipeline.vision)
    assert not any(module.training for module in loaded.components.values() if isinstance(module, torch.nn.Module))
    found = loaded("awe", "a cat", seed=5, num_inference_steps=STEPS, guidance_scale=2.0)
    assert same(found.images[0], drawn.images[0])
    seen, expected = loaded.understand(faces[0]), pipeline.understand(faces[0])
    assert seen.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    assert (seen.scene.name, seen.object.name) == (expected.scene.name, expected.object.name)


def test_half_precision_makes_nearly_the_same(pipeline, drawn, tmp_path):
    pipeline.save_pretrained(tmp_path)
    smaller = UniEmoPipeline.from_pretrained(tmp_path, dtype=torch.bfloat16)
    smaller.set_progress_bar_config(disable=True)
    floats = {
        value.dtype
        for part in smaller.components.values()
        if isinstance(part, torch.nn.Module)
        for value in part.parameters()
    }
    assert floats == {torch.bfloat16}
    options = {"num_inference_steps": STEPS, "guidance_scale": 2.0}
    found = smaller("awe", "a cat", seed=5, **options)
    assert distance(found.images[0], drawn.images[0]) < distance(found.images[0], drawn.images[1]) / 2
    assert sum(found.probabilities[0].values()) == pytest.approx(1, abs=1e-5)
