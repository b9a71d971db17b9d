"""UniEmo: joint training of understanding and generation (sections III-B and III-C, eq. 10).

The features of a picture are fused into one vector F, which takes the place of the emotion's word in the prompt, and the
denoiser is trained to denoise that picture. Gradients of both losses reach the queries: what helps generation shapes
understanding (implicit feedback). Text encoders and denoiser are frozen, but gradients flow through them into F. The paper
keeps it at that, with Stable Diffusion; a denoiser of a few million weights that was never trained on such a token gains from
being trained with it, so `tune_unet` may allow that.
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
from train.metrics.recognition import recognition_scores
from train.stages.understanding import TokenDataset, UnderstandingStage, UnderstandingTask
from train.stages.unet import channel_weights, denoising_loss, noised, validation_rows

#: What LoRA is put on, of every attention.
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]


@dataclass
class JointConfig:
    """What the paper varies in fusion and condition (table V), and what a small denoiser asks for."""

    use: Use = setting("all", "What is fused: cls, cls+scene, cls+object or all (table V).")
    correlation: bool = setting(True, "Weigh scene and object by the emotional correlation coefficient (table V).")
    token_length: bool | None = setting(
        None, "Bring F to the length of a token's embedding; as `uniemo_understanding.preset` says if not given."
    )
    condition: Literal["cond", "ce", "none"] = setting(
        "cond", "Emotional condition loss, cross-entropy or none (table V)."
    )
    tune_unet: Literal["none", "lora", "full"] = setting("none", "Train the denoiser too: none is the paper's.")
    lora_rank: int = setting(8, "Rank and scale of `tune_unet: lora`.")
    threshold: float = setting(0.0, "Cosine below which an attribute counts as unknown.")
    caption_dropout: float = setting(0.1, "Pictures without any condition, not even F: for guidance.", "share")
    word_dropout: float = setting(0.3, "Prompts that are F alone, as of a call without words.", "share")
    noun_share: float = setting(0.0, "Prompts that are F and the object's name, as in transfer.", "share")
    swap_share: float = setting(0.0, "Pictures conditioned on F of another one of their emotion.", "share")
    channel_power: float = setting(0.0, "Latent channels are weighted by their deviation to this power.")
    space: tuple[str, ...] = setting((), "Domains whose pictures the emotion space is of; all if not given.")
    balance: float = setting(0.5, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")
    guidance_scale: float = setting(7.5, "How far the pipeline follows a prompt where a call does not say.")
    guidance_rescale: float = setting(0.0, "How far it then takes back the glare that this brings: 0 (paper) to 1.")


def tuned_unet(unet: UNet2DConditionModel, config: JointConfig) -> UNet2DConditionModel | None:
    """A copy of the denoiser in which the parameters that `tune_unet` selects are trainable; None where none is."""
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
    """Indices (B,) of the pictures whose F conditions those with `labels` (B,): mostly their own, and for a `share` of them
    that of a random one of the same emotion.

    A picture's own F holds its content as well, so a denoiser that was trained on it alone would ignore the words.
    """
    rows = torch.arange(len(labels))
    same = ((labels[:, None] == labels) & (labels >= 0)) | rows[:, None].eq(rows)
    others = torch.rand(same.shape, generator=generator).masked_fill(~same, -1).argmax(dim=1)
    return torch.where(torch.rand(len(labels), generator=generator) < share, others, rows)


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
        #: The condition of a dropped prompt.
        self.nothing = foundation.prompts.nothing()

    @property
    def passes_through(self) -> tuple[nn.Module, ...]:
        """Frozen networks through which gradients reach F."""
        return (self._frozen.unet,)

    @property
    def unet(self) -> UNet2DConditionModel:
        """The denoiser that is conditioned on F."""
        return self._frozen.unet if self.tuned is None else self.tuned

    def fuse(self, out: ChainOutput, labels: torch.Tensor) -> torch.Tensor:
        """F (B, T); alphas are those of the labels (B,), or where that is -1, of the predicted probabilities."""
        predicted = out.logits.detach().softmax(dim=-1)
        labelled = F.one_hot(labels.clamp(min=0), predicted.shape[1]).to(predicted)
        alphas = self.correlation.alphas(out, torch.where(labels[:, None] >= 0, labelled, predicted))
        return self.fusion(*pooled_features(out).unbind(dim=1), *alphas.unbind(dim=1))

    def condition(self, fused: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """L_cond of F (B, T) where the label (B,) is known; 0 where none is, or no condition is asked for."""
        known = labels >= 0
        if not known.any() or self.config.condition == "none":
            # Of every weight, for processes that train together expect a gradient of each.
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
        condition = self._frozen.prompts.encode_tokens(ids, places, fused).replaced(self.nothing, drop)
        return denoising_loss(self.unet, self.scheduler, latents, noise, timesteps, condition, self.channels)

    def forward(
        self,
        tokens: torch.Tensor,
        labels: torch.Tensor,
        scene: torch.Tensor,
        object: torch.Tensor,
        partners: torch.Tensor,
        **denoised: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Tokens and indices as for `UnderstandingTask`, whose F conditions each picture (B,), and the rest of `denoising`."""
        understanding = self.understanding
        out = understanding.chain.forward_tokens(understanding.vision, tokens, attention=False)
        understood = understanding.losses(out, labels, scene, object)["loss"]
        fused = self.fuse(out, labels)
        condition, denoising = self.condition(fused, labels), self.denoising(fused[partners], **denoised)
        loss = joint_loss(understanding.preset, understood, condition, denoising)
        terms = {"understanding": understood, "condition": condition, "denoising": denoising}
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}}


