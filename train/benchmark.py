"""Speed and memory of a bundle, beside the plain library call in the same run: `python train/benchmark.py`.

`--full` measures the published architectures (Stable Diffusion 1.5, CLIP ViT-L/14) with random weights in their place.

Every row is a median over repeats; the ratio is ours over plain, so 1.0 is what the library alone takes and less is
faster. Nothing is asserted: a busy machine is slower, but it slows both sides.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from peft import LoraConfig
from PIL import Image
from transformers import HfArgumentParser

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.bundle import EMBEDDED, BundleError, load_bundle
from kcdp.imaging import load_frames, to_tensor
from kcdp.painting.prompt import PromptEncoder
from kcdp.painting.sampling import Guidance, denoise
from kcdp.perception.denoiser import share_unet
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.results import Triplet
from kcdp.uniemo.query_chain import tower_pixels
from train.drawn import draw
from train.full_size import SCHEDULER, FullSize


@dataclass
class BenchmarkArguments:
    """What to measure."""

    bundle: str = field(default=str(EMBEDDED), metadata={"help": "Folder or Hub id of a bundle."})
    full: bool = field(
        default=False, metadata={"help": "The published architectures with random weights in the place of a bundle."}
    )
    dtype: Literal["bfloat16", "float16", "float32"] | None = field(
        default=None,
        # A convolution in bfloat16 on a CPU that has no instructions for it took 170 times as long.
        metadata={"help": "Of the weights of `--full`; bfloat16 on a GPU and float32 without, if not given."},
    )
    repeats: int = field(default=20, metadata={"help": "Repeats of each measurement; the median counts."})
    batch_size: int = field(default=8, metadata={"help": "Pictures in the batched rows."})
    inference_steps: int | None = field(
        default=None, metadata={"help": "Of painting; 25 if not given, and of `--full` 50 on a GPU and 1 without."}
    )
    threads: int = field(default=0, metadata={"help": "CPU threads; 0 leaves the choice to torch."})
    output: str | None = field(default=None, metadata={"help": "Write the rows as JSON to this file."})


@dataclass(frozen=True)
class Row:
    """One comparison: median seconds of ours and of the plain library call, if there is one, for some `pictures`."""

    name: str
    ours: float
    plain: float | None = None
    pictures: int | None = None

    def __str__(self) -> str:
        rate = "" if self.pictures is None else f"{self.pictures / self.ours:.2f}"
        plain, ratio = ("", "") if self.plain is None else (f"{1000 * self.plain:.1f}", f"{self.ours / self.plain:.2f}")
        return f"| {self.name} | {1000 * self.ours:.1f} | {plain} | {ratio} | {rate} |"


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds of `work` after one warm-up, the device's queue drained."""
    times = []
    for repeat in range(repeats + 1):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if repeat:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


@torch.no_grad()
def measure_kcdp(pipeline: KCDPPipeline, pictures: list[Image.Image], repeats: int) -> list[Row]:
    """The rows: a whole result, a batch of them, and the parts that do more than a plain library call."""
    frames = [load_frames(picture)[0] for picture in pictures]
    captions = pipeline.knowledge.captions(frames)
    triplets = pipeline.knowledge.parser(captions)
    encoded = pipeline.knowledge.encode(captions, triplets)
    latents = pipeline.encode_pictures(frames)
    texts = [caption for caption in captions] + [str(triplet) for found in triplets for triplet in found]

    def one_text_at_a_time() -> None:
        for text in texts:
            pipeline.encoder.encode_prompts([text])

    def one_picture_at_a_time() -> None:
        for picture in pictures:
            pipeline(picture)

    def plain_denoiser() -> None:
        pipeline.unet(latents, 1, encoder_hidden_states=encoded.states, return_dict=False)

    several = f"{len(pictures)} pictures"
    return [
        Row("one picture, whole result", median_seconds(lambda: pipeline(pictures[0]), repeats), pictures=1),
        Row(
            f"{several} in a batch, beside one by one",
            median_seconds(lambda: pipeline(pictures), repeats),
            median_seconds(one_picture_at_a_time, repeats),
            len(pictures),
        ),
        Row(
            f"denoiser with features, maps and KGCA ({several}), beside the plain UNet",
            median_seconds(lambda: pipeline.denoiser(latents, encoded.states), repeats),
            median_seconds(plain_denoiser, repeats),
            len(pictures),
        ),
        Row(
            f"k of {several} ({len(texts)} texts) in one call, beside one call a text",
            median_seconds(lambda: pipeline.knowledge.encode(captions, triplets), repeats),
            median_seconds(one_text_at_a_time, repeats),
            len(pictures),
        ),
    ]


