"""A program of its own, started by `confined`: draws one Lottie animation or SVG drawing within limits, and ends.

Its input is a line of JSON, {"kind", "bytes", "width", "height", "fonts", "memory"}, that many bytes of the drawing, and
then a line with a frame's number for every frame that is wanted. Each is answered by a length, 4 bytes, lowest first,
and that many bytes: premultiplied BGRA pixels of a Lottie frame, a PNG file of an SVG drawing; none when it cannot be
drawn. It imports nothing of ours, so that it starts in some 50 ms.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress


def confine(memory: int) -> None:
    """Take from this process all memory beyond `memory` bytes and the right to write files, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def lottie(data: str, width: int, height: int, fonts: bool) -> Callable[[int], bytes]:
    """A Lottie animation by rlottie."""
    from rlottie_python import LottieAnimation

    animation = LottieAnimation.from_data(data)
    return lambda number: animation.lottie_animation_render(number, width=width, height=height)


def svg(data: str, width: int, height: int, fonts: bool) -> Callable[[int], bytes]:
    """An SVG drawing by resvg, at its own size; `fonts` says whether to search the system's, which takes a while."""
    from resvg_py import svg_to_bytes

    # By its defaults, 0 dots an inch and no language, lengths in mm or pt are none, and nobody reads the English of a switch.
    return lambda _: svg_to_bytes(svg_string=data, skip_system_fonts=not fonts, dpi=96, languages=["en"])


def main() -> None:
    """Read a drawing, answer every request for a frame."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    head = json.loads(source.readline())
    data = source.read(head.pop("bytes")).decode()
    confine(head.pop("memory"))
    draw = {"lottie": lottie, "svg": svg}[head.pop("kind")](data, **head)
    for line in source:
        try:
            drawn = draw(int(line))
        except Exception:
            drawn = b""
        sink.write(len(drawn).to_bytes(4, "little"))
        sink.write(drawn)
        sink.flush()


if __name__ == "__main__":
    main()
