"""The package `spaces` as on a Space with ZeroGPU, without a GPU: a plugin for test modules that name it.

What is decorated runs in a forked process, and what goes in and comes out is pickled.
"""

from __future__ import annotations

import importlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import wraps
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from types import ModuleType
from typing import Any

import gradio as gr
import pytest

from kcdp.ui import gpu

_FORK = multiprocessing.get_context("fork")


class FakeSpaces(ModuleType):
    """Stands in `sys.modules`; `asked` has the seconds that were asked for, and where `refuse` is set there is no GPU."""

    def __init__(self) -> None:
        super().__init__("spaces")
        self.asked: list[float] = []
        self.refuse: str | None = None

    def GPU(self, duration: Callable[..., float]) -> Callable[[Callable], Callable]:
        """Decorator of generator functions."""
        return lambda task: self._wrapped(task, duration)

    def _wrapped(self, task: Callable[..., Iterator[Any]], duration: Callable[..., float]) -> Callable:
        @wraps(task)
        def outside(*args: Any) -> Iterator[Any]:
            self.asked.append(duration(*args))
            if self.refuse is not None:
                raise gr.Error(self.refuse, title="ZeroGPU quota exceeded")
            here, there = _FORK.Pipe()
            stop = _FORK.Event()
            process = _FORK.Process(target=_inside, args=(task, there, stop, here), daemon=True)
            process.start()
            there.close()
            try:
                here.send(args)
                while (result := _received(here)) is not None:
                    yield result[0]
            finally:
                stop.set()
                here.close()
                process.join()

        return outside


def _received(here: Connection) -> tuple[Any] | None:
    """One result in a tuple; None at the end. Raises gr.Error with no more than the class of what was raised."""
    try:
        kind, value = here.recv()
    except EOFError as error:
        raise gr.Error("GPU task aborted", title="ZeroGPU worker error") from error
    if kind == "error":
        raise gr.Error(value, title="ZeroGPU worker error")
    return (value,) if kind == "result" else None


def _inside(task: Callable[..., Iterator[Any]], there: Connection, stop: Event, here: Connection) -> None:
    here.close()
    with suppress(EOFError, OSError):  # where nobody writes or reads any more
        try:
            with closing(task(*there.recv())) as results:
                for result in results:
                    if stop.is_set():
                        return
                    there.send(("result", result))
            there.send(("end", None))
        except (EOFError, OSError):
            raise
        except Exception as error:
            there.send(("error", type(error).__name__))


@pytest.fixture
def zero_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSpaces]:
    """`kcdp.ui.gpu` as it is where the package is there and forks."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "spaces", spaces := FakeSpaces())
        importlib.reload(gpu)
        yield spaces
    importlib.reload(gpu)
