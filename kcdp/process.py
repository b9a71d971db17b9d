"""How a program of ours starts sooner and stays smaller: what its process leaves out, and how it keeps its memory.

Most of it is for programs, which decide about their whole process; who imports kcdp has modules and memory of their own to
decide about, and gets no more than a pause of the garbage collector while our own modules and weights are loaded.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Numbers of these settings in glibc's malloc.h.
_M_ARENA_MAX, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -8, -1, -3
#: The largest blocks in bytes that glibc takes from its heap if it is told so, and what it keeps free at the heap's end.
_HEAP_BLOCK, _HEAP_KEPT = 2**25, 2**29


@contextmanager
def without_modules(*names: str) -> Iterator[None]:
    """Modules of these names cannot be imported inside, unless they have been already: libraries do as if they were not installed.

    Afterwards they can be imported again.
    """
    hidden = [name for name in names if name not in sys.modules]
    # Python's own sign for a module that is not to be found.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, name) is None:
                del sys.modules[name]


@contextmanager
def without_collections() -> Iterator[None]:
    """No garbage collection inside: it would go through all that an import has made, again and again, and find nothing to free."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def share_memory() -> None:
    """Before there are threads: let them share two of glibc's arenas; each keeps what was freed in it, and has one of its own otherwise."""
    _c_library("mallopt", _M_ARENA_MAX, 2)


def keep_memory() -> None:
    """What a batch has freed is kept for the next one, not given back: a program that computes batch after batch faults no pages.

    What `malloc` does by itself depends on the largest block that was freed so far, and may be to fault all of them each time.
    """
    _c_library("mallopt", _M_MMAP_THRESHOLD, _HEAP_BLOCK)
    _c_library("mallopt", _M_TRIM_THRESHOLD, _HEAP_KEPT)


def settle() -> None:
    """After loading: give freed memory back, and let garbage collections look only at what comes after."""
    gc.collect()
    gc.freeze()
    _c_library("malloc_trim", 0)


def _c_library(name: str, *values: int) -> None:
    """Call a function of glibc; without effect where the C library is another."""
    with suppress(AttributeError, OSError, TypeError):  # TypeError: Windows
        getattr(ctypes.CDLL(None), name)(*values)
