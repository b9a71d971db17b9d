"""A frozen CLIP: embeddings of pictures and texts, and a classifier between names made of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoModel, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp import vision  # noqa: F401 - lets `AutoModel` know the CLIP with a convolutional stem
from kcdp.imaging import to_pictures
from train.data.cache import cached_array, content_key, fingerprint
from train.data.dataset import PictureDataset
from train.metrics.pictures import PictureFunction


@dataclass(frozen=True)
class FrozenCLIP:
    """A trained CLIP whose weights stay as they are."""

    model: CLIPModel
    tokenizer: CLIPTokenizer
    processor: CLIPImageProcessorPil

    @classmethod
    def load(cls, folder: Path, device: str | torch.device) -> FrozenCLIP:
        """A published CLIP, with everything in one folder, or the best weights of the stage `language`, a folder a part.

        Raises ValueError with one sentence when the folder holds another kind of model.
        """
        model, tokenizer, images = (
            folder / part if (folder / part).is_dir() else folder for part in ("clip", "tokenizer", "image_processor")
        )
        clip = AutoModel.from_pretrained(model, use_safetensors=True)
        if not isinstance(clip, CLIPModel):
            raise ValueError(f"The model in '{folder}' is a {type(clip).__name__} where a CLIP is needed.")
        return cls(
            clip.to(device).eval(),
            CLIPTokenizer.from_pretrained(tokenizer),
            CLIPImageProcessorPil.from_pretrained(images),
        )

    @torch.no_grad()
    def embed(self, pictures: torch.Tensor) -> torch.Tensor:
        """Unit embeddings (B, P), float32 on the CPU, of pictures (B, 3, H, W) in [-1, 1]."""
        pixels = self.processor(images=to_pictures(pictures), return_tensors="pt").pixel_values.to(self.model.device)
        return F.normalize(self.model.get_image_features(pixel_values=pixels).pooler_output, dim=-1).float().cpu()

    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Unit embeddings (N, P) of the plain pictures of a dataset, computed once."""
        towers = fingerprint(self.model.vision_model, self.model.visual_projection)
        key = content_key("clip", dataset.decoded.key, towers, self.processor.to_dict())

        def compute(rows: slice) -> torch.Tensor:
            return self.embed(dataset.plain(torch.arange(rows.start, rows.stop)))

        return cached_array(dataset.cache_dir, key, len(dataset), compute, chunk=64)

    @torch.no_grad()
    def texts(self, texts: list[str]) -> torch.Tensor:
        """Unit embeddings (K, P) of texts."""
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(self.model.device)
        return F.normalize(self.model.get_text_features(**tokens).pooler_output, dim=-1).cpu()


def zero_shot_head(clip: FrozenCLIP, names: Sequence[str], template: str = "a {name}") -> PictureFunction:
    """Probabilities (B, A) of attributes: softmax of CLIP's logits for their names in a template.

    In the place of Places365's and ImageNet's classifiers, which know photos; how sure it is depends on the names and on
    CLIP's temperature, so only numbers of one head are comparable.

    Raises ValueError when there are fewer than two names, of which any picture would show the only one for certain.
    """
    if len(names) < 2:
        raise ValueError(f"A classifier chooses between two names or more; there is {len(names)}.")
    texts = clip.texts([template.format(name=name) for name in names]).float()
    scale = float(clip.model.logit_scale.detach().exp())
    return lambda pictures: (scale * clip.embed(pictures) @ texts.T).softmax(dim=1)
