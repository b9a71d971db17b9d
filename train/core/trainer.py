"""One training loop for every stage: accelerate underneath, exact resume, best checkpoint by validation.

Everything random in step `t` is drawn from seeds that depend on (seed, t, part of the batch) alone, so a run that was killed
and started again walks the same path as one that was not: there is no sampler state to save. Parts are those of the
processes and of their gradient accumulation, counted together: two processes learn from what one learns from in two parts.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator, DistributedType
from accelerate.utils import ProjectConfiguration, broadcast_object_list
from diffusers import ModelMixin
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from torch import nn
from tqdm.auto import tqdm
from transformers import PreTrainedModel

from train.core.processes import alone
from train.files import recover_folder, replace_folder, write_folder, write_json

logger = logging.getLogger(__name__)


@dataclass
class LoopConfig:
    """Settings of one stage's loop. Defaults suit a small model trained from scratch."""

    steps: int = field(default=1000, metadata={"help": "Optimizer steps."})
    batch_size: int = field(default=32, metadata={"help": "Pictures a step, all processes and parts together."})
    accumulation: int = field(
        default=1, metadata={"help": "Parts that a process cuts its share of a step into, where memory is short."}
    )
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "Compute activations again in the backward pass instead of keeping them."}
    )
    learning_rate: float = field(default=1e-3, metadata={"help": "Peak learning rate."})
    weight_decay: float = field(default=1e-2, metadata={"help": "AdamW's decoupled weight decay."})
    betas: tuple[float, float] = field(default=(0.9, 0.99), metadata={"help": "AdamW's decay rates."})
    warmup_steps: int = field(default=100, metadata={"help": "Steps of linear warm-up."})
    schedule: str = field(default="cosine", metadata={"help": "A diffusers learning-rate schedule."})
    max_grad_norm: float = field(default=1.0, metadata={"help": "Gradients are clipped to this norm."})
    ema_decay: float | None = field(default=None, metadata={"help": "Keep an exponential average with this decay."})
    checkpoint_minutes: float = field(default=4.0, metadata={"help": "Minutes between checkpoints."})
    validate_every: int = field(default=500, metadata={"help": "Steps between validations."})
    seed: int = field(default=0, metadata={"help": "Seed of initial weights, data order and noise."})


