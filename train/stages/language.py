"""Foundation: the vision tower, aligned with the text tower, and the captioner, as one contrastive captioner.

The vision tower is the expensive part of both a CLIP and a captioner, so both are trained on one pass of it (CoCa: Yu et
al. 2022): its class token is aligned with the text tower, its patch tokens feed a caption decoder. The text tower is
frozen (LiT: Zhai et al. 2022), so the denoiser can be trained on it at the same time. Captions are without emotions: a
captioner that had learned the labels would carry them to domains whose labels are not available.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertLMHeadModel,
    CLIPModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    PreTrainedConfig,
    VisionEncoderDecoderModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.prediction.cliea import emotion_prompts
from kcdp.vision import ConvStemCLIPConfig, ConvStemCLIPModel, ConvStemCLIPVisionConfig
from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import best_weights, stage_datasets, train_stage
from train.data.dataset import PictureDataset
from train.stages.sentences import SentenceEncoder, bank_sample, caption_bank, caption_tokens, neighbour_loss

#: Pictures of one forward pass in validation.
VALIDATION_BATCH = 64


@dataclass
class LanguageConfig:
    """Sizes and loss weights of the contrastive captioner; its width is the text tower's."""

    vision_layers: int = setting(4, "Transformer layers of the vision tower.", "layers")
    tune_stem: bool = setting(False, "Go on training the convolutions that come from autoencoder and latent encoder.")
    decoder_layers: int = setting(3, "Layers of the caption decoder.", "layers")
    caption_weight: float = setting(1.0, "Weight of the caption decoder's cross-entropy.")
    bank: int = setting(1024, "Captions that each picture is held against.", "captions")
    balance: float = setting(0.3, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")


def tower_sizes(text: CLIPTextModelWithProjection, layers: int, mlp: int, size: int) -> dict[str, int]:
    """Sizes of a vision tower as wide as the text tower, for pictures of `size` pixels, with `mlp` channels in its MLPs."""
    width = text.config.hidden_size
    return {
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_attention_heads": max(1, width // 64),
        "num_hidden_layers": layers,
        "image_size": size,
        "projection_dim": text.config.projection_dim,
    }


def clip_settings(text: CLIPTextModelWithProjection, vision: PreTrainedConfig) -> dict[str, Any]:
    """Arguments of the configuration of a CLIP with these two towers."""
    projection = text.config.projection_dim
    return {"text_config": text.config.to_dict(), "vision_config": vision.to_dict(), "projection_dim": projection}


def square_processor(size: int, mean: float, std: float) -> CLIPImageProcessorPil:
    """Preprocessing of square pictures: resized to `size` pixels and normalised, all colours alike."""
    return CLIPImageProcessorPil(
        size={"height": size, "width": size}, do_center_crop=False, image_mean=[mean] * 3, image_std=[std] * 3
    )


def freeze_text(clip: CLIPModel, text: CLIPTextModelWithProjection) -> None:
    """Put the text tower given into `clip`, frozen."""
    for own, given in ((clip.text_model, text.text_model), (clip.text_projection, text.text_projection)):
        own.load_state_dict(given.state_dict())
        own.requires_grad_(False)


def build_clip(
    config: LanguageConfig, text: CLIPTextModelWithProjection, vae: PatchAutoencoderKL, encoder: LatentEncoder
) -> ConvStemCLIPModel:
    """A CLIP with the text tower given, frozen, and a vision tower whose stem is the autoencoder's linear code and `encoder`."""
    width, block = text.config.hidden_size, vae.linear_encoder.stride[0]
    vision = ConvStemCLIPVisionConfig(
        **tower_sizes(text, config.vision_layers, 4 * width, vae.config.sample_size),
        patch_size=2 * block,
        code_size=block,
        code_channels=vae.config.latent_channels,
        stem_widths=tuple(encoder.config.widths),
    )
    clip = ConvStemCLIPModel(ConvStemCLIPConfig(**clip_settings(text, vision)))
    freeze_text(clip, text)
    stem = clip.vision_model.embeddings.patch_embedding
    for own, given in ((stem.code, vae.linear_encoder), (stem.path, encoder)):
        own.load_state_dict(given.state_dict())
        own.requires_grad_(config.tune_stem)
    with torch.no_grad():
        # What the encoder has learned on are latents as the denoiser gets them.
        for weight in stem.code.parameters():
            weight.mul_(vae.config.scaling_factor)
    return clip


def build_captioner(
    config: LanguageConfig, clip: ConvStemCLIPModel, tokenizer: CLIPTokenizer
) -> VisionEncoderDecoderModel:
    """A BERT decoder with cross-attention, as in BLIP, on the vision tower of `clip` itself (no copy)."""
    text = clip.config.text_config
    decoder = BertLMHeadModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=text.hidden_size,
            intermediate_size=4 * text.hidden_size,
            num_hidden_layers=config.decoder_layers,
            num_attention_heads=text.num_attention_heads,
            # More than the text tower reads: whoever generates may ask for longer captions.
            max_position_embeddings=64,
            is_decoder=True,
            add_cross_attention=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    captioner = VisionEncoderDecoderModel(encoder=clip.vision_model, decoder=decoder)
    for settings in (captioner.config, captioner.generation_config):
        settings.decoder_start_token_id = tokenizer.bos_token_id
        settings.bos_token_id = tokenizer.bos_token_id
        settings.eos_token_id = tokenizer.eos_token_id
        settings.pad_token_id = tokenizer.pad_token_id
    return captioner


def target_tokens(input_ids: torch.Tensor, end: int) -> torch.Tensor:
    """Which tokens of captions (B, L) the decoder is trained to predict from those before them: (B, L - 1) bool.

    The first token is given. The end token also pads: it is predicted once and ignored after that.
    """
    return (input_ids[:, :-1] == end).cumsum(1) == 0


def caption_recall(clip: CLIPModel, embeds: torch.Tensor, tokens: torch.Tensor) -> float:
    """How often a picture's caption, tokens (N, L), is among the five nearest to its unit vector, (N, P), of all captions."""
    unique, target = tokens.unique(dim=0, return_inverse=True)
    texts = F.normalize(clip.get_text_features(input_ids=unique.to(clip.device)).pooler_output, dim=-1)
    nearest = (embeds @ texts.T).topk(min(5, len(unique)), dim=1).indices
    return (nearest == target[:, None].to(nearest.device)).any(1).float().mean().item()


def save_language_models(
    folder: Path, model: nn.Module, encoder: nn.Module, tokenizer: CLIPTokenizer, images: CLIPImageProcessorPil
) -> None:
    """Write the CLIP of a task, and the captioner of an `encoder` and its decoder, as later stages read them."""
    captioner = VisionEncoderDecoderModel(encoder=encoder, decoder=model.decoder)
    captioner.generation_config = model.generation_config
    parts = {"clip": model.clip, "tokenizer": tokenizer, "image_processor": images, "captioner": captioner}
    for name, part in parts.items():
        part.save_pretrained(folder / name)


def contrast_and_caption(
    clip: CLIPModel,
    decoder: nn.Module,
    pooled: torch.Tensor,
    states: torch.Tensor,
    input_ids: torch.Tensor,
    bank: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Both losses of a contrastive captioner, scalars, and the unit vectors (B, P) of the pictures.

    Args:
        clip, decoder: the frozen text tower is the former's.
        pooled: (B, W), of the vision tower.
        states: (B, n, D), what the decoder attends to.
        input_ids: captions (B, L), padded with the end token.
        bank: unit vectors (N, P) of other captions.
    """
    images = F.normalize(clip.visual_projection(pooled), dim=-1)
    with torch.no_grad():
        texts = F.normalize(clip.text_projection(clip.text_model(input_ids=input_ids).pooler_output), dim=-1)
    contrast = neighbour_loss(images, texts, bank, clip.logit_scale.exp().clamp(max=100))
    counted = target_tokens(input_ids, clip.text_model.eos_token_id)
    logits = decoder(
        input_ids=input_ids[:, :-1], attention_mask=counted.long(), encoder_hidden_states=states
    ).logits.transpose(1, 2)
    return contrast, F.cross_entropy(logits, input_ids[:, 1:].masked_fill(~counted, -100), label_smoothing=0.1), images


class LanguageTask(nn.Module):
    """Contrastive alignment plus captioning; one pass of the vision tower serves both."""

    def __init__(self, clip: ConvStemCLIPModel, captioner: VisionEncoderDecoderModel, config: LanguageConfig) -> None:
        super().__init__()
        self.clip, self.config = clip, config
        self.decoder, self.generation_config = captioner.decoder, captioner.generation_config

    def forward(
        self, pixel_values: torch.Tensor, input_ids: torch.Tensor, bank: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Pictures (B, 3, H, W), captions (B, L) padded with the end token, other captions' vectors (N, D)."""
        vision = self.clip.vision_model(pixel_values=pixel_values)
        contrastive, caption, _ = contrast_and_caption(
            self.clip, self.decoder, vision.pooler_output, vision.last_hidden_state, input_ids, bank
        )
        loss = contrastive + self.config.caption_weight * caption
        return {"loss": loss, "contrastive": contrastive.detach(), "caption": caption.detach()}


class LanguageStage:
    """Trains vision tower and captioner on pictures with captions."""

    name = "language"
    selection = "likelihood"

    def __init__(
        self,
        config: LanguageConfig,
        train: PictureDataset,
        validation: PictureDataset,
        text: Path,
        vae: PatchAutoencoderKL,
        encoder: LatentEncoder,
    ) -> None:
        self.config, self.train, self.validation, self.vae, self.encoder = config, train, validation, vae, encoder
        self.text = CLIPTextModelWithProjection.from_pretrained(text / "text").eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(text / "tokenizer")
        sentences = SentenceEncoder(self.text, self.tokenizer)
        self.bank = caption_bank(train, sentences)
        self.prompts = sentences(emotion_prompts(train.emotions))
        self.image_processor = square_processor(train.size, 0.5, 0.5)

    def build(self) -> LanguageTask:
        clip = build_clip(self.config, self.text, self.vae, self.encoder)
        return LanguageTask(clip, build_captioner(self.config, clip, self.tokenizer), self.config)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.train.sample(size, generator)
        bank = bank_sample(self.bank, self.config.bank, generator)
        return {
            "pixel_values": self.train.augmented(indices, generator),
            "input_ids": caption_tokens(self.tokenizer, self.train.captions(indices, generator, feelings=False)),
            "bank": bank,
        }

    def validate(self, model: LanguageTask) -> dict[str, float]:
        """Mean probability of a caption token (geometric), and how often CLIP finds the right caption among its first 5.

        Selection goes by the captions: they are what k is made of. Only the data sets' pictures count, where there are
        some.
        """
        generator = torch.Generator().manual_seed(0)
        indices = self.validation.real()
        tokens = caption_tokens(self.tokenizer, self.validation.captions(indices, generator, feelings=False))
        images, caption = [], 0.0
        clip, bank = model.clip, self.bank[: self.config.bank].to(model.clip.device)
        counted = target_tokens(tokens, clip.text_model.eos_token_id).sum(1)
        for rows in torch.arange(len(indices)).split(VALIDATION_BATCH):
            pictures = self.validation.plain(indices[rows]).to(clip.device)
            losses = model(pictures, tokens[rows].to(clip.device), bank)
            # The mean over words: long captions have more of them.
            caption += losses["caption"].item() * (counted[rows].sum() / counted.sum()).item()
            images.append(F.normalize(clip.get_image_features(pixel_values=pictures).pooler_output, dim=-1))
        embeds = torch.cat(images)
        metrics = {"likelihood": math.exp(-caption), "caption": caption}
        metrics["recall"] = caption_recall(clip, embeds, tokens)
        labels = self.validation.labels[indices]
        right = (embeds @ self.prompts.to(embeds.device).T).argmax(1).cpu() == labels
        metrics["zero_shot"] = right[labels >= 0].float().mean().item()
        return metrics

    def export(self, model: LanguageTask, folder: Path) -> None:
        save_language_models(folder, model, model.clip.vision_model, self.tokenizer, self.image_processor)


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage on pictures and their captions, from the autoencoder's linear code and the latent encoder."""
    config = recipe.stage_settings("language", LanguageConfig).config
    datasets = stage_datasets(recipe, "language", config.balance)
    vae = PatchAutoencoderKL.from_pretrained(best_weights(recipe, "vae") / "vae")
    encoder = LatentEncoder.from_pretrained(best_weights(recipe, "latent_encoder") / "latent_encoder")
    return train_stage(recipe, LanguageStage(config, *datasets, best_weights(recipe, "text"), vae, encoder))


SPEC = StageSpec("language", LanguageConfig, run, needs=("vae", "text", "latent_encoder"), foundation=True)
