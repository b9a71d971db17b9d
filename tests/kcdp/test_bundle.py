import copy
import gc
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import filter_repo_objects
from PIL import Image

from kcdp import bundle as bundles
from kcdp import hub
from kcdp.bundle import BundleError, find_bundle, load_bundle
from kcdp.imaging import to_tensor
from kcdp.painting.student import add_adapter, save_student
from kcdp.verdict import Verdict
from tests.image_files import animated
from tests.tiny_diffusion import stable_diffusion_xl, uniemo_on
from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo


@pytest.fixture(scope="module")
def folder(tiny_tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    tiny_pipeline(tiny_tokenizer).save_pretrained(folder)
    return folder


def test_a_folder_opens_with_everything_in_it(folder, picture):
    bundle = load_bundle(folder, device="cpu")
    assert bundle.folder == folder
    assert bundle.kcdp(picture()).emotion in bundle.kcdp.labels
    assert ("man", "hugs", "woman") in bundle.knowledge.triplets("a man hugs a woman")
    assert {parameter.dtype for parameter in bundle.kcdp.unet.parameters()} == {torch.float32}


@pytest.fixture(scope="module")
def whole(folder, tiny_tokenizer, tmp_path_factory):
    """The bundle of `folder` with UniEmo added to it."""
    whole = tmp_path_factory.mktemp("whole") / "bundle"
    shutil.copytree(folder, whole)
    tiny_uniemo(tiny_pipeline(tiny_tokenizer)).save_pretrained(whole)
    return whole


def test_pictures_are_made_by_the_weights_that_perceive(whole, folder, picture):
    bundle = load_bundle(whole, device="cpu")
    assert bundle.uniemo is bundle.uniemo
    for name in ("unet", "vae", "text_encoder", "tokenizer"):
        assert getattr(bundle.uniemo, name) is getattr(bundle.kcdp, name)
    bundle.uniemo.set_progress_bar_config(disable=True)
    expected = load_bundle(folder, device="cpu").kcdp(picture(), caption="a cat").probabilities
    made = bundle.uniemo("awe", "a cat", seed=1, num_inference_steps=2)
    assert made.images[0].size == (bundle.uniemo.size,) * 2
    assert bundle.uniemo.understand(picture()).emotion in bundle.kcdp.labels
    assert bundle.kcdp(picture(), caption="a cat").probabilities == pytest.approx(expected, abs=1e-6)


def test_a_denoiser_that_was_tuned_for_emotions_paints_and_does_not_perceive(whole, tmp_path):
    tuned = tmp_path / "tuned"
    shutil.copytree(whole, tuned)
    bundle = load_bundle(whole, device="cpu")
    own = copy.deepcopy(bundle.kcdp.unet)
    own.conv_out.bias.data += 1
    own.save_pretrained(tuned / bundles.OWN_UNET)
    again = load_bundle(tuned, device="cpu", dtype=torch.bfloat16)
    painting, seeing = again.uniemo.unet, again.kcdp.unet
    assert {parameter.dtype for parameter in painting.parameters()} == {torch.bfloat16} and not painting.training
    torch.testing.assert_close(painting.conv_out.bias.float(), own.conv_out.bias, atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(seeing.conv_out.bias.float() + 1, own.conv_out.bias, atol=1e-2, rtol=1e-2)
    assert again.uniemo.vae is again.kcdp.vae
    cut_short(tuned / bundles.OWN_UNET / "diffusion_pytorch_model.safetensors")
    with pytest.raises(BundleError, match="cannot be read"):
        _ = load_bundle(tuned, device="cpu").uniemo


@pytest.mark.parametrize("own", [True, False])
def test_a_student_paints_and_its_teacher_is_loaded_for_quality(whole, tmp_path, tiny_tokenizer, own):
    """The teacher is the bundle's own denoiser for painting, or else the one that KCDP sees with."""
    folder = tmp_path / "few"
    shutil.copytree(whole, folder)
    bundle = load_bundle(whole, device="cpu")
    teacher, student = copy.deepcopy(bundle.kcdp.unet), copy.deepcopy(bundle.kcdp.unet)
    student.conv_out.bias.data += 1
    student.save_pretrained(folder / bundles.STUDENT)
    if own:
        teacher.conv_out.bias.data += 2
        teacher.save_pretrained(folder / bundles.OWN_UNET)
    settings = {"num_inference_steps": 5, "guidance_scale": 4.0, "guidance_rescale": 0.25}
    uniemo = tiny_uniemo(tiny_pipeline(tiny_tokenizer), num_inference_steps=3, guidance_scale=1.0, quality=settings)
    uniemo.save_config(folder)
    found = load_bundle(folder, device="cpu")
    for painter, unet in ((found.uniemo, student), (found.quality, teacher)):
        torch.testing.assert_close(painter.unet.conv_out.bias, unet.conv_out.bias)
    assert found.quality is found.quality and found.quality.space is found.uniemo.space
    assert (found.quality.unet is found.kcdp.unet) is not own
    for painter, steps, guidance in ((found.uniemo, 3, 1.0), (found.quality, 5, 4.0)):
        made = painter("awe", seed=1).settings
        assert (made["num_inference_steps"], made["guidance_scale"]) == (steps, guidance)
    # What only many steps can do is the teacher's.
    for more in ({"num_inference_steps": 4}, {"guidance_scale": 2.0}, {"negative_prompt": "a dog"}):
        assert found.painter(**more) is found.quality
    for plain in ({}, {"num_inference_steps": 3, "guidance_scale": 1.0, "negative_prompt": "", "prompt": "a cat"}):
        assert found.painter(**plain) is found.uniemo
    if own:
        cut_short(folder / bundles.OWN_UNET / "diffusion_pytorch_model.safetensors")
        with pytest.raises(BundleError, match="cannot be read"):
            _ = load_bundle(folder, device="cpu").quality
    assert bundle.quality is bundle.uniemo is bundle.painter(num_inference_steps=50)


@pytest.mark.parametrize("own", [True, False])
def test_a_students_change_of_low_rank_is_put_into_no_weights_but_its_own(whole, tmp_path, tiny_tokenizer, own):
    folder = tmp_path / "few"
    shutil.copytree(whole, folder)
    teacher = load_bundle(whole, device="cpu").kcdp.unet
    student = copy.deepcopy(teacher)
    add_adapter(student, 2)
    for name, weight in student.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    save_student(student, folder / bundles.STUDENT)
    if own:
        teacher.save_pretrained(folder / bundles.OWN_UNET)
    tiny_uniemo(tiny_pipeline(tiny_tokenizer), quality={"guidance_scale": 4.0}).save_config(folder)
    found = load_bundle(folder, device="cpu")
    painted, kept = found.uniemo.unet.conv_in.weight, teacher.conv_in.weight
    assert not torch.allclose(painted, kept, atol=0.1)
    for unet in (found.kcdp.unet, found.quality.unet):
        torch.testing.assert_close(unet.conv_in.weight, kept)


@pytest.fixture(scope="module")
def painting(tiny_tokenizer, tmp_path_factory):
    """A bundle that makes pictures and has no KCDP, on a denoiser of two text encoders."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("painting")
    pipeline = uniemo_on(stable_diffusion_xl(tiny_tokenizer))
    pipeline.save_pretrained(folder)
    return folder, pipeline


@pytest.mark.parametrize("slicing", [False, True])
def test_a_bundle_of_uniemo_alone_paints_as_what_was_saved(painting, slicing):
    folder, pipeline = painting
    bundle = load_bundle(folder, device="cpu", attention_slicing=slicing)
    bundle.uniemo.set_progress_bar_config(disable=True)
    options = {"seed": 1, "num_inference_steps": 2, "output_type": "pt"}
    expected, found = (one("awe", "a cat", **options).images[0] for one in (pipeline, bundle.uniemo))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    with pytest.raises(BundleError, match=r"is UniEmo alone: it has no model_index\.json, which KCDP needs") as error:
        _ = bundle.kcdp
    assert str(folder) in one_sentence(error)


def test_a_damaged_bundle_of_uniemo_alone_is_one_sentence_at_once(painting, tmp_path):
    shutil.copytree(painting[0], tmp_path / "broken")
    cut_short(tmp_path / "broken/text_encoder_2/model.safetensors")
    with pytest.raises(BundleError, match="cannot be read") as error:
        load_bundle(tmp_path / "broken", device="cpu")
    assert one_sentence(error)


def test_all_of_a_bundle_is_of_one_precision(whole):
    bundle = load_bundle(whole, device="cpu", dtype=torch.bfloat16)
    parts = [part for part in bundle.uniemo.components.values() if isinstance(part, torch.nn.Module)]
    assert {parameter.dtype for part in parts for parameter in part.parameters()} == {torch.bfloat16}


def test_a_bundle_that_only_perceives_is_one_sentence(folder):
    bundle = load_bundle(folder, device="cpu")
    with pytest.raises(BundleError, match=r"cannot make pictures: it has no uniemo_index\.json") as error:
        _ = bundle.uniemo
    assert str(folder) in one_sentence(error)


def test_a_model_of_the_hub_is_fetched_at_its_revision(folder, monkeypatch):
    asked = []

    def download(name, revision, allow_patterns, ignore_patterns):
        files = [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]
        kept = filter_repo_objects(files, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns)
        asked.append((name, revision, set(files) - set(kept)))
        return folder

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert find_bundle("someone/bundle", "abc") == folder
    # All of it: of a parser even what has no known ending.
    assert asked == [("someone/bundle", "abc", set())]


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", ["someone/bundle", "no-such-folder/at/all", "/no/such/folder"])
def test_what_is_nowhere_is_one_sentence(name, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BundleError, match=f"'{name}' is neither a folder here") as error:
        load_bundle(name)
    assert one_sentence(error)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "the GPU has too little memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "there is too little memory"),
    ],
)
def test_a_bundle_that_does_not_fit_says_what_would(folder, monkeypatch, fault, sentence):
    def load(*names, **options):
        raise fault

    monkeypatch.setattr(bundles.KCDPPipeline, "from_pretrained", load)
    with pytest.raises(BundleError, match=f"cannot be loaded: {sentence}") as error:
        load_bundle(folder, device="cpu")
    assert str(folder) in one_sentence(error)


@pytest.mark.parametrize(
    ("offload", "sentence"), [("model", "there is none"), ("half", "choose one of model, sequent")]
)
def test_offloading_that_cannot_be_is_one_sentence(folder, offload, sentence):
    with pytest.raises(BundleError, match=sentence) as error:
        load_bundle(folder, device="cpu", offload=offload)
    assert one_sentence(error)


def test_sliced_attention_paints_the_same_and_leaves_perception_alone(whole, picture):
    plain, sliced = (load_bundle(whole, device="cpu", attention_slicing=slicing) for slicing in (False, True))
    kinds = {type(processor).__name__ for processor in sliced.kcdp.unet.attn_processors.values()}
    assert kinds == {"SlicedAttnProcessor"}
    assert not kinds & {type(each).__name__ for each in sliced.kcdp.denoiser.unet.attn_processors.values()}
    seen = [bundle.kcdp(picture(), caption="a cat").probabilities for bundle in (plain, sliced)]
    assert seen[1] == pytest.approx(seen[0], abs=1e-6)
    made = [
        bundle.uniemo("awe", seed=1, num_inference_steps=2, output_type="pt").images[0] for bundle in (plain, sliced)
    ]
    torch.testing.assert_close(*made, atol=1e-4, rtol=1e-4)


def test_a_folder_of_other_things_is_one_sentence(tmp_path):
    with pytest.raises(BundleError, match=r"not a bundle: it has no model_index\.json") as error:
        load_bundle(tmp_path)
    assert one_sentence(error)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def mix_up(path):
    path.write_text(path.read_text().replace("Mikels-8", "Mikels"))


def resize(path):
    settings = json.loads(path.read_text())
    settings["latent_channels"] = 5
    path.write_text(json.dumps(settings))


def rename_class(path):
    path.write_text(path.read_text().replace("MixtureOfExperts", "MixtureOfLaymen"))


@pytest.mark.parametrize(
    ("path", "damage"),
    [
        ("vae/diffusion_pytorch_model.safetensors", cut_short),
        ("captioner/model.safetensors", cut_short),
        ("kgca/pytorch_lora_weights.safetensors", cut_short),
        ("model_index.json", cut_short),
        ("model_index.json", mix_up),
        ("model_index.json", rename_class),
        ("vae/config.json", resize),
        ("text_encoder", shutil.rmtree),
        ("kgca", shutil.rmtree),
        ("parser", shutil.rmtree),
    ],
)
def test_a_damaged_bundle_is_one_sentence(folder, tmp_path, path, damage):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    damage(broken / path)
    with pytest.raises(BundleError, match="cannot be read") as error:
        load_bundle(broken, device="cpu")
    assert str(broken) in one_sentence(error)


@pytest.mark.parametrize(
    ("path", "damage"),
    [
        ("chain/diffusion_pytorch_model.safetensors", cut_short),
        ("uniemo_index.json", cut_short),
        ("uniemo_index.json", mix_up),
        ("vision", shutil.rmtree),
        ("space", shutil.rmtree),
    ],
)
def test_damaged_parts_that_make_pictures_are_one_sentence(whole, tmp_path, path, damage):
    broken = tmp_path / "broken"
    shutil.copytree(whole, broken)
    damage(broken / path)
    bundle = load_bundle(broken, device="cpu")
    with pytest.raises(BundleError, match="cannot be read") as error:
        _ = bundle.uniemo
    assert str(broken) in one_sentence(error)


def test_both_readings_make_one_verdict(whole, picture):
    bundle = load_bundle(whole, device="cpu")
    faces = [picture(color="gold"), picture(color="blue", smile=False)]
    results = bundle.read(faces)
    for face, result in zip(faces, results, strict=True):
        assert result.kcdp.probabilities == pytest.approx(bundle.kcdp(face).probabilities, abs=1e-5)
        assert result.uniemo.probabilities == pytest.approx(bundle.uniemo.understand(face).probabilities, abs=1e-5)
        one, two = (np.array(list(reading.probabilities.values())) for reading in (result.kcdp, result.uniemo))
        expected = np.sqrt(one * two) / np.sqrt(one * two).sum()
        assert list(result.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-6)
        assert result.emotion == result.leaning == max(result.probabilities, key=result.probabilities.get)
        assert (result.caption, result.triplets) == (result.kcdp.caption, result.kcdp.triplets)
    alone = bundle.read(faces[0])
    assert alone.probabilities == pytest.approx(results[0].probabilities, abs=1e-5)
    plain = json.loads(json.dumps(alone.to_dict()))
    assert plain["uniemo"]["probabilities"] == alone.uniemo.probabilities and plain["leaning"] == alone.leaning


def test_both_models_see_one_tensor_of_a_picture(whole, picture, monkeypatch):
    made = []
    monkeypatch.setattr("kcdp.decoded.to_tensor", lambda frames, size: made.append(size) or to_tensor(frames, size))
    bundle = load_bundle(whole, device="cpu")
    bundle.read(picture())
    assert made == list(dict.fromkeys([bundle.kcdp.size, bundle.uniemo.vision.config.image_size]))


def test_a_picture_with_nothing_in_it_is_not_read(whole, picture):
    bundle = load_bundle(whole, device="cpu")
    blank, face = bundle.read((Image.new("RGB", (64, 64), "white"), picture()))
    assert (blank.emotion, blank.leaning, blank.kcdp, blank.uniemo, blank.triplets) == (None, None, None, None, ())
    assert set(blank.probabilities.values()) == {1 / 8} and list(blank.probabilities) == list(face.probabilities)
    assert face.leaning is not None
    assert [(frame.emotion, frame.leaning) for frame in blank.frames] == [(None, None)]
    assert json.loads(json.dumps(blank.to_dict()))["caption"] is None
    assert bundle.read([]) == []


def test_each_frame_has_a_verdict_of_its_own(whole, picture, tmp_path):
    shutil.copytree(whole, tmp_path / "sure")
    labels = load_bundle(whole, device="cpu").kcdp.labels
    Verdict(labels, {"kcdp": 3.0}, {"kcdp": 0.9, "uniemo": 0.2}, threshold=1.0).save_config(tmp_path / "sure")
    bundle = load_bundle(tmp_path / "sure", device="cpu")
    frames = [picture(color="gold").convert("RGB"), Image.new("RGB", picture().size, "white"), picture(color="blue")]
    result, still = bundle.read([animated(frames, "PNG", duration=250), frames[0]])
    assert [(frame.time, frame.duration) for frame in result.frames] == [(0, 0.25), (0.25, 0.25), (0.5, 0.25)]
    first, blank, last = result.frames
    assert (blank.emotion, blank.leaning, set(blank.probabilities.values())) == (None, None, {1 / 8})
    for frame, number in ((first, 0), (last, 2)):
        one, two = (
            np.array(list(reading.frames[number].probabilities.values())) for reading in (result.kcdp, result.uniemo)
        )
        expected = one ** (0.9 / 3) * two**0.2
        assert list(frame.probabilities.values()) == pytest.approx((expected / expected.sum()).tolist(), abs=1e-6)
        assert frame.emotion is None and frame.leaning == labels[int(expected.argmax())]
    assert result.uniemo.frames[0].probabilities == pytest.approx(still.uniemo.probabilities, abs=1e-5)
    [only] = still.frames
    assert (only.time, only.duration, only.leaning, only.probabilities) == (0, 0, still.leaning, still.probabilities)
    assert [frame["time"] for frame in json.loads(json.dumps(result.to_dict()))["frames"]] == [0, 0.25, 0.5]


def test_a_bundle_says_how_its_readings_are_combined(whole, picture, tmp_path):
    shutil.copytree(whole, tmp_path / "sure")
    labels = load_bundle(whole, device="cpu").kcdp.labels
    Verdict(labels, {"kcdp": 3.0}, {"kcdp": 0.9, "uniemo": 0.2}, threshold=1.0).save_config(tmp_path / "sure")
    bundle = load_bundle(tmp_path / "sure", device="cpu")
    result = bundle.read(picture())
    one, two = (np.array(list(reading.probabilities.values())) for reading in (result.kcdp, result.uniemo))
    expected = one ** (0.9 / 3) * two**0.2
    assert list(result.probabilities.values()) == pytest.approx((expected / expected.sum()).tolist(), abs=1e-6)
    assert result.emotion is None and result.leaning == labels[int(expected.argmax())]


def test_a_bundle_of_one_model_gives_its_reading(folder, painting, picture):
    seen = load_bundle(folder, device="cpu").read(picture())
    assert seen.uniemo is None and seen.probabilities == pytest.approx(seen.kcdp.probabilities, abs=1e-6)
    asked = load_bundle(painting[0], device="cpu").read(picture())
    assert (asked.kcdp, asked.caption, asked.triplets) == (None, None, ())
    assert asked.probabilities == pytest.approx(asked.uniemo.probabilities, abs=1e-6)


@pytest.mark.parametrize("content", ["{", '{"labels": ["joy", "fear"]}'], ids=["damaged", "other emotions"])
def test_a_verdict_that_does_not_fit_is_one_sentence(whole, tmp_path, content):
    shutil.copytree(whole, tmp_path / "wrong")
    (tmp_path / "wrong" / Verdict.config_name).write_text(content)
    with pytest.raises(BundleError, match=r"cannot be read|speaks of other emotions") as error:
        _ = load_bundle(tmp_path / "wrong", device="cpu").verdict
    assert one_sentence(error)


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems say otherwise what is mapped.")
def test_no_file_of_weights_stays_in_memory_beside_them():
    """Batch normalisations count their steps, in whole numbers that nothing converts: one of them held all of its file."""
    bundle = load_bundle(device="cpu")
    _ = bundle.uniemo
    gc.collect()
    assert str(bundle.folder) not in Path("/proc/self/maps").read_text()
    counters = [
        buffer for name, buffer in bundle.kcdp.captioner.named_buffers() if name.endswith("num_batches_tracked")
    ]
    assert len(counters) == 49 and all(buffer.dtype == torch.int64 for buffer in counters)
