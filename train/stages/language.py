"""Foundation, part two: the towers that tie pictures to words, and the captioner, in one contrastive captioner.

The vision transformer is the expensive part of both a CLIP and a captioner, so both are trained on one pass of it
(CoCa: Yu et al. 2022): its class token is aligned with the text tower, its patch tokens feed a caption decoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertLMHeadModel,
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTokenizer,
    CLIPVisionConfig,
    VisionEncoderDecoderModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from train.data.pool import Pool
from train.data.store import content_key
from train.loop import write_folder


@dataclass
class LanguageConfig:
    """Sizes and loss weights of the contrastive captioner."""

    width: int = field(default=256, metadata={"help": "Width of every transformer."})
    vision_layers: int = field(default=6, metadata={"help": "Layers of the vision tower."})
    text_layers: int = field(default=4, metadata={"help": "Layers of the text tower."})
    decoder_layers: int = field(default=3, metadata={"help": "Layers of the caption decoder."})
    patch_size: int = field(default=16, metadata={"help": "Pixels of a side of the vision tower's patches."})
    vocabulary: int = field(default=6000, metadata={"help": "Entries of the tokenizer."})
    max_tokens: int = field(default=32, metadata={"help": "Longest text, start and end included."})
    caption_weight: float = field(default=1.0, metadata={"help": "Weight of the caption decoder's cross-entropy."})
    teacher: str | None = field(
        default=None,
        metadata={"help": "A sentence-transformers model whose similarities soften the contrastive targets."},
    )
    teacher_weight: float = field(default=0.5, metadata={"help": "Share of the teacher in the contrastive targets."})
    start: str | None = field(
        default=None,
        metadata={
            "help": "Go on from the weights in this folder with the text tower as it is: the denoiser may be using it."
        },
    )


#: Every sign of ASCII, and characters that end in every byte that a word may end in: what a tokenizer has not seen at
#: the end of a word it takes for unknown, and CLIP's sign for that is the one for the end of the text.
_ENDINGS = tuple(chr(code) for code in (*range(0x21, 0x7F), *range(0x4E00, 0x4E40)))


def train_tokenizer(texts: Iterable[str], vocabulary: int, max_tokens: int) -> CLIPTokenizer:
    """A CLIP tokenizer (byte-pair encoding, lower case) of its own vocabulary, learned from `texts`."""
    blank = CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[])
    tokenizer = blank.train_new_from_iterator((*texts, *_ENDINGS), vocab_size=vocabulary)
    tokenizer.model_max_length = max_tokens
    return tokenizer


def kept_tokenizer(pool: Pool, config: LanguageConfig) -> CLIPTokenizer:
    """The tokenizer of a pool's texts, learned once.

    Learning breaks ties in another order each time: a run that goes on, and every process of a run, needs the one that
    the run began with.
    """
    texts = pool.texts()
    folder = pool.cache_dir / f"tokenizer-{content_key(texts, config.vocabulary, config.max_tokens)}"
    with PartialState().main_process_first():
        if not folder.exists():
            write_folder(folder, train_tokenizer(texts, config.vocabulary, config.max_tokens).save_pretrained)
    return CLIPTokenizer.from_pretrained(folder)


def build_clip(config: LanguageConfig, tokenizer: CLIPTokenizer, size: int) -> CLIPModel:
    """A CLIP of random weights for pictures of `size` pixels."""
    heads = max(1, config.width // 64)
    shared = {"hidden_size": config.width, "intermediate_size": 4 * config.width, "num_attention_heads": heads}
    ends = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=config.max_tokens,
        num_hidden_layers=config.text_layers,
        projection_dim=config.width,
        **shared,
        **ends,
    )
    vision = CLIPVisionConfig(
        image_size=size,
        patch_size=config.patch_size,
        num_hidden_layers=config.vision_layers,
        projection_dim=config.width,
        **shared,
    )
    return CLIPModel(
        CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=config.width)
    )


def build_captioner(config: LanguageConfig, clip: CLIPModel, tokenizer: CLIPTokenizer) -> VisionEncoderDecoderModel:
    """A BERT decoder with cross-attention, as in BLIP, on the vision tower of `clip` itself (no copy)."""
    decoder = BertLMHeadModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            intermediate_size=4 * config.width,
            num_hidden_layers=config.decoder_layers,
            num_attention_heads=max(1, config.width // 64),
            max_position_embeddings=config.max_tokens,
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


class Teacher:
    """Unit sentence vectors of a frozen sentence encoder, each text encoded once."""

    def __init__(self, name: str) -> None:
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(name)
        self.known: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> torch.Tensor:
        """Vectors (B, D) of `texts`."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            vectors = self.model.encode(new, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False)
            self.known.update(zip(new, vectors.cpu().clone(), strict=True))
        return torch.stack([self.known[text] for text in texts])


def soft_targets(texts: torch.Tensor, teacher: torch.Tensor | None, share: float) -> torch.Tensor:
    """Contrastive targets (B, B), rows sum to 1.

    `texts` (B, L) are token ids: equal texts are not each other's negatives. `teacher` (B, D) are unit sentence vectors
    of another model; `share` of each row follows their similarities, so that related captions are not pushed apart.
    """
    same = (texts[:, None] == texts[None]).all(-1).float()
    targets = same / same.sum(1, keepdim=True)
    if teacher is None:
        return targets
    return (1 - share) * targets + share * (teacher @ teacher.T / 0.05).softmax(1)


