"""Published models as a foundation: tiny ones of random weights, in the folders in which the real ones come."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from diffusers import PNDMScheduler
from huggingface_hub import constants
from safetensors.torch import load_file
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.bundle import load_bundle
from kcdp.hub import Source
from kcdp.knowledge.captioner import FULL_CAPTIONER, Captioner
from tests.recipes import make_recipe
from tests.tiny_diffusion import clip_vision, safety_parts, text_config
from tests.tiny_vlm import instruct_blip
from train.core.config import validated
from train.core.foundation import PARSER, Foundation, FoundationConfig
from train.core.runs import load_foundation, load_scheduler
from train.data.dataset import PictureDataset
from train.data.knowledge import KnowledgeCache
from train.data.records import make_record, to_dataset
from train.evaluation.arguments import EvaluationArguments
from train.stages.registry import check, read_recipe
from train.train import main

LABELS = ("amusement", "anger", "sadness")
SIZE = 64


@pytest.fixture(scope="module")
def published(tiny_vae, tiny_unet, tiny_text_encoder, tiny_tokenizer, tmp_path_factory) -> dict[str, Path]:
    """The settings of a recipe's `foundation`: a Stable Diffusion with a scheduler of its own kind, and InstructBLIP."""
    folder = tmp_path_factory.mktemp("published")
    parts = {
        "vae": tiny_vae,
        "unet": tiny_unet,
        "text_encoder": tiny_text_encoder,
        "tokenizer": tiny_tokenizer,
        "scheduler": PNDMScheduler(beta_schedule="scaled_linear", skip_prk_steps=True),
    }
    for name, part in parts.items():
        part.save_pretrained(folder / "diffusion" / name)
    for part in instruct_blip():
        part.save_pretrained(folder / "captioner")
    return {name: {"name": str(folder / name)} for name in ("diffusion", "captioner")}


@pytest.fixture
def config(published) -> FoundationConfig:
    return validated(FoundationConfig, published)


def test_folders_become_a_frozen_foundation_that_says_what_its_parts_say(
    config, tiny_vae, tiny_unet, tiny_text_encoder, picture
):
    foundation = Foundation.from_hub(config, LABELS, "cpu")
    networks = {"vae": tiny_vae, "unet": tiny_unet, "text_encoder": tiny_text_encoder}
    for name, expected in networks.items():
        own = getattr(foundation, name)
        assert not own.training and not any(parameter.requires_grad for parameter in own.parameters())
        assert all(torch.equal(own.state_dict()[key], value) for key, value in expected.state_dict().items())
    assert not any(parameter.requires_grad for parameter in foundation.captioner.parameters())
    assert foundation.latent_encoder is None
    assert foundation.emotion_prompts().shape == (3, 16, 32)
    knowledge = foundation.knowledge
    assert knowledge.captioner.config == FULL_CAPTIONER
    (caption,) = knowledge.captions([picture()])
    assert knowledge.encode([caption], [knowledge.triplets(caption)]).states.shape == (1, 32, 32)


def test_a_models_safety_checker_comes_along(published, tmp_path):
    folder = shutil.copytree(published["diffusion"]["name"], tmp_path / "diffusion")
    parts = safety_parts()
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    config = validated(FoundationConfig, published | {"diffusion": {"name": str(folder)}})
    foundation = Foundation.from_hub(config, LABELS, "cpu")
    own = foundation.safety_checker
    assert not own.training and not any(parameter.requires_grad for parameter in own.parameters())
    assert torch.equal(own.visual_projection.weight, parts["safety_checker"].visual_projection.weight)
    assert foundation.feature_extractor.crop_size == parts["feature_extractor"].crop_size
    assert Foundation.from_hub(validated(FoundationConfig, published), LABELS, "cpu").safety_checker is None


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_halves_every_network(published, name, picture):
    foundation = Foundation.from_hub(validated(FoundationConfig, {**published, "dtype": name}), LABELS, "cpu")
    for network in (foundation.vae, foundation.unet, foundation.text_encoder):
        assert {parameter.dtype for parameter in network.parameters()} == {getattr(torch, name)}
    # Of a captioner the library keeps what overflows in 16 bits.
    assert getattr(torch, name) in {parameter.dtype for parameter in foundation.captioner.parameters()}
    assert foundation.knowledge.captions([picture()])


