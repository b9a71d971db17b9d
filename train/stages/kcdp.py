"""KCDP: perception, experts and CLIEA on top of the frozen foundation (sections 4.1 to 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from kcdp.knowledge.encoder import Pooling
from kcdp.perception.denoiser import Denoiser, Features, Perception, Tuning
from kcdp.perception.pyramid import FeaturePyramid
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.prediction.cliea import CLIEA, pseudo_labels
from kcdp.prediction.moe import MixtureOfExperts, MoEInputs
from train.core.bundle import write_bundle
from train.core.config import setting
from train.core.foundation import Foundation, FoundationConfig
from train.core.processes import distributed_map
from train.core.recipe import Recipe, StageSpec
from train.core.runs import best_weights, load_perception, stage_datasets, train_stage
from train.core.validation import scores_by_domain
from train.data.cache import cached_array, content_key, fingerprint
from train.data.dataset import PictureDataset
from train.data.knowledge import KnowledgeCache
from train.losses.kcdp import LOSS_PRESETS, counterfactual_contrastive, prediction_loss, total_loss
from train.stages.uniemo import trained_uniemo


@dataclass
class KCDPConfig:
    """Everything the paper varies, and a little that small data asks for."""

    preset: Literal["paper", "released"] = setting("released", "Where paper and release differ: `paper` or `released`.")
    condition: Literal["both", "caption", "triplets"] = setting("both", "k is caption, triplets or both (table 4).")
    classifier: MoEInputs | None = setting(
        None, "Input of the experts (table 4), i being the captioner's view; the preset's if not given."
    )
    pooling: Pooling = setting("sentence", "What experts are given of k: its sentences' vectors, or its words'.")
    num_experts: int = setting(4, "Experts; 1 is the global classifier (table 4).", "experts")
    top_k: int = setting(2, "Experts asked for each picture.", "experts")
    use_cliea: bool = setting(True, "Train CLIEA; without it targets are labelled by the experts.")
    use_mha: bool = setting(True, "CLIEA's attention over prompt and k (table 3).")
    use_mapping: bool = setting(True, "CLIEA's mapping of v (table 3).")
    agreed_labels: bool = setting(False, "Learn only such pseudo-labels as CLIEA and the experts agree on.")
    target_warmup: int = setting(0, "Batches over which the weight of pseudo-labels grows to 1.", "batches")
    tuning: Tuning = setting("lora", "frozen, kv, lora or full (figure 4).")
    lora_rank: int = setting(16, "Rank of KGCA.")
    lora_alpha: float = setting(32.0, "Scale of KGCA, over its rank.")
    scale_latents: bool | None = setting(
        None, "Give the denoiser scaled latents, as it was trained on; the preset's if not given."
    )
    features: Features = setting("decoder", "Whose features the pyramid reads: decoder, as in the paper, or encoder.")
    latent_encoder_channels: tuple[int, ...] = setting((), "Widths of the latent encoder; () for none.", "channels")
    timestep: int = setting(1, "Timestep that clean latents are given.", "timestep, 0 to 999")
    attention_levels: tuple[int, ...] = setting((0, 1), "Levels whose maps the pyramid takes.")
    pyramid_channels: int = setting(256, "Width of the pyramid: v is this long times levels.", "channels")
    dropout: float = setting(0.1, "Dropout before router and experts.", "share")
    knowledge_dropout: float = setting(0.15, "Pictures whose k is that of an empty caption.", "share")
    balance: float = setting(0.5, "How far rare emotions are drawn more often: 0 as they come, 1 all alike.", "0 to 1")
    views: int = setting(1, "Augmented views of each picture beside the plain one.", "views")

    @property
    def moe_inputs(self) -> MoEInputs:
        """`classifier`, or the preset's."""
        return self.classifier or LOSS_PRESETS[self.preset].moe_inputs

    def hears(self, name: str) -> bool:
        """Whether v, k or i is an input of the experts."""
        return name in self.moe_inputs.split("+")

    @property
    def scales_latents(self) -> bool:
        """`scale_latents`, or the preset's."""
        return LOSS_PRESETS[self.preset].scale_latents if self.scale_latents is None else self.scale_latents

    def input_scale(self, foundation: Foundation) -> float:
        """What latents are multiplied by before the UNet: 1, or 1 / scaling_factor where they are unscaled."""
        return 1.0 if self.scales_latents else 1 / foundation.vae.config.scaling_factor


