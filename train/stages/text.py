"""Foundation: tokenizer and text tower, which all later stages use frozen.

Two captions of one picture are positives of each other; an optional teacher gives the similarities of all others. That needs
no pictures, and minutes where contrastive training with pictures needs hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from kcdp.uniemo.query_chain import LOGIT_SCALE
from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import stage_datasets, train_stage
from train.core.validation import mean_losses
from train.data.cache import content_key
from train.data.dataset import PictureDataset
from train.files import write_folder
from train.stages.sentences import CachedVectors, caption_tokens


@dataclass
class TextConfig:
    """Sizes of the text tower, and its teacher."""

    width: int = setting(256, "Width of the tower and of its sentence vectors.", "channels")
    layers: int = setting(4, "Layers of the tower.", "layers")
    vocabulary: int = setting(6000, "Entries of the tokenizer.", "tokens")
    max_tokens: int = setting(24, "Longest text, start and end included.", "tokens")
    teacher: str | None = setting(None, "A sentence-transformers model whose space the tower learns to span.")
    teacher_weight: float = setting(4.0, "Weight of the teacher beside the captions' contrast.")


#: Every sign of ASCII, and characters that end in every byte that a word may end in: what a tokenizer has not seen at
#: the end of a word it takes for unknown, and CLIP's sign for that is the one for the end of the text.
_ENDINGS = tuple(chr(code) for code in (*range(0x21, 0x7F), *range(0x4E00, 0x4E40)))


def train_tokenizer(texts: Iterable[str], vocabulary: int, max_tokens: int) -> CLIPTokenizer:
    """A CLIP tokenizer (byte-pair encoding, lower case) of its own vocabulary, learned from `texts`."""
    blank = CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[])
    tokenizer = blank.train_new_from_iterator((*texts, *_ENDINGS), vocab_size=vocabulary)
    tokenizer.model_max_length = max_tokens
    return tokenizer


def cached_tokenizer(dataset: PictureDataset, config: TextConfig) -> CLIPTokenizer:
    """The tokenizer of a dataset's texts, learned once.

    Learning breaks ties in another order each time: a run that goes on, and every process of a run, needs the one that
    the run began with.
    """
    texts = dataset.texts()
    folder = dataset.cache_dir / f"tokenizer-{content_key(texts, config.vocabulary, config.max_tokens)}"
    with PartialState().main_process_first():
        if not folder.exists():
            write_folder(folder, train_tokenizer(texts, config.vocabulary, config.max_tokens).save_pretrained)
    return CLIPTokenizer.from_pretrained(folder)


def build_text_tower(config: TextConfig, tokenizer: CLIPTokenizer) -> CLIPTextModelWithProjection:
    """A CLIP text tower of random weights."""
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            intermediate_size=4 * config.width,
            num_attention_heads=max(1, config.width // 64),
            num_hidden_layers=config.layers,
            max_position_embeddings=config.max_tokens,
            projection_dim=config.width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def load_teacher(name: str) -> tuple[CachedVectors, int]:
    """Unit sentence vectors of a model of sentence-transformers, and their width."""
    # A library that only who distils a teacher needs.
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(name)
    encode = partial(model.encode, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False)
    return CachedVectors(encode), model.get_embedding_dimension()


def same_text_targets(texts: torch.Tensor) -> torch.Tensor:
    """Contrastive targets (B, B), rows sum to 1, of token ids (B, L): equal texts are not each other's negatives."""
    same = (texts[:, None] == texts[None]).all(-1).float()
    return same / same.sum(1, keepdim=True)


class TextTask(nn.Module):
    """Captions of one picture attract each other; sentence vectors span the teacher's space."""

    def __init__(self, tower: CLIPTextModelWithProjection, config: TextConfig, teacher_width: int | None) -> None:
        super().__init__()
        self.tower, self.config = tower, config
        self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE))
        if teacher_width is not None:
            self.to_teacher = nn.Linear(config.width, teacher_width)

    def forward(
        self, input_ids: torch.Tensor, others: torch.Tensor, teacher: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Two captions (B, L) of each picture, padded alike, and the teacher's vectors (B, D) of the first."""
        texts = F.normalize(self.tower(input_ids=torch.cat([input_ids, others])).text_embeds, dim=-1)
        first, second = texts.chunk(2)
        logits = first @ second.T * self.logit_scale.exp().clamp(max=100)
        contrast = (
            F.cross_entropy(logits, same_text_targets(others)) + F.cross_entropy(logits.T, same_text_targets(input_ids))
        ) / 2
        if teacher is None:
            return {"loss": contrast, "contrast": contrast.detach()}
        distance = 1 - F.cosine_similarity(self.to_teacher(first), teacher, dim=-1).mean()
        # The linear map may undo any distortion, so the similarities themselves are a term of their own.
        relations = 5 * (first @ first.T - teacher @ teacher.T).square().mean()
        loss = contrast + self.config.teacher_weight * (distance + relations)
        terms = {"contrast": contrast, "distance": distance, "relations": relations}
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}}


class TextStage:
    """Trains tokenizer and text tower on captions."""

    name = "text"
    selection = "score"

    def __init__(self, config: TextConfig, train: PictureDataset, validation: PictureDataset) -> None:
        self.config, self.train, self.validation = config, train, validation
        self.teacher, self.teacher_width = load_teacher(config.teacher) if config.teacher else (None, None)
        self.tokenizer = cached_tokenizer(train, config)

    def build(self) -> TextTask:
        tower = build_text_tower(self.config, self.tokenizer)
        return TextTask(tower, self.config, self.teacher_width)

    def _pairs(
        self, dataset: PictureDataset, indices: torch.Tensor, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        first, second = dataset.captions(indices, generator), dataset.captions(indices, generator)
        ids, others = caption_tokens(self.tokenizer, [*first, *second]).chunk(2)
        batch = {"input_ids": ids, "others": others}
        if self.teacher is not None:
            batch["teacher"] = self.teacher(first)
        return batch

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        return self._pairs(self.train, self.train.sample(size, generator), generator)

    def validate(self, model: TextTask) -> dict[str, float]:
        """The training losses on captions of held-out pictures, always the same ones."""
        generator = torch.Generator().manual_seed(0)
        chosen = torch.randperm(len(self.validation), generator=generator)[:1024]
        losses = mean_losses(model, (self._pairs(self.validation, part, generator) for part in chosen.split(256)))
        return {"score": -losses["loss"], **losses}

    def export(self, model: TextTask, folder: Path) -> None:
        model.tower.save_pretrained(folder / "text")
        self.tokenizer.save_pretrained(folder / "tokenizer")


def run(recipe: Recipe) -> dict[str, float]:
    """Train the stage on every caption."""
    config = recipe.stage_settings("text", TextConfig).config
    return train_stage(recipe, TextStage(config, *stage_datasets(recipe, "text")))


SPEC = StageSpec("text", TextConfig, run, foundation=True)
