"""Measures of a bundle as it is shipped: pictures go through the pipeline itself, as a user's would.

All processes see their share of the pictures, and each gets the same scores.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch

from kcdp.imaging import to_pictures
from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.processes import distributed_map
from train.data.cache import fingerprint
from train.data.dataset import PictureDataset
from train.metrics.recognition import recognition_scores
from train.stages.vae import psnr

#: Pictures of one call of the pipeline.
BATCH = 16
#: Noise on latents in `reconstruct`, in deviations of the latents.
DISTURBED = 0.2

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "geese": "goose",
}  # fmt: skip


def weights_of(pipeline: KCDPPipeline) -> str:
    """A name for everything that the pipeline has learned."""
    networks = (pipeline.vae, pipeline.unet, pipeline.text_encoder, pipeline.captioner)
    return fingerprint(*networks, pipeline.denoiser, pipeline.pyramid, pipeline.moe, pipeline.cliea)


def spaced(count: int, limit: int | None) -> torch.Tensor:
    """Indices of `count` things, or of `limit` of them that are evenly spaced."""
    if limit is None or count <= limit:
        return torch.arange(count)
    return torch.linspace(0, count - 1, limit).long()


def recognise(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """Scores of the pipeline on a dataset of labelled pictures, whose label space is the pipeline's.

    `scores` are those of its emotion, `cliea` those of CLIEA's pseudo-label, `no_knowledge` those of its emotion when
    the caption is empty; each as `RecognitionScores.to_dict`.

    Raises ValueError when the label spaces differ.
    """
    if tuple(pipeline.labels) != tuple(dataset.emotions):
        raise ValueError(f"The bundle says {', '.join(pipeline.labels)}, the pictures {', '.join(dataset.emotions)}.")
    indices = spaced(len(dataset), limit)

    def look(part: torch.Tensor) -> list[tuple[str, str, str]]:
        pictures = to_pictures(dataset.plain(part))
        blank = pipeline(pictures, caption=[""] * len(pictures))
        return [
            (output.emotion, output.pseudo_label, ignorant.emotion)
            for output, ignorant in zip(pipeline(pictures), blank, strict=True)
        ]

    names = list(dataset.emotions)
    labels = dataset.labels[indices].numpy()
    said = [row for rows in distributed_map(indices.split(BATCH), look, "recognition") for row in rows]
    scores = {
        name: recognition_scores(labels, [names.index(row[column]) for row in said], names).to_dict()
        for column, name in enumerate(("scores", "cliea", "no_knowledge"))
    }
    return {"pictures": len(indices), **scores}


def _singulars(word: str) -> set[str]:
    """What `word` may be a form of, itself included; generous, for it is only compared with another word's."""
    forms = {word, _IRREGULAR.get(word, word)}
    for ending, instead in (("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            forms.add(word.removesuffix(ending) + instead)
    return forms


def mentions(caption: str, noun: str) -> bool:
    """Whether a caption has the noun (one word or several in a row), in singular or plural.

    >>> mentions("two red Hearts", "heart"), mentions("a heartless man", "heart")
    (True, False)
    """
    said = [word.strip(".,;:!?\"'()") for word in caption.lower().split()]
    *before, head = noun.lower().split()
    size = len(before) + 1
    return any(
        said[start : start + size - 1] == before and _singulars(said[start + size - 1]) & _singulars(head)
        for start in range(len(said) - size + 1)
    )


def describe(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """How often the captions of a dataset's pictures name the record's head noun, where it has one.

    `named` is that share, `majority` what always naming the most frequent noun would reach, `different` the number of
    different captions.

    Raises ValueError when no record has a head noun.
    """
    nouns = dataset.records["noun"][:]
    indices = torch.tensor([row for row, noun in enumerate(nouns) if noun])
    if len(indices) == 0:
        raise ValueError("None of these pictures has a head noun to look for.")
    indices = indices[spaced(len(indices), limit)]

    def say(part: torch.Tensor) -> list[str]:
        return pipeline.knowledge.captions(to_pictures(dataset.plain(part)))

    captions = [caption for some in distributed_map(indices.split(BATCH), say, "captions") for caption in some]
    wanted = [nouns[row] for row in indices.tolist()]
    found = [mentions(caption, noun) for caption, noun in zip(captions, wanted, strict=True)]
    return {
        "pictures": len(captions),
        "named": float(np.mean(found)),
        "majority": max(Counter(wanted).values()) / len(wanted),
        "different": len(set(captions)),
        "captions": [
            {"noun": noun, "caption": caption, "named": hit}
            for noun, caption, hit in zip(wanted, captions, found, strict=True)
        ],
    }


@torch.no_grad()
def reconstruct(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """PSNR in dB of the dataset's plain pictures through the autoencoder: `mean`, `median` and the worst twentieth's.

    `disturbed` is the mean where latents come with noise of `DISTURBED` deviations, as those that are painted may.
    """
    vae = pipeline.vae
    indices = spaced(len(dataset), limit)

    def compare(part: torch.Tensor) -> torch.Tensor:
        pictures = dataset.plain(part).to(vae.device, vae.dtype)
        latents = vae.encode(pictures).latent_dist.mode()
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(int(part[0]))).to(latents)
        # In the scale in which the denoiser sees latents, where their deviation is 1.
        both = (latents, latents + DISTURBED / vae.config.scaling_factor * noise)
        return torch.stack([psnr(vae.decode(one).sample.float(), pictures.float()).cpu() for one in both])

    decibels, disturbed = torch.cat(distributed_map(indices.split(BATCH), compare, "reconstruction"), dim=1).numpy()
    return {
        "pictures": len(decibels),
        "mean": float(decibels.mean()),
        "median": float(np.median(decibels)),
        "worst_twentieth": float(np.quantile(decibels, 0.05)),
        "disturbed": float(disturbed.mean()),
    }
