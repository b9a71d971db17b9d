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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from accelerate import Accelerator, DistributedType
from accelerate.utils import ProjectConfiguration, broadcast_object_list
from diffusers import ModelMixin
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from tqdm.auto import tqdm
from transformers import PreTrainedModel

from train.core.config import setting
from train.core.optimizers import MuonAdamW
from train.core.processes import single_process
from train.files import recover_folder, replace_folder, write_folder, write_json

logger = logging.getLogger(__name__)


@dataclass
class LoopConfig:
    """Settings of one stage's loop. Defaults suit a small model trained from scratch."""

    steps: int = setting(1000, "Optimizer steps.", "steps")
    batch_size: int = setting(32, "Pictures a step, all processes and parts together.", "pictures")
    accumulation: int = setting(1, "Parts that a process cuts its share of a step into, where memory is short.")
    gradient_checkpointing: bool = setting(False, "Recompute activations in the backward pass instead of keeping them.")
    optimizer: Literal["adamw", "muon"] = setting(
        "adamw", "AdamW for all weights, or Muon for matrices and kernels and AdamW for the rest."
    )
    learning_rate: float = setting(1e-3, "Peak learning rate.")
    weight_decay: float = setting(1e-2, "Decoupled weight decay.")
    betas: tuple[float, float] = setting((0.9, 0.99), "AdamW's decay rates.")
    warmup_steps: int = setting(100, "Steps of linear warm-up.", "steps")
    schedule: str = setting("cosine", "A diffusers learning-rate schedule.")
    max_grad_norm: float = setting(1.0, "Gradients are clipped to this norm.")
    ema_decay: float | None = setting(None, "Keep an exponential average with this decay.")
    checkpoint_minutes: float = setting(4.0, "Minutes between checkpoints.", "minutes")
    validate_every: int = setting(500, "Steps between validations.", "steps")
    seed: int = setting(0, "Seed of initial weights, data order and noise.")


def build_optimizer(model: nn.Module, config: LoopConfig) -> torch.optim.Optimizer:
    """The optimizer of a loop, of all weights that ask for gradients."""
    options = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "betas": config.betas}
    if config.optimizer == "muon":
        return MuonAdamW(model, **options)
    # Fused: one pass over the weights instead of ten; a third of the optimizer's time on a CPU.
    return torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], fused=True, **options)


def with_steps(config: LoopConfig, steps: int) -> LoopConfig:
    """`config` with another number of steps, of which at most a tenth warm up."""
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
    """Where a run stands, its last validation, and the averages of its batch statistics; saved with every checkpoint."""

    step: int = 0
    best: float = float("-inf")
    metrics: dict[str, float] = field(default_factory=dict)
    statistics: list[torch.Tensor] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)


