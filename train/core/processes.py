"""The processes of one run: how they meet, and how they share work out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from operator import itemgetter
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import gather_object, parse_flag_from_env
from tqdm.auto import tqdm

Part = TypeVar("Part")
Result = TypeVar("Result")

#: For so long a process waits for another: the main one alone writes bundles, and shares of work take unequally long.
#: The libraries' ten minutes are for training steps.
PATIENCE = timedelta(hours=12)


@contextmanager
def together() -> Iterator[None]:
    """Meet the other processes that `accelerate launch` has started, and part in the end; of one, nothing is asked."""
    # Without a GPU, accelerate takes each process for the only one unless it is told that they run on the CPU.
    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()
    state = PartialState(cpu=cpu, timeout=PATIENCE)
    yield
    # Not after an error, when there may be nobody to part from.
    state.destroy_process_group()


#: Whether this process alone is at what it does, and shares nothing out.
_alone: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """In here `each` does everything itself: the other processes are elsewhere."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def each(parts: Sequence[Part], work: Callable[[Part], Result], title: str | None = None) -> list[Result]:
    """`work` of every part, in their order: every process does its share, and all get all results once all are done.

    Every process has to call this with the same parts, or be `alone`; `work` must not wait for other processes, and what
    it returns can be pickled. `title` stands before the main process's progress bar; without it there is none.
    """
    if _alone.get():
        return [work(part) for part in parts]
    state = PartialState()
    own = range(state.process_index, len(parts), state.num_processes)
    bar = tqdm(own, desc=title, mininterval=5, disable=title is None or not state.is_main_process)
    done = [(number, work(parts[number])) for number in bar]
    return [result for _, result in sorted(gather_object(done), key=itemgetter(0))]