def denoiser_pass(denoiser: Denoiser, dtype: torch.dtype, latents: torch.Tensor, states: torch.Tensor) -> Perception:
    """A pass of a denoiser whose frozen weights are of `dtype`, which may be half of the 32 bits of what is tuned.

    Latents (B, C, h, w), states (B, T, D) and what comes back are in 32 bits.
    """
    with torch.autocast(latents.device.type, dtype) if dtype != torch.float32 else nullcontext():
        out = denoiser(latents.to(dtype), states.to(dtype))
    attention = tuple(None if maps is None else maps.to(latents.dtype) for maps in out.attention)
    return Perception(tuple(maps.to(latents.dtype) for maps in out.features), attention, latents)


class FrozenPerception:
    """A frozen denoiser's features and attention maps of a dataset's pictures, computed once.

    Those of a picture are one row of half-precision numbers in the cache.
    """

    def __init__(self, denoiser: Denoiser, foundation: Foundation, cache: KnowledgeCache) -> None:
        self.levels, self.precision = denoiser.attention_levels, foundation.unet.dtype
        first = self._levels(denoiser, cache.view(0, torch.arange(2)))
        self.shapes = [level.shape[1:] for level in first]
        settings = (cache.key, fingerprint(foundation.unet), denoiser.timestep, denoiser.features, self.levels)
        if denoiser.input_scale != 1:
            settings = (*settings, denoiser.input_scale)

        def compute(view: int, rows: slice) -> torch.Tensor:
            parts = torch.arange(rows.start, rows.stop).split(64)
            passes = (self._levels(denoiser, cache.view(view, part)) for part in parts)
            return torch.cat([torch.cat([level.flatten(1) for level in one], dim=1).half().cpu() for one in passes])

        dataset = cache.dataset
        self.rows = [
            cached_array(dataset.cache_dir, content_key("seen", *settings, view), len(dataset), partial(compute, view))
            for view in range(len(cache.latents))
        ]

    @torch.no_grad()
    def _levels(self, denoiser: Denoiser, batch: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        device = denoiser.unet.device
        perception = denoiser_pass(denoiser, self.precision, batch["latents"].to(device), batch["states"].to(device))
        return [*perception.features, *(perception.attention[level] for level in self.levels), perception.latents]

    def perception(self, rows: torch.Tensor) -> Perception:
        """The pass of the denoiser that left these flat rows (B, F)."""
        sizes = [shape.numel() for shape in self.shapes]
        parts = [part.unflatten(1, shape) for part, shape in zip(rows.split(sizes, dim=1), self.shapes, strict=True)]
        *levels, latents = parts
        features = levels[: len(levels) - len(self.levels)]
        maps = dict(zip(self.levels, levels[len(features) :], strict=True))
        return Perception(tuple(features), tuple(maps.get(level) for level in range(len(features))), latents)


class KCDPTask(nn.Module):
    """Equation 13 on a batch of labelled source pictures and, for domain adaptation, unlabelled target pictures."""

    #: How to read the rows of a frozen denoiser; the stage sets it under frozen tuning.
    frozen: FrozenPerception | None = None

    def __init__(self, foundation: Foundation, config: KCDPConfig, tokens: int, width: int, image_dim: int = 0) -> None:
        """`tokens` and `width` of k, `image_dim` of i, 0 where the experts have none."""
        super().__init__()
        self.config = config
        self.preset = LOSS_PRESETS[config.preset]
        self.precision = foundation.unet.dtype
        for component in (foundation.vae, foundation.unet, foundation.text_encoder):
            component.requires_grad_(False)
        self.denoiser = Denoiser(
            foundation.unet,
            config.timestep,
            config.tuning,
            config.lora_rank,
            config.lora_alpha,
            tuple(config.attention_levels),
            config.features,
            config.input_scale(foundation),
        )
        for parameter in self.denoiser.trainable_parameters():
            # Steps are too small for 16 bits.
            parameter.data = parameter.data.float()
        self.pyramid = FeaturePyramid(
            self.denoiser.feature_channels,
            self.denoiser.attention_channels(tokens),
            config.pyramid_channels,
            foundation.unet.config.in_channels if config.latent_encoder_channels else 0,
            tuple(config.latent_encoder_channels),
        )
        if foundation.latent_encoder is not None and config.latent_encoder_channels:
            self.pyramid.path.load_state_dict(foundation.latent_encoder.state_dict())
        self.moe = MixtureOfExperts(
            visual_dim=self.pyramid.visual_dim,
            knowledge_dim=width,
            num_classes=len(foundation.labels),
            num_experts=config.num_experts,
            top_k=config.top_k,
            inputs=config.moe_inputs,
            dropout=config.dropout,
            image_dim=image_dim,
        )
        self.cliea = CLIEA(
            visual_dim=self.pyramid.visual_dim, text_dim=width, use_mha=config.use_mha, use_mapping=config.use_mapping
        )
        # Processes that train together wait for a gradient of each parameter that asks for one.
        self.cliea.requires_grad_(config.use_cliea)
        if not config.use_cliea and not config.hears("v"):
            self.pyramid.requires_grad_(False)
            for parameter in self.denoiser.trainable_parameters():
                parameter.requires_grad_(False)
        #: Batches trained on, for the warm-up; kept with the weights, so that a killed run goes on from it.
        self.register_buffer("trained_batches", torch.zeros((), dtype=torch.long))
        with torch.no_grad():
            self.register_buffer("prompts", foundation.emotion_prompts().float(), persistent=False)

    def perceive(self, latents: torch.Tensor, states: torch.Tensor) -> Perception:
        """Features and attention maps of latents (B, C, h, w); under frozen tuning, of a `FrozenPerception`'s flat rows (B, F)."""
        if self.frozen is not None:
            return self.frozen.perception(latents)
        return denoiser_pass(self.denoiser, self.precision, latents, states)

    def predict(
        self, latents: torch.Tensor, states: torch.Tensor, pooled: torch.Tensor, images: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits (B, K), similarities (B, K) and balance loss () of latents under knowledge."""
        perception = self.perceive(latents, states)
        visual = self.pyramid(perception.features, perception.attention, perception.latents)
        routed = self.moe(visual, pooled, image=images)
        return routed.logits, self.cliea(visual, states, self.prompts), routed.balance

    def forward(
        self,
        latents: torch.Tensor,
        states: torch.Tensor,
        pooled: torch.Tensor,
        labels: torch.Tensor,
        images: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Latents (B, C, h, w), k (B, T, D), its pooled vectors (B, 2, D), labels (B,) with -1 for target pictures, i (B, W)."""
        logits, similarities, balance = self.predict(latents, states, pooled, images)
        known = labels >= 0
        source, target = known.nonzero().flatten(), (~known).nonzero().flatten()
        supervised = prediction_loss(logits[source], labels[source])
        contrastive = logits.new_zeros(())
        if self.config.use_cliea:
            in_denominator = self.preset.positive_in_denominator
            contrastive = counterfactual_contrastive(
                similarities[source], labels[source], positive_in_denominator=in_denominator
            )
        adapted = None
        if len(target):
            own = pseudo_labels(logits[target].detach())
            guesses = pseudo_labels(similarities[target].detach()) if self.config.use_cliea else own
            warmup = self.config.target_warmup
            weight = min(1.0, self.trained_batches.item() / warmup) if warmup else 1.0
            agreed = guesses == own if self.config.agreed_labels else None
            adapted = weight * prediction_loss(logits[target], guesses, agreed)
        self.trained_batches += self.training
        loss = total_loss(self.preset, supervised, contrastive, balance, adapted)
        return {"loss": loss, "supervised": supervised.detach(), "contrastive": contrastive.detach()}


class KCDPStage:
    """Trains KCDP. `target` is the unlabelled domain of setting DA; without it the setting is UC."""

    name = "kcdp"
    #: Not the mean over domains: one of them may be a handful of pictures.
    selection = "macro_f1"

    def __init__(
        self,
        config: KCDPConfig,
        foundation: Foundation,
        source: PictureDataset,
        validation: PictureDataset,
        target: PictureDataset | None = None,
        others: Sequence[PictureDataset] = (),
    ) -> None:
        """`others` are datasets that `predict` will be asked about beside `validation`."""
        self.config, self.foundation = config, foundation
        self.source, self.target, self.validation = source, target, validation
        self.frozen: FrozenPerception | None = None
        datasets = [(source, config.views), (validation, 0), (target, config.views), *((one, 0) for one in others)]
        self.caches = {id(dataset): self._cache(dataset, views) for dataset, views in datasets if dataset is not None}
        self.blank = tuple(part.float() for part in self.caches[id(source)].blank())

    def _cache(self, dataset: PictureDataset, views: int) -> KnowledgeCache:
        """What the task reads of a dataset; under frozen tuning, the denoiser's pass is in the place of latents."""
        config, foundation = self.config, self.foundation
        cache = KnowledgeCache(dataset, foundation, config.condition, views, config.pooling, config.hears("i"))
        if config.tuning == "frozen":
            denoiser = Denoiser(
                foundation.unet,
                config.timestep,
                "frozen",
                attention_levels=tuple(config.attention_levels),
                features=config.features,
                input_scale=config.input_scale(foundation),
            )
            self.frozen = FrozenPerception(denoiser.eval(), foundation, cache)
            cache.latents = self.frozen.rows
        return cache

    def build(self) -> KCDPTask:
        states, _ = self.blank
        images = self.caches[id(self.source)].images
        image_dim = 0 if images is None else images.shape[1]
        task = KCDPTask(self.foundation, self.config, states.shape[-2], states.shape[-1], image_dim)
        task.frozen = self.frozen
        return task

    def _draw(
        self, dataset: PictureDataset, size: int, labelled: bool, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        indices = dataset.sample(size, generator)
        batch = self.caches[id(dataset)].draw(indices, generator)
        batch["labels"] = dataset.labels[indices] if labelled else torch.full((size,), -1)
        return batch

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        if self.target is None:
            batch = self._draw(self.source, size, True, generator)
        else:
            source = self._draw(self.source, size - size // 2, True, generator)
            target = self._draw(self.target, size // 2, False, generator)
            batch = {name: torch.cat([source[name], target[name]]) for name in source}
        blank = torch.rand(size, generator=generator) < self.config.knowledge_dropout
        for name, value in zip(("states", "pooled"), self.blank, strict=True):
            batch[name][blank] = value
        return batch

    def predict(self, model: KCDPTask, dataset: PictureDataset) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of the experts and similarities of CLIEA, each (N, K), for the plain pictures of `dataset`.

        All processes compute their share of them, and each gets everything.
        """
        cache = self.caches.get(id(dataset)) or self._cache(dataset, 0)
        device = next(model.parameters()).device

        @torch.no_grad()
        def compute(indices: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
            batch = {name: value.to(device) for name, value in cache.view(0, indices).items()}
            logits, similarities, _ = model.predict(**batch)
            return logits.float().softmax(-1).cpu().numpy(), similarities.float().cpu().numpy()

        probabilities, similarities = zip(*distributed_map(torch.arange(len(dataset)).split(64), compute), strict=True)
        return np.concatenate(probabilities), np.concatenate(similarities)

    def validate(self, model: KCDPTask) -> dict[str, float]:
        """Accuracy by domain and macro-F1 of the experts, and CLIEA's accuracy."""
        probabilities, similarities = self.predict(model, self.validation)
        metrics = scores_by_domain(self.validation, probabilities.argmax(1))
        return metrics | {"cliea": float((similarities.argmax(1) == self.validation.labels.numpy()).mean())}

    def export(self, model: KCDPTask, folder: Path) -> None:
        model.denoiser.save_adapter(folder / "kgca")
        model.pyramid.save_pretrained(folder / "pyramid")
        model.moe.save_pretrained(folder / "moe")
        model.cliea.save_pretrained(folder / "cliea")


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
        pooling=config.pooling,
        features=config.features,
        scale_latents=config.scales_latents,
        captioning=foundation.captioning,
    )
    pipeline.denoiser.load_adapter(heads / "kgca")
    pipeline.parser = foundation.parser
    pipeline.to(foundation.unet.dtype)
    pipeline.denoiser.to(foundation.unet.dtype)
    return pipeline


def run(recipe: Recipe) -> dict[str, float]:
    """Train KCDP in setting UC on every labelled picture, then write the bundle."""
    config = recipe.stage_settings("kcdp", KCDPConfig).config
    datasets = stage_datasets(recipe, "kcdp", config.balance, labelled=True, drop_unshared=True)
    foundation = load_perception(recipe)

    def bundle(metrics: dict[str, float]) -> None:
        pipeline = assemble(foundation, best_weights(recipe, "kcdp"), config, recipe.label_space)
        write_bundle(recipe, pipeline, metrics, trained_uniemo(recipe, foundation))

    return train_stage(recipe, KCDPStage(config, foundation, *datasets), bundle)


SPEC = StageSpec(
    "kcdp",
    KCDPConfig,
    run,
    needs=("vae", "language", "unet", "labelled_latent_encoder"),
    check=FoundationConfig.check_for_kcdp,
)