class JointStage:
    """Trains queries, fusion and heads on pictures that are both understood and denoised; their prompts say no emotion.

    The queries are given plain pictures and augmented ones, the denoiser plain ones.
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
            pictures: labelled datasets as the stage `uniemo_understanding` has them; its tower is the one in `start`.
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
            own = config.token_length
            fusion = EmotionFusion(
                chain.config.width,
                [table.shape[1] for table in words],
                chain.config.num_classes,
                [float(table.norm(dim=1).mean()) for table in words],
                config.use,
                understanding.preset.token_length if own is None else own,
            )
        correlation = copy.deepcopy(self.correlation)
        channels = channel_weights(self.sources[0][1], config.channel_power)
        return JointTask(understanding, fusion, correlation, foundation, self.scheduler, channels, config)

    def _denoised(self, latents: np.ndarray, prompts: list[str], generator: torch.Generator) -> dict[str, torch.Tensor]:
        # A prompt that does not say where its emotion stands has it in front.
        ids, places = self.foundation.prompts.tokens(prompts)
        return {
            **noised(latents, self.scheduler, generator),
            "ids": ids,
            "places": places,
            "drop": torch.rand(len(ids), generator=generator) < self.config.caption_dropout,
        }

    def _draw(
        self, data: TokenDataset, latents: np.ndarray, size: int, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        indices = data.dataset.sample(size, generator)
        understood = data.draw(indices, generator)
        captions = data.dataset.captions(indices, generator, feelings=False)
        prompts = self._prompts(captions, understood["object"].tolist(), torch.rand(size, generator=generator).tolist())
        return {**understood, **self._denoised(latents[indices.numpy()], prompts, generator)}

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
        generated = round(size * self.share)
        sizes = (size - generated, generated)
        parts = [
            self._draw(data, latents, count, generator)
            for (data, latents), count in zip(self.sources, sizes, strict=False)
            if count
        ]
        batch = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return {**batch, "partners": partners(batch["labels"], self.config.swap_share, generator)}

    def validation_batches(self) -> Iterator[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
        """Indices of validation pictures (`validation_rows`) and the rest of `JointTask.denoising`, with fixed noise."""
        dataset, generator = self.pictures.validation, torch.Generator().manual_seed(0)
        for rows in validation_rows(dataset, generator).split(dataset.at_once(64)):
            captions = dataset.captions(rows, generator, feelings=False)
            prompts = [without_feelings(caption, expressions=True) for caption in captions]
            yield rows, self._denoised(self.held_out[rows.numpy()], prompts, generator)

    def validate(self, model: JointTask) -> dict[str, float]:
        """What `UnderstandingStage.validate` says, macro-F1 of the head on F, and the denoising loss under F.

        F is that of the picture itself, without its label. Pictures and noise are always the same.
        """
        pictures, device = self.pictures, model.fusion.device
        metrics = pictures.validate(model.understanding)

        @torch.no_grad()
        def measure(batch: tuple[torch.Tensor, dict[str, torch.Tensor]]) -> tuple[list[int], float]:
            rows, denoised = batch
            tokens = torch.from_numpy(np.array(pictures.held_out[rows.numpy()])).float().to(device)
            out = model.understanding.chain.forward_tokens(model.understanding.vision, tokens, attention=False)
            fused = model.fuse(out, torch.full((len(rows),), -1, device=device))
            denoised = {name: value.to(device) for name, value in denoised.items()}
            loss = model.denoising(fused, **denoised).item() * len(rows)
            return model.fusion.head(fused).argmax(1).tolist(), loss

        batches = list(self.validation_batches())
        predictions, losses = zip(*distributed_map(batches, measure), strict=True)
        labels = pictures.validation.labels[torch.cat([rows for rows, _ in batches])]
        denoising = sum(losses) / len(labels)
        scores = recognition_scores(labels.tolist(), list(itertools.chain(*predictions)), pictures.validation.emotions)
        metrics["fused_f1"] = scores.macro_f1
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
