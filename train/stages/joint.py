"""UniEmo, part two: understanding and generation together (sections III-B and III-C, eq. 10).

What the chain makes of a picture is fused into one vector F, which stands in the prompt where the emotion stands, and the
denoiser has to paint that very picture. Both losses go back through the queries: what helps to paint is what is seen
(implicit feedback). Text encoders and denoiser are frozen, but gradients flow through them into F. The paper keeps it at
that, for Stable Diffusion paints whatever it is asked for; a denoiser of a few million weights that never saw such a token
gains from learning with it, so `tune_unet` may let it.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import cast_training_params
from peft import LoraConfig
from sklearn.metrics import f1_score
from torch import nn
from torch.nn import functional as F

from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.fusion import EmotionFusion, Use, pooled_features
from kcdp.uniemo.query_chain import ChainOutput, ExpertQueryChain
from train.core.config import setting
from train.core.foundation import Foundation
from train.core.processes import distributed_map
from train.data.dataset import PictureDataset
from train.data.neutral import without_feelings
from train.losses.uniemo import condition_loss, joint_loss
from train.stages.understanding import ChainData, UnderstandingStage, UnderstandingTask
from train.stages.unet import channel_weights, denoising_loss, judged_rows

#: What LoRA is put on, of every attention.
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]


@dataclass
class JointConfig:
    """What the paper varies in fusion and condition (table V), and what a small denoiser asks for."""

    use: Use = setting("all", "What is fused: cls, cls+scene, cls+object or all (table V).")
    correlation: bool = setting(True, "Weigh scene and object by the emotional correlation coefficient (table V).")
    condition: Literal["cond", "ce", "none"] = setting(
        "cond", "Emotional condition loss, cross-entropy alone, or neither (table V)."
    )
    tune_unet: Literal["none", "lora", "full"] = setting(
        "none", "Train the denoiser too, which a small one needs: none (paper), lora or full."
    )
    lora_rank: int = setting(8, "Rank and scale of `tune_unet: lora`.")
    threshold: float = setting(0.0, "Cosine below which an attribute counts as unknown.")
    caption_dropout: float = setting(
        0.1, "Share of pictures of which nothing is said, not even F: for guidance.", "share, 0 to 1"
    )
    word_dropout: float = setting(
        0.3, "Share of prompts that are F alone: what a call without words asks for.", "share, 0 to 1"
    )
    noun_share: float = setting(
        0.0, "Share of prompts that are F and the object's name: what transfer asks for.", "share, 0 to 1"
    )
    swap_share: float = setting(
        0.0,
        "Share of pictures painted under F of another one of the same emotion: words say what, F how.",
        "share, 0 to 1",
    )
    channel_power: float = setting(
        0.0, "Latent channels count by their deviation to this power: 0 alike, 1 for what is large first."
    )
    space: tuple[str, ...] = setting((), "Domains whose pictures the emotion space is of; all if not given.")
    balance: float = setting(0.5, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")
    guidance_scale: float = setting(7.5, "How far the pipeline follows a prompt where a call does not say.")
    guidance_rescale: float = setting(0.0, "How far it then takes back the glare that this brings: 0 (paper) to 1.")


def tuned_unet(unet: UNet2DConditionModel, config: JointConfig) -> UNet2DConditionModel | None:
    """A copy of the denoiser that may learn what `tune_unet` says; None where it stays as it is."""
    if config.tune_unet == "none":
        return None
    copied = copy.deepcopy(unet).requires_grad_(config.tune_unet == "full")
    if config.tune_unet == "lora":
        copied.add_adapter(LoraConfig(r=config.lora_rank, lora_alpha=config.lora_rank, target_modules=ATTENTION))
    # In 16 bits a step is smaller than what separates two weights.
    cast_training_params(copied, torch.float32)
    return copied


def plain_unet(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """A copy with its adapter, if it has one, merged into the weights."""
    copied = copy.deepcopy(unet)
    if getattr(copied, "peft_config", None):
        copied.fuse_lora()
        copied.unload_lora()
    return copied


def partners(labels: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Indices (B,) of the pictures under whose F those with `labels` (B,) are painted: their own, and in a `share` of cases any
    one's of the same emotion.

    A picture's own F says what it shows as well, and a denoiser that learns with it would never listen to the words.
    """
    own = torch.arange(len(labels))
    alike = ((labels[:, None] == labels) & (labels >= 0)) | own[:, None].eq(own)
    others = torch.rand(alike.shape, generator=generator).masked_fill(~alike, -1).argmax(dim=1)
    return torch.where(torch.rand(len(labels), generator=generator) < share, others, own)


