"""Speed and memory of a bundle, beside the plain library call in the same run: `python train/benchmark.py`.

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

import torch
from PIL import Image
from transformers import HfArgumentParser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.bundle import EMBEDDED, Bundle, load_bundle
from kcdp.imaging import load_frames
from train.data.drawn import draw


@dataclass
class BenchmarkArguments:
    """What to measure."""

    bundle: str = field(default=str(EMBEDDED), metadata={"help": "Folder or Hub id of a bundle."})
    repeats: int = field(default=20, metadata={"help": "Repeats of each measurement; the median counts."})
    batch_size: int = field(default=8, metadata={"help": "Pictures in the batched rows."})
    threads: int = field(default=0, metadata={"help": "CPU threads; 0 leaves the choice to torch."})
    output: str | None = field(default=None, metadata={"help": "Write the rows as JSON to this file."})


@dataclass(frozen=True)
class Row:
    """One comparison: median seconds of ours and of the plain library call, if there is one."""

    name: str
    ours: float
    plain: float | None = None

    def __str__(self) -> str:
        if self.plain is None:
            return f"| {self.name} | {1000 * self.ours:.1f} | | |"
        return f"| {self.name} | {1000 * self.ours:.1f} | {1000 * self.plain:.1f} | {self.ours / self.plain:.2f} |"


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
def measure(bundle: Bundle, pictures: list[Image.Image], repeats: int) -> list[Row]:
    """The rows: a whole result, a batch of them, and the parts that do more than a plain library call."""
    pipeline = bundle.kcdp
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
        Row("one picture, whole result", median_seconds(lambda: pipeline(pictures[0]), repeats)),
        Row(
            f"{several} in a batch, beside one by one",
            median_seconds(lambda: pipeline(pictures), repeats),
            median_seconds(one_picture_at_a_time, repeats),
        ),
        Row(
            f"denoiser with features, maps and KGCA ({several}), beside the plain UNet",
            median_seconds(lambda: pipeline.denoiser(latents, encoded.states), repeats),
            median_seconds(plain_denoiser, repeats),
        ),
        Row(
            f"k of {several} ({len(texts)} texts) in one call, beside one call a text",
            median_seconds(lambda: pipeline.knowledge.encode(captions, triplets), repeats),
            median_seconds(one_text_at_a_time, repeats),
        ),
    ]


def main() -> None:
    arguments = HfArgumentParser(BenchmarkArguments).parse_args_into_dataclasses()[0]
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    start = time.perf_counter()
    bundle = load_bundle(arguments.bundle)
    rows = [Row("load the bundle", time.perf_counter() - start)]
    pictures = [draw(seed, 128, kind="sticker").image for seed in range(arguments.batch_size)]
    rows += measure(bundle, pictures, arguments.repeats)
    print("| | ours, ms | plain, ms | ratio |\n|---|---|---|---|")
    print("\n".join(map(str, rows)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of the process: {peak:.0f} MiB, on {torch.get_num_threads()} threads.")
    if arguments.output:
        Path(arguments.output).write_text(json.dumps([vars(row) for row in rows], indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
