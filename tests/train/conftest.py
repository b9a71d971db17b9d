"""Tiny datasets, and a foundation of random weights over them: faces whose colour tells their emotion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from datasets import Dataset
from PIL import Image
from transformers import CLIPProcessor, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.emotions import MIKELS_8
from kcdp.knowledge.propositions import Proposition
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.results import Triplet
from train.core.foundation import Foundation
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset
from train.stages.language import LanguageConfig, build_captioner, build_clip
from train.stages.text import TextConfig, build_text_tower
from train.stages.unet import UNetConfig, build_unet

SIZE = 32
FACES = (("gold", "amusement"), ("red", "anger"), ("blue", "sadness"), ("green", None))
TEXT = TextConfig(width=32, layers=1, vocabulary=400, max_tokens=32)
ENCODER_WIDTHS = (8, 16)
WORDS = LanguageConfig(vision_layers=1, decoder_layers=1, bank=16)


@pytest.fixture(autouse=True)
def fresh_accelerator() -> Iterator[None]:
    """What precision one test trained in, the next need not."""
    yield
    AcceleratorState._reset_state()


@pytest.fixture(scope="session")
def tiny_records(picture: Callable[..., Image.Image]) -> Dataset:
    """16 stickers with two captions each, four of a colour; every fourth is of the validation split."""
    return to_dataset(
        make_record(
            picture(size=SIZE - number, mode="RGBA", color=colour, smile=number % 2 == 0),
            [f"a {colour} face {'smiles' if number % 2 == 0 else 'frowns'}", f"a round {colour} head"],
            domain="drawn",
            style="face",
            group=f"{colour}-{number}",
            license="CC0-1.0",
            emotion=emotion,
            noun="face",
            split="val" if number == 3 else "train",
        )
        for number in range(4)
        for colour, emotion in FACES
    )


@pytest.fixture(scope="session")
def dataset_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("datasets")


@pytest.fixture(scope="session")
def train_dataset(tiny_records: Dataset, dataset_cache: Path) -> PictureDataset:
    rows = [row for row, split in enumerate(tiny_records["split"]) if split == "train"]
    return PictureDataset(tiny_records.select(rows), dataset_cache, MIKELS_8.labels, size=SIZE)


@pytest.fixture(scope="session")
def validation_dataset(tiny_records: Dataset, dataset_cache: Path) -> PictureDataset:
    rows = [row for row, split in enumerate(tiny_records["split"]) if split == "val"]
    return PictureDataset(tiny_records.select(rows), dataset_cache, MIKELS_8.labels, size=SIZE)


@pytest.fixture(scope="session")
def labelled_dataset(tiny_records: Dataset, dataset_cache: Path) -> PictureDataset:
    rows = [row for row, emotion in enumerate(tiny_records["emotion"]) if emotion is not None]
    return PictureDataset(tiny_records.select(rows), dataset_cache, MIKELS_8.labels, size=SIZE)


class SecondWord:
    """As a parser would: what the second word does, and nothing for captions of fewer than three words."""

    version = "second word 1"

    def __call__(self, captions: list[str]) -> list[list[Triplet]]:
        return [[proposition.triplet for proposition in found] for found in self.propositions(captions)]

    def propositions(self, captions: list[str]) -> list[list[Proposition]]:
        found = []
        for caption in captions:
            words = caption.split()
            spans = ((0, len(" ".join(words[:3]))),)
            found.append([Proposition(Triplet(*words[:3]), spans)] if len(words) > 2 else [])
        return found


@pytest.fixture(scope="session")
def foundation(train_dataset: PictureDataset, tiny_tokenizer: CLIPTokenizer) -> Foundation:
    """All that KCDP stands on, of width 32 and frozen; pictures of 32 px have latents (6, 4, 4)."""
    torch.manual_seed(0)
    vae = PatchAutoencoderKL(block_out_channels=(16, 16), latent_channels=6, sample_size=SIZE)
    vae.initialize_linear(train_dataset.plain(torch.arange(len(train_dataset))))
    clip = build_clip(WORDS, build_text_tower(TEXT, tiny_tokenizer), vae, LatentEncoder(6, ENCODER_WIDTHS))
    unet = build_unet(UNetConfig(block_out_channels=(16, 32), attention_head_dim=8), 6, 4, 32)
    captioner = build_captioner(WORDS, clip, tiny_tokenizer)
    for network in (vae, clip, unet, captioner):
        network.eval().requires_grad_(False)
    images = CLIPImageProcessorPil(
        size={"height": SIZE, "width": SIZE}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return Foundation(
        vae=vae,
        unet=unet,
        text_encoder=clip.text_model,
        tokenizer=tiny_tokenizer,
        captioner=captioner,
        processor=CLIPProcessor(images, tiny_tokenizer),
        parser=SecondWord(),
        labels=MIKELS_8.labels,
    )
