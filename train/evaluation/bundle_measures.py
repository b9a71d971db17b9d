"""Measures of a pipeline as a user has it: which pictures, under which name, how many at once."""

from __future__ import annotations

import torch

from kcdp.pipelines.kcdp import KCDPPipeline
from train.data.cache import fingerprint

#: Pictures of one call of the pipeline.
BATCH = 16


def weights_of(pipeline: KCDPPipeline) -> str:
    """A name for everything that the pipeline has learned."""
    networks = (pipeline.vae, pipeline.unet, pipeline.text_encoder, pipeline.captioner)
    return fingerprint(*networks, pipeline.denoiser, pipeline.pyramid, pipeline.moe, pipeline.cliea)


def evenly_spaced(count: int, limit: int | None) -> torch.Tensor:
    """Indices of `count` things, or of `limit` of them that are evenly spaced."""
    if limit is None or count <= limit:
        return torch.arange(count)
    return torch.linspace(0, count - 1, limit).long()
