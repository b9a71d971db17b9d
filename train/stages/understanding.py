"""UniEmo: expert queries on the vision tower (section III-A, L_U).

What precedes the tower's layers is frozen. A convolutional stem is most of the tower's cost: its tokens of every picture are
computed once, and the stage trains on those. Those of a plain CLIP are computed anew for every batch.
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
from torch import nn
from torch.nn import functional as F
from transformers import CLIPModel, CLIPTokenizer, CLIPVisionModel

from kcdp.knowledge.triplets import TripletParser
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.uniemo.query_chain import ChainOutput, ExpertQueryChain, Strategy, tower_pixels
from kcdp.vision import TrunkVisionModel
from train.core.config import setting
from train.core.processes import distributed_map
from train.core.validation import scores_by_domain
from train.data.attributes import AttributeTable, dataset_attributes
from train.data.cache import Rows, fingerprint
from train.data.dataset import PictureDataset
from train.losses.uniemo import UNIEMO_PRESETS, attribute_contrastive, understanding_loss
from train.stages.sentences import SentenceEncoder


@dataclass
class UnderstandingConfig:
    """What the paper varies in the queries, and what small data needs."""

    preset: Literal["paper", "released"] = setting("paper", "Where paper and release differ: `paper` or `released`.")
    both_directions: bool | None = setting(
        None, "Equation 4 from attributes to queries as well; the preset's if not given."
    )
    strategy: Strategy = setting("multi-stage", "How queries join: multi-stage, single-step or none (figure 6).")
    num_queries: int = setting(32, "Queries of either kind (figure 7).", "queries")
    scene_layer: int | None = setting(None, "L1, after which scenes are read; a third of the tower if not given.")
    object_layer: int | None = setting(None, "L2, after which objects are read; two thirds if not given.")
    tune_tower: bool = setting(False, "Train the tower's transformer layers as well; its stem stays as it is.")
    tune_trunk: int | None = setting(
        None,
        "First of the seven stages of a tower's trunk to train as well, from 0; then every batch is augmented anew.",
    )
    head_dim: int = setting(768, "Hidden width of the emotion head.", "channels")
    dropout: float = setting(0.5, "Dropout in the emotion head.", "share")
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


class LazyTokens:
    """Tokens of a tower that begins with a single convolution, computed when they are indexed, as an array is.

    Computing them costs little, and storing them much: half a megabyte a picture and view for ViT-L/14. So an augmented view
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
Tokens = np.ndarray | Rows | LazyTokens


def stem_tokens(dataset: PictureDataset, vision: CLIPVisionModel, views: int, batch_size: int = 64) -> list[Tokens]:
    """Tokens before the tower's first layer: of the plain pictures, then of each augmented view.

    Those of a convolutional stem are computed once: cached by the pictures, the tower's preprocessing, the weights of the stem
    and the augmentation; a part of a dataset whose tokens are there already reads from those.
    """
    vision = vision.eval()
    if isinstance(vision.embeddings.patch_embedding, nn.Conv2d):
        return [LazyTokens(dataset, vision, view) for view in (None, *range(views))]
    weights = fingerprint(vision.embeddings, vision.pre_layrnorm)
    preprocessing = {name: getattr(vision.config, name) for name in ("image_size", "image_mean", "image_std")}

    def compute(view: int | None, rows: slice) -> torch.Tensor:
        parts = torch.arange(rows.start, rows.stop).split(batch_size)
        return torch.cat([_through_stem(dataset, vision, part, view, int(part[0])) for part in parts])

    return [
        dataset.cached(
            partial(compute, view),
            "tokens",
            weights,
            preprocessing,
            None if view is None else vars(dataset.augmentation),
            view,
        )
        for view in (None, *range(views))
    ]


def build_query_chain(
    config: UnderstandingConfig, vision: CLIPVisionModel, embed_dim: int, num_classes: int
) -> ExpertQueryChain:
    """Expert queries for a tower; raises ValueError when the tower has fewer than two layers, or the settings do not fit it."""
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
class Understanding:
    """Of a `ChainOutput` of N pictures what recognition needs, float32 on the CPU; embeddings are None without queries."""

    logits: torch.Tensor
    scene_embeds: torch.Tensor | None
    object_embeds: torch.Tensor | None


