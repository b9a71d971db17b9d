"""The one place where the page asks for a GPU: `on_gpu`.

On a Space with ZeroGPU nobody owns a GPU. The package `spaces`, which every Gradio Space has, forks a worker process that
has one for as long as a decorated function runs, and then gives it to somebody else. What goes into the function and what
comes out is pickled; models are not, the worker inherits those that this process held when it was forked. Everywhere else
the decorator does nothing, and the work is done right here.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import gradio as gr

from kcdp.imaging import ImageError

try:
    # With the page, and so before PyTorch: there it puts a CUDA that only pretends to be one, until there is a worker.
    from spaces import GPU
except ImportError:

    def GPU(duration: Callable[..., int]) -> Callable[[Callable], Callable]:
        """Nobody has to be asked for one."""
        return lambda function: function


if TYPE_CHECKING:
    from kcdp.bundle import Bundle

Result = TypeVar("Result")

#: Seconds until a new worker process has the weights on its GPU.
START_SECONDS = 10

#: The bundles that were worked with, by their id; a worker process is a copy of this one and finds them here.
_BUNDLES: dict[int, Bundle] = {}


class GPUError(RuntimeError):
    """A Space's GPU cannot be had, or was taken away; the message is one sentence for the user."""


def on_gpu(
    seconds: float, bundle: Future[Bundle], work: Callable[..., Iterator[Result]], *args: Any
) -> Generator[Result, None, None]:
    """What `work(bundle, *args)` yields, wherever the GPU is; closing the iterator closes the work's.

    Args:
        seconds: that the work takes on ZeroGPU, about. Who asks for less waits less; what takes longer is cut off.
        bundle: waited for, as a worker process has only what was there when it was forked.
        work: a generator function of a module. It, `args` and what it yields can be pickled.

    Raises what the work raises (out of a worker process ImageError, BundleError and ValueError as themselves, anything else
    as RuntimeError), and GPUError.
    """
    models = bundle.result()
    _BUNDLES[id(models)] = models
    try:
        with closing(_in_worker(round(START_SECONDS + seconds), id(models), work, args)) as results:
            for result in results:
                if isinstance(result, _Raised):
                    raise result.error
                yield result
    except gr.Error as error:  # the package's own, such as that the visitor has had enough for today
        raise GPUError(f"{error.title}: {str(error.message).rstrip('. ')}.") from error


@GPU(duration=lambda seconds, *_: seconds)
def _in_worker(seconds: int, key: int, work: Callable[..., Iterator[Any]], args: tuple[Any, ...]) -> Iterator[Any]:
    """The only function that is decorated, as each would keep worker processes, with all weights, of its own."""
    try:
        yield from work(_BUNDLES[key], *args)
    except Exception as error:
        yield _Raised(error)


class _Raised:
    """An error on its way out; of one that is raised in a worker process only the name of its class would arrive."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __reduce__(self) -> tuple[type[_Raised], tuple[Exception]]:
        """As an error that can surely be unpickled, with the traceback, which cannot be pickled, as a note."""
        from kcdp.bundle import BundleError  # not with the page: it waits for the model libraries

        error = self.error
        if isinstance(error, ValueError | BundleError):
            kind = type(error) if type(error) in (ImageError, BundleError) else ValueError
            plain: Exception = kind(str(error))
        else:
            plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.add_note("".join(traceback.format_exception(error)))
        return _Raised, (plain,)