def test_captions_are_generated_as_the_recipe_says(published):
    settings = {**published, "captioning": {"num_beams": 1, "min_new_tokens": 2, "max_new_tokens": 4}}
    used = Foundation.from_hub(validated(FoundationConfig, settings), LABELS, "cpu").knowledge.captioner.config
    assert (used.num_beams, used.max_new_tokens) == (1, 4)
    assert (used.prompt, used.repetition_penalty) == (FULL_CAPTIONER.prompt, FULL_CAPTIONER.repetition_penalty)


@pytest.mark.parametrize("bits", ["4bit", "8bit", None])
def test_the_captioner_alone_is_quantised_as_the_recipe_says(published, bits, monkeypatch):
    """There is no GPU here: what reaches the loader is caught, and the unquantised captioner given."""
    config, asked = validated(FoundationConfig, {**published, "captioner_quantization": bits, "dtype": "bfloat16"}), {}
    load = Captioner.from_pretrained

    def caught(folder, quantization, **options):
        asked.update(folder=folder, quantization=quantization, dtype=options["dtype"])
        return load(folder, **options)

    monkeypatch.setattr(Captioner, "from_pretrained", caught)
    Foundation.from_hub(config, LABELS, "cpu")
    assert asked == {"folder": Path(config.captioner.name), "quantization": bits, "dtype": torch.bfloat16}


def test_a_captioner_that_cannot_be_quantised_is_one_sentence(published):
    recipe = make_recipe(size=SIZE, foundation={**published, "captioner_quantization": "8bit"})
    with pytest.raises(SystemExit, match="needs a GPU; leave quantization out") as error:
        load_foundation(recipe)
    assert one_sentence(error)


def test_captions_of_another_kind_are_generated_anew(published, tmp_path, picture):
    rows = [
        make_record(picture(), ["a face"], domain="drawn", style="face", group=str(number), license="CC0-1.0")
        for number in range(2)
    ]
    dataset = PictureDataset(to_dataset(rows), tmp_path, LABELS, size=SIZE)
    keys = set()
    for most in (4, 6):
        captioning = {"num_beams": 1, "min_new_tokens": 2, "max_new_tokens": most}
        foundation = Foundation.from_hub(
            validated(FoundationConfig, {**published, "captioning": captioning}), LABELS, "cpu"
        )
        keys.add(KnowledgeCache(dataset, foundation, "both", 0).key)
    assert len(keys) == 2


def test_the_noise_is_the_published_one(published, tmp_path):
    recipe = make_recipe(output_dir=str(tmp_path), foundation=published)
    scheduler = load_scheduler(recipe)
    assert scheduler.config.beta_schedule == "scaled_linear"
    noised = scheduler.add_noise(torch.ones(1, 1), torch.zeros(1, 1), torch.tensor([999]))
    assert 0 < noised.item() < 0.2


TINY_LOOP = {"steps": 2, "batch_size": 4, "warmup_steps": 0, "ema_decay": 0.9}


@pytest.fixture(scope="module")
def settings(published) -> dict:
    """A recipe for KCDP on the published models."""
    return {
        "stages": ["kcdp"],
        "drawn": 16,
        "size": SIZE,
        "foundation": {**published, "captioning": {"num_beams": 1, "min_new_tokens": 2, "max_new_tokens": 6}},
        "kcdp": {"views": 0, "lora_rank": 2, "pyramid_channels": 16, "attention_levels": [0, 1], "loop": TINY_LOOP},
    }


def run(settings: dict, folder: Path) -> Path:
    """Train by the recipe; returns the bundle."""
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump({**settings, "output_dir": str(folder / "run")}))
    main(["--config", str(file)])
    return folder / "run" / "bundle"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_kcdp_trains_on_published_models_and_its_bundle_recognises(settings, dtype, tmp_path, picture, tiny_unet):
    made = copy.deepcopy(settings)
    made["foundation"]["dtype"] = dtype
    folder = run(made, tmp_path)
    # What was trained was trained in 32 bits, and the rest was left as it was published.
    kept = load_file(tmp_path / "run/kcdp/best/moe/diffusion_pytorch_model.safetensors")
    assert {weight.dtype for weight in kept.values()} == {torch.float32}
    stored = load_file(folder / "unet/diffusion_pytorch_model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16 if dtype == "float32" else torch.bfloat16}
    state = tiny_unet.state_dict()
    assert all(torch.allclose(weight.float(), state[name], atol=1e-2) for name, weight in stored.items())
    for loaded in (torch.float32, torch.bfloat16):
        pipeline = load_bundle(folder, device="cpu", dtype=loaded).kcdp
        assert pipeline.knowledge.captioner.config.max_new_tokens == 6
        found = pipeline(picture(50, "RGBA"))
        assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-2)
        assert found.caption
        assert pipeline.size == SIZE


