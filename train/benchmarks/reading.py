"""Reading: a bundle's results beside the bare calls of its networks, and beside the papers' released way of working."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image

from kcdp.batch import ResultFile, find_pictures, understand_pictures
from kcdp.bundle import Bundle
from kcdp.decoded import DecodedPicture
from kcdp.emotions import MIKELS_8
from kcdp.imaging import load_frames, to_tensor
from kcdp.knowledge import greedy
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.prediction.moe import MixtureOfExperts
from kcdp.uniemo.query_chain import tower_pixels
from train.benchmarks.timing import Row, Stopwatch
from train.drawn import draw_sticker

#: Pictures of a batch where the rate is measured, and files of the command.
BATCHES = (1, 8, 32)
FILES = 64


def whole_result(bundle: Bundle, picture: Image.Image, stopwatch: Stopwatch) -> Row:
    """What a visitor waits for, from the file's content on, beside the networks it takes, each called on what is prepared for it."""
    return stopwatch.row(
        "one sticker's whole result, beside its networks' bare calls",
        lambda: bundle.read(picture).to_dict(),
        bare_calls(bundle, picture),
        1,
    )


@torch.no_grad()
def bare_calls(bundle: Bundle, picture: Image.Image) -> Callable[[], None]:
    """The networks' calls of one reading and nothing else: no decoding, no tokens, no heat maps, no result."""
    kcdp, uniemo = bundle.kcdp, bundle.uniemo
    frame, knowledge = DecodedPicture.load(picture).middle, kcdp.knowledge
    (caption,) = knowledge.captions([frame])
    (triplets,) = knowledge.parser([caption])
    texts = list(dict.fromkeys([caption, *map(str, triplets)]))
    tokens = kcdp.tokenizer(
        texts, padding="max_length", truncation=True, max_length=kcdp.encoder.length, return_tensors="pt"
    ).input_ids
    inputs = kcdp.captioner_processor(images=[frame], return_tensors="pt")["pixel_values"]
    pixels, prompts = to_tensor([frame], kcdp.size), kcdp.emotion_prompts()
    tower = tower_pixels(uniemo.vision, to_tensor([frame], uniemo.vision.config.image_size))
    encoded = knowledge.encode([caption], [triplets], kcdp.config.condition)

    @torch.no_grad()
    def calls() -> None:
        greedy.greedy(kcdp.captioner, inputs, max_new_tokens=24, repetition_penalty=1.1)
        knowledge.parser.nlp(caption)
        kcdp.text_encoder(tokens)
        latents = kcdp.vae.encode(pixels).latent_dist.mode()
        seen = kcdp.denoiser(latents, encoded.states)
        visual = kcdp.pyramid(seen.features, seen.attention, seen.latents)
        kcdp.moe(visual, encoded.pooled)
        kcdp.cliea(visual, encoded.states, prompts)
        uniemo.chain(uniemo.vision, tower)

    return calls


def throughput(bundle: Bundle, pictures: Sequence[Image.Image], stopwatch: Stopwatch) -> list[Row]:
    """Batches of each size, beside the same pictures one by one."""
    rows = []
    for size in BATCHES:
        batch = [pictures[number % len(pictures)] for number in range(size)]
        rows.append(
            stopwatch.row(
                f"{size} picture{'s' * (size > 1)} in a batch, beside one by one",
                lambda batch=batch: bundle.read(batch, attention=False),
                lambda batch=batch: [bundle.read(picture, attention=False) for picture in batch],
                size,
            )
        )
    return rows


def command(bundle: Bundle, stopwatch: Stopwatch) -> Row:
    """What `kcdp understand FOLDER --out FILE` does once the models are loaded, beside a call and a line of JSON for each file."""
    with TemporaryDirectory() as aside:
        folder, results = Path(aside, "stickers"), Path(aside, "results.jsonl")
        folder.mkdir()
        for seed in range(FILES):
            label = MIKELS_8.labels[seed % len(MIKELS_8.labels)]
            draw_sticker(seed, label).image.save(folder / f"{seed}.png")

        def understand() -> None:
            results.unlink(missing_ok=True)
            with ResultFile(results) as file:
                for found in understand_pictures(
                    lambda batch: bundle.read(list(batch), attention=False), find_pictures([folder])
                ):
                    file.write(found)

        def loop() -> None:
            with results.open("w") as file:
                for path in folder.iterdir():
                    file.write(json.dumps(bundle.read(path).to_dict()) + "\n")

        return stopwatch.row(f"`kcdp understand` of {FILES} stickers, beside a loop of calls", understand, loop, FILES)


