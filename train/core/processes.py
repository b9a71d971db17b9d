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

Item = TypeVar("Item")
Result = TypeVar("Result")

#: For so long a process waits for another: the main one alone writes bundles, and shares of work take unequally long.
#: The libraries' ten minutes are for training steps.
TIMEOUT = timedelta(hours=12)


@contextmanager
def process_group() -> Iterator[None]:
    """Meet the other processes that `accelerate launch` has started, and part in the end; of one, nothing is asked."""
    # Without a GPU, accelerate takes each process for the only one unless it is told that they run on the CPU.
    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()
    state = PartialState(cpu=cpu, timeout=TIMEOUT)
    yield
    # Not after an error, when there may be nobody to part from.
    state.destroy_process_group()


#: Whether this process alone is at what it does, and shares nothing out.
_single_process: ContextVar[bool] = ContextVar("single_process", default=False)


@contextmanager
def single_process() -> Iterator[None]:
    """In here `distributed_map` does everything itself: the other processes are elsewhere."""
    token = _single_process.set(True)
    try:
        yield
    finally:
        _single_process.reset(token)


def distributed_map(
    items: Sequence[Item], function: Callable[[Item], Result], title: str | None = None
) -> list[Result]:
    """`function` of every item, in their order: every process does its share, and all get all results once all are done.

    Every process has to call this with the same items, or be in `single_process`; `function` must not wait for other
    processes, and what it returns can be pickled. `title` stands before the main process's progress bar; without it there is
    none.
    """
    if _single_process.get():
        return [function(item) for item in items]
    state = PartialState()
    own = range(state.process_index, len(items), state.num_processes)
    bar = tqdm(own, desc=title, mininterval=5, disable=title is None or not state.is_main_process)
    done = [(number, function(items[number])) for number in bar]
    return [result for _, result in sorted(gather_object(done), key=itemgetter(0))]
