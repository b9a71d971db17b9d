"""Labelled things in their places, and everything that joint training stands on, of random weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from transformers import CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.knowledge.triplets import TripletParser
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from tests.train.conftest import ENCODER_WIDTHS, SIZE, TEXT
from train.core.clip import FrozenCLIP
from train.core.foundation import PARSER, Foundation
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset
from train.stages.language import LanguageConfig, build_clip
from train.stages.painter_denoiser import Conditioner
from train.stages.text import build_text_tower
from train.stages.understanding import UnderstandingConfig, UnderstandingStage
from train.stages.unet import build_scheduler
from train.stages.uniemo import JointParts

EMOTIONS = ("amusement", "anger", "sadness")
THINGS = (
    ("gold", "an amused cat on a beach", "amusement"),
    ("red", "a cat on fire, showing anger", "anger"),
    ("blue", "a sad robot in the rain", "sadness"),
)


@pytest.fixture(scope="package")
def thing_datasets(picture, dataset_cache: Path) -> tuple[PictureDataset, PictureDataset]:
    """Six pictures of each thing, one emotion each; two of the six are held out."""
    rows = [
        make_record(
            picture(size=SIZE - number, mode="RGBA", color=colour),
            [caption],
            domain="drawn",
            style="thing",
            group=f"{emotion}-{number}",
            license="CC0-1.0",
            emotion=emotion,
            split="val" if number > 3 else "train",
        )
        for number in range(6)
        for colour, caption, emotion in THINGS
    ]
    return tuple(
        PictureDataset(to_dataset(row for row in rows if row["split"] == split), dataset_cache, EMOTIONS, size=SIZE)
        for split in ("train", "val")
    )


@pytest.fixture(scope="package")
def joint_parts(
    thing_datasets: tuple[PictureDataset, PictureDataset],
    foundation: Foundation,
    tiny_tokenizer: CLIPTokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> JointParts:
    torch.manual_seed(0)
    clip = build_clip(
        LanguageConfig(vision_layers=3),
        build_text_tower(TEXT, tiny_tokenizer),
        foundation.vae,
        LatentEncoder(6, ENCODER_WIDTHS),
    )
    processor = CLIPImageProcessorPil(
        size={"height": SIZE, "width": SIZE}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    config = UnderstandingConfig(num_queries=2, head_dim=16, dropout=0.0, min_count=2, views=1, tune_tower=True)
    parser = TripletParser.from_pretrained(PARSER)
    pictures = UnderstandingStage(config, *thing_datasets, clip.eval(), tiny_tokenizer, parser)
    start = tmp_path_factory.mktemp("understanding")
    pictures.export(pictures.build(), start)
    return JointParts(
        dataclasses.replace(foundation, labels=EMOTIONS),
        build_scheduler(),
        FrozenCLIP(clip, tiny_tokenizer, processor),
        pictures,
        start,
    )


@pytest.fixture(scope="module")
def conditioner(foundation: Foundation) -> Conditioner:
    """Of a random fusion and emotion space of eight emotions."""
    width = 12
    torch.manual_seed(1)
    fusion = EmotionFusion(width, 32, 8, 0.4).eval().requires_grad_(False)
    space = EmotionSpace(8, width)
    space.mean.normal_()
    space.alphas.uniform_()
    return Conditioner(foundation.prompts, fusion, space)
