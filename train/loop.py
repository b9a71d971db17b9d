"""One training loop for every stage: accelerate underneath, exact resume, best checkpoint by validation.

Everything random in step `t` is drawn from a seed that depends on (seed, t, process) alone, so a run that was killed and
started again walks the same path as one that was not: there is no sampler state to save.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, broadcast_object_list
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from torch import nn
from tqdm.auto import tqdm

logger = logging.getLogger(__name__)


@dataclass
class LoopConfig:
    """Settings of one stage's loop. Defaults suit a small model trained from scratch."""

    steps: int = field(default=1000, metadata={"help": "Optimizer steps."})
    batch_size: int = field(default=32, metadata={"help": "Pictures a step, all processes together."})
    learning_rate: float = field(default=1e-3, metadata={"help": "Peak learning rate."})
    weight_decay: float = field(default=1e-2, metadata={"help": "AdamW's decoupled weight decay."})
    warmup_steps: int = field(default=100, metadata={"help": "Steps of linear warm-up."})
    schedule: str = field(default="cosine", metadata={"help": "A diffusers learning-rate schedule."})
    max_grad_norm: float = field(default=1.0, metadata={"help": "Gradients are clipped to this norm."})
    ema_decay: float | None = field(default=None, metadata={"help": "Keep an exponential average with this decay."})
    checkpoint_minutes: float = field(default=4.0, metadata={"help": "Minutes between checkpoints."})
    validate_every: int = field(default=500, metadata={"help": "Steps between validations."})
    seed: int = field(default=0, metadata={"help": "Seed of initial weights, data order and noise."})


class Stage(Protocol):
    """What the loop needs to know of a stage."""

    name: str
    #: The metric of `validate` that picks the best checkpoint; higher is better.
    selection: str

    def build(self) -> nn.Module:
        """The module that trains; its forward takes a batch and returns named losses, the first being optimised."""

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        """A random batch of `size` pictures, a pure function of the generator's state."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Metrics on held-out data, including `selection`."""

    def export(self, model: nn.Module, folder: Path) -> None:
        """Write the trained components into `folder`."""


def step_seed(seed: int, step: int, process: int) -> int:
    """A seed for one step of one process: distinct, and the same on every run."""
    return (seed * 1_000_003 + step) * 1_021 + process


def _old(target: Path) -> Path:
    return target.with_name(target.name + ".old")


def replace_folder(source: Path, target: Path) -> None:
    """Put the finished folder `source` where `target` is, so that a reader never sees half of it.

    A folder cannot be renamed over another: whoever is killed between the two renames leaves the previous one under
    another name, where `recover_folder` finds it.
    """
    old = _old(target)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(target, old)
    os.replace(source, target)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Bring back what `replace_folder` had put aside when it was killed."""
    if not target.exists() and _old(target).exists():
        os.replace(_old(target), target)


def write_folder(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder beside `target`, then rename it into place."""
    aside = target.with_name(target.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    write(aside)
    replace_folder(aside, target)


@dataclass
class _Progress:
    """Where a run stands, and its last validation; saved with every checkpoint."""

    step: int = 0
    best: float = float("-inf")
    metrics: dict[str, float] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)