def test_uniemo_trains_on_published_models_and_its_bundle_paints(settings, tmp_path, picture, tiny_tokenizer):
    made = copy.deepcopy(settings)
    clip = CLIPModel(
        CLIPConfig(
            text_config=text_config(tiny_tokenizer, 32).to_dict(),
            vision_config=clip_vision().config.to_dict(),
            projection_dim=32,
        )
    )
    clip.save_pretrained(tmp_path / "clip")
    tiny_tokenizer.save_pretrained(tmp_path / "clip")
    CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=28).save_pretrained(tmp_path / "clip")
    made["foundation"] |= {"vision": {"name": str(tmp_path / "clip")}, "dtype": "bfloat16"}
    made |= {
        "stages": ["kcdp", "uniemo_understanding", "uniemo_joint", "uniemo_feedback"],
        "drawn": 48,
        "uniemo_understanding": {"num_queries": 2, "head_dim": 16, "min_count": 1, "loop": TINY_LOOP},
        "uniemo_joint": {"loop": TINY_LOOP},
        "uniemo_feedback": {
            **{"pictures": 3, "num_inference_steps": 2, "low": 0.0, "high": 1.0, "share": 0.5, "loop": TINY_LOOP}
        },
    }
    bundle = load_bundle(run(made, tmp_path), device="cpu")
    bundle.uniemo.set_progress_bar_config(disable=True)
    image = bundle.uniemo("awe", "a bench", seed=3, num_inference_steps=2).images[0]
    assert image.size == (SIZE, SIZE)
    assert bundle.uniemo.scheduler.config.beta_schedule == "scaled_linear"
    assert bundle.uniemo.understand(picture(40)).emotion in bundle.kcdp.labels
    assert bundle.uniemo.unet is bundle.kcdp.unet


@pytest.mark.parametrize("tuning", ["frozen", "kv", "full"])
def test_every_tuning_trains_in_half_precision(settings, tuning, tmp_path):
    made = copy.deepcopy(settings)
    made["foundation"]["dtype"] = "bfloat16"
    made["kcdp"]["tuning"] = tuning
    assert (run(made, tmp_path) / "model_index.json").is_file()


def one_sentence(error) -> str:
    text = str(error.value)
    assert "\n" not in text and text.endswith(".")
    return text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"diffusion": {}}, r"'foundation\.diffusion\.name' is missing"),
        ({"diffusion": {"name": "a/b", "branch": "main"}}, r"'foundation\.diffusion\.branch' is unknown"),
        ({"diffusion": "a/b"}, r"'foundation\.diffusion' needs settings"),
        ({"dtype": "float8"}, r"'foundation\.dtype' cannot be 'float8'"),
        ({"captioner_quantization": "2bit"}, r"'foundation\.captioner_quantization' cannot be '2bit'"),
        (
            {"captioner_quantization": "4bit"},
            r"Quantising '.*captioner' needs a GPU; leave quantization out, or use one",
        ),
        ({"captioner": None}, r"names no captioner: add `foundation\.captioner`"),
        ({"captioning": {"beams": 3}}, r"'foundation\.captioning\.beams' is unknown"),
        ({"captioning": {"num_beams": 0}}, r"num_beams is 0"),
        ({"denoiser": {"name": "a/b"}}, r"'foundation\.denoiser' is unknown; .*known: .*diffusion"),
        ({"diffusion": {"name": "a/b"}}, r"'a/b' is no folder here.*--foundation\.diffusion\.revision COMMIT"),
        ({"vision": {"name": "a/b", "revision": "main"}}, r"--foundation\.vision\.revision COMMIT"),
        ({"captioner": {"name": "a/b", "revision": "abc123"}}, r"--foundation\.captioner\.revision COMMIT"),
    ],
)
def test_what_a_foundation_cannot_be_is_said_before_the_first_stage_runs(published, changes, sentence, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ValueError, match=sentence) as error:
        check(make_recipe(stages=["kcdp"], foundation={**published, **changes}))
    assert one_sentence(error)


