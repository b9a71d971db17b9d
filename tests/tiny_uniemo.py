"""A whole UniEmo pipeline of random weights around the parts of a tiny KCDP pipeline, for pictures of 32 px."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DDIMScheduler
from torch.nn import functional as F

from kcdp.emotions import LABEL_SPACES
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.uniemo.query_chain import ExpertQueryChain
from kcdp.vision import ConvStemCLIPVisionConfig, ConvStemCLIPVisionModel
from tests.tiny_pipeline import SIZE, WIDTH
from train.stages.unet import build_scheduler

SCENES = ("beach", "graveyard", "park")
OBJECTS = ("cat", "ghost", "heart", "tree")
EMBED = 12
#: Of denoising, where nothing is said.
STEPS = 4


def tiny_uniemo(kcdp: KCDPPipeline, strategy: str = "multi-stage", **options: Any) -> UniEmoPipeline:
    """Random weights, the same every time; `options` go to the pipeline.

    Every attribute is known (no threshold), and the emotion is loud: random weights would hardly say it otherwise.
    """
    classes = len(LABEL_SPACES[options.get("label_space", "Mikels-8")])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vision = ConvStemCLIPVisionModel(
            ConvStemCLIPVisionConfig(
                hidden_size=WIDTH,
                intermediate_size=2 * WIDTH,
                num_attention_heads=2,
                num_hidden_layers=3,
                image_size=SIZE,
                patch_size=8,
                code_size=4,
                code_channels=6,
                stem_widths=(8, 16),
            )
        )
        chain = ExpertQueryChain(
            width=WIDTH,
            num_heads=2,
            num_layers=3,
            scene_layer=1,
            object_layer=2,
            num_queries=3,
            strategy=strategy,
            embed_dim=EMBED,
            num_classes=classes,
            head_dim=16,
        )
        attributes = SCENES + OBJECTS
        correlation = EmotionalCorrelation.of(
            attributes,
            F.normalize(torch.randn(len(attributes), EMBED), dim=-1),
            torch.randn(len(attributes), classes).softmax(dim=1),
            num_scenes=len(SCENES),
            threshold=-1.0,
        )
        labels = torch.arange(4 * classes) % classes
        space = EmotionSpace.fit(torch.randn(4 * classes, 3, WIDTH), labels, torch.rand(4 * classes, 2), classes)
        pipeline = UniEmoPipeline(
            vae=kcdp.vae,
            unet=kcdp.unet,
            text_encoder=kcdp.text_encoder,
            tokenizer=kcdp.tokenizer,
            scheduler=DDIMScheduler.from_config(build_scheduler().config),
            vision=vision.eval(),
            chain=chain.eval(),
            fusion=EmotionFusion(WIDTH, WIDTH, classes, token_norm=3.0).eval(),
            correlation=correlation,
            space=space,
            **options,
        )
        pipeline.set_progress_bar_config(disable=True)
    return pipeline
