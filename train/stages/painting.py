"""The painter's last two stages: what each stands on, and the bundle that it paints in."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel

from kcdp.emotions import MIKELS_8
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from train.core.bundle import add_uniemo
from train.core.foundation import Foundation
from train.core.recipe import Recipe, StageSpec
from train.core.runs import best_weights, load_foundation, train_stage
from train.core.trainer import Stage
from train.stages.painter import PainterConfig, PainterStage, Told
from train.stages.painter_distilled import DistillationConfig, DistillationStage
from train.stages.uniemo import last_uniemo, trained_uniemo


def load_told(recipe: Recipe, foundation: Foundation) -> Told:
    """Words and emotions of a run, as its last joint stage left them.

    Raises SystemExit when none has finished, or when its emotions are not those that stickers are drawn with.
    """
    if recipe.emotions is not MIKELS_8:
        raise SystemExit(f"Stickers are drawn in {MIKELS_8.name}; the painter cannot learn {recipe.emotions.name}.")
    joint = last_uniemo(recipe)
    if joint is None:
        raise SystemExit("The stage 'uniemo_joint' has to be trained to its end first: the painter needs its emotions.")
    best, device = best_weights(recipe, joint), foundation.unet.device
    fusion = EmotionFusion.from_pretrained(best / "fusion").to(device).eval().requires_grad_(False)
    return Told(foundation.prompts, fusion, EmotionSpace.from_pretrained(best / "space").to(device).eval())


def load_vae(recipe: Recipe, device: torch.device) -> PatchAutoencoderKL:
    """The painter's autoencoder; raises SystemExit before its stage is trained."""
    folder = best_weights(recipe, "painter_vae") / "vae"
    return PatchAutoencoderKL.from_pretrained(folder).to(device).eval().requires_grad_(False)


def painter_stage(recipe: Recipe, foundation: Foundation) -> PainterStage:
    """The stage `painter` of a recipe."""
    config, told = recipe.stage_settings("painter", PainterConfig).config, load_told(recipe, foundation)
    return PainterStage(config, load_vae(recipe, foundation.unet.device), told, recipe.cache_dir)


def _train(recipe: Recipe, stage: Stage, foundation: Foundation) -> dict[str, float]:
    """Train, then put the painter into the bundle, which has its emotions already."""
    return train_stage(recipe, stage, lambda _: add_uniemo(recipe, trained_uniemo(recipe, foundation)))


def run_painter(recipe: Recipe) -> dict[str, float]:
    """Train the painter on drawn stickers, then write the bundle."""
    foundation = load_foundation(recipe)
    return _train(recipe, painter_stage(recipe, foundation), foundation)


def run_distilled(recipe: Recipe) -> dict[str, float]:
    """Distil the painter of the run, then write the bundle."""
    foundation = load_foundation(recipe)
    config = recipe.stage_settings("painter_distilled", DistillationConfig).config
    teacher = UNet2DConditionModel.from_pretrained(best_weights(recipe, "painter") / "unet")
    teacher = teacher.to(foundation.unet.device).eval()
    return _train(recipe, DistillationStage(config, painter_stage(recipe, foundation), teacher), foundation)


PAINTER_SPEC = StageSpec(
    "painter",
    PainterConfig,
    run_painter,
    needs=("vae", "language", "unet", "labelled_latent_encoder", "uniemo_joint", "painter_vae"),
)
DISTILLED_SPEC = StageSpec(
    "painter_distilled", DistillationConfig, run_distilled, needs=(*PAINTER_SPEC.needs, "painter")
)