def run_stage(
    stage: Stage, config: LoopConfig, output_dir: Path, mixed_precision: str | None = None
) -> dict[str, float]:
    """Train `stage` to the end of its steps, from the last checkpoint if there is one.

    `mixed_precision` is "fp16", "bf16" or "no"; None asks what `accelerate launch` was told.
    Writes `output_dir/checkpoint` every few minutes, `output_dir/best` whenever validation improves, and
    `output_dir/metrics.json` at the end. Returns the final metrics. A finished run returns at once.
    """
    metrics_file = output_dir / "metrics.json"
    if metrics_file.exists():
        logger.info("%s is already trained; delete %s to train it again.", stage.name, metrics_file)
        return json.loads(metrics_file.read_text())
    output_dir.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(
        log_with="tensorboard",
        mixed_precision=mixed_precision,
        project_config=ProjectConfiguration(project_dir=str(output_dir), logging_dir=str(output_dir / "logs")),
    )
    accelerator.init_trackers(stage.name)
    torch.manual_seed(config.seed)
    model = stage.build()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trainable, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.99)
    )
    # accelerate would step a prepared schedule once a process; ours counts optimizer steps.
    schedule = get_scheduler(
        config.schedule, optimizer, num_warmup_steps=config.warmup_steps, num_training_steps=config.steps
    )
    model, optimizer = accelerator.prepare(model, optimizer)
    bare = accelerator.unwrap_model(model)
    progress = _Progress()
    accelerator.register_for_checkpointing(progress, schedule)
    average = None
    if config.ema_decay is not None:
        average = EMAModel(trainable, decay=config.ema_decay, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
        average.to(accelerator.device)
        accelerator.register_for_checkpointing(average)
    checkpoint = output_dir / "checkpoint"
    if accelerator.is_main_process:
        for folder in (checkpoint, output_dir / "best"):
            recover_folder(folder)
    accelerator.wait_for_everyone()
    if checkpoint.exists():
        accelerator.load_state(str(checkpoint))
        if average is not None:
            # What is registered comes back on the CPU.
            average.to(accelerator.device)
        logger.info("%s resumes at step %d.", stage.name, progress.step)

    def validate() -> None:
        if average is not None:
            average.store(trainable)
            average.copy_to(trainable)
        bare.eval()
        with torch.no_grad():
            metrics = stage.validate(bare)
        if accelerator.is_main_process and metrics[stage.selection] > progress.best:
            write_folder(output_dir / "best", lambda folder: stage.export(bare, folder))
        progress.best = max(progress.best, metrics[stage.selection])
        progress.metrics = metrics
        if average is not None:
            average.restore(trainable)
        accelerator.log({f"validation/{name}": value for name, value in metrics.items()}, step=progress.step)
        logger.info("%s step %d: %s", stage.name, progress.step, json.dumps(metrics))

    def save() -> None:
        accelerator.wait_for_everyone()
        aside = checkpoint.with_name("checkpoint.part")
        if accelerator.is_main_process:
            shutil.rmtree(aside, ignore_errors=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(aside))
        # Every process writes its own random state.
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            replace_folder(aside, checkpoint)

    def due() -> bool:
        # By the main process's clock: the others have to save at the same step.
        late = time.monotonic() - saved_at > 60 * config.checkpoint_minutes
        return broadcast_object_list([late])[0]

    share = config.batch_size // accelerator.num_processes
    saved_at = time.monotonic()
    bar = tqdm(
        total=config.steps,
        initial=progress.step,
        desc=stage.name,
        disable=not accelerator.is_main_process,
        mininterval=5,
    )
    while progress.step < config.steps:
        seed = step_seed(config.seed, progress.step, accelerator.process_index)
        torch.manual_seed(seed)
        batch = stage.batch(share, torch.Generator().manual_seed(seed))
        batch = {name: value.to(accelerator.device) for name, value in batch.items()}
        bare.train()
        with accelerator.autocast():
            losses = model(**batch)
        accelerator.backward(next(iter(losses.values())))
        accelerator.clip_grad_norm_(trainable, config.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if average is not None:
            average.step(trainable)
        progress.step += 1
        bar.update()
        if progress.step % 20 == 0:
            values = {name: value.item() for name, value in losses.items()}
            bar.set_postfix({name: f"{value:.4f}" for name, value in values.items()})
            accelerator.log({f"train/{name}": value for name, value in values.items()}, step=progress.step)
        if progress.step % config.validate_every == 0 or progress.step == config.steps:
            validate()
        if due():
            save()
            saved_at = time.monotonic()
    save()
    bar.close()
    if accelerator.is_main_process:
        part = metrics_file.with_suffix(".part")
        part.write_text(json.dumps(progress.metrics, indent=2))
        os.replace(part, metrics_file)
    accelerator.end_training()
    return progress.metrics
