"""UniEmo's three stages: where each gets its data and what came before it, and what is made of them in the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset
from diffusers import DDPMScheduler
from transformers import AutoModel, CLIPModel

from kcdp.perception.pyramid import BottomUpPath
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.clip import FrozenCLIP
from train.core.datasets import load_records, make_dataset
from train.core.foundation import Foundation
from train.core.recipe import Recipe
from train.core.runs import (
    best_weights,
    data_speaks,
    load_clip,
    load_foundation,
    load_parser,
    load_scheduler,
    run,
)
from train.data.dataset import PictureDataset
from train.data.records import with_shares
from train.files import write_folder
from train.stages.correlation import EmotionClassifier, build_correlation, build_space, without_correlation
from train.stages.feedback import FeedbackConfig, filtered_dataset, generate
from train.stages.joint import JointConfig, JointStage
from train.stages.understanding import UnderstandingConfig, UnderstandingStage


def run_uniemo_understanding(recipe: Recipe) -> dict[str, float]:
    """UniEmo: the chain of expert queries, on all pictures; labels count where there are some."""
    config, loop, shares = recipe.stage_settings("uniemo_understanding", UnderstandingConfig)
    records = with_shares(load_records(recipe), shares)
    train, held_out = (
        make_dataset(recipe, records, "train", shares, config.balance),
        make_dataset(recipe, records, "val"),
    )
    return run(recipe, understanding_stage(recipe, config, train, held_out), loop)


def understanding_stage(
    recipe: Recipe,
    config: UnderstandingConfig,
    train: PictureDataset,
    held_out: PictureDataset,
    vision: Path | None = None,
) -> UnderstandingStage:
    """The stage on the given datasets, and on the tower in the folder `vision`; by default CLIP's, which has learned from
    captions, and where its own stage made it, with the labelled path in the place of its stem's.
    """
    language = load_clip(recipe)
    clip: CLIPModel = language.model
    path = None
    if vision is not None:
        clip.vision_model = AutoModel.from_pretrained(vision).to(clip.device)
    elif not recipe.foundation:
        path = BottomUpPath.from_pretrained(best_weights(recipe, "labelled_path") / "path")
    return UnderstandingStage(config, train, held_out, clip, language.tokenizer, load_parser(recipe), path)


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
    def load(cls, recipe: Recipe, records: Dataset) -> JointParts:
        """Of a run and its pictures; the settings of the stage `uniemo_joint` say how they are drawn."""
        joint, _, shares = recipe.stage_settings("uniemo_joint", JointConfig)
        records = with_shares(records, shares)
        config, _, _ = recipe.stage_settings("uniemo_understanding", UnderstandingConfig)
        train = make_dataset(recipe, records, "train", shares, joint.balance, labelled=True)
        held_out = make_dataset(recipe, records, "val", labelled=True)
        start = best_weights(recipe, "uniemo_understanding")
        return cls(
            foundation=load_foundation(recipe),
            scheduler=load_scheduler(recipe),
            clip=load_clip(recipe),
            pictures=understanding_stage(recipe, config, train, held_out, start / "vision"),
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


def _finished(recipe: Recipe, parts: JointParts, stage: JointStage) -> None:
    """The emotion space, and the bundle; all processes go on once they are there."""
    from train.bundle import add_uniemo

    state = PartialState()
    if state.is_main_process:
        with data_speaks():
            parts.finish(best_weights(recipe, stage.name))
        add_uniemo(recipe, parts.foundation)
    state.wait_for_everyone()


def run_uniemo_joint(recipe: Recipe) -> dict[str, float]:
    """UniEmo: understanding and generation together, then the emotion space and the bundle."""
    config, loop, _ = recipe.stage_settings("uniemo_joint", JointConfig)
    parts = JointParts.load(recipe, load_records(recipe))
    with data_speaks():
        stage = parts.stage(config)
    metrics = run(recipe, stage, loop)
    _finished(recipe, parts, stage)
    return metrics


def run_uniemo_feedback(recipe: Recipe) -> dict[str, float]:
    """UniEmo: joint training goes on with the best of its own pictures among the others, then the bundle."""
    from train.bundle import assemble_uniemo

    settings, loop, _ = recipe.stage_settings("uniemo_feedback", FeedbackConfig)
    config, _, _ = recipe.stage_settings("uniemo_joint", JointConfig)
    parts = JointParts.load(recipe, load_records(recipe))
    start = best_weights(recipe, "uniemo_joint")
    pipeline = assemble_uniemo(recipe, parts.foundation, start)
    with data_speaks():
        made = generate(pipeline, parts.pictures.train, recipe.cache_dir, settings)
        generated = filtered_dataset(made, parts.pictures, parts.classifier, settings)
    stage = parts.stage(config, start, generated=generated, share=settings.share, name="uniemo_feedback")
    metrics = run(recipe, stage, loop)
    _finished(recipe, parts, stage)
    return metrics