@torch.no_grad()
def understand(
    vision: CLIPVisionModel, chain: ExpertQueryChain, tokens: Tokens, batch_size: int = 256
) -> Understanding:
    """Emotions, scenes and objects of N pictures with these tokens (N, 1 + n, W).

    All processes compute their share, and each gets everything.
    """
    device = next(chain.parameters()).device

    def compute(start: int) -> list[np.ndarray | None]:
        batch = torch.from_numpy(np.array(tokens[start : start + batch_size])).float().to(device)
        out = chain.forward_tokens(vision, batch, attention=False)
        values = (getattr(out, name) for name in Understanding.__dataclass_fields__)
        return [None if value is None else value.float().cpu().numpy() for value in values]

    columns = zip(*distributed_map(range(0, len(tokens), batch_size), compute), strict=True)
    return Understanding(
        *(None if column[0] is None else torch.from_numpy(np.concatenate(column)) for column in columns)
    )


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
        own = config.both_directions
        self.both_directions = self.preset.both_directions if own is None else own
        tuned: list[nn.Module] = [vision.encoder, vision.post_layernorm] if config.tune_tower else []
        if config.tune_trunk is not None:
            patches = vision.embeddings.patch_embedding
            tuned += [patches.fine, patches.coarse, patches.trunk.head, *patches.trunk.stages[config.tune_trunk :]]
        for module in tuned:
            module.requires_grad_(True)
        self.register_buffer("scenes", names["scene"], persistent=False)
        self.register_buffer("objects", names["object"], persistent=False)

    def forward(
        self, tokens: torch.Tensor, labels: torch.Tensor, scene: torch.Tensor, object: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Tokens (B, 1 + n, W), or where the trunk is trained pictures (B, 3, H, W) as the tower wants them; labels, scenes and
        objects (B,), each an index or -1 for what is not known.
        """
        if tokens.dim() == 4:
            tokens = self.chain.embed(self.vision, tokens)
        return self.losses(self.chain.forward_tokens(self.vision, tokens, attention=False), labels, scene, object)

    def losses(
        self, out: ChainOutput, labels: torch.Tensor, scene: torch.Tensor, object: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """`forward` of the chain's output."""
        total = F.cross_entropy(out.logits, labels, ignore_index=-1, reduction="sum")
        emotion = total / (labels >= 0).sum().clamp(min=1)
        scenes = self._contrastive(out.scene_embeds, self.scenes, scene, emotion)
        objects = self._contrastive(out.object_embeds, self.objects, object, emotion)
        loss = understanding_loss(self.preset, scenes, objects, emotion)
        terms = {"emotion": emotion, "scene": scenes, "object": objects}
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}}

    def _contrastive(
        self, embeds: torch.Tensor | None, names: torch.Tensor, indices: torch.Tensor, like: torch.Tensor
    ) -> torch.Tensor:
        """Equation 4 for one kind of query; 0 without queries."""
        if embeds is None:
            return torch.zeros_like(like)
        same = indices[:, None] == indices[None]
        texts, scale = names[indices.clamp(min=0)], self.chain.logit_scale
        return attribute_contrastive(embeds, texts, indices >= 0, scale, same, self.both_directions)


