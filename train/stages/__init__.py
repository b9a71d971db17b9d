"""Training stages, one file each; here is how each gets its data and what came before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from accelerate import PartialState
from diffusers import AutoencoderKL
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.pyramid import BottomUpPath
from train.core.arguments import filled
from train.core.datasets import load_records, make_dataset
from train.core.foundation import NO_CAPTIONER, NO_KCDP, PARSER, has_two_encoders
from train.core.recipe import Recipe
from train.core.runs import best_weights, hub_config, load_foundation, load_perception, run
from train.data.records import with_shares
from train.data.sets.loading import check_set
from train.data.splits import parts
from train.evaluation.arguments import EvaluationArguments
from train.stages.feedback import FeedbackConfig
from train.stages.joint import JointConfig
from train.stages.kcdp import KCDPConfig, KCDPStage
from train.stages.language import LanguageConfig, LanguageStage
from train.stages.path import PathConfig, PathStage
from train.stages.text import TextConfig, TextStage
from train.stages.understanding import UnderstandingConfig
from train.stages.unet import UNetConfig, UNetStage
from train.stages.uniemo import run_uniemo_feedback, run_uniemo_joint, run_uniemo_understanding
from train.stages.vae import VAEConfig, VAEStage

logger = logging.getLogger(__name__)

__all__ = ["PARSER", "SETTINGS", "STAGES", "best_weights", "check", "load_foundation", "load_perception"]


def run_vae(recipe: Recipe) -> dict[str, float]:
    """Foundation: the latent space."""
    config, loop, shares = recipe.stage_settings("vae", VAEConfig)
    records = load_records(recipe)
    held_out = make_dataset(recipe, records, "val")
    return run(recipe, VAEStage(config, make_dataset(recipe, records, "train", shares), held_out), loop)


def run_text(recipe: Recipe) -> dict[str, float]:
    """Foundation: tokenizer and text tower."""
    config, loop, shares = recipe.stage_settings("text", TextConfig)
    records = load_records(recipe)
    held_out = make_dataset(recipe, records, "val")
    return run(recipe, TextStage(config, make_dataset(recipe, records, "train", shares), held_out), loop)


def run_language(recipe: Recipe) -> dict[str, float]:
    """Foundation: vision tower and captioner."""
    config, loop, shares = recipe.stage_settings("language", LanguageConfig)
    records = load_records(recipe)
    train, held_out = (
        make_dataset(recipe, records, "train", shares, config.balance),
        make_dataset(recipe, records, "val"),
    )
    vae = PatchAutoencoderKL.from_pretrained(best_weights(recipe, "vae") / "vae")
    path = BottomUpPath.from_pretrained(best_weights(recipe, "path") / "path")
    return run(recipe, LanguageStage(config, train, held_out, best_weights(recipe, "text"), vae, path), loop)


def _latents_and_words(recipe: Recipe) -> tuple[AutoencoderKL, CLIPTextModelWithProjection, CLIPTokenizer]:
    device, words = PartialState().device, best_weights(recipe, "text")
    vae: AutoencoderKL = PatchAutoencoderKL.from_pretrained(best_weights(recipe, "vae") / "vae").to(device)
    text = CLIPTextModelWithProjection.from_pretrained(words / "text").to(device)
    return vae, text, CLIPTokenizer.from_pretrained(words / "tokenizer")


def run_unet(recipe: Recipe) -> dict[str, float]:
    """Foundation: text to image."""
    config, loop, shares = recipe.stage_settings("unet", UNetConfig)
    records = load_records(recipe)
    train = make_dataset(recipe, records, "train", shares, config.balance)
    vae, text, tokenizer = _latents_and_words(recipe)
    return run(recipe, UNetStage(config, train, make_dataset(recipe, records, "val"), vae, text, tokenizer), loop)


def _run_path(recipe: Recipe, name: str, start: BottomUpPath | None = None) -> dict[str, float]:
    config, loop, shares = recipe.stage_settings(name, PathConfig)
    records = load_records(recipe)
    train, held_out = (
        make_dataset(recipe, records, "train", shares, config.balance),
        make_dataset(recipe, records, "val"),
    )
    return run(recipe, PathStage(config, train, held_out, *_latents_and_words(recipe), start), loop)


def run_path(recipe: Recipe) -> dict[str, float]:
    """Foundation: the pyramid's path over the latents, from captions alone."""
    return _run_path(recipe, "path")


