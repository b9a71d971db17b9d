"""From trained stages to a bundle that `kcdp.load_bundle` opens."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from kcdp.bundle import OWN_UNET, OWN_VAE, SHARED, STUDENT
from kcdp.painting.student import ADAPTER_FILE
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline
from train.core.datasets import training_record
from train.core.recipe import Recipe
from train.files import write_folder

#: Weights are cut into files of this size, so that plain git can carry a bundle; those of published models would be a
#: thousand files, and go to the Hub.
SHARD = "9MB"
HUB_SHARD = "5GB"


def _shard(recipe: Recipe) -> str:
    return HUB_SHARD if recipe.foundation else SHARD


@dataclass(frozen=True)
class TrainedUniEmo:
    """What a bundle has of UniEmo: the pipeline of the stage that was trained last, and its metrics.

    `tuned` says whether the denoiser was trained too, and is not the foundation's; `painter` which stage trained the painter
    that it has in the place of that, with an autoencoder of its own; `student` is the same pipeline as its student paints, which
    `distiller` has trained and left in `student_weights`.
    """

    pipeline: UniEmoPipeline
    stage: str
    metrics: Mapping[str, float]
    tuned: bool
    painter: str | None = None
    student: UniEmoPipeline | None = None
    distiller: str | None = None
    student_weights: Path | None = None


def write_bundle(
    recipe: Recipe, pipeline: KCDPPipeline, metrics: Mapping[str, float], uniemo: TrainedUniEmo | None = None
) -> Path:
    """Write `output_dir/bundle` in half precision with its model card, all or nothing; returns the folder.

    Weights that are in half precision already stay as they are: what was published as bfloat16 may not fit in float16.
    """
    dtype = pipeline.unet.dtype
    pipeline.to(_half(dtype))
    pipeline.denoiser.to(_half(dtype))
    target = Path(recipe.output_dir) / "bundle"

    def write(folder: Path) -> None:
        pipeline.save_pretrained(folder, max_shard_size=_shard(recipe))
        (folder / "README.md").write_text(model_card(recipe, metrics), encoding="utf-8")
        if uniemo is not None:
            _write_uniemo(recipe, uniemo, folder)
        training_record(recipe).add_to(folder)
        _remove_local_paths(folder)

    write_folder(target, write)
    pipeline.to(dtype)
    pipeline.denoiser.to(dtype)
    return target


def _half(dtype: torch.dtype) -> torch.dtype:
    return torch.float16 if dtype == torch.float32 else dtype


#: The part of a card that speaks of UniEmo begins so.
_UNIEMO_CARD = "\n## UniEmo\n"


def _write_uniemo(recipe: Recipe, trained: TrainedUniEmo, folder: Path) -> None:
    """The parts of UniEmo that are not there yet, in half precision, and what the card says of them.

    KCDP's are there in a bundle that has it; in one that has not, UniEmo's own are all that there is.
    """
    pipeline = trained.pipeline
    (trained.student or pipeline).save_config(folder)
    shared = SHARED if (folder / KCDPPipeline.config_name).is_file() else ()
    parts = {name: part for name, part in pipeline.components.items() if part is not None and name not in shared}
    if shared and trained.tuned:
        parts[OWN_UNET] = pipeline.unet
    if shared and trained.painter is not None:
        parts[OWN_VAE] = pipeline.vae
    adapter = trained.student_weights / ADAPTER_FILE if trained.student_weights else None
    if adapter is not None and adapter.is_file():
        _write_half(adapter, folder / STUDENT / ADAPTER_FILE)
    elif trained.student is not None:
        parts[STUDENT] = trained.student.unet
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            half = copy.deepcopy(part).to(_half(pipeline.vae.dtype))
            half.save_pretrained(folder / name, max_shard_size=_shard(recipe))
        else:
            part.save_pretrained(folder / name)
    card = folder / "README.md"
    known = card.read_text(encoding="utf-8").partition(_UNIEMO_CARD)[0]
    stages = [f"`{stage}`" for stage in (trained.painter, trained.distiller) if stage]
    painter = f" Painting: {', '.join(stages)}." if stages else ""
    about = (
        f"{_UNIEMO_CARD}\nUnderstanding and generation, stage `{trained.stage}`.{painter}{_safety(recipe, pipeline)}\n\n"
        f"{_scores(trained.metrics)}\n"
    )
    card.write_text(known + about, encoding="utf-8")


def _write_half(source: Path, target: Path) -> None:
    """The tensors of a safetensors file in half precision, with its metadata."""
    target.parent.mkdir()
    with safe_open(source, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name).half() for name in file.keys()}  # noqa: SIM118
    save_file(tensors, target, metadata)


def _safety(recipe: Recipe, pipeline: UniEmoPipeline) -> str:
    """What a card says of the safety checker; nothing of a painter that has learned from our own pictures alone."""
    if pipeline.safety_checker is not None:
        return " The model's safety checker looks at every painted picture, and what it objects to is withheld."
    if recipe.foundation is not None:
        return " No safety checker looks at what it paints, as the model comes with none."
    return ""


def add_uniemo(recipe: Recipe, trained: TrainedUniEmo) -> Path:
    """Put UniEmo's parts beside KCDP's in `output_dir/bundle`, all or nothing; returns the folder.

    Before KCDP has been trained, or where it cannot be, the bundle is UniEmo alone.
    """
    target = Path(recipe.output_dir) / "bundle"

    def write(folder: Path) -> None:
        if (target / KCDPPipeline.config_name).is_file():
            shutil.copytree(target, folder, dirs_exist_ok=True)
            # What an earlier stage had tuned is not this one's.
            for own in (OWN_UNET, OWN_VAE, STUDENT):
                shutil.rmtree(folder / own, ignore_errors=True)
        else:
            (folder / "README.md").write_text(model_card(recipe), encoding="utf-8")
        _write_uniemo(recipe, trained, folder)
        training_record(recipe).add_to(folder)
        _remove_local_paths(folder)

    write_folder(target, write)
    return target


def _remove_local_paths(folder: Path) -> None:
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
    published, stands = recipe.foundation, ""
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