@torch.no_grad()
def measure_kcdp(pipeline: KCDPPipeline, pictures: Sequence[Image.Image], stopwatch: Stopwatch) -> list[Row]:
    """The parts that do more than a plain library call, or are done otherwise than in the released code."""
    frames = [load_frames(picture)[0] for picture in pictures]
    count, knowledge = len(pictures), pipeline.knowledge
    captions = knowledge.captions(frames)
    triplets = knowledge.parser(captions)
    encoded = knowledge.encode(captions, triplets)
    latents = pipeline.encode_pictures(frames)
    texts = [*captions, *(str(triplet) for found in triplets for triplet in found)]
    pixels = pipeline.captioner_processor(images=frames, return_tensors="pt")["pixel_values"]
    seen = pipeline.denoiser(latents, encoded.states)
    visual = pipeline.pyramid(seen.features, seen.attention, seen.latents)
    several = f"{count} picture{'s' * (count > 1)}"
    rows = [
        stopwatch.row(
            f"denoiser with features, maps and KGCA ({several}), beside the plain UNet",
            lambda: pipeline.denoiser(latents, encoded.states),
            lambda: pipeline.unet(latents, 1, encoder_hidden_states=encoded.states, return_dict=False),
            count,
        ),
        stopwatch.row(
            f"k of {several} ({len(texts)} texts) in one call, beside one call a text as released",
            lambda: knowledge.encode(captions, triplets),
            lambda: [pipeline.encoder.encode_prompts([text]) for text in texts],
            count,
        ),
        stopwatch.row(
            f"experts of {several} at once, beside a loop over pictures and experts as released",
            lambda: pipeline.moe(visual, encoded.pooled),
            lambda: experts_in_loops(pipeline.moe, visual, encoded.pooled),
            count,
        ),
    ]
    if greedy.fits(pipeline.captioner):
        options = {"min_new_tokens": 1, "max_new_tokens": 24, "repetition_penalty": 1.1}
        captioner = pipeline.captioner
        rows.append(
            stopwatch.row(
                f"captions of {several}, beside transformers' `generate`",
                lambda: greedy.greedy(captioner, pixels, **options),
                lambda: captioner.generate(pixel_values=pixels, do_sample=False, num_beams=1, **options),
                count,
            )
        )
    return rows


def experts_in_loops(moe: MixtureOfExperts, v: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """The mixture's logits (B, K) as the released code computes them: picture by picture, each chosen expert by itself."""
    logits = []
    for row in moe.aggregate(moe.join(v, k)):
        gates = moe.router(row).softmax(dim=-1)
        said = torch.zeros_like(moe.experts.bias_out[0])
        chosen = gates.topk(moe.config.top_k).indices.tolist()
        for expert in chosen:
            hidden = (row @ moe.experts.weight_in[expert] + moe.experts.bias_in[expert]).relu()
            own = hidden @ moe.experts.weight_out[expert] + moe.experts.bias_out[expert]
            said = said + gates[expert] * own
        logits.append(said)
    return torch.stack(logits)


@torch.no_grad()
def measure_queries(pipeline: UniEmoPipeline, pictures: Sequence[Image.Image], stopwatch: Stopwatch) -> list[Row]:
    """Expert queries beside the tower that they look through."""
    pixels = tower_pixels(
        pipeline.vision, to_tensor([load_frames(one)[0] for one in pictures], pipeline.vision.config.image_size)
    ).to(pipeline.device, pipeline.vision.dtype)
    return [
        stopwatch.row(
            f"emotion, scene and object of {len(pictures)} pictures, beside the plain vision tower",
            lambda: pipeline.chain(pipeline.vision, pixels),
            lambda: pipeline.vision(pixels),
            len(pictures),
        )
    ]
