"""UniEmo: how its three stages are run, and the pipeline of what they trained."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from datasets import Dataset
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from transformers import AutoModel, CLIPModel

from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.bundle import TrainedUniEmo, add_uniemo
from train.core.clip import FrozenCLIP
from train.core.foundation import Foundation, FoundationConfig
from train.core.recipe import Recipe, StageSpec
from train.core.runs import (
    best_weights,
    exit_on_error,
    load_clip,
    load_foundation,
    load_parser,
    load_scheduler,
    stage_datasets,
    train_stage,
)
from train.data.dataset import PictureDataset
from train.files import write_folder
from train.stages.correlation import EmotionClassifier, build_correlation, build_space, without_correlation
from train.stages.feedback import FeedbackConfig, filtered_dataset, generate
from train.stages.joint import JointConfig, JointStage
from train.stages.painter_pipeline import has_painter, student_pipeline, student_stage, with_painter
from train.stages.understanding import UnderstandingConfig, UnderstandingStage


def run_understanding(recipe: Recipe) -> dict[str, float]:
    """Train the expert queries on all pictures; labels count where there are some."""
    config = recipe.stage_settings("uniemo_understanding", UnderstandingConfig).config
    datasets = stage_datasets(recipe, "uniemo_understanding", config.balance, drop_unshared=True)
    return train_stage(recipe, understanding_stage(recipe, config, *datasets))


def understanding_stage(
    recipe: Recipe,
    config: UnderstandingConfig,
    train: PictureDataset,
    held_out: PictureDataset,
    vision: Path | None = None,
) -> UnderstandingStage:
    """The stage on the given datasets, and on the tower in the folder `vision`; by default CLIP's, which has learned from
    captions, and where the stage `language` made it, with the labelled latent encoder in the place of its stem's.
    """
    language = load_clip(recipe)
    clip: CLIPModel = language.model
    encoder = None
    if vision is not None:
        clip.vision_model = AutoModel.from_pretrained(vision).to(clip.device)
    elif recipe.foundation is None and recipe.words_from == "language":
        weights = best_weights(recipe, "labelled_latent_encoder") / "latent_encoder"
        encoder = LatentEncoder.from_pretrained(weights)
    return UnderstandingStage(config, train, held_out, clip, language.tokenizer, load_parser(recipe), encoder)


@dataclass(frozen=True)
class JointParts:
    """Everything that joint training stands on, whatever its settings.

    Args:
        foundation: its denoiser, text encoder and autoencoder are frozen.
        scheduler: the noise that the denoiser has learned to predict.
        clip: as its stage left it, for the emotional correlation.
        pictures: labelled pictures, and the tower as the stage `uniemo_understanding` left it.
        start: that stage's weights.
        space: the domains that the emotion space is of; all if empty.
    """

    foundation: Foundation
    scheduler: DDPMScheduler
    clip: FrozenCLIP
    pictures: UnderstandingStage
    start: Path
    space: tuple[str, ...] = ()

    @classmethod
    def load(cls, recipe: Recipe, records: Dataset | None = None) -> JointParts:
        """Of a run, whose records need not be loaded again; pictures are drawn as its stage `uniemo_joint` says."""
        joint = recipe.stage_settings("uniemo_joint", JointConfig).config
        config = recipe.stage_settings("uniemo_understanding", UnderstandingConfig).config
        datasets = stage_datasets(recipe, "uniemo_joint", joint.balance, True, True, records)
        start = best_weights(recipe, "uniemo_understanding")
        return cls(
            foundation=load_foundation(recipe),
            scheduler=load_scheduler(recipe),
            clip=load_clip(recipe),
            # The trunk has been trained; from here on its tokens are kept.
            pictures=understanding_stage(recipe, replace(config, tune_trunk=None), *datasets, start / "vision"),
            start=start,
            space=tuple(joint.space),
        )

    @cached_property
    def classifier(self) -> EmotionClassifier:
        """M_emo, of the training pictures."""
        return EmotionClassifier(self.clip, self.pictures.train)

    def correlation(self, config: JointConfig) -> EmotionalCorrelation:
        """Of the training pictures; raises ValueError when no attribute is frequent enough."""
        pictures = self.pictures
        probabilities = self.classifier.pictures(pictures.train)
        table = build_correlation(pictures.tables, pictures.names, probabilities, config.threshold)
        return table if config.correlation else without_correlation(table)

    def stage(self, config: JointConfig, start: Path | None = None, **options: Any) -> JointStage:
        """Joint training from the weights in `start`; `options` as for `JointStage`."""
        correlation = self.correlation(config)
        return JointStage(
            config, self.pictures, self.foundation, self.scheduler, correlation, start or self.start, **options
        )

    def finish(self, best: Path) -> None:
        """Write the emotion space of a joint stage's weights beside them, as `best`/space, unless it is there.

        (Better weights come in a folder of their own, without it.) Raises ValueError when an emotion has no training picture.
        """
        if (best / "space").is_dir():
            return
        device = self.foundation.unet.device
        vision = AutoModel.from_pretrained(best / "vision").to(device).eval()
        chain = ExpertQueryChain.from_pretrained(best / "chain").to(device).eval()
        correlation = EmotionalCorrelation.from_pretrained(best / "correlation").to(device)
        pictures = self.pictures
        space = build_space(pictures.train, pictures.data.views[0], vision, chain, correlation, self.space)
        write_folder(best / "space", space.save_pretrained)


def assemble_uniemo(recipe: Recipe, foundation: Foundation, best: Path) -> UniEmoPipeline:
    """The pipeline of a foundation and the parts in `best`, the weights of a joint stage that has finished.

    Raises SystemExit when it has not.
    """
    if not (best / "space").is_dir():
        raise SystemExit(
            f"The stage '{best.parent.name}' has to be trained to its end first: there is no {best}/space."
        )
    unet, joint = foundation.unet, recipe.stage_settings("uniemo_joint", JointConfig).config
    # Only what is read here: the foundation's own parts are where and as they should be.
    device, dtype = unet.device, unet.dtype
    if (best / "unet").is_dir():
        unet = UNet2DConditionModel.from_pretrained(best / "unet", dtype=dtype).requires_grad_(False).to(device)
    pipeline = UniEmoPipeline(
        vae=foundation.vae,
        unet=unet.eval(),
        text_encoder=foundation.text_encoder,
        tokenizer=foundation.tokenizer,
        text_encoder_2=foundation.text_encoder_2,
        tokenizer_2=foundation.tokenizer_2,
        safety_checker=foundation.safety_checker,
        feature_extractor=foundation.feature_extractor,
        scheduler=DDIMScheduler.from_config(load_scheduler(recipe).config),
        vision=AutoModel.from_pretrained(best / "vision", dtype=dtype).eval().to(device),
        chain=ExpertQueryChain.from_pretrained(best / "chain", dtype=dtype).eval().to(device),
        fusion=EmotionFusion.from_pretrained(best / "fusion", dtype=dtype).eval().to(device),
        correlation=EmotionalCorrelation.from_pretrained(best / "correlation", dtype=dtype).to(device),
        space=EmotionSpace.from_pretrained(best / "space", dtype=dtype).to(device),
        label_space=recipe.label_space,
        guidance_scale=joint.guidance_scale,
        guidance_rescale=joint.guidance_rescale,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def last_uniemo(recipe: Recipe) -> str | None:
    """The last joint stage that has finished; None when none has."""
    for stage in ("uniemo_feedback", "uniemo_joint"):
        if (recipe.run_dir(stage) / "best" / "space").is_dir():
            return stage
    return None


def trained_uniemo(recipe: Recipe, foundation: Foundation) -> TrainedUniEmo | None:
    """What a bundle gets of UniEmo; None before a joint stage has finished."""
    stage = last_uniemo(recipe)
    if stage is None:
        return None
    best = best_weights(recipe, stage)
    metrics = json.loads((recipe.run_dir(stage) / "metrics.json").read_text(encoding="utf-8"))
    pipeline = with_painter(recipe, assemble_uniemo(recipe, foundation, best))
    painter = "painter" if has_painter(recipe) else None
    tuned = (best / "unet").is_dir() or painter is not None
    student = student_pipeline(recipe, pipeline)
    distiller = student_stage(recipe)
    weights = None if distiller is None else best_weights(recipe, distiller) / "unet"
    return TrainedUniEmo(pipeline, stage, metrics, tuned, painter, student, distiller, weights)


def _train_joint(recipe: Recipe, parts: JointParts, stage: JointStage) -> dict[str, float]:
    """Train, then write the emotion space and the bundle."""

    def bundle(metrics: dict[str, float]) -> None:
        with exit_on_error():
            parts.finish(best_weights(recipe, stage.name))
        add_uniemo(recipe, trained_uniemo(recipe, parts.foundation))

    return train_stage(recipe, stage, bundle)


def run_joint(recipe: Recipe) -> dict[str, float]:
    """Train understanding and generation together, then write the emotion space and the bundle."""
    parts = JointParts.load(recipe)
    with exit_on_error():
        stage = parts.stage(recipe.stage_settings("uniemo_joint", JointConfig).config)
    return _train_joint(recipe, parts, stage)


def run_feedback(recipe: Recipe) -> dict[str, float]:
    """Continue joint training with the best of its own pictures among the others, then write the bundle."""
    settings = recipe.stage_settings("uniemo_feedback", FeedbackConfig).config
    config = recipe.stage_settings("uniemo_joint", JointConfig).config
    parts, start = JointParts.load(recipe), best_weights(recipe, "uniemo_joint")
    pipeline = assemble_uniemo(recipe, parts.foundation, start)
    with exit_on_error():
        pictures = generate(pipeline, parts.pictures.train, recipe.cache_dir, settings)
        generated = filtered_dataset(pictures, parts.pictures, parts.classifier, settings)
    stage = parts.stage(config, start, generated=generated, share=settings.share, name="uniemo_feedback")
    return _train_joint(recipe, parts, stage)


UNDERSTANDING_SPEC = StageSpec(
    "uniemo_understanding",
    UnderstandingConfig,
    run_understanding,
    needs=("language", "labelled_latent_encoder"),
    check=FoundationConfig.check_for_uniemo,
)
JOINT_SPEC = StageSpec(
    "uniemo_joint",
    JointConfig,
    run_joint,
    needs=("vae", "language", "unet", "labelled_latent_encoder", "uniemo_understanding"),
    check=FoundationConfig.check_for_uniemo,
)
FEEDBACK_SPEC = StageSpec(
    "uniemo_feedback",
    FeedbackConfig,
    run_feedback,
    needs=(*JOINT_SPEC.needs, "uniemo_joint"),
    check=FoundationConfig.check_for_uniemo,
)
