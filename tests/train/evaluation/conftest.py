"""A small world to evaluate: three domains of coloured faces, each with its splits, and a random CLIP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from PIL import Image
from transformers import CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.latent_encoder import LatentEncoder
from tests.tiny_vlm import instruct_blip
from train.core.clip import FrozenCLIP
from train.core.foundation import Foundation
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig
from train.data.records import make_record, to_dataset
from train.evaluation.adaptation import Adaptation
from train.evaluation.domains import Domains
from train.evaluation.result_cache import ResultCache
from train.evaluation.vlm import FrozenVLM
from train.stages.kcdp import KCDPConfig
from train.stages.language import LanguageConfig, build_clip
from train.stages.text import TextConfig, build_text_tower

#: Of the pictures, as in the foundation that all training tests share.
SIZE = 32
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
                    size = 20 + 5 * copy + len(domain) + len(split)
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


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """One folder for all tests, so that its caches (captions, latents) are filled once."""
    return Recipe(output_dir=str(tmp_path_factory.mktemp("run")), drawn=0, size=SIZE)


@pytest.fixture(scope="session")
def domains(recipe: Recipe, records: Dataset) -> Domains:
    return Domains(recipe, records, balance=0.5)


@pytest.fixture(scope="session")
def clip(tiny_tokenizer: CLIPTokenizer) -> FrozenCLIP:
    torch.manual_seed(0)
    text = build_text_tower(TextConfig(width=32, layers=1, max_tokens=32), tiny_tokenizer)
    processor = CLIPImageProcessorPil(
        size={"height": SIZE, "width": SIZE}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    vae = PatchAutoencoderKL(block_out_channels=(16, 16), latent_channels=6, sample_size=SIZE)
    model = build_clip(LanguageConfig(vision_layers=1), text, vae, LatentEncoder(6, (8, 16)))
    return FrozenCLIP(model.eval(), tiny_tokenizer, processor)


@pytest.fixture(scope="session")
def vlm() -> FrozenVLM:
    torch.manual_seed(0)
    return FrozenVLM(*instruct_blip())


@pytest.fixture
def adaptation(
    domains: Domains, foundation: Foundation, clip: FrozenCLIP, vlm: FrozenVLM, tmp_path: Path
) -> Adaptation:
    """Two steps of small batches between the domains above."""
    return Adaptation(
        domains,
        foundation,
        clip,
        KCDPConfig(lora_rank=2, views=1),
        LoopConfig(steps=2, batch_size=4, warmup_steps=1, learning_rate=1e-3),
        ResultCache(tmp_path),
        cnn_widths=(4, 4, 4, 4),
        vlm=vlm,
    )
