"""Speed and memory, beside the plain library call or an earlier build, in one run: `python train/benchmark.py`.

`--against REVISION` also measures this tree beside another revision of it: both as processes of their own, asked in turn.
`--full` measures the published architectures (Stable Diffusion 1.5, CLIP ViT-L/14) with random weights in their place.
`--clients 16` starts the page and lets so many read from it at once, for `--seconds`, while `--painters` paint.
`--moves 60` starts the page and moves its slider so many times in a browser (needs tests/requirements.txt and Chromium).

Both sides of a row are taken in turn, repeat by repeat; the ratio is ours over the other, its median and quartiles over the
repeats, so 1.0 is what the other takes and less is faster. Nothing is asserted: a busy machine is slower, but it slows both
sides. Where others compute on the same cores, `--clock cpu` counts what the processes compute and not what they wait.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from transformers import HfArgumentParser

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.bundle import EMBEDDED, Bundle, BundleError, load_bundle
from kcdp.process import keep_memory
from kcdp.quiet import quiet_libraries
from train.benchmarks.builds import measure_builds
from train.benchmarks.clients import measure_clients
from train.benchmarks.full import full_shapes, measure_full
from train.benchmarks.painting import measure_painting
from train.benchmarks.reading import command, measure_kcdp, measure_queries, throughput, whole_result
from train.benchmarks.timing import Clock, Row, Stopwatch, table
from train.benchmarks.training import measure_step
from train.drawn import draw
from train.full_size import FullSize

What = Literal["reading", "throughput", "painting", "training"]


@dataclass
class BenchmarkArguments:
    """What to measure."""

    bundle: str = field(default=str(EMBEDDED), metadata={"help": "Folder or Hub id of a bundle."})
    what: list[str] = field(
        default_factory=lambda: list(get_args(What)),
        metadata={
            "help": f"Of a bundle: {', '.join(get_args(What))}; all, if not given; none, to compare builds alone."
        },
    )
    against: str | None = field(
        default=None, metadata={"help": "A git revision to measure this tree's own bundle and code beside."}
    )
    full: bool = field(
        default=False, metadata={"help": "The published architectures with random weights in the place of a bundle."}
    )
    clients: int = field(
        default=0, metadata={"help": "Clients that read from the page at once, in the place of a bundle."}
    )
    painters: int = field(default=0, metadata={"help": "Clients that paint meanwhile."})
    seconds: float = field(default=120.0, metadata={"help": "For how long clients ask."})
    moves: int = field(
        default=0,
        metadata={"help": "Moves of the page's slider, each until its picture is seen, in the place of a bundle."},
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
    clock: Clock = field(default="wall", metadata={"help": "What somebody waits, or what the processes compute."})
    output: str | None = field(default=None, metadata={"help": "Write the rows as JSON to this file."})
    markdown: str | None = field(default=None, metadata={"help": "Write the table to this file as well."})


def measure_bundle(bundle: Bundle, arguments: BenchmarkArguments, stopwatch: Stopwatch) -> tuple[list[Row], list[str]]:
    """The rows of `arguments.what`, and a sentence for each half that the bundle lacks: it may be one of the two alone."""
    rows: list[Row] = []
    lacking: list[str] = []
    pictures = [draw(seed, 128, kind="sticker").image for seed in range(arguments.batch_size)]
    kcdp = uniemo = None
    try:
        kcdp = bundle.kcdp
    except BundleError as error:
        lacking.append(f"{error}\n")
    try:
        uniemo = bundle.uniemo
        uniemo.set_progress_bar_config(disable=True)
    except BundleError as error:
        lacking.append(f"{error}\n")
    if "reading" in arguments.what:
        if kcdp is not None and uniemo is not None:
            rows.append(whole_result(bundle, pictures[0], stopwatch))
        rows += [] if kcdp is None else measure_kcdp(kcdp, pictures, stopwatch)
        rows += [] if uniemo is None else measure_queries(uniemo, pictures, stopwatch)
    if "throughput" in arguments.what:
        rows += [*throughput(bundle, pictures, stopwatch), command(bundle, stopwatch)]
    if "painting" in arguments.what and uniemo is not None:
        rows += measure_painting(uniemo, arguments.batch_size, arguments.inference_steps or 25, stopwatch)
    if "training" in arguments.what and kcdp is not None:
        rows.append(measure_step(kcdp, pictures, stopwatch))
    return rows, lacking


def peak_memory() -> str:
    """The most memory that the process had, and on the GPU the most that PyTorch had there."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    text = f"Peak memory of the process: {peak:.0f} MiB, on {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        text += f"; on {torch.cuda.get_device_name()}: {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB"
    return text + "."


def write(text: str, found: Any, arguments: BenchmarkArguments) -> None:
    """Print the table, and write it and what is in it to the files that were asked for."""
    print(text)
    if arguments.markdown:
        Path(arguments.markdown).write_text(f"{text}\n", encoding="utf-8")
    if arguments.output:
        Path(arguments.output).write_text(json.dumps(found, indent=2), encoding="utf-8")


def main() -> None:
    arguments = HfArgumentParser(BenchmarkArguments).parse_args_into_dataclasses()[0]
    # As the command and the training do, whose batches and steps it measures.
    keep_memory()
    quiet_libraries()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.clients:
        load = measure_clients(arguments.clients, arguments.seconds, arguments.painters, arguments.threads)
        write(str(load), load.to_dict(), arguments)
        return
    if arguments.moves:
        # Its browser is the tests', and not among what training needs.
        from train.benchmarks.slider import measure_slider

        times = measure_slider(arguments.moves, arguments.threads)
        write(str(times), times.to_dict(), arguments)
        return
    stopwatch = Stopwatch(arguments.repeats, arguments.clock)
    start, lines, rows = time.perf_counter(), [], []
    if arguments.full:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = arguments.dtype or ("bfloat16" if device == "cuda" else "float32")
        full = FullSize.build(device, getattr(torch, dtype))
        rows.append(Row("make the networks", [time.perf_counter() - start]))
        latents, states, lines = full_shapes(full, arguments.batch_size)
        steps = arguments.inference_steps or (50 if device == "cuda" else 1)
        rows += measure_full(full, latents, states, stopwatch, steps)
    elif set(arguments.what) & set(get_args(What)):
        rows, lines = measure_bundle(load_bundle(arguments.bundle), arguments, stopwatch)
    if arguments.against:
        for row in measure_builds(arguments.against, stopwatch, arguments.threads):
            # Said at once: the next may take minutes.
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
    text = "\n".join([*lines, table(rows), "", peak_memory()])
    write(text, [row.to_dict() for row in rows], arguments)


if __name__ == "__main__":
    main()
