"""UniEmo, part one: the chain of expert queries on the vision tower (section III-A, L_U).

What stands before the tower's layers is frozen. A convolutional stem is most of the tower's cost: what it makes of every
picture is computed once, and the stage trains on those tokens. Those of a plain CLIP are made for every batch anew.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.nn import functional as F
from transformers import CLIPModel, CLIPTokenizer, CLIPVisionModel

from kcdp.knowledge.triplets import TripletParser
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.uniemo.query_chain import ChainOutput, ExpertQueryChain, Strategy, tower_pixels
from train.core.config import setting
from train.core.processes import distributed_map
from train.data.attributes import AttributeTable, dataset_attributes
from train.data.cache import Rows, cached_array, cached_part, content_key, fingerprint
from train.data.dataset import PictureDataset
from train.losses.uniemo import UNIEMO_PRESETS, attribute_contrastive, understanding_loss
from train.stages.language import Sentences


@dataclass
class UnderstandingConfig:
    """What the paper varies in the chain, and what small data asks for."""

    preset: Literal["paper", "released"] = setting("paper", "Where paper and release differ: `paper` or `released`.")
    strategy: Strategy = setting("multi-stage", "How queries join: multi-stage, single-step or none (figure 6).")
    num_queries: int = setting(32, "Queries of either kind (figure 7).", "queries")
    scene_layer: int | None = setting(
        None, "L1, the layer after which scenes are read; a third of the tower if not given."
    )
    object_layer: int | None = setting(None, "L2, the same for objects; two thirds of the tower if not given.")
    tune_tower: bool = setting(False, "Train the tower's transformer layers as well; its stem stays as it is.")
    head_dim: int = setting(768, "Hidden width of the emotion head.", "channels")
    dropout: float = setting(0.5, "Dropout in the emotion head.", "share, 0 to 1")
    min_count: int = setting(8, "Pictures that an attribute needs to be learned from.", "pictures")
    balance: float = setting(0.5, "How far rare emotions are drawn more often: 0 not, 1 alike.", "0 to 1")
    views: int = setting(1, "Augmented views of each picture beside the plain one.", "views")


@torch.no_grad()
def _through_stem(
    dataset: PictureDataset, vision: CLIPVisionModel, rows: torch.Tensor, view: int | None, seed: int
) -> torch.Tensor:
    """Tokens (B, 1 + n, W) float16 of some pictures: plain, or augmented by `seed` where it is a `view`."""
    pictures = dataset.plain(rows)
    if view is not None:
        pictures = dataset.augmented(rows, torch.Generator().manual_seed(64 * seed + view))
    pixels = tower_pixels(vision, pictures.to(vision.device))
    return vision.pre_layrnorm(vision.embeddings(pixels)).half().cpu()


class FreshTokens:
    """What `stem_tokens` gives of a tower that begins with a single convolution: made when asked for, as an array is indexed.

    There is hardly anything to save, and much to keep: half a megabyte a picture and view for ViT-L/14. So an augmented view
    is another one in every batch, a function of the batch's rows.
    """

    def __init__(self, dataset: PictureDataset, vision: CLIPVisionModel, view: int | None) -> None:
        self._dataset, self._vision, self._view = dataset, vision, view

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        rows = torch.arange(len(self))[index]
        seed = int((rows * torch.arange(1, len(rows) + 1)).sum())
        return _through_stem(self._dataset, self._vision, rows, self._view, seed).numpy()


#: Tokens (N, 1 + n, W) float16, indexed by a slice or an array of rows.
Tokens = np.ndarray | Rows | FreshTokens


def stem_tokens(dataset: PictureDataset, vision: CLIPVisionModel, views: int, batch_size: int = 64) -> list[Tokens]:
    """Tokens before the tower's first layer: of the plain pictures, then of each augmented view.

    Those of a convolutional stem are computed once: cached by the pictures, how the tower sees them, the weights of the stem
    and the augmentation; a part of a dataset whose tokens are there already reads from those.
    """
    vision = vision.eval()
    if isinstance(vision.embeddings.patch_embedding, nn.Conv2d):
        return [FreshTokens(dataset, vision, view) for view in (None, *range(views))]
    weights = fingerprint(vision.embeddings, vision.pre_layrnorm)
    seen = {name: getattr(vision.config, name) for name in ("image_size", "image_mean", "image_std")}

    def compute(view: int | None, rows: slice) -> torch.Tensor:
        parts = torch.arange(rows.start, rows.stop).split(batch_size)
        return torch.cat([_through_stem(dataset, vision, part, view, int(part[0])) for part in parts])

    arrays = []
    for view in (None, *range(views)):
        settings = (weights, seen, None if view is None else vars(dataset.augmentation), view)
        source, rows = dataset.store.source_key, dataset.store.rows
        whole = None if source == dataset.store.key else content_key("tokens", source, *settings)
        part = None if whole is None else cached_part(dataset.cache_dir, whole, rows)
        if part is None:
            key = content_key("tokens", dataset.store.key, *settings)
            part = cached_array(dataset.cache_dir, key, len(dataset), partial(compute, view))
        arrays.append(part)
    return arrays


def build_chain(
    config: UnderstandingConfig, vision: CLIPVisionModel, embed_dim: int, num_classes: int
) -> ExpertQueryChain:
    """A chain for a tower; raises ValueError when the tower has fewer than two layers, or the settings do not fit it."""
    preset, tower = UNIEMO_PRESETS[config.preset], vision.config
    layers = tower.num_hidden_layers
    scene = max(1, layers // 3) if config.scene_layer is None else config.scene_layer
    return ExpertQueryChain(
        width=tower.hidden_size,
        num_heads=tower.num_attention_heads,
        num_layers=layers,
        scene_layer=scene,
        object_layer=max(scene + 1, 2 * layers // 3) if config.object_layer is None else config.object_layer,
        num_queries=config.num_queries,
        block_layers=preset.block_layers,
        block_keys=preset.block_keys,
        beta=preset.beta,
        strategy=config.strategy,
        embed_dim=embed_dim,
        num_classes=num_classes,
        head_dim=config.head_dim,
        dropout=config.dropout,
    )


@dataclass(frozen=True)
class Seen:
    """Of a `ChainOutput` what says what N pictures show, on the CPU and in 32 bits; embeddings are None without queries."""

    logits: torch.Tensor
    scene_embeds: torch.Tensor | None
    object_embeds: torch.Tensor | None


@torch.no_grad()
def see(vision: CLIPVisionModel, chain: ExpertQueryChain, tokens: Tokens, batch_size: int = 256) -> Seen:
    """What the chain makes of all kept tokens (N, 1 + n, W). All processes do their share, and each gets everything."""
    device = next(chain.parameters()).device

    def look(start: int) -> list[np.ndarray | None]:
        some = torch.from_numpy(np.array(tokens[start : start + batch_size])).float().to(device)
        out = chain.follow(vision, some, attention=False)
        found = (getattr(out, name) for name in Seen.__dataclass_fields__)
        return [None if value is None else value.float().cpu().numpy() for value in found]

    columns = zip(*distributed_map(range(0, len(tokens), batch_size), look), strict=True)
    return Seen(*(None if column[0] is None else torch.from_numpy(np.concatenate(column)) for column in columns))


class UnderstandingTask(nn.Module):
    """L_U on kept tokens: scenes and objects by their names' vectors, emotions by their labels."""

    def __init__(
        self,
        vision: CLIPVisionModel,
        chain: ExpertQueryChain,
        config: UnderstandingConfig,
        names: Mapping[str, torch.Tensor],
    ) -> None:
        """`names` has the unit vectors of all scenes and all objects, each (A, P)."""
        super().__init__()
        self.vision, self.chain = vision.requires_grad_(False), chain
        self.preset = UNIEMO_PRESETS[config.preset]
        if config.tune_tower:
            vision.encoder.requires_grad_(True)
            vision.post_layernorm.requires_grad_(True)
        self.register_buffer("scenes", names["scene"], persistent=False)
        self.register_buffer("objects", names["object"], persistent=False)

    def forward(
        self, tokens: torch.Tensor, labels: torch.Tensor, scene: torch.Tensor, object: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Tokens (B, 1 + n, W); labels, scenes and objects (B,), each an index or -1 for what is not known."""
        return self.losses(self.chain.follow(self.vision, tokens, attention=False), labels, scene, object)

    def losses(
        self, out: ChainOutput, labels: torch.Tensor, scene: torch.Tensor, object: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The same of what the chain made of the pictures."""
        total = F.cross_entropy(out.logits, labels, ignore_index=-1, reduction="sum")
        emotion = total / (labels >= 0).sum().clamp(min=1)
        scenes = self._contrastive(out.scene_embeds, self.scenes, scene, emotion)
        objects = self._contrastive(out.object_embeds, self.objects, object, emotion)
        loss = understanding_loss(self.preset, scenes, objects, emotion)
        parts = {"emotion": emotion, "scene": scenes, "object": objects}
        return {"loss": loss, **{name: value.detach() for name, value in parts.items()}}

    def _contrastive(
        self, embeds: torch.Tensor | None, names: torch.Tensor, indices: torch.Tensor, like: torch.Tensor
    ) -> torch.Tensor:
        """Equation 4 for one kind of query; 0 without queries."""
        if embeds is None:
            return torch.zeros_like(like)
        same = indices[:, None] == indices[None]
        return attribute_contrastive(embeds, names[indices.clamp(min=0)], indices >= 0, self.chain.logit_scale, same)


@dataclass(frozen=True)
class ChainData:
    """A dataset as the chain learns from it: `views` of `stem_tokens`, and by kind the attribute of each picture, or -1."""

    dataset: PictureDataset
    views: list[Tokens]
    carried: Mapping[str, torch.Tensor]

    def draw(self, indices: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """A random view of each of B pictures: tokens (B, 1 + n, W), labels, scene and object (B,)."""
        views = torch.randint(0, len(self.views), (len(indices),), generator=generator)
        # All rows of a view at once, then back to where they belong.
        by_view = [self.views[view][indices[views == view].numpy()] for view in views.unique().tolist()]
        places = views.argsort(stable=True).argsort()
        return {
            "tokens": torch.from_numpy(np.concatenate(by_view)).float()[places],
            "labels": self.dataset.labels[indices],
            **{kind: carried[indices] for kind, carried in self.carried.items()},
        }


class UnderstandingStage:
    """Trains the chain, and if it is told to the tower's layers, on pictures with captions; some have an emotion."""

    name = "uniemo_understanding"
    #: Not the mean over domains: one of them may be a handful of pictures.
    selection = "macro_f1"

    def __init__(
        self,
        config: UnderstandingConfig,
        train: PictureDataset,
        validation: PictureDataset,
        clip: CLIPModel,
        tokenizer: CLIPTokenizer,
        parser: TripletParser,
        latent_encoder: LatentEncoder | None = None,
    ) -> None:
        """With `latent_encoder`, as the stage `labelled_latent_encoder` left it, its weights replace those in the tower's stem."""
        self.config, self.train, self.validation, self.clip, self.parser = config, train, validation, clip, parser
        self.vision: CLIPVisionModel = clip.vision_model
        if latent_encoder is not None:
            self.vision = copy.deepcopy(self.vision)
            self.vision.embeddings.patch_embedding.path.load_state_dict(latent_encoder.state_dict())
        self.views = stem_tokens(train, self.vision, config.views)
        self.held_out = stem_tokens(validation, self.vision, 0)[0]
        sentences = Sentences(clip.requires_grad_(False).eval(), tokenizer)
        known, unknown = dataset_attributes(train, parser), dataset_attributes(validation, parser)
        #: What the pictures of both datasets carry, by kind; and the names' vectors, at least one row of zeros.
        self.tables: dict[str, AttributeTable] = {}
        self.carried: dict[str, torch.Tensor] = {}
        self.names: dict[str, torch.Tensor] = {}
        for kind in ("scene", "object"):
            table = AttributeTable.count([getattr(one, kind) for one in known], config.min_count)
            self.tables[kind], self.carried[kind] = table, table.of([getattr(one, kind) for one in unknown])
            width = clip.config.projection_dim
            self.names[kind] = sentences(list(table.names)) if table.names else torch.zeros(1, width)
        self.data = ChainData(train, self.views, {kind: table.indices for kind, table in self.tables.items()})

    def build(self) -> UnderstandingTask:
        vision = copy.deepcopy(self.vision)
        chain = build_chain(self.config, vision, self.clip.config.projection_dim, len(self.train.emotions))
        return UnderstandingTask(vision, chain, self.config, self.names)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        return self.data.draw(self.train.sample(size, generator), generator)

    def data_of(self, dataset: PictureDataset) -> ChainData:
        """Pictures of another dataset, with the attributes that this stage knows."""
        found = dataset_attributes(dataset, self.parser)
        carried = {kind: table.of([getattr(one, kind) for one in found]) for kind, table in self.tables.items()}
        return ChainData(dataset, stem_tokens(dataset, self.vision, self.config.views), carried)

    def validate(self, model: UnderstandingTask) -> dict[str, float]:
        """Accuracy by domain and macro-F1 over all; how often a picture's scene and object are nearest of all names."""
        out, dataset = see(model.vision, model.chain, self.held_out), self.validation
        known = (dataset.labels >= 0).numpy()
        found, labels = out.logits.argmax(1).numpy()[known], dataset.labels.numpy()[known]
        domains = np.array(dataset.domains)[known]
        metrics = {
            f"accuracy-{domain}": float((found == labels)[domains == domain].mean()) for domain in sorted(set(domains))
        }
        metrics["macro_f1"] = float(f1_score(labels, found, average="macro"))
        for kind, embeds in (("scene", out.scene_embeds), ("object", out.object_embeds)):
            carried = self.carried[kind]
            present = carried >= 0
            if embeds is not None and present.any():
                nearest = (embeds[present] @ self.names[kind].T).argmax(1)
                metrics[f"{kind}_recall"] = (nearest == carried[present]).float().mean().item()
        return metrics

    def export(self, model: UnderstandingTask, folder: Path) -> None:
        model.vision.save_pretrained(folder / "vision")
        model.chain.save_pretrained(folder / "chain")