class LanguageTask(nn.Module):
    """Contrastive alignment plus captioning; one pass of the vision tower serves both."""

    def __init__(self, clip: CLIPModel, captioner: VisionEncoderDecoderModel, config: LanguageConfig) -> None:
        super().__init__()
        self.clip = clip
        self.decoder = captioner.decoder
        self.generation_config = captioner.generation_config
        self.config = config

    def forward(
        self, pixel_values: torch.Tensor, input_ids: torch.Tensor, teacher: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Pictures (B, 3, H, W), captions (B, L) padded with the end token, teacher sentence vectors (B, D)."""
        clip, end = self.clip, self.clip.text_model.eos_token_id
        vision = clip.vision_model(pixel_values=pixel_values)
        images = F.normalize(clip.visual_projection(vision.pooler_output), dim=-1)
        texts = F.normalize(clip.text_projection(clip.text_model(input_ids=input_ids).pooler_output), dim=-1)
        logits = images @ texts.T * clip.logit_scale.exp().clamp(max=100)
        targets = soft_targets(input_ids, teacher, self.config.teacher_weight)
        contrastive = (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2
        inputs, labels = input_ids[:, :-1], input_ids[:, 1:]
        # The end token also pads: it is asked for once and ignored after that.
        ended = (inputs == end).cumsum(1) > 0
        words = self.decoder(
            input_ids=inputs, attention_mask=(~ended).long(), encoder_hidden_states=vision.last_hidden_state
        ).logits
        caption = F.cross_entropy(words.transpose(1, 2), labels.masked_fill(ended, -100), label_smoothing=0.1)
        losses = {"contrastive": contrastive.detach(), "caption": caption.detach()}
        total = contrastive + self.config.caption_weight * caption
        if teacher is not None:
            relations = (texts @ texts.T - teacher @ teacher.T).square().mean()
            total = total + 5 * relations
            losses["relations"] = relations.detach()
        return {"loss": total, **losses}


class LanguageStage:
    """Trains tokenizer, CLIP and captioner on pictures with captions."""

    selection = "likelihood"

    def __init__(self, config: LanguageConfig, train: Pool, validation: Pool, name: str = "language") -> None:
        self.name, self.config, self.train, self.validation = name, config, train, validation
        self.teacher = Teacher(config.teacher) if config.teacher else None
        if config.start:
            self.tokenizer = CLIPTokenizer.from_pretrained(Path(config.start) / "tokenizer")
        else:
            self.tokenizer = kept_tokenizer(train, config)
        self.image_processor = CLIPImageProcessorPil(
            size={"height": train.size, "width": train.size},
            do_center_crop=False,
            image_mean=[0.5, 0.5, 0.5],
            image_std=[0.5, 0.5, 0.5],
        )

    def build(self) -> LanguageTask:
        if self.config.start is None:
            clip = build_clip(self.config, self.tokenizer, self.train.size)
            return LanguageTask(clip, build_captioner(self.config, clip, self.tokenizer), self.config)
        clip = CLIPModel.from_pretrained(Path(self.config.start) / "clip")
        clip.text_model.requires_grad_(False)
        clip.text_projection.requires_grad_(False)
        captioner = VisionEncoderDecoderModel.from_pretrained(Path(self.config.start) / "captioner")
        return LanguageTask(clip, captioner, self.config)

    def tokens(self, texts: list[str]) -> torch.Tensor:
        """Token ids (B, longest), start and end tokens included."""
        return self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt").input_ids

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.train.sample(size, generator)
        captions = self.train.captions(indices, generator)
        batch = {"pixel_values": self.train.augmented(indices, generator), "input_ids": self.tokens(captions)}
        if self.teacher is not None:
            batch["teacher"] = self.teacher(captions)
        return batch

    def validate(self, model: LanguageTask) -> dict[str, float]:
        """Mean probability of a caption token (geometric), and how often CLIP finds the right caption among its first 5.

        Selection goes by the captions: they are what k is made of.
        """
        generator = torch.Generator().manual_seed(0)
        indices = torch.arange(len(self.validation))
        tokens = self.tokens(self.validation.captions(indices, generator))
        images, losses = [], []
        clip = model.clip
        for part in indices.split(64):
            pictures = self.validation.plain(part).to(clip.device)
            losses.append(model(pictures, tokens[part].to(clip.device))["caption"])
            images.append(F.normalize(clip.get_image_features(pixel_values=pictures).pooler_output, dim=-1))
        unique, target = tokens.unique(dim=0, return_inverse=True)
        texts = F.normalize(clip.get_text_features(input_ids=unique.to(clip.device)).pooler_output, dim=-1)
        nearest = (torch.cat(images) @ texts.T).topk(min(5, len(unique)), dim=1).indices.cpu()
        recall = (nearest == target[:, None]).any(1).float().mean().item()
        caption = torch.stack(losses).mean()
        return {"likelihood": caption.neg().exp().item(), "caption": caption.item(), "recall": recall}

    def export(self, model: LanguageTask, folder: Path) -> None:
        model.clip.save_pretrained(folder / "clip")
        self.tokenizer.save_pretrained(folder / "tokenizer")
        self.image_processor.save_pretrained(folder / "image_processor")
        captioner = VisionEncoderDecoderModel(encoder=model.clip.vision_model, decoder=model.decoder)
        captioner.generation_config = model.generation_config
        captioner.save_pretrained(folder / "captioner")
