"""UniEmo: explicit feedback, training with the model's own pictures, ranked and filtered (algorithm 1)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from kcdp.pipelines.uniemo import UniEmoPipeline
from train.core import generated_pictures
from train.core.clip import zero_shot_head
from train.core.config import setting
from train.core.generated_pictures import GeneratedPicture, Request, read_pictures
from train.core.processes import distributed_map
from train.data.cache import content_key, fingerprint
from train.data.dataset import PictureDataset
from train.data.neutral import without_feelings
from train.data.records import make_record, to_dataset
from train.metrics.semantics import clarities
from train.stages.correlation import EmotionClassifier
from train.stages.feedback_selection import Criterion, select_pictures
from train.stages.understanding import UnderstandingStage

logger = logging.getLogger(__name__)

#: Seeds of two emotions are this far apart, and the first is far beyond those of an evaluation, whose pictures nobody learns from.
_SEEDS, _FIRST_SEED = 1_000_000, 1_000_000_000


@dataclass
class FeedbackConfig:
    """How many pictures are generated, and which of them are learned from (tables VI to VIII)."""

    pictures: int = setting(200, "Pictures made of each emotion.", "pictures")
    num_inference_steps: int = setting(25, "Denoising steps of each.", "steps")
    guidance_scale: float | None = setting(None, "Guidance scale; that of `uniemo_joint` if not given.")
    low: float = setting(0.2, "Where the band of ranks that is kept begins (table VII).", "share")
    high: float = setting(0.8, "Where it ends.", "share")
    by: Criterion = setting("both", "Ranked by emotion, clarity or both (table VI).")
    share: float = setting(0.2, "Share of generated pictures in a batch (table VIII).", "share")
    batch_size: int = setting(8, "Pictures made at once, of one prompt.", "pictures")


def prompts_of(dataset: PictureDataset, emotion: int, count: int) -> list[str]:
    """`count` captions of the pictures of an emotion that `dataset` has, without the words for it."""
    generator = torch.Generator().manual_seed(emotion)
    rows = (dataset.labels == emotion).nonzero().flatten()
    chosen = rows[torch.randint(len(rows), (count,), generator=generator)]
    captions = dataset.captions(chosen, generator, feelings=False)
    # Of "sad" nothing is left; the plainest caption says what is seen.
    plainest = dataset.records.select(chosen.tolist())["caption"]
    return [without_feelings(text, expressions=True) or plain for text, plain in zip(captions, plainest, strict=True)]


def generate(
    pipeline: UniEmoPipeline, dataset: PictureDataset, cache_dir: Path, config: FeedbackConfig
) -> list[GeneratedPicture]:
    """`config.pictures` of every emotion that `dataset` has, each seed once: what is on disk is not made again.

    The things to show are those of the dataset's captions. All processes make them together.
    """
    weights = fingerprint(pipeline.unet, pipeline.fusion, pipeline.space, *pipeline.prompts.text_encoders)
    defaults = (pipeline.config.guidance_scale, pipeline.config.guidance_rescale)
    settings = (weights, config.num_inference_steps, config.guidance_scale, defaults)
    folder = cache_dir / f"generated-{content_key(dataset.decoded.key, *settings, config.batch_size)[:16]}"
    requests: list[Request] = []
    for label, emotion in enumerate(dataset.emotions):
        if not (dataset.labels == label).any():
            continue
        first = _FIRST_SEED + label * _SEEDS
        batches = torch.arange(first, first + config.pictures).split(config.batch_size)
        prompts = prompts_of(dataset, label, len(batches))
        requests += [Request(emotion, seeds.tolist(), prompt) for prompt, seeds in zip(prompts, batches, strict=True)]

    def paint(request: Request) -> Sequence[Image.Image]:
        options = {"num_inference_steps": config.num_inference_steps, "guidance_scale": config.guidance_scale}
        return pipeline(request.emotion, request.prompt, seed=request.seeds, **options).images

    return generated_pictures.generate(folder, requests, paint, "pictures to learn from")


def scores(
    generated: Sequence[GeneratedPicture], pictures: UnderstandingStage, classifier: EmotionClassifier
) -> tuple[torch.Tensor, torch.Tensor]:
    """The criteria of algorithm 1: the probability of each picture's emotion, and the clarity of its scene or object, (N,) each.

    All processes compute their share. Raises ValueError when fewer than two scenes or two objects are known.
    """
    clip, dataset = classifier.clip, pictures.train
    embed = clip.embed
    heads = [zero_shot_head(clip, pictures.tables[kind].names) for kind in ("scene", "object")]

    def score(batch: Sequence[GeneratedPicture]) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = read_pictures([one.path for one in batch], dataset.size)
        labels = torch.tensor([dataset.emotions.index(one.emotion) for one in batch])
        probabilities = classifier(embed(pixels)).gather(1, labels[:, None])[:, 0]
        return probabilities, clarities(*(head(pixels) for head in heads))

    batches = [generated[start : start + 32] for start in range(0, len(generated), 32)]
    emotion, clarity = zip(*distributed_map(batches, score, "ranking"), strict=True)
    return torch.cat(emotion), torch.cat(clarity)


def filtered_dataset(
    generated: Sequence[GeneratedPicture],
    pictures: UnderstandingStage,
    classifier: EmotionClassifier,
    config: FeedbackConfig,
) -> PictureDataset:
    """The generated pictures to train on, as a dataset that draws every emotion alike.

    Pictures are ranked among those of their emotion: over all of them, emotions that the classifier finds hard would be lost.

    Raises ValueError when nothing passes.
    """
    emotion, clarity = scores(generated, pictures, classifier)
    kept: list[GeneratedPicture] = []
    for name in pictures.train.emotions:
        rows = torch.tensor([row for row, one in enumerate(generated) if one.emotion == name], dtype=torch.long)
        passed = rows[select_pictures(emotion[rows], clarity[rows], config.low, config.high, config.by)]
        kept += [generated[row] for row in passed.tolist()]
    if not kept:
        raise ValueError("No generated picture passed both rankings; make more, or widen the band from low to high.")
    logger.info("Of %d generated pictures %d are learned from.", len(generated), len(kept))
    records = to_dataset(
        make_record(
            one.path.read_bytes(),
            [one.prompt],
            domain="drawn",
            style="generated",
            group=f"generated-{one.emotion}-{one.path.stem}",
            license="Apache-2.0",
            emotion=one.emotion,
        )
        for one in kept
    )
    dataset = pictures.train
    return PictureDataset(records, dataset.cache_dir, dataset.emotions, balance=1.0, size=dataset.size)
