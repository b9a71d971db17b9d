"""A run's painter in its bundle."""

from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from kcdp import load_bundle
from kcdp.bundle import STUDENT
from kcdp.painting.student import ADAPTER_FILE, add_adapter, save_student
from kcdp.painting.upscaler import StickerUpscaler
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.vision.efficientnet import EfficientNetLite
from tests.pixels import same
from tests.recipes import make_recipe
from tests.tiny_pipeline import SIZE, WIDTH, tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo
from train.core.bundle import TrainedUniEmo, add_uniemo, write_bundle
from train.stages import painter_runs
from train.stages.painter_denoiser import PainterConfig
from train.stages.painter_pipeline import STEPS, has_painter, student_pipeline, student_stage, with_painter
from train.stages.painter_vae import PainterVAEConfig, PainterVAEStage
from train.stages.unet import build_unet

GUIDANCE = {"guidance_scale": 2.5, "guidance_rescale": 0.25, "emotion_guidance": 1.5}
CONFIG = PainterConfig(block_out_channels=(16, 32), attention_head_dim=8)
VAE = PainterVAEConfig(factor=8, width=16, blocks=1, latent_channels=8, sample=16, held_out=2)


@pytest.fixture
def recipe(tmp_path, train_dataset):
    """Of a run whose painter is trained."""
    torch.manual_seed(0)
    stage = PainterVAEStage(VAE, train_dataset)
    stage.export(stage.build(), tmp_path / "painter_vae" / "best")
    unet = build_unet(CONFIG, 8, 4, WIDTH, edits=True)
    unet.save_pretrained(tmp_path / "painter" / "best" / "unet")
    FlowMatchEulerDiscreteScheduler().save_pretrained(tmp_path / "painter" / "best" / "scheduler")
    StickerUpscaler(width=8, blocks=1).save_pretrained(tmp_path / "painter_upscaler" / "best" / "upscaler")
    return make_recipe(output_dir=str(tmp_path), painter=GUIDANCE)


@pytest.fixture
def uniemo(tiny_tokenizer):
    return tiny_uniemo(tiny_pipeline(tiny_tokenizer))


def distil(recipe, rank=0):
    """As if the painter had been distilled, to weights of its own or a change of low rank."""
    best = Path(recipe.output_dir) / "painter_distilled" / "best"
    student = build_unet(CONFIG, 8, 4, WIDTH, edits=True)
    if rank:
        student = UNet2DConditionModel.from_pretrained(Path(recipe.output_dir) / "painter" / "best" / "unet")
        add_adapter(student, rank)
        for name, value in student.named_parameters():
            if "lora_B" in name:
                value.data.normal_(std=0.1)
    save_student(student, best / "unet")


def test_without_a_painter_the_pipeline_stays_as_it_is(uniemo, tmp_path):
    recipe = make_recipe(output_dir=str(tmp_path))
    assert not has_painter(recipe)
    assert with_painter(recipe, uniemo) is uniemo
    assert student_pipeline(recipe, uniemo) is None


def test_the_painter_takes_the_denoisers_place(uniemo, recipe):
    painter = with_painter(recipe, uniemo)
    assert {name: painter.config[name] for name in GUIDANCE} == GUIDANCE
    assert painter.chain is uniemo.chain
    assert painter.text_encoder is uniemo.text_encoder
    made = painter("awe", "a cat", seed=3, num_images=2)
    assert made.settings["num_inference_steps"] == STEPS
    assert made.settings["scheduler"] == "FlowMatchEulerDiscreteScheduler"
    assert [image.size for image in made.images] == [(SIZE, SIZE)] * 2
    assert {image.mode for image in made.images} == {"RGB"}
    (cut,) = painter("awe", "a cat", seed=3, num_inference_steps=2, transparent=True).images
    assert cut.mode == "RGBA"
    (large,) = painter.enlarge([cut])
    assert (large.mode, large.size) == ("RGBA", (4 * SIZE, 4 * SIZE))
    # The same seed, alone or among others.
    (alone,) = painter("awe", "a cat", seed=4).images
    assert same(alone, made.images[1])


def test_a_student_needs_few_steps_and_no_guidance(uniemo, recipe):
    distil(recipe)
    painter = with_painter(recipe, uniemo)
    student, calls = student_pipeline(recipe, painter), []
    student.unet.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    first, again = (student("awe", "a cat", seed=[3, 9]).images for _ in range(2))
    assert calls == [2] * 2 * 4
    assert [one.tobytes() for one in first] == [one.tobytes() for one in again]
    assert student.config.quality == {"num_inference_steps": STEPS, **GUIDANCE}
    assert student.vae is painter.vae and painter.config.quality is None


def test_the_student_of_the_joint_stage_paints_where_there_is_no_painter(uniemo, tmp_path):
    recipe = make_recipe(output_dir=str(tmp_path), uniemo_distilled={"steps": 3})
    uniemo.unet.save_pretrained(tmp_path / "uniemo_distilled" / "best" / "unet")
    assert student_stage(recipe) == "uniemo_distilled"
    made = student_pipeline(recipe, uniemo)("awe", seed=1)
    assert made.settings["num_inference_steps"] == 3


def test_an_edit_depends_on_the_picture_and_on_the_feeling(uniemo, recipe, picture):
    painter = with_painter(recipe, uniemo)
    one, other = picture(size=SIZE, color="red"), picture(size=SIZE, color="blue")
    made = [
        painter(emotion, image=image, strength=1.0, seed=1, num_inference_steps=3).images[0].tobytes()
        for emotion, image in (("awe", one), ("awe", other), ("fear", one))
    ]
    assert len(set(made)) == 3