def test_quantising_no_captioner_is_said(published):
    settings = {"diffusion": published["diffusion"], "captioner_quantization": "4bit"}
    with pytest.raises(ValueError, match=r"'foundation\.captioner' names none") as error:
        validated(FoundationConfig, settings).check()
    assert one_sentence(error)


def test_a_commit_a_folder_or_the_cache_alone_are_pinned(published, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    check(make_recipe(stages=["kcdp"], foundation=published))
    check(make_recipe(stages=["kcdp"], foundation={**published, "diffusion": {"name": "a/b", "revision": "0a" * 20}}))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    check(make_recipe(stages=["kcdp"], foundation={**published, "diffusion": {"name": "a/b"}}))


def test_a_stage_that_would_train_what_is_published_is_refused(published):
    with pytest.raises(ValueError, match="The stage 'unet' trains a foundation") as error:
        check(make_recipe(stages=["kcdp", "unet"], foundation=published))
    assert one_sentence(error)


def test_a_commit_comes_by_the_command_line():
    commit = "1234567890abcdef" * 2 + "12345678"
    recipe = read_recipe(["--foundation.diffusion.name", "a/b", "--foundation.diffusion.revision", commit])
    assert recipe.foundation.diffusion == Source("a/b", commit)
    assert recipe.foundation.parser == str(PARSER)


def damaged(published: dict, tmp_path: Path, part: str, damage) -> dict:
    folder = tmp_path / "damaged"
    shutil.copytree(published["diffusion"]["name"], folder)
    damage(folder / part)
    return {**published, "diffusion": {"name": str(folder)}}


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickled(path: Path) -> None:
    torch.save({}, path.with_suffix(".bin"))
    path.unlink()


@pytest.mark.parametrize(
    ("part", "damage", "sentence"),
    [
        ("vae", shutil.rmtree, r"has no folder 'vae'; foundation\.diffusion needs Stable Diffusion's layout"),
        ("unet/diffusion_pytorch_model.safetensors", cut_short, r"cannot be loaded: unet: fetch or copy it again"),
        ("unet/diffusion_pytorch_model.safetensors", pickled, r"cannot be loaded: unet"),
        ("text_encoder/model.safetensors", pickled, r"cannot be loaded: text_encoder"),
        ("tokenizer/tokenizer.json", cut_short, r"cannot be loaded: tokenizer"),
    ],
)
def test_a_damaged_model_is_one_sentence(published, tmp_path, part, damage, sentence):
    recipe = make_recipe(size=SIZE, foundation=damaged(published, tmp_path, part, damage))
    with pytest.raises(SystemExit, match=sentence) as error:
        load_foundation(recipe)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_pictures_of_another_size_are_one_sentence(published):
    with pytest.raises(SystemExit, match=r"takes pictures of 64 pixels, and the recipe's `size` is 128") as error:
        load_foundation(make_recipe(foundation=published))
    assert one_sentence(error)


def test_uniemo_without_a_clip_is_one_sentence(published):
    with pytest.raises(ValueError, match=r"name one as `foundation\.vision`") as error:
        check(make_recipe(stages=["kcdp", "uniemo_understanding"], foundation=published))
    assert one_sentence(error)


CONFIGS = Path(__file__).resolve().parents[3] / "train" / "configs"


@pytest.mark.parametrize(
    ("file", "models"), [("full", ("diffusion", "captioner", "vision")), ("uniemo-sdxl", ("diffusion", "vision"))]
)
def test_the_full_size_asks_for_each_commit_and_is_sound_with_them(file, models, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    arguments = ["--config", str(CONFIGS / f"{file}.yaml")]
    for name in models:
        recipe = read_recipe(arguments, evaluation=EvaluationArguments)
        with pytest.raises(ValueError, match=rf"--foundation\.{name}\.revision COMMIT") as error:
            check(recipe)
        assert one_sentence(error)
        arguments += [f"--foundation.{name}.revision", "0a" * 20]
    recipe = read_recipe(arguments, evaluation=EvaluationArguments)
    check(recipe)
    assert recipe.foundation.diffusion.revision == "0a" * 20