@torch.no_grad()
def measure_uniemo(pipeline: UniEmoPipeline, pictures: list[Image.Image], repeats: int, steps: int) -> list[Row]:
    """The rows: one painted picture, a batch of them, and pictures seen with expert queries."""
    count, emotion = len(pictures), pipeline.labels[0]
    pixels = tower_pixels(
        pipeline.vision, to_tensor([load_frames(one)[0] for one in pictures], pipeline.vision.config.image_size)
    ).to(pipeline.device, pipeline.vision.dtype)

    def painted(seeds: list[int]) -> None:
        pipeline(emotion, seed=seeds, num_inference_steps=steps)

    def one_at_a_time() -> None:
        for seed in range(count):
            painted([seed])

    several = f"{count} pictures"
    return [
        Row(
            f"one picture of {steps} steps and its verdict, beside Stable Diffusion's pipeline",
            median_seconds(lambda: painted([0]), repeats),
            None if pipeline.text_encoder_2 is not None else plain_painting(pipeline, emotion, steps, repeats),
            1,
        ),
        Row(
            f"{several} painted in a batch, beside one by one",
            median_seconds(lambda: painted(list(range(count))), repeats),
            median_seconds(one_at_a_time, repeats),
            count,
        ),
        Row(
            f"emotion, scene and object of {several}, beside the plain vision tower",
            median_seconds(lambda: pipeline.chain(pipeline.vision, pixels), repeats),
            median_seconds(lambda: pipeline.vision(pixels), repeats),
            count,
        ),
    ]


