"""A small world to evaluate: four domains of coloured faces, and random models of every kind that a run trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image
from transformers import CLIPModel, CLIPProcessor, CLIPTextModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from train.data.records import make_record, to_dataset
from train.evaluation.baselines import FrozenCLIP
from train.evaluation.domains import Domains
from train.foundation import Foundation
from train.recipe import Recipe
from train.stages.language import LanguageConfig, build_captioner, build_clip

#: One colour an emotion, so that an emotion can be told from the pixels.
COLOURS = {"amusement": "gold", "anger": "red", "sadness": "blue"}
STYLES = {"emoji": ("noto", "openmoji"), "cartoons": ("lorelei", "lorelei"), "photos": ("moody", "moody")}


@pytest.fixture(scope="session")
def records(picture: Callable[..., Image.Image]) -> Dataset:
    """Twelve training, three validation and six test pictures of each of three domains, and some without emotion."""
    rows = []
    for domain, (trained, tested) in STYLES.items():
        for split, copies, style in (("train", 4, trained), ("val", 1, trained), ("test", 2, tested)):
            for copy in range(copies):
                for emotion, colour in COLOURS.items():
                    size = 40 + 5 * copy + len(domain) + len(split)
                    rows.append(
                        make_record(
                            picture(size=size, mode="RGBA", color=colour, smile=emotion == "amusement"),
                            [f"a {colour} face"],
                            domain=domain,
                            style=style,
                            group=f"{domain} {split} {copy} {emotion}",
                            license="Apache-2.0",
                            emotion=emotion,
                            noun="face",
                            split=split,
                        )
                    )
        rows.append(
            make_record(
                picture(size=30 + len(domain), color="green"),
                ["a green thing"],
                domain=domain,
                style=trained,
                group=f"{domain} plain",
                license="Apache-2.0",
                noun="thing",
            )
        )
    return to_dataset(rows)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return Recipe(output_dir=str(tmp_path), drawn=0, size=64)


@pytest.fixture
def domains(recipe: Recipe, records: Dataset) -> Domains:
    return Domains(recipe, records, balance=0.5)


@pytest.fixture(scope="session")
def clip(tiny_tokenizer: CLIPTokenizer) -> FrozenCLIP:
    torch.manual_seed(0)
    config = LanguageConfig(width=32, vision_layers=1, text_layers=1, decoder_layers=1, max_tokens=16)
    processor = CLIPImageProcessorPil(
        size={"height": 64, "width": 64}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return FrozenCLIP(build_clip(config, tiny_tokenizer, 64).eval(), tiny_tokenizer, processor)


@pytest.fixture(scope="session")
def foundation(
    tiny_vae: AutoencoderKL,
    tiny_unet: UNet2DConditionModel,
    tiny_text_encoder: CLIPTextModel,
    tiny_tokenizer: CLIPTokenizer,
    clip: FrozenCLIP,
    recipe_labels: tuple[str, ...],
) -> Foundation:
    config = LanguageConfig(width=32, decoder_layers=1, max_tokens=16)
    base: CLIPModel = clip.model
    return Foundation(
        vae=tiny_vae,
        unet=tiny_unet,
        text_encoder=tiny_text_encoder,
        tokenizer=tiny_tokenizer,
        captioner=build_captioner(config, base, tiny_tokenizer).eval(),
        processor=CLIPProcessor(clip.processor, tiny_tokenizer),
        parser=lambda captions: [[] for _ in captions],
        labels=recipe_labels,
    )


@pytest.fixture(scope="session")
def recipe_labels() -> tuple[str, ...]:
    return Recipe().emotions.labels
