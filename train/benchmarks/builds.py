"""Two builds of this repository side by side: this tree, and another revision in a folder that git makes for it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

import httpx
import psutil
from gradio_client import Client, handle_file

from train.benchmarks.timing import Clock, Row, Stopwatch
from train.drawn import draw

ROOT = Path(__file__).resolve().parents[2]
Side = TypeVar("Side")
#: Starts and paintings that are measured at the most: each takes as long as many readings.
STARTS = 3
#: Pictures that a page has painted when its memory is looked at for the last time.
PAINTINGS = 5
#: Seconds between two looks whether a page answers.
PATIENCE = 0.1
#: What every build imports before anything of its own; of the libraries that load on first use, the networks.
LIBRARIES = (
    "import torch, peft, spacy; from diffusers import UNet2DConditionModel; "
    "from transformers import BertLMHeadModel, CLIPTextModel"
)


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A working tree of a git revision, removed afterwards; raises ValueError with git's own words when there is none."""
    with TemporaryDirectory(prefix="kcdp-benchmark-") as folder:
        tree = Path(folder) / "tree"
        # What a run that was killed has left is forgotten here.
        _git("worktree", "prune")
        made = _git("worktree", "add", "--detach", str(tree), revision)
        if made.returncode:
            raise ValueError(f"The revision '{revision}' cannot be checked out: {made.stderr.strip()}")
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)


def _environment(tree: Path) -> dict[str, str]:
    """Variables of a process that runs a tree's code: nothing is fetched, and compiled modules are kept, as they usually are."""
    return {
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "",
        "HF_HUB_OFFLINE": "1",
        "NO_PROXY": "127.0.0.1",
    }


class Worker:
    """A process that runs a tree's code: `worker.py`. A context manager; raises RuntimeError when it ends before it answers."""

    def __init__(self, tree: Path, clock: Clock = "wall", threads: int = 0) -> None:
        script = Path(__file__).with_name("worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), clock, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | _environment(tree),
            cwd=tree,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.terminate()

    def request(self, work: str, **request: Any) -> dict[str, Any]:
        """`seconds` that it took, `until_now` since the process began, and the `result`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"work": work} | request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"The process that should '{work}' ended without an answer; run it by hand to see why.")
        return json.loads(line)

    def seconds(self, work: str, **request: Any) -> float:
        """How long `ask` took there."""
        return self.request(work, **request)["seconds"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=60).is_success
    except httpx.TransportError:
        return False


class App:
    """A tree's own page, started and asked over its API; a context manager. Raises RuntimeError when it ends before it answers.

    It answers before its models are there, and its first reading waits for them.
    """

    def __init__(self, tree: Path, threads: int = 0) -> None:
        limits = {"OMP_NUM_THREADS": str(threads)} if threads else {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | _environment(tree) | limits,
            cwd=tree,
        )
        url = f"http://127.0.0.1:{port}"
        # Not by what it prints, for builds of long ago print nothing.
        while not _answers(url):
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"The page of '{tree}' ended before it answered; run `python app.py` there to see why."
                )
            time.sleep(PATIENCE)
        self._client = Client(url, verbose=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        with self._process as process:
            process.terminate()

    def understand(self, picture: Path, clock: Clock) -> float:
        """Seconds of one reading: as its caller waits for it, or as the page's process computes."""

        def now() -> float:
            if clock == "wall":
                return time.perf_counter()
            used = psutil.Process(self._process.pid).cpu_times()
            return used.user + used.system

        start = now()
        self._client.predict(handle_file(str(picture)), api_name="/understand")
        return now() - start

    def paint(self, seed: int) -> None:
        """One painting with the settings that a request has by default, which every build has under this name."""
        self._client.predict("amusement", "sadness", share=30, thing="a cat", seed=seed, api_name="/fuse")

    def peak_memory(self) -> float:
        """The most memory that it has had, in MB; Linux alone says that of another process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return float(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]  # every process has it


def measure_builds(revision: str, stopwatch: Stopwatch, threads: int = 0) -> Iterator[Row]:
    """This tree beside `revision`, each with the bundle that it ships: readings, a painting, the start, and the page.

    Every repeat reads another picture, so that neither build can remember it. Raises as `checked_out`, `Worker` and `App` do.
    """
    clock = stopwatch.clock
    few = Stopwatch(min(stopwatch.repeats, STARTS), clock)
    with checked_out(revision) as other, TemporaryDirectory() as folder:
        pictures = [Path(folder) / f"{seed}.png" for seed in range(stopwatch.repeats + 1)]
        for seed, path in enumerate(pictures):
            draw(seed, 384, kind="sticker").image.save(path)

        def row(name: str, sides: Sequence[Side], work: Callable[[Side, Path], float], watch: Stopwatch) -> Row:
            turns = [iter([partial(work, side, path) for path in pictures]) for side in sides]
            ours, plain = watch.in_turn(*(lambda turn=turn: next(turn)() for turn in turns))
            return Row(f"{name}, beside {revision}", ours, plain)

        def reads(attention: bool) -> Callable[[Worker, Path], float]:
            return lambda worker, picture: worker.seconds("read", picture=str(picture), attention=attention)

        with Worker(ROOT, clock, threads) as new, Worker(other, clock, threads) as old:
            both = (new, old)
            yield row("one sticker's whole result", both, reads(True), stopwatch)
            yield row("the same, ours without heat maps", both, reads(False), stopwatch)
            yield row(
                "one picture painted as the pipeline does by itself",
                both,
                lambda worker, _: worker.seconds("paint", emotion="awe", seed=7, steps=None),
                few,
            )
        starts = row(
            "import, load and the first result",
            (ROOT, other),
            lambda tree, picture: first_result(tree, picture, clock, threads),
            # The workers have read the files: they are in memory, of either build.
            replace(few, warm_up=False),
        )
        yield starts
        alone = [libraries_alone(clock) for _ in starts.ours]
        yield Row("the same, beside the import of its libraries alone", starts.ours, alone)
        with App(ROOT, threads) as new_page, App(other, threads) as old_page:
            pages = (new_page, old_page)
            yield row(
                "one sticker over the API, as asked by default",
                pages,
                lambda page, path: page.understand(path, clock),
                stopwatch,
            )
            peaks = [[page.peak_memory()] for page in pages]
            yield Row(f"peak memory of the page after {len(pictures)} readings, beside {revision}", *peaks, unit="MB")
            for seed in range(PAINTINGS):
                for page in pages:
                    page.paint(seed)
            peaks = [[page.peak_memory()] for page in pages]
        yield Row(f"and after {PAINTINGS} paintings, beside {revision}", *peaks, unit="MB")


def first_result(tree: Path, picture: Path, clock: Clock, threads: int) -> float:
    """Seconds from the start of Python to the first reading, of a process that ends after it."""
    start = time.perf_counter()
    with Worker(tree, clock=clock, threads=threads) as worker:
        reading = worker.request("read", picture=str(picture), attention=True)
        return time.perf_counter() - start if clock == "wall" else reading["until_now"]


def libraries_alone(clock: Clock) -> float:
    """Seconds of a Python that does nothing but import `LIBRARIES`."""
    script = f"import time; start = time.perf_counter(); {LIBRARIES}; print(time.perf_counter() - start, time.process_time())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    wall, cpu = map(float, done.stdout.split()[-2:])
    return wall if clock == "wall" else cpu