def run_labelled_path(recipe: Recipe) -> dict[str, float]:
    """What `path` has learned, and emotions."""
    return _run_path(recipe, "labelled_path", BottomUpPath.from_pretrained(best_weights(recipe, "path") / "path"))


def run_kcdp(recipe: Recipe) -> dict[str, float]:
    """KCDP in setting UC on every labelled picture, then the bundle."""
    from train.bundle import write_bundle

    config, loop, shares = recipe.stage_settings("kcdp", KCDPConfig)
    records = with_shares(load_records(recipe), shares)
    train = make_dataset(recipe, records, "train", shares, config.balance, labelled=True)
    held_out = make_dataset(recipe, records, "val", labelled=True)
    foundation = load_perception(recipe)
    metrics = run(recipe, KCDPStage(config, foundation, train, held_out), loop)
    if PartialState().is_main_process:
        write_bundle(recipe, foundation, config, metrics)
    return metrics


#: Stages whose work published models have done.
FOUNDATION_STAGES = ("vae", "text", "path", "labelled_path", "language", "unet")
SETTINGS = {
    "vae": VAEConfig,
    "text": TextConfig,
    "path": PathConfig,
    "labelled_path": PathConfig,
    "language": LanguageConfig,
    "unet": UNetConfig,
    "kcdp": KCDPConfig,
    "uniemo_understanding": UnderstandingConfig,
    "uniemo_joint": JointConfig,
    "uniemo_feedback": FeedbackConfig,
}
STAGES: dict[str, Callable[[Recipe], dict[str, float]]] = {
    "vae": run_vae,
    "text": run_text,
    "path": run_path,
    "labelled_path": run_labelled_path,
    "language": run_language,
    "unet": run_unet,
    "kcdp": run_kcdp,
    "uniemo_understanding": run_uniemo_understanding,
    "uniemo_joint": run_uniemo_joint,
    "uniemo_feedback": run_uniemo_feedback,
}


def check(recipe: Recipe) -> None:
    """Raise ValueError with one sentence when a stage, a setting, the protocol or the label space is unknown, or when
    published models are named without a commit or beside stages that would train them, or are not those that a stage can
    stand on, or a published set is unknown, not there, or labelled in a space that cannot be brought to the recipe's.

    All stages are asked before the first one runs: a slip in the last one must not show hours later.
    """
    unknown = [name for name in recipe.stages if name not in STAGES]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is not a stage; known stages: {', '.join(STAGES)}.")
    for name in recipe.stages:
        recipe.stage_settings(name, SETTINGS[name])
    filled(EvaluationArguments, recipe.evaluation, "evaluation")
    published = hub_config(recipe)
    if published is not None:
        own = [name for name in recipe.stages if name in FOUNDATION_STAGES]
        if own:
            raise ValueError(
                f"The stage '{own[0]}' trains a foundation, and the recipe names a published one; leave out one of them."
            )
        if published.vision is None and any(name.startswith("uniemo") for name in recipe.stages):
            raise ValueError("UniEmo needs a CLIP model; name one as `foundation.vision`.")
        # Of a model of the Hub it shows when it is there.
        if "kcdp" in recipe.stages and has_two_encoders(Path(published.diffusion.name)):
            raise ValueError(NO_KCDP)
        if "kcdp" in recipe.stages and published.captioner is None:
            raise ValueError(NO_CAPTIONER)
        published.check()
    parts(recipe.protocol)
    for name, root in recipe.sets.items():
        check_set(name, root, recipe.emotions)
    logger.info("Stages %s, label space %s.", ", ".join(recipe.stages), recipe.emotions.name)
