"""Two processes of one run, as `accelerate launch --num_processes 2` starts them, but forked: in a second."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState, debug_launcher
from accelerate.state import AcceleratorState, GradientState


def forget_processes() -> None:
    """Let accelerate find out anew which process this is, of how many."""
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def in_two_processes(work: Callable[..., Any], *arguments: Any) -> None:
    """Run `work(*arguments)` in two processes that know of each other; raises when one of them fails or is killed."""

    def fresh(*given: Any) -> None:
        # What the process that it was forked from knew of itself.
        forget_processes()
        os.environ["RANK"] = os.environ["LOCAL_RANK"] = str(torch.distributed.get_rank())
        PartialState(cpu=True)
        work(*given)

    debug_launcher(fresh, arguments, num_processes=2)


def results_of_two(work: Callable[[], Any], folder: Path) -> list[Any]:
    """What `work()`, JSON-like, gives in each of two processes."""

    def write() -> None:
        (folder / f"{PartialState().process_index}.json").write_text(json.dumps(work()))

    in_two_processes(write)
    return [json.loads((folder / f"{process}.json").read_text()) for process in range(2)]
