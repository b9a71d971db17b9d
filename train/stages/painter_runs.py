"""The stages of the painter and of both students: what each stands on, and the bundle that it paints in."""

from __future__ import annotations

import torch

from kcdp.emotions import MIKELS_8
from kcdp.painting.sampling import Guidance
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.pipelines.uniemo import UniEmoPipeline
from train.core.bundle import add_uniemo
from train.core.efficientnet import imagenet_trunk
from train.core.foundation import Foundation
from train.core.recipe import Recipe, StageSpec
from train.core.runs import best_weights, exit_on_error, load_foundation, stage_datasets, train_stage
from train.core.trainer import Stage
from train.stages.distillation import ConditionSampler, DistillationConfig, DistillationStage, Teacher
from train.stages.painter_denoiser import Conditioner, PainterConfig, PainterPictures, PainterStage
from train.stages.painter_pipeline import with_painter
from train.stages.prompt_sampler import PromptSampler
from train.stages.uniemo import assemble_uniemo, last_uniemo, trained_uniemo


def load_conditioner(recipe: Recipe, foundation: Foundation) -> Conditioner:
    """Words and emotions of a run, as its last joint stage left them.

    Raises SystemExit when none has finished, or when its emotions are not those that stickers are drawn with.
    """
    if recipe.emotions is not MIKELS_8:
        raise SystemExit(f"Stickers are drawn in {MIKELS_8.name}; the painter cannot learn {recipe.emotions.name}.")
    return _conditioner(_last_joint(recipe, foundation))


def _last_joint(recipe: Recipe, foundation: Foundation) -> UniEmoPipeline:
    joint = last_uniemo(recipe)
    if joint is None:
        raise SystemExit("The stage 'uniemo_joint' has to be trained to its end first: painting needs its emotions.")
    return assemble_uniemo(recipe, foundation, best_weights(recipe, joint))


def _conditioner(pipeline: UniEmoPipeline) -> Conditioner:
    return Conditioner(pipeline.prompts, pipeline.fusion.requires_grad_(False), pipeline.space)


def load_vae(recipe: Recipe, device: torch.device) -> StickerAutoencoder:
    """The painter's autoencoder; raises SystemExit before its stage is trained."""
    folder = best_weights(recipe, "painter_vae") / "vae"
    return StickerAutoencoder.from_pretrained(folder).to(device).eval().requires_grad_(False)


def painter_stage(recipe: Recipe, foundation: Foundation) -> PainterStage:
    """The stage `painter` of a recipe."""
    config, conditioner = recipe.stage_settings("painter", PainterConfig).config, load_conditioner(recipe, foundation)
    trunk = imagenet_trunk().to(foundation.unet.device) if config.alignment_weight else None
    pictures = PainterPictures.drawn(config, load_vae(recipe, foundation.unet.device), recipe.cache_dir, trunk)
    return PainterStage(config, conditioner, pictures)


def _train(recipe: Recipe, stage: Stage, foundation: Foundation) -> dict[str, float]:
    """Train, then put the painter into the bundle, which has its emotions already."""
    return train_stage(recipe, stage, lambda _: add_uniemo(recipe, trained_uniemo(recipe, foundation)))


def run_painter(recipe: Recipe) -> dict[str, float]:
    """Train the painter on drawn stickers, then write the bundle."""
    foundation = load_foundation(recipe)
    return _train(recipe, painter_stage(recipe, foundation), foundation)


def _distil(
    recipe: Recipe, name: str, pipeline: UniEmoPipeline, conditioner: Conditioner, sampler: ConditionSampler
) -> DistillationStage:
    config = recipe.stage_settings(name, DistillationConfig).config
    own = pipeline.config
    guidance = Guidance(own.guidance_scale, own.guidance_rescale, own.emotion_guidance)
    with exit_on_error():
        return DistillationStage(
            name, config, Teacher(pipeline.unet, pipeline.scheduler, guidance, conditioner), sampler, recipe.cache_dir
        )


def run_painter_distilled(recipe: Recipe) -> dict[str, float]:
    """Distil the painter of the run under the conditions that it has learned from, then write the bundle."""
    foundation = load_foundation(recipe)
    painter = painter_stage(recipe, foundation)
    pipeline = with_painter(recipe, _last_joint(recipe, foundation))
    return _train(
        recipe,
        _distil(recipe, "painter_distilled", pipeline, painter.conditioner, painter.sample_conditions),
        foundation,
    )


def run_uniemo_distilled(recipe: Recipe) -> dict[str, float]:
    """Distil the denoiser of the last joint stage under the prompts of `PromptSampler`, then write the bundle."""
    foundation = load_foundation(recipe)
    pipeline = _last_joint(recipe, foundation)
    conditioner = _conditioner(pipeline)
    pictures, _ = stage_datasets(recipe, "uniemo_distilled")
    captions = [own[0] for own in pictures.records["captions"] if own]
    return _train(
        recipe,
        _distil(recipe, "uniemo_distilled", pipeline, conditioner, PromptSampler(conditioner, captions)),
        foundation,
    )


PAINTER_SPEC = StageSpec(
    "painter",
    PainterConfig,
    run_painter,
    needs=("vae", "language", "unet", "labelled_latent_encoder", "uniemo_joint", "painter_vae"),
)
DISTILLED_SPEC = StageSpec(
    "painter_distilled", DistillationConfig, run_painter_distilled, needs=(*PAINTER_SPEC.needs, "painter")
)
UNIEMO_DISTILLED_SPEC = StageSpec(
    "uniemo_distilled",
    DistillationConfig,
    run_uniemo_distilled,
    needs=("vae", "language", "unet", "labelled_latent_encoder", "uniemo_joint"),
)
