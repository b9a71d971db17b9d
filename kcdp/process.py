"""How a program of ours starts sooner and stays smaller: what its process leaves out, and how it keeps its memory.

For programs, which decide about their whole process; who imports kcdp has modules and memory of their own to decide about.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


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


def settle() -> None:
    """After loading: give freed memory back, and let garbage collections look only at what comes after."""
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        with suppress(AttributeError):  # where the C library is another than glibc
            ctypes.CDLL(None).malloc_trim(0)