def test_other_bundles_cut_out_what_stands_on_white_and_do_not_enlarge(uniemo, picture, monkeypatch):
    disc = torch.ones(1, 3, SIZE, SIZE)
    disc[:, :, 8:24, 8:24] = -0.5
    monkeypatch.setattr(uniemo, "_decode", lambda latents: disc)
    (cut,) = uniemo("awe", transparent=True, num_inference_steps=1).images
    assert cut.mode == "RGBA"
    assert cut.getpixel((2, 2))[3] == 0
    assert cut.getpixel((16, 16)) == (64, 64, 64, 255)
    with pytest.raises(ValueError, match="'pil' only"):
        uniemo("awe", transparent=True, output_type="pt")
    with pytest.raises(ValueError, match="no upscaler"):
        uniemo.enlarge([picture(size=SIZE, mode="RGBA")])


@pytest.mark.parametrize("with_kcdp", [True, False])
def test_a_bundle_carries_the_painter_with_its_own_autoencoder(uniemo, recipe, tiny_tokenizer, with_kcdp):
    if with_kcdp:
        write_bundle(recipe, tiny_pipeline(tiny_tokenizer), {})
    painter = with_painter(recipe, uniemo)
    folder = add_uniemo(recipe, TrainedUniEmo(painter, "uniemo_joint", {}, True, "painter"))
    assert "`painter`" in (folder / "README.md").read_text()
    bundle = load_bundle(folder)
    assert isinstance(bundle.uniemo.vae, StickerAutoencoder)
    assert bundle.uniemo.upscaler.config.width == 8
    if with_kcdp:
        assert isinstance(bundle.kcdp.vae, PatchAutoencoderKL)
    found = bundle.uniemo("awe", "a cat", seed=3, num_inference_steps=2, output_type="pt").images[0]
    expected = painter("awe", "a cat", seed=3, num_inference_steps=2, output_type="pt").images[0]
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0)
    # A later stage without a painter takes it out again.
    plain = add_uniemo(recipe, TrainedUniEmo(uniemo, "uniemo_joint", {}, True))
    assert isinstance(load_bundle(plain).uniemo.vae, PatchAutoencoderKL)


@pytest.mark.parametrize("rank", [0, 3])
@pytest.mark.parametrize("with_kcdp", [True, False])
def test_a_bundle_paints_with_its_student_and_keeps_the_teacher_for_quality(
    uniemo, recipe, tiny_tokenizer, with_kcdp, rank
):
    distil(recipe, rank)
    if with_kcdp:
        write_bundle(recipe, tiny_pipeline(tiny_tokenizer), {})
    painter = with_painter(recipe, uniemo)
    student = student_pipeline(recipe, painter)
    weights = Path(recipe.output_dir) / "painter_distilled" / "best" / "unet"
    trained = TrainedUniEmo(painter, "uniemo_joint", {}, True, "painter", student, student_stage(recipe), weights)
    folder = add_uniemo(recipe, trained)
    assert (folder / STUDENT / ADAPTER_FILE).is_file() is bool(rank)
    assert "`painter`, `painter_distilled`" in (folder / "README.md").read_text()
    bundle = load_bundle(folder)
    for found, expected in ((bundle.uniemo, student), (bundle.quality, painter)):
        one, other = (each("awe", "a cat", seed=3, output_type="pt") for each in (found, expected))
        torch.testing.assert_close(one.images[0], other.images[0], atol=0.05, rtol=0)
        assert one.settings == other.settings
    assert bundle.quality is bundle.quality and bundle.quality.chain is bundle.uniemo.chain
    # Where the painter is distilled no more, the bundle has no student.
    plain = load_bundle(add_uniemo(recipe, TrainedUniEmo(painter, "uniemo_joint", {}, True, "painter")))
    assert plain.quality is plain.uniemo


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_painter_is_led_to_the_trunks_features_where_its_settings_say_so(foundation, monkeypatch, weight):
    recipe = make_recipe(painter={"alignment_weight": weight, "stickers": 2, "pairs": 0, "held_out": 2})
    trunk, asked = EfficientNetLite(), []
    monkeypatch.setattr(painter_runs, "load_conditioner", lambda *_: "told")
    monkeypatch.setattr(painter_runs, "load_vae", lambda *_: "vae")
    monkeypatch.setattr(painter_runs, "imagenet_trunk", lambda: trunk)
    monkeypatch.setattr(painter_runs.PainterPictures, "drawn", lambda *given: asked.append(given))
    stage = painter_runs.painter_stage(recipe, foundation)
    assert asked == [(stage.config, "vae", recipe.cache_dir, trunk if weight else None)]
    assert stage.conditioner == "told"


def test_the_painter_has_the_emotions_of_the_last_joint_stage(uniemo, foundation, tmp_path, monkeypatch):
    recipe, assembled = make_recipe(output_dir=str(tmp_path)), []
    with pytest.raises(SystemExit, match="'uniemo_joint' has to be trained to its end first"):
        painter_runs.load_conditioner(recipe, foundation)
    monkeypatch.setattr(painter_runs, "last_uniemo", lambda _: "uniemo_feedback")
    monkeypatch.setattr(painter_runs, "best_weights", lambda recipe, stage: stage)
    monkeypatch.setattr(painter_runs, "assemble_uniemo", lambda *given: assembled.append(given) or uniemo)
    conditioner = painter_runs.load_conditioner(recipe, foundation)
    assert assembled == [(recipe, foundation, "uniemo_feedback")]
    assert conditioner.fusion is uniemo.fusion and conditioner.space is uniemo.space
    assert not any(weight.requires_grad for weight in conditioner.fusion.parameters())
    with pytest.raises(SystemExit, match="the painter cannot learn KCDP-6"):
        painter_runs.load_conditioner(make_recipe(label_space="KCDP-6"), foundation)
