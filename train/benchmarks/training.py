"""Training: a step of the stage `kcdp` on what its cache holds, beside one that has to find it out first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image

from kcdp.imaging import load_frames
from kcdp.pipelines.kcdp import KCDPPipeline
from train.benchmarks.timing import Row, Stopwatch
from train.core.foundation import Foundation
from train.core.trainer import LoopConfig, build_optimizer
from train.stages.kcdp import KCDPConfig, KCDPTask


def measure_step(pipeline: KCDPPipeline, pictures: Sequence[Image.Image], stopwatch: Stopwatch) -> Row:
    """One step of `kcdp` as the bundle was tuned, beside the same with captions, triplets, latents and k made on the way."""
    foundation = Foundation(
        pipeline.vae,
        pipeline.unet,
        pipeline.text_encoder,
        pipeline.tokenizer,
        pipeline.captioner,
        pipeline.captioner_processor,
        pipeline.knowledge.parser,
        pipeline.labels,
    )
    frames = [load_frames(picture)[0] for picture in pictures]
    labels = torch.arange(len(frames), device=pipeline.device) % len(pipeline.labels)

    @torch.no_grad()
    def compute_inputs() -> dict[str, torch.Tensor]:
        knowledge = pipeline.knowledge
        captions = knowledge.captions(frames)
        encoded = knowledge.encode(captions, knowledge.parser(captions), pipeline.config.condition)
        return {
            "latents": pipeline.encode_pictures(frames),
            "states": encoded.states.clone(),
            "pooled": encoded.pooled.clone(),
        }

    cached = compute_inputs()
    own = pipeline.config
    config = KCDPConfig(
        condition=own.condition,
        tuning=own.tuning,
        lora_rank=own.lora_rank,
        lora_alpha=own.lora_alpha,
        scale_latents=own.scale_latents,
        features=own.features,
        latent_encoder_channels=tuple(pipeline.pyramid.config.path_channels),
        timestep=own.timestep,
        attention_levels=tuple(own.attention_levels),
        pyramid_channels=pipeline.pyramid.config.out_channels,
    )
    task = KCDPTask(foundation, config, cached["states"].shape[1], cached["states"].shape[2]).to(pipeline.device)
    optimizer = build_optimizer(task, LoopConfig(steps=1, batch_size=len(frames)))

    def step(batch: dict[str, torch.Tensor]) -> None:
        optimizer.zero_grad()
        task(**batch, labels=labels)["loss"].backward()
        optimizer.step()

    return stopwatch.row(
        f"a step of the stage kcdp on {len(frames)} cached pictures, beside one without the cache",
        lambda: step(cached),
        lambda: step(compute_inputs()),
        len(frames),
    )