def batch_statistics(model: nn.Module) -> list[torch.Tensor]:
    """Running means and variances of every batch normalisation in a model."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    return [statistic for norm in norms for statistic in (norm.running_mean, norm.running_var)]


class Trainer:
    """Trains one stage in a folder to the end of its steps, from the last checkpoint if there is one.

    It writes `folder/checkpoint` every few minutes, `folder/best` whenever validation improves, and `folder/metrics.json` at
    the end. Every process validates, and may share that out (`train.core.processes.distributed_map`). Where weights are
    sharded (FSDP, DeepSpeed's stage 3), the main process puts them together in a second module and validates and exports that
    alone.

    Args:
        stage: what trains.
        config: of the loop.
        folder: of the stage in its run.
        mixed_precision: "fp16", "bf16" or "no"; None asks what `accelerate launch` was told.
    """

    def __init__(self, stage: Stage, config: LoopConfig, folder: Path, mixed_precision: str | None = None) -> None:
        self.stage, self.config, self.folder, self.mixed_precision = stage, config, folder, mixed_precision
        self.checkpoint, self.metrics_file = folder / "checkpoint", folder / "metrics.json"
        self.progress = _Progress()

    def run(self) -> dict[str, float]:
        """Train; returns the final metrics, at once if the run has finished before. Raises SystemExit as `setup` does."""
        if self.metrics_file.exists():
            logger.info("%s is already trained; delete %s to train it again.", self.stage.name, self.metrics_file)
            return json.loads(self.metrics_file.read_text())
        self.setup()
        self.resume()
        progress, config, saved_at = self.progress, self.config, time.monotonic()
        bar = tqdm(
            total=config.steps,
            initial=progress.step,
            desc=self.stage.name,
            disable=not self.accelerator.is_main_process,
            mininterval=5,
        )
        while progress.step < config.steps:
            losses = self.step()
            bar.update()
            if progress.step % 20 == 0:
                values = {name: value.item() for name, value in losses.items()}
                bar.set_postfix({name: f"{value:.4f}" for name, value in values.items()})
                self.accelerator.log({f"train/{name}": value for name, value in values.items()}, step=progress.step)
            if progress.step % config.validate_every == 0 or progress.step == config.steps:
                self.validate()
            # By the main process's clock: the others have to save at the same step.
            if broadcast_object_list([time.monotonic() - saved_at > 60 * config.checkpoint_minutes])[0]:
                self.save()
                saved_at = time.monotonic()
        self.save()
        bar.close()
        if self.accelerator.is_main_process:
            write_json(self.metrics_file, progress.metrics)
        # Not `end_training`, which parts from the other processes: there are stages to come.
        for tracker in self.accelerator.trackers:
            tracker.finish()
        return progress.metrics

    def setup(self) -> None:
        """Build model, optimizer, learning-rate schedule and average.

        Raises SystemExit with one sentence when the processes cannot share a batch out alike, or when an average or Muon is
        asked for of sharded weights.
        """
        config, stage = self.config, self.stage
        self.folder.mkdir(parents=True, exist_ok=True)
        self.accelerator = accelerator = Accelerator(
            log_with="tensorboard",
            mixed_precision=self.mixed_precision,
            gradient_accumulation_steps=config.accumulation,
            project_config=ProjectConfiguration(project_dir=str(self.folder), logging_dir=str(self.folder / "logs")),
        )
        self.part_size = part_size(config, accelerator.num_processes)
        self.sharded = _is_sharded(accelerator)
        if self.sharded and config.ema_decay is not None:
            raise SystemExit(
                f"The stage '{stage.name}' keeps an average of its weights, which has to have them whole: launch without FSDP "
                "and DeepSpeed's stage 3, or set ema_decay to null."
            )
        if self.sharded and config.optimizer == "muon":
            raise SystemExit(
                f"The stage '{stage.name}' trains with Muon, which has to have matrices whole: launch without FSDP and "
                "DeepSpeed's stage 3, or set optimizer to adamw."
            )
        if (deepspeed := accelerator.state.deepspeed_plugin) is not None:
            # DeepSpeed asks its data loader, which we have none of, and clips gradients itself.
            deepspeed.deepspeed_config |= {
                "train_micro_batch_size_per_gpu": self.part_size,
                "gradient_clipping": config.max_grad_norm,
            }
        accelerator.init_trackers(stage.name)
        torch.manual_seed(config.seed)
        model = stage.build()
        if config.gradient_checkpointing:
            recompute_activations(model)
        self.replica = stage.build() if self.sharded and accelerator.is_main_process else None
        optimizer = build_optimizer(model, config)
        # accelerate would step a prepared schedule once a process; ours counts optimizer steps.
        self.schedule = get_scheduler(
            config.schedule, optimizer, num_warmup_steps=config.warmup_steps, num_training_steps=config.steps
        )
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self.bare = accelerator.unwrap_model(self.model)
        # Only now: sharding puts others in their place.
        self.trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        accelerator.register_for_checkpointing(self.progress, self.schedule)
        self.average = None
        if config.ema_decay is not None:
            self.average = EMAModel(
                self.trainable, decay=config.ema_decay, use_ema_warmup=True, inv_gamma=1.0, power=0.75
            )
            self.average.to(accelerator.device)
            accelerator.register_for_checkpointing(self.average)

    def resume(self) -> None:
        """Go to where the last checkpoint stands, if there is one."""
        accelerator, progress = self.accelerator, self.progress
        if accelerator.is_main_process:
            for folder in (self.checkpoint, self.folder / "best"):
                recover_folder(folder)
        accelerator.wait_for_everyone()
        if self.checkpoint.exists():
            accelerator.load_state(str(self.checkpoint))
            if self.average is not None:
                # What is registered comes back on the CPU.
                self.average.to(accelerator.device)
            logger.info("%s resumes at step %d.", self.stage.name, progress.step)
        if self.average is not None:
            known = progress.statistics or batch_statistics(self.bare)
            progress.statistics = [value.detach().clone().to(accelerator.device) for value in known]

    def step(self) -> dict[str, torch.Tensor]:
        """One optimizer step; returns the losses of its last part."""
        accelerator, config = self.accelerator, self.config
        self.bare.train()
        for number in range(config.accumulation):
            part = number * accelerator.num_processes + accelerator.process_index
            seed = step_seed(config.seed, self.progress.step, part)
            torch.manual_seed(seed)
            batch = self.stage.batch(self.part_size, torch.Generator().manual_seed(seed))
            batch = {name: value.to(accelerator.device) for name, value in batch.items()}
            with accelerator.accumulate(self.model):
                with accelerator.autocast():
                    losses = self.model(**batch)
                accelerator.backward(next(iter(losses.values())))
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(self.trainable, config.max_grad_norm)
                self.optimizer.step()
                self.optimizer.zero_grad()
        self.schedule.step()
        if self.average is not None:
            self.average.step(self.trainable)
            for mean, value in zip(self.progress.statistics, batch_statistics(self.bare), strict=True):
                mean.lerp_(value, 1 - self.average.cur_decay_value)
        self.progress.step += 1
        return losses

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """In here the model has the average of its weights, and of its batch statistics, if there is one."""
        if self.average is None:
            yield
            return
        statistics = batch_statistics(self.bare)
        last = [value.clone() for value in statistics]
        self.average.store(self.trainable)
        self.average.copy_to(self.trainable)
        for value, mean in zip(statistics, self.progress.statistics, strict=True):
            value.copy_(mean)
        try:
            yield
        finally:
            self.average.restore(self.trainable)
            for value, own in zip(statistics, last, strict=True):
                value.copy_(own)

    def _unsharded(self) -> nn.Module:
        """The module to validate: where weights are sharded, all processes give their part, and the main one gets everything."""
        if not self.sharded:
            return self.bare
        state = self.accelerator.get_state_dict(self.model)
        if self.replica is None:
            return self.bare
        self.replica.load_state_dict(state)
        return self.replica.to(self.accelerator.device)

    def validate(self) -> None:
        """Measure the (averaged) weights on held-out data, and export them if they are the best so far."""
        progress, main = self.progress, self.accelerator.is_main_process
        with self.averaged(), torch.no_grad():
            whole, metrics = self._unsharded(), {}
            whole.eval()
            if not self.sharded:
                metrics = self.stage.validate(whole)
            elif main:
                with single_process():
                    metrics = self.stage.validate(whole)
            if self.sharded:
                metrics = broadcast_object_list([metrics])[0]
            if main and metrics[self.stage.selection] > progress.best:
                write_folder(self.folder / "best", lambda folder: self.stage.export(whole, folder))
            if self.replica is not None:
                self.replica.to("cpu")
        progress.best = max(progress.best, metrics[self.stage.selection])
        progress.metrics = metrics
        self.accelerator.log({f"validation/{name}": value for name, value in metrics.items()}, step=progress.step)
        logger.info("%s step %d: %s", self.stage.name, progress.step, json.dumps(metrics))

    def save(self) -> None:
        """Write a checkpoint from which any run of as many processes goes on."""
        accelerator = self.accelerator
        accelerator.wait_for_everyone()
        aside = self.checkpoint.with_name("checkpoint.part")
        if accelerator.is_main_process:
            shutil.rmtree(aside, ignore_errors=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(aside))
        # Every process writes its own random state.
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            replace_folder(aside, self.checkpoint)


def run_stage(stage: Stage, config: LoopConfig, folder: Path, mixed_precision: str | None = None) -> dict[str, float]:
    """`Trainer.run` of a stage; returns its final metrics."""
    return Trainer(stage, config, folder, mixed_precision).run()
