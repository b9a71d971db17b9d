"""UniEmo's models and instruments, which several measures share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from accelerate import PartialState

from train.core.trainer import LoopConfig
from train.data.dataset import PictureDataset
from train.data.records import DRAWN
from train.evaluation.generation import Generation
from train.evaluation.generators import Generators
from train.evaluation.instruments import instruments
from train.evaluation.judge import Judge, train_judge
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import percent
from train.metrics.pictures import Instruments
from train.stages.joint import JointConfig


@dataclass
class UniEmoModels:
    """UniEmo and its baselines in one run, real pictures to compare with, and the networks that measure them."""

    run: EvaluationRun

    @cached_property
    def generators(self) -> Generators:
        run = self.run
        return Generators(run.recipe, run.arguments, run.domains, run.cache)

    @cached_property
    def real_pictures(self) -> PictureDataset:
        """The labelled test pictures of the domains that joint training has; drawn ones only where there are no others."""
        domains, shares = self.run.domains, self.run.recipe.stage_settings("uniemo_joint", JointConfig)[2]
        parts = [part for part in domains.test_parts if shares.get(part.removeprefix("test-")) != 0]
        if not parts:
            raise SystemExit("There is no labelled test picture: give --data or --folder, or another --protocol.")
        drawn = {f"test-{name}" for name in DRAWN}
        return domains.union([part for part in parts if part not in drawn] or parts)

    @cached_property
    def judge(self) -> Judge:
        arguments, pictures = self.run.arguments, self.generators.parts.pictures
        steps = arguments.judge_steps
        loop = LoopConfig(
            steps=steps,
            batch_size=arguments.batch_size,
            weight_decay=5e-2,
            warmup_steps=min(100, steps // 10),
            validate_every=max(1, steps // 5),
        )
        return train_judge(
            pictures.train,
            pictures.validation,
            loop,
            self.run.cache.folder / "runs",
            tuple(arguments.cnn_widths),
            PartialState().device,
            self.run.recipe.mixed_precision,
        )

    @cached_property
    def instruments(self) -> Instruments:
        pictures = self.generators.parts.pictures
        scenes, objects = (pictures.tables[kind].names for kind in ("scene", "object"))
        return instruments(self.judge, self.generators.parts.clip, scenes, objects)

    @cached_property
    def generation(self) -> Generation:
        run = self.run
        return Generation(self.real_pictures, self.instruments, run.cache, run.arguments.pictures)

    @property
    def note(self) -> str:
        """How pictures were made and measured, for the head of a report."""
        run, judge, guidance = self.run, self.judge.validation, self.generators.guidance
        published = run.recipe.foundation
        denoiser = "" if published is None else f" The denoiser is that of {published.diffusion.name}."
        tuned = {
            "none": "Only DreamBooth changes the denoiser.",
            "lora": "UniEmo and the class feature have tuned the denoiser (LoRA), as DreamBooth does; the others have not.",
            "full": "UniEmo and the class feature have tuned the denoiser, DreamBooth by LoRA; the others have not.",
        }[self.generators.joint_settings()[0].tune_unet]
        real = run.marked("Real pictures", self.real_pictures, run.training)
        seen = "" if real == "Real pictures" else f" {real}."
        return (
            f"{run.recipe.label_space}, protocol `{run.recipe.protocol}`, {run.arguments.pictures} pictures of each "
            f"emotion in {run.arguments.inference_steps} steps at guidance {guidance.scale:g} (rescaled: "
            f"{guidance.rescale:g}), prompts of nothing but the emotion. Emo-A is by a convolutional network that shares "
            f"nothing with the methods (validation accuracy {percent(judge['accuracy'])}, macro-F1 "
            f"{percent(judge['macro_f1'])}), by whose features FID and LPIPS are measured too; Sem-C and Sem-D are by this "
            f"run's CLIP. These numbers compare with each other, not with the paper's. {tuned}{denoiser}{seen}"
        )
