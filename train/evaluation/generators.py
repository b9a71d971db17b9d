"""The methods of the generation table: UniEmo, its baselines, and what each has to train."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from PIL import Image

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import Guidance
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.core.recipe import Recipe
from train.core.runs import best_weights
from train.core.trainer import LoopConfig, Stage, run_stage, with_steps
from train.data.cache import cached_array, content_key, fingerprint
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.domains import Domains
from train.evaluation.dreambooth import (
    PRIOR_PICTURES,
    PROMPT,
    DreamBoothStage,
    adapted_unet,
    adapter,
    prior_latents,
)
from train.evaluation.generation import GenerationMethod
from train.evaluation.inversion import InversionStage, learned_words
from train.evaluation.result_cache import ResultCache, remove_checkpoints
from train.evaluation.text_to_image import decode, sample_latents
from train.stages.feedback import FeedbackConfig, filtered_dataset
from train.stages.feedback import generate as generate_feedback
from train.stages.joint import JointConfig
from train.stages.painter_pipeline import student_pipeline
from train.stages.uniemo import JointParts, assemble_uniemo, last_uniemo

#: Rows of `generation`.
GENERATORS: dict[str, str] = {
    "text-to-image": 'The denoiser alone, asked for "a {emotion} picture"',
    "textual-inversion": "Textual inversion",
    "dreambooth": "DreamBooth-LoRA",
    "emogen": "Class feature only, as EmoGen's mapper",
    "uniemo": "UniEmo",
}


@dataclass
class Generators:
    """The models of one run's methods, each trained where it is not there yet.

    Args:
        recipe, arguments: of the run and of the evaluation.
        domains: its pictures.
        cache: what is trained goes beside its results.
    """

    recipe: Recipe
    arguments: EvaluationArguments
    domains: Domains
    cache: ResultCache

    def trained(self, name: str, stage: Stage, loop: LoopConfig, settings: Any) -> Path:
        """The best weights of a stage with all that it depends on, trained where they are not there yet."""
        folder = self.cache.folder / "runs" / f"{name}-{content_key(settings, vars(loop))[:8]}"
        run_stage(stage, loop, folder, self.recipe.mixed_precision)
        remove_checkpoints(folder)
        return folder / "best"

    @cached_property
    def parts(self) -> JointParts:
        return JointParts.load(self.recipe, self.domains.records)

    @cached_property
    def pipeline(self) -> UniEmoPipeline:
        """UniEmo as the run left it; with `few_steps` as its student paints. Raises SystemExit where it has none."""
        pipeline = self.assembled(best_weights(self.recipe, last_uniemo(self.recipe) or "uniemo_joint"))
        if not self.arguments.few_steps:
            return pipeline
        student = student_pipeline(self.recipe, pipeline)
        if student is None:
            raise SystemExit(
                "The stage 'uniemo_distilled' has to be trained first: `few_steps` measures what it paints."
            )
        return student

    def steps(self, pipeline: UniEmoPipeline) -> int:
        """What a pipeline takes here: a student its own, any other as many as the evaluation asks for."""
        few = pipeline.config.quality is not None
        return pipeline.config.num_inference_steps if few else self.arguments.inference_steps

    def assembled(self, best: Path) -> UniEmoPipeline:
        """UniEmo of a joint stage's weights, at the evaluation's guidance."""
        pipeline = assemble_uniemo(self.recipe, self.parts.foundation, best)
        pipeline.register_to_config(guidance_scale=self.guidance.scale, guidance_rescale=self.guidance.rescale)
        return pipeline

    @property
    def guidance(self) -> Guidance:
        """Of every method, as the evaluation asks for it or the recipe has it."""
        arguments, joint = self.arguments, self.recipe.stage_settings("uniemo_joint", JointConfig)[0]
        return Guidance(
            joint.guidance_scale if arguments.guidance_scale is None else arguments.guidance_scale,
            joint.guidance_rescale if arguments.guidance_rescale is None else arguments.guidance_rescale,
        )

    def of_pipeline(self, title: str, pipeline: UniEmoPipeline) -> GenerationMethod:
        steps = self.steps(pipeline)

        def generate(emotion: str, seeds: list[int]) -> list[Image.Image]:
            return list(pipeline(emotion, seed=seeds, num_inference_steps=steps).images)

        weights = fingerprint(
            pipeline.unet, *pipeline.prompts.text_encoders, pipeline.vae, pipeline.fusion, pipeline.space
        )
        return GenerationMethod(title, generate, {"weights": weights, "steps": steps, "guidance": self.guidance})

    def joint_settings(self) -> tuple[JointConfig, LoopConfig, dict[str, Any]]:
        """Settings of the baselines that train, and all that they depend on but the loop."""
        config, loop, _ = self.recipe.stage_settings("uniemo_joint", JointConfig)
        loop = with_steps(loop, self.arguments.baseline_steps or loop.steps)
        parts, pictures = self.parts, self.parts.pictures
        weights = fingerprint(parts.foundation.unet, *parts.foundation.prompts.text_encoders, pictures.vision)
        drawn = content_key(pictures.train.weights.numpy().round(12).tolist())
        return config, loop, {"weights": weights, "pictures": pictures.train.decoded.key, "drawn": drawn}

    def joint(self, **changes: Any) -> Path:
        """The weights of joint training with some settings changed."""
        config, loop, settings = self.joint_settings()
        config = dataclasses.replace(config, **changes)
        chain = ExpertQueryChain.from_pretrained(self.parts.start / "chain")
        settings |= {"config": vars(config), "chain": fingerprint(chain)}
        best = self.trained("joint", self.parts.stage(config), loop, settings)
        self.parts.finish(best)
        return best

    def with_feedback(self, start: Path, **changes: Any) -> Path:
        """The weights of explicit feedback that goes on from `start`, with some settings changed."""
        config, _, settings = self.joint_settings()
        feedback, loop, _ = self.recipe.stage_settings("uniemo_feedback", FeedbackConfig)
        feedback, parts = dataclasses.replace(feedback, **changes), self.parts
        pipeline = assemble_uniemo(self.recipe, parts.foundation, start)
        generated = generate_feedback(pipeline, parts.pictures.train, self.recipe.cache_dir, feedback)
        dataset = filtered_dataset(generated, parts.pictures, parts.classifier, feedback)
        settings |= {"start": start.parent.name, "feedback": vars(feedback), "generated": dataset.decoded.key}
        stage = parts.stage(config, start, generated=dataset, share=feedback.share, name="uniemo_feedback")
        best = self.trained("feedback", stage, loop, settings)
        parts.finish(best)
        return best

    def _emogen(self, title: str) -> GenerationMethod:
        """Joint training in which only the class token is fused."""
        return self.of_pipeline(title, self.assembled(self.joint(use="cls")))

    def _inversion(self, title: str) -> GenerationMethod:
        """A word for each emotion, in prompts of nothing else."""
        config, loop, settings = self.joint_settings()
        config = dataclasses.replace(config, tune_unet="none")
        stage = InversionStage(self.parts.stage(config), self.domains.emotions)
        words = learned_words(self.trained("inversion", stage, loop, {**settings, "config": vars(config)}))
        prompts, device = self.parts.foundation.prompts, self.parts.foundation.vae.device

        def condition(emotion: str, count: int) -> Condition:
            word = words[self.domains.emotions.index(emotion)].to(device)
            return prompts.with_emotions([""] * count, [[(word, 1.0)]] * count)

        return self._of_conditions(title, condition, {**settings, "words": content_key(words.tolist())})

    def _of_conditions(
        self,
        title: str,
        condition: Callable[[str, int], Condition],
        settings: Mapping[str, Any],
        denoisers: Mapping[str, UNet2DConditionModel] | None = None,
    ) -> GenerationMethod:
        """The foundation's denoiser, or that of each emotion, under the conditions for an emotion and a number of pictures."""
        foundation, scheduler = self.parts.foundation, self.parts.scheduler
        guidance, steps = self.guidance, self.arguments.inference_steps

        def generate(emotion: str, seeds: list[int]) -> list[Image.Image]:
            own = foundation if denoisers is None else dataclasses.replace(foundation, unet=denoisers[emotion])
            conditions = condition(emotion, len(seeds))
            return decode(foundation, sample_latents(own, scheduler, conditions, seeds, steps, guidance))

        return GenerationMethod(title, generate, {**settings, "steps": steps, "guidance": guidance})

    def _dreambooth(self, title: str) -> GenerationMethod:
        """An adapter of the denoiser for each emotion, and a rare word to ask for it.

        All adapters together train for as many steps as another method does.
        """
        config, loop, settings = self.joint_settings()
        parts, steps, guidance = self.parts, self.arguments.inference_steps, self.guidance
        foundation, scheduler, emotions = parts.foundation, parts.scheduler, self.domains.emotions
        share = max(1, loop.steps // len(emotions))
        loop = dataclasses.replace(
            loop, steps=share, warmup_steps=min(loop.warmup_steps, share // 10), validate_every=max(1, share // 2)
        )
        settings |= {"rank": config.lora_rank, "steps": steps, "guidance": guidance}

        def compute_prior(rows: slice) -> torch.Tensor:
            return prior_latents(foundation, scheduler, steps, guidance, range(rows.start, rows.stop))

        key = content_key("prior", settings["weights"], steps, guidance)
        prior = cached_array(self.recipe.cache_dir, key, PRIOR_PICTURES, compute_prior, chunk=8)
        datasets = parts.pictures.train, parts.pictures.validation
        latents = [dataset.latents(foundation.vae, 0)[0] for dataset in datasets]
        adapted = {}
        for label, emotion in enumerate(emotions):
            train, held_out = (
                array[(dataset.labels == label).numpy()] for array, dataset in zip(latents, datasets, strict=True)
            )
            stage = DreamBoothStage(emotion, train, held_out, prior, foundation, scheduler, config)
            adapted[emotion] = adapted_unet(foundation.unet, self.trained(stage.name, stage, loop, settings))
        settings |= {"loop": vars(loop), "adapters": fingerprint(*map(adapter, adapted.values()))}
        return self._of_conditions(
            title, lambda _, count: foundation.prompts.plain([PROMPT] * count), settings, adapted
        )

    def _text_to_image(self, title: str) -> GenerationMethod:
        """The foundation's denoiser, Stable Diffusion where the recipe names it, with the emotion as a word."""
        foundation = self.parts.foundation

        def condition(emotion: str, count: int) -> Condition:
            return foundation.prompts.plain([f"a {emotion} picture"] * count)

        weights = fingerprint(foundation.unet, *foundation.prompts.text_encoders, foundation.vae)
        return self._of_conditions(title, condition, {"weights": weights})

    def method(self, name: str) -> GenerationMethod:
        """A row of `GENERATORS`."""
        makers: dict[str, Callable[[str], GenerationMethod]] = {
            "text-to-image": self._text_to_image,
            "textual-inversion": self._inversion,
            "dreambooth": self._dreambooth,
            "emogen": self._emogen,
            "uniemo": lambda title: self.of_pipeline(title, self.pipeline),
        }
        return makers[name](GENERATORS[name])