@dataclass(frozen=True)
class TokenDataset:
    """A dataset with `views` of `stem_tokens`, and by kind the attribute of each picture, or -1."""

    dataset: PictureDataset
    views: list[Tokens]
    attributes: Mapping[str, torch.Tensor]

    def draw(self, indices: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """A random view of each of B pictures: tokens (B, 1 + n, W), labels, scene and object (B,)."""
        views = torch.randint(0, len(self.views), (len(indices),), generator=generator)
        # All rows of a view at once, then back to where they belong.
        by_view = [self.views[view][indices[views == view].numpy()] for view in views.unique().tolist()]
        places = views.argsort(stable=True).argsort()
        return {
            "tokens": torch.from_numpy(np.concatenate(by_view)).float()[places],
            "labels": self.dataset.labels[indices],
            **{kind: values[indices] for kind, values in self.attributes.items()},
        }


class UnderstandingStage:
    """Trains the queries, and under `tune_tower` the tower's layers, on pictures with captions; some have an emotion."""

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
        self.views: list[Tokens] = []
        if config.tune_trunk is None:
            self.views = stem_tokens(train, self.vision, config.views)
            self.held_out = stem_tokens(validation, self.vision, 0)[0]
        elif not isinstance(self.vision, TrunkVisionModel):
            raise ValueError(
                f"`tune_trunk` is for a tower on a trunk, as the stage `trunk_language` makes it, and this one is a "
                f"{type(self.vision).__name__}; leave it out, or train with `--words_from trunk_language`."
            )
        sentences = SentenceEncoder(clip.requires_grad_(False).eval(), tokenizer)
        attributes, held_out = dataset_attributes(train, parser), dataset_attributes(validation, parser)
        #: By kind: attributes of the training pictures, those of validation pictures, and the names' vectors, one row or more.
        self.tables: dict[str, AttributeTable] = {}
        self.held_out_attributes: dict[str, torch.Tensor] = {}
        self.names: dict[str, torch.Tensor] = {}
        for kind in ("scene", "object"):
            table = AttributeTable.count([getattr(one, kind) for one in attributes], config.min_count)
            self.tables[kind] = table
            self.held_out_attributes[kind] = table.of([getattr(one, kind) for one in held_out])
            width = clip.config.projection_dim
            self.names[kind] = sentences(list(table.names)) if table.names else torch.zeros(1, width)
        self.data = TokenDataset(train, self.views, {kind: table.indices for kind, table in self.tables.items()})

    def build(self) -> UnderstandingTask:
        vision = copy.deepcopy(self.vision)
        chain = build_query_chain(self.config, vision, self.clip.config.projection_dim, len(self.train.emotions))
        return UnderstandingTask(vision, chain, self.config, self.names)

    def batch(self, size: int, generator: torch.Generator) -> Mapping[str, torch.Tensor]:
        indices = self.train.sample(size, generator)
        if self.config.tune_trunk is None:
            return self.data.draw(indices, generator)
        pixels = tower_pixels(self.vision, self.train.augmented(indices, generator))
        known = {kind: table.indices[indices] for kind, table in self.tables.items()}
        return {"tokens": pixels, "labels": self.train.labels[indices], **known}

    def data_of(self, dataset: PictureDataset) -> TokenDataset:
        """Another dataset, with the attributes of this stage."""
        found = dataset_attributes(dataset, self.parser)
        attributes = {kind: table.of([getattr(one, kind) for one in found]) for kind, table in self.tables.items()}
        return TokenDataset(dataset, stem_tokens(dataset, self.vision, self.config.views), attributes)

    def validate(self, model: UnderstandingTask) -> dict[str, float]:
        """Accuracy by domain and macro-F1 over all; how often a picture's scene and object are nearest of all names."""
        dataset = self.validation
        trained = self.config.tune_trunk is not None
        tokens = LazyTokens(dataset, model.vision, None) if trained else self.held_out
        out = understand(model.vision, model.chain, tokens)
        metrics = scores_by_domain(dataset, out.logits.argmax(1))
        for kind, embeds in (("scene", out.scene_embeds), ("object", out.object_embeds)):
            attributes = self.held_out_attributes[kind]
            present = attributes >= 0
            if embeds is not None and present.any():
                nearest = (embeds[present] @ self.names[kind].T).argmax(1)
                metrics[f"{kind}_recall"] = (nearest == attributes[present]).float().mean().item()
        return metrics

    def export(self, model: UnderstandingTask, folder: Path) -> None:
        model.vision.save_pretrained(folder / "vision")
        model.chain.save_pretrained(folder / "chain")
