"""A pipeline with the painter of a run in the place of its own denoiser."""

from __future__ import annotations

from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchLCMScheduler, UNet2DConditionModel

from kcdp.painting.upscaler import StickerUpscaler
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.pipelines.uniemo import UniEmoPipeline
from train.core.recipe import Recipe
from train.core.runs import best_weights
from train.stages.painter import PainterConfig

#: Steps of the painter before and after it was distilled.
STEPS, FEW_STEPS = 20, 4


def last_painter(recipe: Recipe) -> str | None:
    """The last stage of the painter that has weights; None when none has."""
    for stage in ("painter_distilled", "painter"):
        if (recipe.run_dir(stage) / "best" / "unet").is_dir():
            return stage
    return None


def with_painter(recipe: Recipe, pipeline: UniEmoPipeline) -> UniEmoPipeline:
    """A pipeline with the understanding, words and emotions of the one given, painting with the run's painter, where it has one.

    One that was distilled paints in few steps and takes prompts as they are: its guidance is inside it.
    """
    stage = last_painter(recipe)
    if stage is None:
        return pipeline
    best, config = best_weights(recipe, stage), recipe.stage_settings("painter", PainterConfig).config
    distilled = stage == "painter_distilled"
    scheduler = FlowMatchLCMScheduler if distilled else FlowMatchEulerDiscreteScheduler
    options = {"dtype": pipeline.unet.dtype}
    vae = PatchAutoencoderKL.from_pretrained(best_weights(recipe, "painter_vae") / "vae", **options)
    unet = UNet2DConditionModel.from_pretrained(best / "unet", **options)
    upscaler, enlarging = None, recipe.run_dir("painter_upscaler") / "best" / "upscaler"
    if enlarging.is_dir():
        upscaler = StickerUpscaler.from_pretrained(enlarging, **options)
        upscaler = upscaler.to(pipeline.unet.device).eval().requires_grad_(False)
    parts = pipeline.components | {
        "upscaler": upscaler,
        "vae": vae.to(pipeline.unet.device).eval().requires_grad_(False),
        "unet": unet.to(pipeline.unet.device).eval().requires_grad_(False),
        "scheduler": scheduler.from_pretrained(best / "scheduler"),
    }
    painter = UniEmoPipeline(
        **parts,
        label_space=pipeline.config.label_space,
        guidance_scale=1.0 if distilled else config.guidance_scale,
        guidance_rescale=0.0 if distilled else config.guidance_rescale,
        num_inference_steps=FEW_STEPS if distilled else STEPS,
    )
    painter.set_progress_bar_config(disable=True)
    return painter
