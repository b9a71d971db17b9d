"""A whole KCDP pipeline of random weights for pictures of 32 px, and the parser that ships."""

from __future__ import annotations

from typing import Any

import torch
from transformers import CLIPProcessor, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.emotions import LABEL_SPACES
from kcdp.knowledge.triplets import TripletParser
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.denoiser import Denoiser
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.perception.pyramid import FeaturePyramid
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.prediction.cliea import CLIEA
from kcdp.prediction.moe import MixtureOfExperts
from train.core.foundation import PARSER
from train.stages.language import LanguageConfig, build_captioner, build_clip
from train.stages.text import TextConfig, build_text_tower
from train.stages.unet import UNetConfig, build_unet

SIZE = 32
WIDTH = 32
LENGTH = 16


def tiny_pipeline(tokenizer: CLIPTokenizer, condition: str = "both", **options: Any) -> KCDPPipeline:
    """Random weights, the same every time; `options` go to the pipeline. The adapter has something to say."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        words = LanguageConfig(vision_layers=1, decoder_layers=1)
        text = build_text_tower(TextConfig(width=WIDTH, layers=1, max_tokens=LENGTH), tokenizer)
        vae = PatchAutoencoderKL(block_out_channels=(16, 16), latent_channels=6, sample_size=SIZE, scaling_factor=0.7)
        clip = build_clip(words, text, vae, LatentEncoder(6, (8, 16)))
        captioner = build_captioner(words, clip, tokenizer)
        # Random weights say the same of every picture unless they look at it closely.
        for layer in captioner.decoder.bert.encoder.layer:
            layer.crossattention.output.dense.weight.data *= 30
        images = CLIPImageProcessorPil(
            size={"height": SIZE, "width": SIZE}, do_center_crop=False, image_mean=[0.5] * 3, image_std=[0.5] * 3
        )
        unet = build_unet(UNetConfig(block_out_channels=(16, 32), attention_head_dim=8), 6, 4, WIDTH)
        tokens = 2 * LENGTH if condition == "both" else LENGTH
        levels = {"attention_levels": (0, 1), "lora_rank": 2, "lora_alpha": 4.0}
        view = Denoiser(unet, attention_levels=(0, 1))
        pyramid = FeaturePyramid(view.feature_channels, view.attention_channels(tokens), out_channels=16)
        classes = len(LABEL_SPACES[options.get("label_space", "Mikels-8")])
        pipeline = KCDPPipeline(
            vae=vae.eval(),
            unet=unet.eval(),
            text_encoder=clip.text_model.eval(),
            tokenizer=tokenizer,
            captioner=captioner.eval(),
            captioner_processor=CLIPProcessor(images, tokenizer),
            pyramid=pyramid.eval(),
            moe=MixtureOfExperts(pyramid.visual_dim, WIDTH, classes, aggregate_dim=24, expert_dim=16).eval(),
            cliea=CLIEA(pyramid.visual_dim, WIDTH, num_heads=4).eval(),
            condition=condition,
            **levels | options,
        )
        for parameter in pipeline.denoiser.trainable_parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        pipeline.parser = TripletParser.from_pretrained(PARSER)
        pipeline.set_progress_bar_config(disable=True)
    return pipeline
