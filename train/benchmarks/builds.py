"""Two builds of this repository side by side: this tree, and another revision in a folder that git makes for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from train.benchmarks.timing import Clock

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A working tree of a git revision, removed afterwards; raises ValueError with git's own words when there is none."""
    with TemporaryDirectory(prefix="kcdp-benchmark-") as folder:
        tree = Path(folder) / "tree"
        made = _git("worktree", "add", "--detach", str(tree), revision)
        if made.returncode:
            raise ValueError(f"The revision '{revision}' cannot be checked out: {made.stderr.strip()}")
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)


class Worker:
    """A process that runs a tree's code: `worker.py`. A context manager; raises RuntimeError when it ends before it answers."""

    def __init__(self, tree: Path, bundle: str | None = None, clock: Clock = "wall", threads: int = 0) -> None:
        """`bundle` is by default the tree's own."""
        name = bundle or str(tree / "assets" / "mini")
        script = Path(__file__).with_name("worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), name, clock, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(tree), "HF_HUB_OFFLINE": "1"},
            cwd=tree,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.terminate()

    def ask(self, work: str, **request: Any) -> dict[str, Any]:
        """`seconds` that it took, and the `result`."""
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


def first_result(tree: Path, picture: Path, bundle: str | None, clock: Clock, threads: int) -> float:
    """Seconds from the start of Python to the first reading, of a process that ends after it."""
    start = time.perf_counter()
    with Worker(tree, bundle, clock, threads) as worker:
        reading = worker.ask("read", picture=str(picture), attention=True)["seconds"]
        waited = time.perf_counter() - start
        return waited if clock == "wall" else reading + worker.ask("memory")["seconds"]


__all__ = ["ROOT", "ExitStack", "Worker", "checked_out", "first_result"]
