"""SVG drawings, plain or in gzip (.svgz): checked, brought to what resvg understands, and drawn in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO

from PIL import Image

from kcdp.imaging import svg_tree
from kcdp.imaging.confined import Drawing, drawn_size
from kcdp.imaging.frames import Frame
from kcdp.imaging.late import LateImage
from kcdp.imaging.limits import ImageLimits, check_size
from kcdp.imaging.svg_styles import Color, background
from kcdp.imaging.unpacked import unpacked


def decode(content: bytes, limits: ImageLimits) -> Iterator[Frame]:
    """The picture of an SVG drawing as it stands at first: neither scripts nor animations run, nothing is fetched.

    What other files and addresses would add makes it another picture, so that a drawing that refers to them is refused.
    """
    root = svg_tree.checked(unpacked(content, limits), limits)
    size = drawn_size(*svg_tree.size_of(root))
    check_size(size, limits)
    worker = Drawing("svg", svg_tree.written(root, size), size, limits, fonts=svg_tree.has_text(root))
    yield Frame(LateImage("RGBA", size, partial(_draw, worker, size, background(root.get("style", "")))))


def _draw(worker: Drawing, size: tuple[int, int], ground: Color | None) -> Image.Image:
    image = Image.open(BytesIO(worker.frame()), formats=("PNG",))
    if image.size != size:
        raise ValueError(f"{size} was asked for, {image.size} drawn.")
    drawn = image.convert("RGBA")
    return drawn if ground is None else Image.alpha_composite(Image.new("RGBA", size, ground), drawn)
