"""Reconstruction: PSNR of validation emoji through the autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.processes import distributed_map
from train.data.dataset import PictureDataset
from train.evaluation.bundle_measures import BATCH, evenly_spaced
from train.evaluation.measure import Measure
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import markdown_table
from train.stages.vae import psnr

#: Noise on latents in `reconstruct`, in deviations of the latents.
NOISE = 0.2


@torch.no_grad()
def reconstruct(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """PSNR in dB of the dataset's plain pictures through the autoencoder: `mean`, `median` and the worst twentieth's.

    `disturbed` is the mean where latents come with noise of `NOISE` deviations, as those that are painted may.
    """
    vae = pipeline.vae
    indices = evenly_spaced(len(dataset), limit)

    def compare(part: torch.Tensor) -> torch.Tensor:
        pictures = dataset.plain(part).to(vae.device, vae.dtype)
        latents = vae.encode(pictures).latent_dist.mode()
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(int(part[0]))).to(latents)
        # In the scale in which the denoiser sees latents, where their deviation is 1.
        both = (latents, latents + NOISE / vae.config.scaling_factor * noise)
        return torch.stack([psnr(vae.decode(one).sample.float(), pictures.float()).cpu() for one in both])

    decibels, disturbed = torch.cat(distributed_map(indices.split(BATCH), compare, "reconstruction"), dim=1).numpy()
    return {
        "pictures": len(decibels),
        "mean": float(decibels.mean()),
        "median": float(np.median(decibels)),
        "worst_twentieth": float(np.quantile(decibels, 0.05)),
        "disturbed": float(disturbed.mean()),
    }


def reconstruction_report(result: Mapping[str, Any], test: str = "validation emoji") -> str:
    """What `reconstruct` gives, of the pictures called `test`."""
    names = ("mean", "median", "worst_twentieth", "disturbed")
    row = [result["pictures"], *(f"{result[name]:.1f}" for name in names)]
    head = ["pictures", "mean", "median", "worst twentieth", "mean from noisy latents"]
    return f"## Reconstruction\n\nPSNR of {test}, dB.\n\n{markdown_table(head, [row])}"


def run(evaluation: EvaluationRun) -> None:
    """PSNR of validation emoji."""
    dataset = evaluation.pictures("val", "emoji")
    if not len(dataset):
        raise SystemExit("There are no validation emoji: give --data with emoji.parquet.")
    result = evaluation.of_pipeline("reconstruction", reconstruct, dataset)
    text = reconstruction_report(result, evaluation.marked("validation emoji", dataset, evaluation.pipeline_training))
    evaluation.report("reconstruction", text, result)


MEASURE = Measure(run, "PSNR of validation emoji through the autoencoder")
