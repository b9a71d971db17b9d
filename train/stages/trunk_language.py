"""Vision tower on ImageNet's convolutions, and captioner, without a label: what both see is one pass.

As in the stage `language` (a contrastive captioner: Yu et al. 2022, on a frozen text tower: Zhai et al. 2022), and beside that
three things that cost next to nothing: the trunk's mean is asked for the words of the caption (Joulin et al. 2016), keeps
ImageNet's classes on photos (Li & Hoiem 2016, learning without forgetting), and of a photo the tower's vector is drawn to the
mean of its likeliest classes' names (Norouzi et al. 2014), which says what nobody has captioned. No emotion is told.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, VisionEncoderDecoderModel

from kcdp.uniemo.query_chain import tower_pixels
from kcdp.vision.efficientnet import PIXEL_MEAN, PIXEL_STD, normalized
from kcdp.vision.trunk_tower import (
    TaggingVisionConfig,
    TaggingVisionModel,
    TrunkCLIPConfig,
    TrunkCLIPModel,
    TrunkVisionConfig,
    WordTags,
)
from train.core.config import setting
from train.core.efficientnet import class_names, imagenet_weights, load_imagenet
from train.core.recipe import Recipe, StageSpec
from train.core.runs import best_weights, stage_datasets, train_stage
from train.data.cache import cached_array, content_key
from train.data.dataset import PictureDataset
from train.data.records import photo_domains
from train.stages.language import (
    VALIDATION_BATCH,
    LanguageConfig,
    build_captioner,
    caption_recall,
    clip_settings,
    contrast_and_caption,
    freeze_text,
    save_language_models,
    square_processor,
    target_tokens,
    tower_sizes,
)
from train.stages.sentences import SentenceEncoder, bank_sample, caption_bank, caption_tokens

#: Words that no caption is told by.
_STOP = frozenset({
    "a", "an", "the", "of", "and", "with", "in", "on", "at", "its", "it", "to",
    "is", "are", "that", "over", "under", "by", "from", "for", "out", "up",
})  # fmt: skip
#: Softens the classes that are to be kept; and how many of them say what a photo shows.
_SOFTNESS, _LIKELIEST = 2.0, 10


@dataclass
class TrunkLanguageConfig:
    """Sizes and loss weights; the tower's width is the text tower's."""

    vision_layers: int = setting(4, "Transformer layers of the vision tower.", "layers")
    vision_mlp: int = setting(2, "Width of the tower's feed-forward layers, in its own widths.")
    decoder_layers: int = setting(2, "Layers of the caption decoder.", "layers")
    tuned_from: int = setting(3, "The first of the trunk's seven stages that is tuned, from 0.")
    tags: int = setting(8, "Likeliest words of a picture that the decoder is told.", "words")
    bank: int = setting(1024, "Captions that each picture is held against.", "captions")
    min_word_count: int = setting(6, "Captions that a word or pair of words must stand in.", "captions")
    caption_weight: float = setting(1.0, "Weight of the caption decoder's cross-entropy.")
    contrast_weight: float = setting(0.5, "Weight of the contrast of pictures and captions.")
    words_weight: float = setting(0.4, "Weight of the caption's words.")
    keep_weight: float = setting(0.4, "Weight of ImageNet's classes on photos.")
    names_weight: float = setting(0.3, "Weight of the names of a photo's classes.")
    balance: float = setting(0.3, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")


def caption_terms(caption: str) -> set[str]:
    """The words of a caption, and pairs of neighbours among them, but for articles and prepositions.

    >>> sorted(caption_terms("a cat with slanted brows"))
    ['brows', 'cat', 'cat slanted', 'slanted', 'slanted brows']
    """
    words = [word for word in re.findall(r"[a-z'-]+", caption.lower()) if word not in _STOP]
    return set(words) | {f"{one} {other}" for one, other in pairwise(words)}


def build_vocabulary(captions: Sequence[str], min_count: int) -> list[str]:
    """The words and pairs that at least `min_count` captions have and at most three in ten, in alphabetical order."""
    counts = Counter(word for caption in captions for word in caption_terms(caption))
    return sorted(word for word, count in counts.items() if min_count <= count <= 0.3 * len(captions))


def build_trunk_clip(
    config: TrunkLanguageConfig, text: CLIPTextModelWithProjection, size: int, weights: Mapping[str, torch.Tensor]
) -> tuple[TrunkCLIPModel, nn.Linear]:
    """A CLIP with the text tower given, frozen, and a trunk of the published `weights`; and ImageNet's classifier.

    The trunk's first stages, up to `tuned_from`, are frozen.
    """
    width = text.config.hidden_size
    vision = TrunkVisionConfig(**tower_sizes(text, config.vision_layers, config.vision_mlp * width, size))
    clip = TrunkCLIPModel(TrunkCLIPConfig(**clip_settings(text, vision)))
    freeze_text(clip, text)
    trunk = clip.vision_model.embeddings.patch_embedding.trunk
    classifier = load_imagenet(trunk, weights)
    for module in (trunk.stem, *trunk.stages[: config.tuned_from]):
        module.requires_grad_(False)
    return clip, classifier


class TrunkLanguageTask(nn.Module):
    """The losses of one batch; one pass of the vision tower serves all."""

    def __init__(
        self,
        clip: TrunkCLIPModel,
        captioner: VisionEncoderDecoderModel,
        classifier: nn.Linear,
        config: TrunkLanguageConfig,
        words: torch.Tensor,
        names: torch.Tensor,
    ) -> None:
        """Embeddings (W, D) that the `words` to be told begin with, and unit vectors (1000, P) of ImageNet's `names`."""
        super().__init__()
        self.clip, self.decoder, self.config = clip, captioner.decoder, config
        self.generation_config = captioner.generation_config
        self.classifier = classifier
        self.tags = WordTags(classifier.in_features, words.shape[1], len(words), config.tags)
        nn.init.normal_(self.tags.words.weight, std=0.002)
        nn.init.zeros_(self.tags.certainty.weight)
        self.tags.embedding.weight.data.copy_(words)
        self.register_buffer("names", names, persistent=False)

    def forward(
        self,
        pixel_values: torch.Tensor,
        input_ids: torch.Tensor,
        bank: torch.Tensor,
        words: torch.Tensor,
        classes: torch.Tensor,
        photos: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Pictures (B, 3, H, W), captions (B, L) padded with the end token, other captions' vectors (N, P), the words of
        each caption (B, W) bool, ImageNet's logits (B, 1000) of those that are `photos` (B,) bool.
        """
        config = self.config
        mean, hidden, pooled = self.clip.vision_model.read(pixel_values)
        contrast, caption, images = contrast_and_caption(
            self.clip, self.decoder, pooled, self.states(mean, hidden), input_ids, bank
        )
        shares = words.float() / words.sum(1, keepdim=True).clamp(min=1)
        word_loss = -(self.tags.words(mean).log_softmax(1) * shares).sum(1).mean()
        kept = F.kl_div(
            (self.classifier(mean) / _SOFTNESS).log_softmax(1), (classes / _SOFTNESS).softmax(1), reduction="none"
        ).sum(1)
        likeliest = classes.softmax(1).topk(_LIKELIEST, dim=1)
        named = F.normalize((likeliest.values[..., None] * self.names[likeliest.indices]).sum(1), dim=-1)
        # Means over the batch, so that a photo counts the same however many are with it.
        share = photos.float() / len(photos)
        keep, names = (kept * share).sum() * _SOFTNESS**2, ((1 - (images * named).sum(1)) * share).sum()
        total = (
            config.caption_weight * caption
            + config.contrast_weight * contrast
            + config.words_weight * word_loss
            + config.keep_weight * keep
            + config.names_weight * names
        )
        parts = {"contrastive": contrast, "caption": caption, "words": word_loss, "classes": keep, "names": names}
        return {"loss": total, **{name: value.detach() for name, value in parts.items()}}

    def states(self, mean: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """What the decoder attends to (B, 1 + n + tags, D), of the trunk's mean and the tower's hidden states."""
        return torch.cat([hidden, self.tags(mean)], dim=1)


class TrunkLanguageStage:
    """Trains trunk, vision tower and captioner on pictures with captions."""

    name = "trunk_language"
    selection = "likelihood"

    def __init__(
        self, config: TrunkLanguageConfig, train: PictureDataset, validation: PictureDataset, text: Path
    ) -> None:
        """`text` is the folder that the stage `text` left."""
        self.config, self.train, self.validation = config, train, validation
        self.text = CLIPTextModelWithProjection.from_pretrained(text / "text").eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(text / "tokenizer")
        self.sentences = SentenceEncoder(self.text, self.tokenizer)
        self.bank = caption_bank(train, self.sentences)
        self.weights = imagenet_weights()
        captions = train.records["caption"][:]
        words = {word: place for place, word in enumerate(build_vocabulary(captions, config.min_word_count))}
        #: What the words and pairs of words begin as: the mean of their tokens in the text tower.
        self.word_embeddings = self._embeddings([*words])
        self.bags = [[words[word] for word in caption_terms(caption) if word in words] for caption in captions]
        self.photos = torch.from_numpy(train.domains.within(photo_domains()))
        self.classes = self._classes()
        self.image_processor = square_processor(train.size, PIXEL_MEAN, PIXEL_STD)

    @torch.no_grad()
    def _embeddings(self, words: Sequence[str]) -> torch.Tensor:
        """The text tower's embeddings (W, D) of words, the mean of a word's tokens."""
        table = self.text.text_model.embeddings.token_embedding.weight
        rows = [table[self.tokenizer(word, add_special_tokens=False).input_ids].mean(dim=0) for word in words]
        return torch.stack(rows) if rows else table[:0]

    @torch.no_grad()
    def _classes(self) -> torch.Tensor:
        """ImageNet's logits (photos, 1000) float16 of the plain photos of the training pictures, computed once."""
        rows = self.photos.nonzero().flatten()
        if not len(rows):
            return torch.zeros(0, 1000)
        clip, classifier = build_trunk_clip(self.config, self.text, self.train.size, self.weights)
        tower = clip.vision_model.eval()

        def compute(part: slice) -> torch.Tensor:
            logits = []
            for some in rows[part].split(VALIDATION_BATCH):
                maps = tower.embeddings.patch_embedding.trunk(tower_pixels(tower, self.train.plain(some)))
                logits.append(classifier(maps[1].mean(dim=(2, 3))))
            return torch.cat(logits).half()

        key = content_key("imagenet", self.train.decoded.key, self.train.size, "efficientnet-lite0")
        return torch.from_numpy(cached_array(self.train.cache_dir, key, len(rows), compute).copy()).float()

    def build(self) -> TrunkLanguageTask:
        clip, classifier = build_trunk_clip(self.config, self.text, self.train.size, self.weights)
        captioner = build_captioner(LanguageConfig(decoder_layers=self.config.decoder_layers), clip, self.tokenizer)
        words = captioner.decoder.get_input_embeddings().weight
        words.data.copy_(clip.text_model.embeddings.token_embedding.weight)
        names = self.sentences([f"a {name}" for name in class_names()])
        return TrunkLanguageTask(clip, captioner, classifier, self.config, self.word_embeddings, names)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.train.sample(size, generator)
        bank = bank_sample(self.bank, self.config.bank, generator)
        words = torch.zeros(size, len(self.word_embeddings), dtype=torch.bool)
        for row, index in enumerate(indices.tolist()):
            words[row, self.bags[index]] = True
        photos = self.photos[indices]
        classes = torch.zeros(size, 1000)
        # The row of a photo among the photos.
        classes[photos] = self.classes[self.photos.cumsum(0)[indices[photos]] - 1]
        return {
            "pixel_values": normalized(self.train.augmented(indices, generator)),
            "input_ids": caption_tokens(
                self.tokenizer, [self.train.records[index]["caption"] for index in indices.tolist()]
            ),
            "bank": bank,
            "words": words,
            "classes": classes,
            "photos": photos,
        }

    def validate(self, model: TrunkLanguageTask) -> dict[str, float]:
        """Mean probability of a caption token (geometric), and how often CLIP finds the right caption among its first 5.

        Only the data sets' pictures count, where there are some: drawn ones are many, and easy.
        """
        indices = self.validation.real()
        clip = model.clip
        tokens = caption_tokens(
            self.tokenizer, [self.validation.records[index]["caption"] for index in indices.tolist()]
        ).to(clip.device)
        asked = target_tokens(tokens, clip.text_model.eos_token_id)
        images, loss = [], 0.0
        for rows in torch.arange(len(indices)).split(VALIDATION_BATCH):
            mean, hidden, pooled = clip.vision_model.read(
                normalized(self.validation.plain(indices[rows])).to(clip.device)
            )
            images.append(F.normalize(clip.visual_projection(pooled), dim=-1))
            logits = model.decoder(
                input_ids=tokens[rows, :-1],
                attention_mask=asked[rows].long(),
                encoder_hidden_states=model.states(mean, hidden),
            ).logits
            loss += F.cross_entropy(logits[asked[rows]], tokens[rows, 1:][asked[rows]], reduction="sum").item()
        caption = loss / int(asked.sum())
        recall = caption_recall(clip, torch.cat(images), tokens)
        return {"likelihood": math.exp(-caption), "caption": caption, "recall": recall}

    def export(self, model: TrunkLanguageTask, folder: Path) -> None:
        save_language_models(folder, model, self._tagging(model), self.tokenizer, self.image_processor)

    def _tagging(self, model: TrunkLanguageTask) -> TaggingVisionModel:
        """The captioner's tower: CLIP's, and the words that it tells."""
        tower = model.clip.vision_model
        settings = {name: value for name, value in tower.config.to_dict().items() if name != "model_type"}
        sizes = {"num_words": len(self.word_embeddings), "num_tags": self.config.tags}
        encoder = TaggingVisionModel(TaggingVisionConfig(**settings, **sizes))
        tags = {f"tags.{name}": value for name, value in model.tags.state_dict().items()}
        encoder.load_state_dict(tower.state_dict() | tags)
        return encoder


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage on pictures and their captions, from ImageNet's weights."""
    config = recipe.stage_settings("trunk_language", TrunkLanguageConfig).config
    datasets = stage_datasets(recipe, "trunk_language", config.balance)
    return train_stage(recipe, TrunkLanguageStage(config, *datasets, best_weights(recipe, "text")))


SPEC = StageSpec("trunk_language", TrunkLanguageConfig, run, needs=("text",), foundation=True)