def plain_painting(pipeline: UniEmoPipeline, prompt: str, steps: int, repeats: int) -> float:
    """Median seconds of Stable Diffusion's own pipeline with the same parts at the same settings."""
    names = ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
    library = StableDiffusionPipeline(
        **{name: getattr(pipeline, name) for name in names},
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    library.set_progress_bar_config(disable=True)
    config = pipeline.unet.config
    # Given, because it would reckon their size from an autoencoder without patches.
    shape = (1, config.in_channels, config.sample_size, config.sample_size)
    noise = torch.randn(shape, device=pipeline.device, dtype=pipeline.unet.dtype)
    guidance = ("guidance_scale", "guidance_rescale")
    settings = {"num_inference_steps": steps, **{name: pipeline.config[name] for name in guidance}}
    size = {"height": pipeline.size, "width": pipeline.size}
    return median_seconds(lambda: library(prompt, latents=noise, **size, **settings), repeats)


def full_shapes(full: FullSize, count: int) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Latents (B, 4, 64, 64) and k (B, 154, 768) of `count` pictures, and what has which shape, line by line."""
    triplets = [Triplet("a man", "hugs", "a woman"), Triplet("a woman", "smiles at", "a man")]
    with torch.no_grad():
        states = full.encoder.encode(["a man hugs a woman"] * count, [triplets] * count).states
        side = full.unet.config.sample_size
        latents = torch.randn(count, full.unet.config.in_channels, side, side).to(states)
        visual = full.visual(latents, states)
    learned = sum(parameter.numel() for parameter in full.denoiser.trainable_parameters())
    return (
        latents,
        states,
        [
            f"Denoiser {sum(parameter.numel() for parameter in full.unet.parameters()) / 1e6:.1f} M parameters, "
            f"KGCA {learned} of them on top (LoRA).",
            f"k {tuple(states.shape)}, the pyramid's inputs {full.pyramid.in_channels} channels, v {tuple(visual.shape)}; "
            f"all finite: {bool(visual.isfinite().all())}.",
        ],
    )


def measure_full(full: FullSize, latents: torch.Tensor, states: torch.Tensor, repeats: int, steps: int) -> list[Row]:
    """The rows of `--full`: one pass, one step of training, expert queries on the vision tower, and painting."""
    count = len(latents)
    several = f"{count} picture{'s' * (count > 1)}"
    plain = share_unet(full.unet)
    plain.add_adapter(LoraConfig(r=8, lora_alpha=8, target_modules=["attn2.to_k", "attn2.to_v"]))
    size = full.vision.config.image_size
    pixels = torch.randn(count, 3, size, size, device=latents.device, dtype=latents.dtype)

    def plain_pass(unet: torch.nn.Module) -> torch.Tensor:
        return unet(latents, 1, encoder_hidden_states=states, return_dict=False)[0]

    def without_gradient(work: Callable[[], object]) -> float:
        with torch.no_grad():
            return median_seconds(work, repeats)

    return [
        Row(
            f"v of {several}, beside the plain UNet",
            without_gradient(lambda: full.visual(latents, states)),
            without_gradient(lambda: plain_pass(full.unet)),
            count,
        ),
        Row(
            f"v of {several} and back, beside the plain UNet with the same LoRA",
            median_seconds(lambda: full.visual(latents, states).float().mean().backward(), repeats),
            median_seconds(lambda: plain_pass(plain).float().mean().backward(), repeats),
            count,
        ),
        Row(
            f"emotion, scene and object of {several}, beside the plain vision tower",
            without_gradient(lambda: full.chain(full.vision, pixels)),
            without_gradient(lambda: full.vision(pixels)),
            count,
        ),
        Row(
            f"{several} painted in {steps} step{'s' * (steps > 1)}, beside Stable Diffusion's pipeline",
            without_gradient(lambda: painted_by_ours(full, count, steps)),
            without_gradient(lambda: painted_by_library(full, count, steps)),
            count,
        ),
    ]


#: How far painting at full size follows its prompt, as in UniEmo's experiments.
GUIDANCE = 7.5


def painted_by_ours(full: FullSize, count: int, steps: int) -> torch.Tensor:
    """Pixels (B, 3, 512, 512) of prompts with an emotion's vector among their words."""
    prompts = PromptEncoder((full.text_encoder,), (full.encoder.tokenizer,), full.vae.config.sample_size)
    emotion = torch.randn(full.text_encoder.config.hidden_size, device=full.unet.device, dtype=full.unet.dtype)
    latents = denoise(
        full.unet,
        DDIMScheduler(**SCHEDULER),
        prompts.with_emotions(["a cat"] * count, [[(emotion, 1.0)]] * count),
        range(count),
        steps,
        lambda number, timestep, latents: latents,
        prompts.nothing(),
        Guidance(GUIDANCE),
    )
    return full.vae.decode(latents / full.vae.config.scaling_factor, return_dict=False)[0]


def painted_by_library(full: FullSize, count: int, steps: int) -> torch.Tensor:
    """`count` pictures of plain prompts, painted by diffusers' own pipeline on these networks: (B, 3, H, W)."""
    library = StableDiffusionPipeline(
        vae=full.vae,
        unet=full.unet,
        text_encoder=full.text_encoder,
        tokenizer=full.encoder.tokenizer,
        scheduler=DDIMScheduler(**SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    library.set_progress_bar_config(disable=True)
    settings = {"num_inference_steps": steps, "guidance_scale": GUIDANCE, "output_type": "pt"}
    return library(["an awe cat"] * count, **settings).images


def peak_memory() -> str:
    """The most memory that the process had, and on the GPU the most that PyTorch had there."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    text = f"Peak memory of the process: {peak:.0f} MiB, on {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        text += f"; on {torch.cuda.get_device_name()}: {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB"
    return text + "."


def main() -> None:
    arguments = HfArgumentParser(BenchmarkArguments).parse_args_into_dataclasses()[0]
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    start, lines = time.perf_counter(), []
    if arguments.full:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = arguments.dtype or ("bfloat16" if device == "cuda" else "float32")
        full = FullSize.build(device, getattr(torch, dtype))
        rows = [Row("make the networks", time.perf_counter() - start)]
        latents, states, lines = full_shapes(full, arguments.batch_size)
        steps = arguments.inference_steps or (50 if device == "cuda" else 1)
        rows += measure_full(full, latents, states, arguments.repeats, steps)
    else:
        bundle = load_bundle(arguments.bundle)
        rows = [Row("load the bundle", time.perf_counter() - start)]
        pictures = [draw(seed, 128, kind="sticker").image for seed in range(arguments.batch_size)]
        try:
            rows += measure_kcdp(bundle.kcdp, pictures, arguments.repeats)
        except BundleError as error:  # a bundle may be one of the two alone
            lines.append(f"{error}\n")
        try:
            bundle.uniemo.set_progress_bar_config(disable=True)
            rows += measure_uniemo(bundle.uniemo, pictures, arguments.repeats, arguments.inference_steps or 25)
        except BundleError as error:
            lines.append(f"{error}\n")
    print(
        "\n".join([*lines, "| | ours, ms | plain, ms | ratio | pictures/s |", "|---|---|---|---|---|", *map(str, rows)])
    )
    print(f"\n{peak_memory()}")
    if arguments.output:
        Path(arguments.output).write_text(json.dumps([vars(row) for row in rows], indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