def with_steps(config: LoopConfig, steps: int) -> LoopConfig:
    """The same loop over another number of steps, a tenth of which at most warm up."""
    return replace(config, steps=steps, warmup_steps=min(config.warmup_steps, steps // 10))


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
        """Metrics on held-out data, including `selection`, the same on every process."""

    def export(self, model: nn.Module, folder: Path) -> None:
        """Write the trained components into `folder`."""


def step_seed(seed: int, step: int, part: int) -> int:
    """A seed for one part of the batch of one step: distinct, and the same on every run."""
    return (seed * 1_000_003 + step) * 1_021 + part


def part_size(config: LoopConfig, num_processes: int) -> int:
    """Pictures of one process in one forward pass; raises SystemExit when a batch cannot be shared out alike."""
    parts = num_processes * config.accumulation
    if config.batch_size % parts:
        raise SystemExit(
            f"A batch of {config.batch_size} pictures cannot be shared out alike over {num_processes} processes in "
            f"{config.accumulation} parts each: make batch_size a multiple of {parts}."
        )
    return config.batch_size // parts


def recompute_activations(model: nn.Module) -> None:
    """Turn gradient checkpointing on in every diffusers or transformers model inside `model` that has it.

    So too in the frozen ones that it does not hold but whose activations its gradients need, where it names some as
    `passes_through`.
    """
    found = False
    for module in (*model.modules(), *getattr(model, "passes_through", ())):
        if isinstance(module, ModelMixin) and module._supports_gradient_checkpointing:
            module.enable_gradient_checkpointing()
        elif isinstance(module, PreTrainedModel) and module.supports_gradient_checkpointing:
            # The reentrant kind gives no gradient where the input needs none, as behind frozen layers.
            module.gradient_checkpointing_enable({"use_reentrant": False})
        else:
            continue
        found = True
    if not found:
        logger.warning("Nothing in %s can compute activations again; they are kept.", type(model).__name__)


def _is_sharded(accelerator: Accelerator) -> bool:
    """Whether no process has all weights."""
    if accelerator.distributed_type is DistributedType.DEEPSPEED:
        return accelerator.state.deepspeed_plugin.zero_stage == 3
    return accelerator.distributed_type is DistributedType.FSDP


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

    Every process validates, and may share that out (`train.core.processes.each`). Where weights are sharded (FSDP, DeepSpeed's
    stage 3), the main process puts them together in a second module and validates and exports that alone.

    Raises SystemExit with one sentence when the processes cannot share a batch out alike, or when an average is asked
    for of sharded weights.
    """
    metrics_file = output_dir / "metrics.json"
    if metrics_file.exists():
        logger.info("%s is already trained; delete %s to train it again.", stage.name, metrics_file)
        return json.loads(metrics_file.read_text())
    output_dir.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(
        log_with="tensorboard",
        mixed_precision=mixed_precision,
        gradient_accumulation_steps=config.accumulation,
        project_config=ProjectConfiguration(project_dir=str(output_dir), logging_dir=str(output_dir / "logs")),
    )
    share = part_size(config, accelerator.num_processes)
    sharded = _is_sharded(accelerator)
    if sharded and config.ema_decay is not None:
        raise SystemExit(
            f"The stage '{stage.name}' keeps an average of its weights, which has to have them whole: launch without FSDP "
            "and DeepSpeed's stage 3, or set ema_decay to null."
        )
    if (deepspeed := accelerator.state.deepspeed_plugin) is not None:
        # DeepSpeed asks its data loader, which we have none of, and clips gradients itself.
        deepspeed.deepspeed_config |= {
            "train_micro_batch_size_per_gpu": share,
            "gradient_clipping": config.max_grad_norm,
        }
    accelerator.init_trackers(stage.name)
    torch.manual_seed(config.seed)
    model = stage.build()
    if config.gradient_checkpointing:
        recompute_activations(model)
    replica = stage.build() if sharded and accelerator.is_main_process else None
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trainable, lr=config.learning_rate, weight_decay=config.weight_decay, betas=config.betas
    )
    # accelerate would step a prepared schedule once a process; ours counts optimizer steps.
    schedule = get_scheduler(
        config.schedule, optimizer, num_warmup_steps=config.warmup_steps, num_training_steps=config.steps
    )
    model, optimizer = accelerator.prepare(model, optimizer)
    bare = accelerator.unwrap_model(model)
    # Sharding puts others in their place.
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
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
        whole = bare
        if sharded:
            # All processes give their part, the main one gets everything.
            state = accelerator.get_state_dict(model)
            if replica is not None:
                replica.load_state_dict(state)
                whole = replica.to(accelerator.device)
        whole.eval()
        metrics: dict[str, float] = {}
        if not sharded:
            with torch.no_grad():
                metrics = stage.validate(whole)
        elif accelerator.is_main_process:
            with torch.no_grad(), alone():
                metrics = stage.validate(whole)
        if sharded:
            metrics = broadcast_object_list([metrics])[0]
        if accelerator.is_main_process and metrics[stage.selection] > progress.best:
            write_folder(output_dir / "best", lambda folder: stage.export(whole, folder))
        if replica is not None:
            replica.to("cpu")
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

    saved_at = time.monotonic()
    bar = tqdm(
        total=config.steps,
        initial=progress.step,
        desc=stage.name,
        disable=not accelerator.is_main_process,
        mininterval=5,
    )
    while progress.step < config.steps:
        bare.train()
        for number in range(config.accumulation):
            part = number * accelerator.num_processes + accelerator.process_index
            seed = step_seed(config.seed, progress.step, part)
            torch.manual_seed(seed)
            batch = stage.batch(share, torch.Generator().manual_seed(seed))
            batch = {name: value.to(accelerator.device) for name, value in batch.items()}
            with accelerator.accumulate(model):
                with accelerator.autocast():
                    losses = model(**batch)
                accelerator.backward(next(iter(losses.values())))
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(trainable, config.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad()
        schedule.step()
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
        write_json(metrics_file, progress.metrics)
    # Not `end_training`, which parts from the other processes: there are stages to come.
    for tracker in accelerator.trackers:
        tracker.finish()
    return progress.metrics
