"""SDXL as a foundation, tiny and of random weights, in the folders in which the real one comes: for UniEmo alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.bundle import BundleError, load_bundle
from tests.recipes import make_recipe
from tests.tiny_diffusion import SIZE, clip_vision, stable_diffusion_xl, text_config
from train.core.config import validated
from train.core.foundation import Foundation, FoundationConfig
from train.core.runs import load_foundation, load_perception, load_scheduler
from train.stages.registry import check, read_recipe
from train.stages.uniemo import assemble_uniemo
from train.train import main

LABELS = ("amusement", "anger", "sadness")


@pytest.fixture(scope="module")
def sdxl(tiny_tokenizer: CLIPTokenizer) -> dict[str, Any]:
    torch.manual_seed(0)
    return stable_diffusion_xl(tiny_tokenizer)


@pytest.fixture(scope="module")
def published(
    sdxl: dict[str, Any], tiny_tokenizer: CLIPTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, str]]:
    """The settings of a recipe's `foundation`: SDXL and CLIP, and no captioner, which UniEmo has no use for."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("published")
    for name, part in sdxl.items():
        part.save_pretrained(folder / "diffusion" / name)
    text, vision = text_config(tiny_tokenizer, 32).to_dict(), clip_vision().config.to_dict()
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=32))
    for part in (clip, tiny_tokenizer, CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=28)):
        part.save_pretrained(folder / "vision")
    return {name: {"name": str(folder / name)} for name in ("diffusion", "vision")}


@torch.no_grad()
def test_a_folder_becomes_a_frozen_foundation_that_hears_what_the_library_hears(
    published: dict[str, Any], sdxl: dict[str, Any]
) -> None:
    foundation = Foundation.from_hub(validated(FoundationConfig, published), LABELS, "cpu")
    for name in ("vae", "unet", "text_encoder", "text_encoder_2"):
        own = getattr(foundation, name)
        assert not own.training and not any(parameter.requires_grad for parameter in own.parameters())
        assert all(torch.equal(own.state_dict()[key], value) for key, value in sdxl[name].state_dict().items())
    assert foundation.prompts.widths == (16, 24) and foundation.prompts.size == SIZE
    library = StableDiffusionXLPipeline(**sdxl, add_watermarker=False)
    states, _, pooled, _ = library.encode_prompt("a cat on a red sofa", do_classifier_free_guidance=False)
    told = foundation.prompts.plain(["a cat on a red sofa"])
    torch.testing.assert_close(told.states, states)
    torch.testing.assert_close(told.added["text_embeds"], pooled)


def test_in_float16_its_autoencoder_alone_keeps_32_bits(published: dict[str, Any]) -> None:
    foundation = Foundation.from_hub(validated(FoundationConfig, {**published, "dtype": "float16"}), LABELS, "cpu")
    kinds = {
        name: {parameter.dtype for parameter in getattr(foundation, name).parameters()}
        for name in ("vae", "unet", "text_encoder", "text_encoder_2")
    }
    assert kinds.pop("vae") == {torch.float32}
    assert all(kind == {torch.float16} for kind in kinds.values())


def test_the_noise_is_that_of_its_scheduler_and_nothing_is_clipped(
    published: dict[str, Any], sdxl: dict[str, Any], tmp_path: Path
) -> None:
    scheduler = load_scheduler(make_recipe(output_dir=str(tmp_path), foundation=published))
    assert scheduler.config.prediction_type == "epsilon" and scheduler.config.clip_sample is False
    torch.testing.assert_close(scheduler.alphas_cumprod, sdxl["scheduler"].alphas_cumprod)


def test_kcdp_on_it_is_one_sentence_before_the_first_stage_and_where_it_is_loaded(published: dict[str, Any]) -> None:
    recipe = make_recipe(stages=["uniemo_understanding", "kcdp"], size=SIZE, foundation=published)
    with pytest.raises(ValueError, match="KCDP sees with a denoiser of one text encoder") as asked:
        check(recipe)
    with pytest.raises(SystemExit, match="leave out the stage 'kcdp'") as loaded:
        load_perception(recipe)
    assert str(asked.value) == str(loaded.value) and "\n" not in str(asked.value) and str(asked.value).endswith(".")
    check(make_recipe(stages=["uniemo_understanding", "uniemo_joint"], size=SIZE, foundation=published))


def test_half_of_a_second_text_side_is_one_sentence(published: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(published["diffusion"]["name"], tmp_path / "damaged")
    shutil.rmtree(tmp_path / "damaged" / "tokenizer_2")
    with pytest.raises(SystemExit, match=r"has no folder 'tokenizer_2'.* SDXL's has text_encoder_2 and tokenizer_2"):
        load_foundation(
            make_recipe(size=SIZE, foundation={**published, "diffusion": {"name": str(tmp_path / "damaged")}})
        )


LOOP = {"steps": 2, "batch_size": 4, "warmup_steps": 0, "ema_decay": 0.9}


def test_uniemo_trains_on_it_and_its_bundle_paints_the_same_pictures(
    published: dict[str, Any], tmp_path: Path, picture: Callable[..., Image.Image]
) -> None:
    settings = {
        "output_dir": str(tmp_path / "run"),
        "stages": ["uniemo_understanding", "uniemo_joint", "uniemo_feedback"],
        "drawn": 48,
        "size": SIZE,
        "foundation": {**published, "dtype": "bfloat16"},
        "uniemo_understanding": {"num_queries": 2, "head_dim": 16, "min_count": 1, "loop": LOOP},
        "uniemo_joint": {"tune_unet": "lora", "lora_rank": 2, "loop": LOOP},
        "uniemo_feedback": {
            **{"pictures": 3, "num_inference_steps": 1, "low": 0.0, "high": 1.0, "share": 0.5, "loop": LOOP}
        },
    }
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(settings))
    main(["--config", str(file)])
    recipe = read_recipe(["--config", str(file)])
    trained = assemble_uniemo(recipe, load_foundation(recipe), tmp_path / "run/uniemo_feedback/best")
    bundle = load_bundle(tmp_path / "run/bundle", device="cpu", dtype=torch.bfloat16)
    bundle.uniemo.set_progress_bar_config(disable=True)
    made = [
        torch.stack(one("awe", "a bench", seed=[3, 4], num_inference_steps=2, output_type="pt").images).float()
        for one in (trained, bundle.uniemo)
    ]
    assert made[0].shape == (2, 3, SIZE, SIZE) and made[0].std() > 0.01
    torch.testing.assert_close(made[1], made[0], atol=2e-2, rtol=2e-2)
    assert bundle.uniemo.text_encoder_2.config.hidden_size == 24
    assert bundle.uniemo.scheduler.config.beta_schedule == "scaled_linear"
    assert bundle.uniemo.understand(picture(40)).emotion in bundle.uniemo.labels
    files = {path.suffix for path in (tmp_path / "run/bundle").rglob("*") if path.is_file()}
    assert files <= {".json", ".safetensors", ".txt", ".md"}
    card = (tmp_path / "run/bundle/README.md").read_text()
    assert "uniemo_feedback" in card and "license: other" in card
    assert "It stands on diffusion, vision; their licences hold" in card and str(tmp_path) not in card
    with pytest.raises(BundleError, match=r"is UniEmo alone: it has no model_index\.json") as error:
        _ = bundle.kcdp
    assert "\n" not in str(error.value)
