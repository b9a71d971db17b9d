"""Vector drawings, drawn in a process of their own: one that hangs, crashes or eats memory takes nobody along."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Literal

from kcdp.imaging.limits import ImageError, ImageLimits

_WORKER = Path(__file__).with_name("render_worker.py")
#: A PNG file is at most this many bytes longer than its pixels, for the sides that are drawn here.
_OVERHEAD = 2**16
#: A drawing has no pixels of its own. Small ones are drawn larger, so that a reader sees their curves, not their steps.
_SHORTEST, _LONGEST = 512, 2048


def drawn_size(width: float, height: float) -> tuple[int, int]:
    """The (width, height) in pixels to draw at: the drawing's own, the longer side brought to 512 to 2048."""
    longer = max(width, height)
    scale = min(max(longer, _SHORTEST), _LONGEST) / longer
    return max(1, round(width * scale)), max(1, round(height * scale))


class Drawing:
    """A Lottie animation or an SVG drawing (UTF-8), drawn at `size`, (width, height) in pixels, by `render_worker`.

    The process starts with the first frame that is asked for, and ends with this object, or when it has worked for
    `limits.max_draw_seconds` in all. It may do all that ours may: what it draws must be checked before.
    """

    def __init__(
        self,
        kind: Literal["lottie", "svg"],
        data: bytes,
        size: tuple[int, int],
        limits: ImageLimits,
        fonts: bool = False,
    ) -> None:
        head = {"kind": kind, "bytes": len(data), "width": size[0], "height": size[1], "fonts": fonts}
        self._request = json.dumps(head | {"memory": limits.max_draw_bytes}).encode() + b"\n" + data
        self._longest = 4 * size[0] * size[1] + _OVERHEAD
        self._allowed = self._left = limits.max_draw_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def frame(self, number: int = 0) -> bytes:
        """What the worker answers for this frame. Raises ImageError when it cannot be drawn within the limits."""
        with self._lock:
            started = time.monotonic()
            process = self._process or self._start()
            late = threading.Event()

            def stop() -> None:
                late.set()
                process.kill()

            clock = threading.Timer(self._left, stop)
            clock.start()
            try:
                drawn = self._ask(process, number)
            finally:
                clock.cancel()
                self._left = max(0.0, self._left - (time.monotonic() - started))
        if late.is_set():
            raise ImageError(
                f"The picture takes longer to draw than the {self._allowed:g} s allowed; "
                "simplify it or export it as PNG or GIF."
            )
        if not drawn:
            raise ImageError(
                "The picture is a drawing that is damaged or too complex to draw; export it as PNG or GIF."
            )
        return drawn

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            # Isolated: neither the environment nor the working folder decides what is imported.
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._process = process
        weakref.finalize(self, _end, process)
        return process

    def _ask(self, process: subprocess.Popen[bytes], number: int) -> bytes:
        """The answer of the process; nothing when it ends instead."""
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(self._request + b"%d\n" % number)
            process.stdin.flush()
        except OSError:
            return b""
        self._request = b""
        length = int.from_bytes(process.stdout.read(4), "little")
        drawn = process.stdout.read(length) if length <= self._longest else b""
        return drawn if len(drawn) == length else b""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
