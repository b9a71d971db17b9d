"""From trained stages to a bundle that `kcdp.load_bundle` opens."""

from __future__ import annotations

import copy
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import AutoModel

from kcdp.bundle import OWN_UNET, SHARED
from kcdp.perception.pyramid import FeaturePyramid
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.prediction.cliea import CLIEA
from kcdp.prediction.moe import MixtureOfExperts
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.foundation import Foundation
from train.core.recipe import Recipe
from train.core.runs import hub_config, load_scheduler
from train.files import write_folder
from train.stages.joint import JointConfig
from train.stages.kcdp import KCDPConfig

logger = logging.getLogger(__name__)

#: Weights are cut into files of this size, so that plain git can carry a bundle; those of published models would be a
#: thousand files, and go to the Hub.
SHARD = "9MB"
HUB_SHARD = "5GB"


def _shard(recipe: Recipe) -> str:
    return HUB_SHARD if recipe.foundation else SHARD


def assemble(foundation: Foundation, heads: Path, config: KCDPConfig, label_space: str) -> KCDPPipeline:
    """The pipeline of a foundation and the trained parts in the folder `heads`, all of the foundation's precision."""
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
        captioning=foundation.captioning,
    )
    pipeline.denoiser.load_adapter(heads / "kgca")
    pipeline.parser = foundation.parser
    pipeline.to(foundation.unet.dtype)
    pipeline.denoiser.to(foundation.unet.dtype)
    return pipeline


def assemble_uniemo(recipe: Recipe, foundation: Foundation, best: Path) -> UniEmoPipeline:
    """The pipeline of a foundation and the parts in `best`, the weights of a joint stage that has finished.

    Raises SystemExit when it has not.
    """
    if not (best / "space").is_dir():
        raise SystemExit(
            f"The stage '{best.parent.name}' has to be trained to its end first: there is no {best}/space."
        )
    unet, joint = foundation.unet, recipe.stage_settings("uniemo_joint", JointConfig)[0]
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


def write_bundle(recipe: Recipe, foundation: Foundation, config: KCDPConfig, metrics: dict[str, float]) -> Path:
    """Write `output_dir/bundle` in half precision with its model card, all or nothing; returns the folder.

    Weights that are in half precision already stay as they are: what was published as bfloat16 may not fit in float16.
    """
    dtype = foundation.unet.dtype
    pipeline = assemble(foundation, recipe.run_dir("kcdp") / "best", config, recipe.label_space)
    pipeline.to(_half(dtype))
    pipeline.denoiser.to(_half(dtype))
    target = Path(recipe.output_dir) / "bundle"

    def write(folder: Path) -> None:
        pipeline.save_pretrained(folder, max_shard_size=_shard(recipe))
        (folder / "README.md").write_text(model_card(recipe, metrics), encoding="utf-8")
        _write_uniemo(recipe, foundation, folder)
        _forget_origins(folder)

    write_folder(target, write)
    pipeline.to(dtype)
    pipeline.denoiser.to(dtype)
    return target


def _half(dtype: torch.dtype) -> torch.dtype:
    return torch.float16 if dtype == torch.float32 else dtype


#: The part of a card that speaks of UniEmo begins so.
_UNIEMO_CARD = "\n## UniEmo\n"


def trained_uniemo(recipe: Recipe) -> str | None:
    """The last joint stage that has finished; None when none has."""
    for stage in ("uniemo_feedback", "uniemo_joint"):
        if (recipe.run_dir(stage) / "best" / "space").is_dir():
            return stage
    return None


def _write_uniemo(recipe: Recipe, foundation: Foundation, folder: Path) -> None:
    """The parts of UniEmo that are not there yet, in half precision, and what the card says of them; nothing before they are trained.

    KCDP's are there in a bundle that has it; in one that has not, UniEmo's own are all that there is.
    """
    stage = trained_uniemo(recipe)
    if stage is None:
        return
    best = recipe.run_dir(stage) / "best"
    pipeline = assemble_uniemo(recipe, foundation, best)
    pipeline.save_config(folder)
    shared = SHARED if (folder / KCDPPipeline.config_name).is_file() else ()
    parts = {name: part for name, part in pipeline.components.items() if part is not None and name not in shared}
    if shared and (best / "unet").is_dir():
        parts[OWN_UNET] = pipeline.unet
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            half = copy.deepcopy(part).to(_half(foundation.unet.dtype))
            half.save_pretrained(folder / name, max_shard_size=_shard(recipe))
        else:
            part.save_pretrained(folder / name)
    card = folder / "README.md"
    known = card.read_text(encoding="utf-8").partition(_UNIEMO_CARD)[0]
    metrics = json.loads((recipe.run_dir(stage) / "metrics.json").read_text(encoding="utf-8"))
    about = f"{_UNIEMO_CARD}\nUnderstanding and generation, stage `{stage}`.\n\n{_scores(metrics)}\n"
    card.write_text(known + about, encoding="utf-8")


def add_uniemo(recipe: Recipe, foundation: Foundation) -> Path:
    """Put UniEmo's parts beside KCDP's in `output_dir/bundle`, all or nothing; returns the folder.

    Before KCDP has been trained, or where it cannot be, the bundle is UniEmo alone.
    """
    target = Path(recipe.output_dir) / "bundle"

    def write(folder: Path) -> None:
        if (target / KCDPPipeline.config_name).is_file():
            shutil.copytree(target, folder, dirs_exist_ok=True)
            # What an earlier stage had tuned is not this one's.
            shutil.rmtree(folder / OWN_UNET, ignore_errors=True)
        else:
            (folder / "README.md").write_text(model_card(recipe), encoding="utf-8")
        _write_uniemo(recipe, foundation, folder)
        _forget_origins(folder)

    write_folder(target, write)
    return target


def _forget_origins(folder: Path) -> None:
    """Take out of the parts' configurations where they were loaded from: folders of the machine that trained them."""
    for path in folder.glob("*/config.json"):
        settings = json.loads(path.read_text(encoding="utf-8"))
        if settings.pop("_name_or_path", None) is not None:
            path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _scores(metrics: Mapping[str, float]) -> str:
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in sorted(metrics.items()))
    return f"| validation | |\n|---|---|\n{rows}"


def model_card(recipe: Recipe, metrics: Mapping[str, float] = MappingProxyType({})) -> str:
    """A card with what the bundle was trained on and what it scored on the validation pictures that chose it.

    The licence of our own weights does not hold for those of published models, which a bundle on them carries along.
    """
    named = {"drawn pictures": recipe.drawn, "emoji, cartoons, photos": recipe.data, "a picture folder": recipe.folder}
    sets = [name for name, given in named.items() if given]
    published, stands = hub_config(recipe), ""
    if published is not None:
        sources = (published.diffusion, published.captioner, published.vision)
        models = [Path(one.name).name if one.local else one.name for one in sources if one is not None]
        stands = f"\n\nIt stands on {', '.join(models)}; their licences hold for their weights."
    return f"""---
license: {"apache-2.0" if published is None else "other"}
library_name: diffusers
tags: [emotion-recognition, kcdp]
---
# KCDP bundle

Label space: {recipe.label_space}. Trained with `train/train.py`, protocol `{recipe.protocol}`, on: {", ".join(sets)}.{stands}

{_scores(metrics) if metrics else ""}
"""
