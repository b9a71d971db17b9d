"""From trained stages to a bundle that `kcdp.load_bundle` opens."""

from __future__ import annotations

from pathlib import Path

import torch

from kcdp.perception.pyramid import FeaturePyramid
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.prediction.cliea import CLIEA
from kcdp.prediction.moe import MixtureOfExperts
from train.foundation import Foundation
from train.loop import write_folder
from train.recipe import Recipe
from train.stages.kcdp import KCDPConfig

#: Weights are cut into files of this size, so that plain git can carry a bundle.
SHARD = "9MB"


def assemble(foundation: Foundation, heads: Path, config: KCDPConfig, label_space: str) -> KCDPPipeline:
    """The pipeline of a foundation and the trained parts in the folder `heads`."""
    pipeline = KCDPPipeline(
        vae=foundation.vae,
        unet=foundation.unet,
        text_encoder=foundation.text_encoder,
        tokenizer=foundation.tokenizer,
        captioner=foundation.captioner,
        captioner_processor=foundation.processor,
        pyramid=FeaturePyramid.from_pretrained(heads / "pyramid"),
        moe=MixtureOfExperts.from_pretrained(heads / "moe"),
        cliea=CLIEA.from_pretrained(heads / "cliea"),
        label_space=label_space,
        timestep=config.timestep,
        tuning=config.tuning,
        lora_rank=config.lora_rank,
        lora_alpha=config.lora_alpha,
        attention_levels=config.attention_levels,
        condition=config.condition,
        features=config.features,
    )
    pipeline.denoiser.load_adapter(heads / "kgca")
    pipeline.parser = foundation.parser
    return pipeline


def write_bundle(recipe: Recipe, foundation: Foundation, config: KCDPConfig, metrics: dict[str, float]) -> Path:
    """Write `output_dir/bundle` in half precision with its model card, all or nothing; returns the folder."""
    pipeline = assemble(foundation, recipe.run_dir("kcdp") / "best", config, recipe.label_space)
    pipeline.to(torch.float16)
    pipeline.denoiser.half()
    target = Path(recipe.output_dir) / "bundle"

    def write(folder: Path) -> None:
        pipeline.save_pretrained(folder, max_shard_size=SHARD)
        (folder / "README.md").write_text(model_card(recipe, metrics), encoding="utf-8")

    write_folder(target, write)
    pipeline.to(torch.float32)
    pipeline.denoiser.float()
    return target


def model_card(recipe: Recipe, metrics: dict[str, float]) -> str:
    """A card with what the bundle was trained on and what it scored on the validation pictures that chose it."""
    named = {"drawn pictures": recipe.drawn, "emoji, cartoons, photos": recipe.data, "a picture folder": recipe.folder}
    sets = [name for name, given in named.items() if given]
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in sorted(metrics.items()))
    return f"""---
license: apache-2.0
library_name: diffusers
tags: [emotion-recognition, kcdp]
---
# KCDP bundle

Label space: {recipe.label_space}. Trained with `train/train.py`, protocol `{recipe.protocol}`, on: {", ".join(sets)}.

| validation | |
|---|---|
{rows}
"""
