"""A pipeline with the painter of a run in the place of its own denoiser, and the student of either."""

from __future__ import annotations

import copy
from pathlib import Path

from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from kcdp.painting.student import load_student
from kcdp.painting.upscaler import StickerUpscaler
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.pipelines.uniemo import UniEmoPipeline
from train.core.recipe import Recipe
from train.core.runs import best_weights
from train.stages.distillation import DistillationConfig
from train.stages.painter_denoiser import PainterConfig

#: Steps of the painter before it is distilled.
STEPS = 20


def _weights(recipe: Recipe, stage: str) -> Path:
    return recipe.run_dir(stage) / "best" / "unet"


def has_painter(recipe: Recipe) -> bool:
    """Whether the run's painter of stickers is trained."""
    return _weights(recipe, "painter").is_dir()


def with_painter(recipe: Recipe, pipeline: UniEmoPipeline) -> UniEmoPipeline:
    """A pipeline with the understanding, words and emotions of the one given, painting with the run's painter, where it has one."""
    if not has_painter(recipe):
        return pipeline
    best, config = best_weights(recipe, "painter"), recipe.stage_settings("painter", PainterConfig).config
    options = {"dtype": pipeline.unet.dtype}
    vae = StickerAutoencoder.from_pretrained(best_weights(recipe, "painter_vae") / "vae", **options)
    unet = UNet2DConditionModel.from_pretrained(best / "unet", **options)
    upscaler, enlarging = None, recipe.run_dir("painter_upscaler") / "best" / "upscaler"
    if enlarging.is_dir():
        upscaler = StickerUpscaler.from_pretrained(enlarging, **options)
        upscaler = upscaler.to(pipeline.unet.device).eval().requires_grad_(False)
    parts = pipeline.components | {
        "upscaler": upscaler,
        "vae": vae.to(pipeline.unet.device).eval().requires_grad_(False),
        "unet": unet.to(pipeline.unet.device).eval().requires_grad_(False),
        "scheduler": FlowMatchEulerDiscreteScheduler.from_pretrained(best / "scheduler"),
    }
    painter = UniEmoPipeline(
        **parts,
        label_space=pipeline.config.label_space,
        guidance_scale=config.guidance_scale,
        guidance_rescale=config.guidance_rescale,
        emotion_guidance=config.emotion_guidance,
        num_inference_steps=STEPS,
    )
    painter.set_progress_bar_config(disable=True)
    return painter


def student_stage(recipe: Recipe) -> str | None:
    """The stage that has distilled what the run paints with; None where none has."""
    stage = "painter_distilled" if has_painter(recipe) else "uniemo_distilled"
    return stage if _weights(recipe, stage).is_dir() else None


def student_pipeline(recipe: Recipe, pipeline: UniEmoPipeline) -> UniEmoPipeline | None:
    """What a pipeline's student paints in few steps, with guidance inside it; None where it has none."""
    stage = student_stage(recipe)
    if stage is None:
        return None
    unet = load_student(_weights(recipe, stage), lambda: copy.deepcopy(pipeline.unet), pipeline.unet.dtype)
    names = ("num_inference_steps", "guidance_scale", "guidance_rescale", "emotion_guidance")
    return pipeline.painting_with(
        unet.to(pipeline.unet.device).eval().requires_grad_(False),
        num_inference_steps=recipe.stage_settings(stage, DistillationConfig).config.steps,
        guidance_scale=1.0,
        guidance_rescale=0.0,
        quality={name: pipeline.config[name] for name in names},
    )