class JointTask(nn.Module):
    """Equation 10 on labelled pictures: L_U of the chain, L_cond of F, and the denoiser's loss under F and words."""

    def __init__(
        self,
        understanding: UnderstandingTask,
        fusion: EmotionFusion,
        correlation: EmotionalCorrelation,
        foundation: Foundation,
        scheduler: DDPMScheduler,
        channels: torch.Tensor,
        config: JointConfig,
    ) -> None:
        """`channels` (C,) is what `denoising_loss` takes."""
        super().__init__()
        self.understanding, self.fusion, self.config = understanding, fusion, config
        self.correlation, self.scheduler = correlation, scheduler
        #: None when the denoiser is frozen.
        self.tuned = tuned_unet(foundation.unet, config)
        self.register_buffer("channels", channels, persistent=False)
        # None of its modules is registered: what is frozen need not be in every checkpoint.
        self._frozen = foundation
        #: What is told of pictures of which nothing is said.
        self.nothing = foundation.prompts.nothing()

    @property
    def passes_through(self) -> tuple[nn.Module, ...]:
        """What gradients go through on their way to F, and learns nothing."""
        return (self._frozen.unet,)

    @property
    def unet(self) -> UNet2DConditionModel:
        """The denoiser that F has to move."""
        return self._frozen.unet if self.tuned is None else self.tuned

    def fuse(self, out: ChainOutput, labels: torch.Tensor) -> torch.Tensor:
        """F (B, T); alphas are those of the pictures' emotions, or where the label (B,) is -1, of those they seem to have."""
        weights = out.logits.detach().softmax(dim=-1)
        own = F.one_hot(labels.clamp(min=0), weights.shape[1]).to(weights)
        alphas = self.correlation.alphas(out, torch.where(labels[:, None] >= 0, own, weights))
        return self.fusion(*pooled_features(out).unbind(dim=1), *alphas.unbind(dim=1))

    def condition(self, fused: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """L_cond of F (B, T) where the label (B,) is known; 0 where none is, or no condition is asked for."""
        known = labels >= 0
        if not known.any() or self.config.condition == "none":
            # Of every weight, for processes that learn together expect a gradient of each.
            return 0 * self.fusion.head(fused).sum()
        fused, labels = fused[known], labels[known]
        logits = self.fusion.head(fused)
        if self.config.condition == "ce":
            return F.cross_entropy(logits, labels)
        return condition_loss(logits, fused, labels, self.fusion.prototypes)

    def denoising(
        self,
        fused: torch.Tensor,
        latents: torch.Tensor,
        noise: torch.Tensor,
        timesteps: torch.Tensor,
        ids: torch.Tensor,
        places: torch.Tensor,
        drop: torch.Tensor,
    ) -> torch.Tensor:
        """L(theta) of latents (B, C, h, w) under prompts with F (B, T) in its place, or nothing where `drop` (B,).

        Ids (B, E, L) and places (B, E) are for each of E text encoders.
        """
        told = self._frozen.prompts.read(ids, places, fused).but(self.nothing, drop)
        return denoising_loss(self.unet, self.scheduler, latents, noise, timesteps, told, self.channels)

    def forward(
        self,
        tokens: torch.Tensor,
        labels: torch.Tensor,
        scene: torch.Tensor,
        object: torch.Tensor,
        partners: torch.Tensor,
        **painted: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Tokens and indices as for `UnderstandingTask`, whose F each is painted under (B,), and the rest of `denoising`."""
        understanding = self.understanding
        out = understanding.chain.follow(understanding.vision, tokens, attention=False)
        seen = understanding.losses(out, labels, scene, object)
        fused = self.fuse(out, labels)
        condition, denoising = self.condition(fused, labels), self.denoising(fused[partners], **painted)
        loss = joint_loss(understanding.preset, seen["loss"], condition, denoising)
        parts = {"understanding": seen["loss"], "condition": condition, "denoising": denoising}
        return {"loss": loss, **{name: value.detach() for name, value in parts.items()}}


class JointStage:
    """Trains chain, fusion and heads on pictures that are both seen and painted; their prompts say no emotion.

    The chain sees plain pictures and augmented ones, the denoiser paints plain ones.
    """

    #: Macro-F1 of understanding minus the denoising loss: both are shares of one, and move by hundredths between
    #: validations, so neither decides alone.
    selection = "score"

    def __init__(
        self,
        config: JointConfig,
        pictures: UnderstandingStage,
        foundation: Foundation,
        scheduler: DDPMScheduler,
        correlation: EmotionalCorrelation,
        start: Path,
        generated: PictureDataset | None = None,
        share: float = 0.0,
        name: str = "uniemo_joint",
    ) -> None:
        """
        Args:
            pictures: labelled datasets as the chain learns from them; its tower is the one that `start` has.
            foundation: autoencoder, denoiser, text encoders and tokenizers.
            scheduler: the noise that the denoiser has learned to predict.
            correlation: of the attributes that `pictures` knows.
            start: folder of the stage before, with `chain` and, where it had them, `fusion` and `unet`.
            generated: pictures that make up `share` of every batch (explicit feedback); none by default.
            name: of the stage.
        """
        self.config, self.pictures, self.foundation, self.scheduler = config, pictures, foundation, scheduler
        self.correlation, self.start, self.share, self.name = correlation, start, share, name
        if (start / "unet").is_dir():
            device = foundation.unet.device
            unet = UNet2DConditionModel.from_pretrained(start / "unet").eval().requires_grad_(False)
            self.foundation = replace(foundation, unet=unet.to(device))
        self.sources = [(pictures.data, pictures.train.latents(foundation.vae, 0)[0])]
        if generated is not None:
            self.sources.append((pictures.data_of(generated), generated.latents(foundation.vae, 0)[0]))
        self.held_out = pictures.validation.latents(foundation.vae, 0)[0]

    def build(self) -> JointTask:
        pictures, foundation, config = self.pictures, self.foundation, self.config
        chain = ExpertQueryChain.from_pretrained(self.start / "chain")
        understanding = UnderstandingTask(copy.deepcopy(pictures.vision), chain, pictures.config, pictures.names)
        if (self.start / "fusion").is_dir():
            fusion = EmotionFusion.from_pretrained(self.start / "fusion")
        else:
            words = foundation.prompts.embeddings
            fusion = EmotionFusion(
                chain.config.width,
                [table.shape[1] for table in words],
                chain.config.num_classes,
                [float(table.norm(dim=1).mean()) for table in words],
                config.use,
            )
        correlation = copy.deepcopy(self.correlation)
        channels = channel_weights(self.sources[0][1], config.channel_power)
        return JointTask(understanding, fusion, correlation, foundation, self.scheduler, channels, config)

    def _painted(self, latents: np.ndarray, prompts: list[str], generator: torch.Generator) -> dict[str, torch.Tensor]:
        clean = torch.from_numpy(np.array(latents)).float()
        # A prompt that does not say where its emotion stands has it in front.
        ids, places = self.foundation.prompts.tokens(prompts)
        return {
            "latents": clean,
            "noise": torch.randn(clean.shape, generator=generator),
            "timesteps": torch.randint(
                0, self.scheduler.config.num_train_timesteps, (len(clean),), generator=generator
            ),
            "ids": ids,
            "places": places,
            "drop": torch.rand(len(clean), generator=generator) < self.config.caption_dropout,
        }

    def _draw(
        self, data: ChainData, latents: np.ndarray, size: int, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        indices = data.dataset.sample(size, generator)
        seen = data.draw(indices, generator)
        captions = data.dataset.captions(indices, generator, feelings=False)
        prompts = self._prompts(captions, seen["object"].tolist(), torch.rand(size, generator=generator).tolist())
        return {**seen, **self._painted(latents[indices.numpy()], prompts, generator)}

    def _prompts(self, captions: list[str], objects: list[int], draws: list[float]) -> list[str]:
        """What stands beside F: nothing, the object's name, or the caption without its feelings; `draws` are in [0, 1)."""
        names = self.pictures.tables["object"].names
        silent, short = self.config.word_dropout, self.config.noun_share
        prompts = []
        for caption, number, drawn in zip(captions, objects, draws, strict=True):
            if drawn < silent:
                prompts.append("")
            elif drawn < silent + short and number >= 0:
                prompts.append(f"a {names[number]}")
            else:
                prompts.append(without_feelings(caption, expressions=True))
        return prompts

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        made = round(size * self.share)
        sizes = (size - made, made)
        parts = [
            self._draw(data, latents, count, generator)
            for (data, latents), count in zip(self.sources, sizes, strict=False)
            if count
        ]
        batch = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return {**batch, "partners": partners(batch["labels"], self.config.swap_share, generator)}

    def judged(self) -> Iterator[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
        """Validation pictures (`judged_rows`) and what is painted of them, always the same with the same noise."""
        dataset, generator = self.pictures.validation, torch.Generator().manual_seed(0)
        for rows in judged_rows(dataset, generator).split(dataset.at_once(64)):
            captions = dataset.captions(rows, generator, feelings=False)
            prompts = [without_feelings(caption, expressions=True) for caption in captions]
            yield rows, self._painted(self.held_out[rows.numpy()], prompts, generator)

    def validate(self, model: JointTask) -> dict[str, float]:
        """What `UnderstandingStage.validate` says, macro-F1 of the head on F, and the denoising loss under F.

        F is that of the picture itself, whose emotion nobody tells. Pictures and noise are always the same.
        """
        pictures, device = self.pictures, model.fusion.device
        metrics = pictures.validate(model.understanding)

        @torch.no_grad()
        def look(judged: tuple[torch.Tensor, dict[str, torch.Tensor]]) -> tuple[list[int], float]:
            part, painted = judged
            tokens = torch.from_numpy(np.array(pictures.held_out[part.numpy()])).float().to(device)
            out = model.understanding.chain.follow(model.understanding.vision, tokens, attention=False)
            fused = model.fuse(out, torch.full((len(part),), -1, device=device))
            painted = {name: value.to(device) for name, value in painted.items()}
            loss = model.denoising(fused, **painted).item() * len(part)
            return model.fusion.head(fused).argmax(1).tolist(), loss

        judged = list(self.judged())
        guesses, losses = zip(*distributed_map(judged, look), strict=True)
        labels = pictures.validation.labels[torch.cat([rows for rows, _ in judged])]
        denoising = sum(losses) / len(labels)
        metrics["fused_f1"] = float(f1_score(labels, list(itertools.chain(*guesses)), average="macro"))
        return {"score": metrics["macro_f1"] - denoising, **metrics, "denoising": denoising}

    def export(self, model: JointTask, folder: Path) -> None:
        model.understanding.vision.save_pretrained(folder / "vision")
        model.understanding.chain.save_pretrained(folder / "chain")
        model.fusion.save_pretrained(folder / "fusion")
        model.correlation.save_pretrained(folder / "correlation")
        if model.tuned is not None:
            plain_unet(model.tuned).save_pretrained(folder / "unet")
        elif (self.start / "unet").is_dir():
            model.unet.save_pretrained(folder / "unet")
