"""A pen that writes SVG: contours, outlines, shading, gradients and hand-lettered words, in a 100 x 100 picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random

from .palette import Style, filtered, light, shade

Point = tuple[float, float]


def n(value: float) -> str:
    """A number with two decimals at most, as short as SVG allows."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def ring(cx: float, cy: float, rx: float, ry: float, count: int = 12, power: float = 2.0) -> list[Point]:
    """Points of an ellipse; `power` above 2 squares it off, below 2 makes it pointed (a superellipse)."""
    points = []
    for step in range(count):
        cos, sin = math.cos(2 * math.pi * step / count), math.sin(2 * math.pi * step / count)
        x = math.copysign(abs(cos) ** (2 / power), cos)
        y = math.copysign(abs(sin) ** (2 / power), sin)
        points.append((cx + rx * x, cy + ry * y))
    return points


def star(cx: float, cy: float, outer: float, inner: float, tips: int = 5, turn: float = 0.0) -> list[Point]:
    """Corners of a star, the first tip up; `turn` in radians."""
    return [
        (cx + r * math.sin(turn + math.pi * step / tips), cy - r * math.cos(turn + math.pi * step / tips))
        for step in range(2 * tips)
        for r in ((outer, inner)[step % 2],)
    ]


def smooth(points: Sequence[Point], closed: bool = True) -> str:
    """A Catmull-Rom curve through the points, as SVG path data."""
    count = len(points)
    data = [f"M{n(points[0][0])} {n(points[0][1])}"]
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = points[i - 1], points[i], points[(i + 1) % count], points[(i + 2) % count]
        else:
            p0, p1, p2, p3 = points[max(i - 1, 0)], points[i], points[i + 1], points[min(i + 2, count - 1)]
        data.append(
            f"C{n(p1[0] + (p2[0] - p0[0]) / 6)} {n(p1[1] + (p2[1] - p0[1]) / 6)}"
            f" {n(p2[0] - (p3[0] - p1[0]) / 6)} {n(p2[1] - (p3[1] - p1[1]) / 6)} {n(p2[0])} {n(p2[1])}"
        )
    return "".join(data) + ("Z" if closed else "")


def angular(points: Sequence[Point], closed: bool = True) -> str:
    """Straight lines through the points, as SVG path data."""
    return "M" + "L".join(f"{n(x)} {n(y)}" for x, y in points) + ("Z" if closed else "")


def heart(cx: float, cy: float, r: float) -> str:
    """Path data of a heart that fits a circle of radius `r`."""
    return (
        f"M{n(cx)} {n(cy + r)}C{n(cx - 1.7 * r)} {n(cy - 0.1 * r)} {n(cx - 0.9 * r)} {n(cy - 1.35 * r)} {n(cx)} "
        f"{n(cy - 0.45 * r)}C{n(cx + 0.9 * r)} {n(cy - 1.35 * r)} {n(cx + 1.7 * r)} {n(cy - 0.1 * r)} {n(cx)} "
        f"{n(cy + r)}Z"
    )


def drop(cx: float, cy: float, r: float) -> str:
    """Path data of a falling drop; (cx, cy) is the centre of its round part."""
    return (
        f"M{n(cx)} {n(cy - 2.1 * r)}C{n(cx + 0.5 * r)} {n(cy - 1.2 * r)} {n(cx + r)} {n(cy - 0.6 * r)} {n(cx + r)} "
        f"{n(cy)}A{n(r)} {n(r)} 0 0 1 {n(cx - r)} {n(cy)}C{n(cx - r)} {n(cy - 0.6 * r)} {n(cx - 0.5 * r)} "
        f"{n(cy - 1.2 * r)} {n(cx)} {n(cy - 2.1 * r)}Z"
    )


class Pen:
    """Collects SVG elements. Colours pass through the style's tone, contours through its outline and shading."""

    def __init__(self, rng: Random, style: Style) -> None:
        self.rng = rng
        self.style = style
        self.parts: list[str] = []
        self.defs: list[str] = []

    def colour(self, colour: str) -> str:
        """The colour in this picture's tone; `none` and references to gradients stay as they are."""
        return filtered(colour, self.style.tone) if colour.startswith("#") else colour

    def _define(self, element: str, body: str) -> str:
        name = f"d{len(self.defs)}"
        tag = element.split(" ", 1)[0]
        self.defs.append(f'<{element} id="{name}">{body}</{tag}>')
        return name

    def gradient(self, *stops: tuple[float, str, float], angle: float = 90.0, radial: bool = False) -> str:
        """A fill from stops (offset 0..1, colour, opacity); `angle` 90 runs from top to bottom."""
        body = "".join(
            f'<stop offset="{n(at)}" stop-color="{self.colour(c)}" stop-opacity="{n(alpha)}"/>'
            for at, c, alpha in stops
        )
        if radial:
            name = self._define('radialGradient cx="0.38" cy="0.3" r="0.8"', body)
            return f"url(#{name})"
        x, y = math.cos(math.radians(angle)) / 2, math.sin(math.radians(angle)) / 2
        box = f'x1="{n(0.5 - x)}" y1="{n(0.5 - y)}" x2="{n(0.5 + x)}" y2="{n(0.5 + y)}"'
        name = self._define(f"linearGradient {box}", body)
        return f"url(#{name})"

    @contextmanager
    def group(self, transform: str = "", opacity: float = 1.0, clip: str = "") -> Iterator[None]:
        """Elements added inside share a transform, an opacity and a clip contour (path data)."""
        attributes = f' transform="{transform}"' if transform else ""
        if opacity < 1:
            attributes += f' opacity="{n(opacity)}"'
        if clip:
            name = self._define("clipPath", f'<path d="{clip}"/>')
            attributes += f' clip-path="url(#{name})"'
        self.parts.append(f"<g{attributes}>")
        yield
        self.parts.append("</g>")

    @contextmanager
    def tone(self, tone: str) -> Iterator[None]:
        """Elements added inside are drawn in another tone."""
        style, self.style = self.style, replace(self.style, tone=tone)
        yield
        self.style = style

    def path(self, data: str, fill: str = "none", stroke: str = "", width: float = 0.0, opacity: float = 1.0) -> None:
        """A plain path, without outline or shading."""
        attributes = f'd="{data}" fill="{self.colour(fill)}"'
        if stroke:
            attributes += f' stroke="{self.colour(stroke)}" stroke-width="{n(width)}"'
        if opacity < 1:
            attributes += f' opacity="{n(opacity)}"'
        self.parts.append(f"<path {attributes}/>")

    def ellipse(
        self, cx: float, cy: float, rx: float, ry: float, fill: str, opacity: float = 1.0, turn: float = 0.0
    ) -> None:
        """A plain ellipse; `turn` in degrees."""
        attributes = f'cx="{n(cx)}" cy="{n(cy)}" rx="{n(rx)}" ry="{n(ry)}" fill="{self.colour(fill)}"'
        if opacity < 1:
            attributes += f' opacity="{n(opacity)}"'
        if turn:
            attributes += f' transform="rotate({n(turn)} {n(cx)} {n(cy)})"'
        self.parts.append(f"<ellipse {attributes}/>")

    def line(self, points: Sequence[Point], stroke: str, width: float, opacity: float = 1.0) -> None:
        """A smooth open line."""
        self.path(smooth(points, closed=False), "none", stroke, width, opacity)

    def rect(self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0) -> None:
        """A plain rectangle."""
        extra = f' opacity="{n(opacity)}"' if opacity < 1 else ""
        self.parts.append(
            f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" fill="{self.colour(fill)}"{extra}/>'
        )

    def outline_of(self, fill: str) -> str:
        """The colour of the outline around a shape of this fill; empty when the style has none."""
        if self.style.outline == "none":
            return ""
        return shade(fill, -0.5) if self.style.outline == "coloured" else self.style.ink

    def wobbled(self, points: Sequence[Point]) -> list[Point]:
        """The points, each moved by the style's wobble."""
        w = self.style.wobble
        if not w:
            return list(points)
        uniform = self.rng.uniform
        return [(x + uniform(-w, w), y + uniform(-w, w)) for x, y in points]

    def shape(self, contour: str | Sequence[Point], fill: str, shading: bool = True, outline: bool = True) -> str:
        """A contour (points are joined smoothly) filled, shaded and outlined in style; returns its path data."""
        data = contour if isinstance(contour, str) else smooth(self.wobbled(contour))
        kind = self.style.shading if shading and fill.startswith("#") else "flat"
        stroke = self.outline_of(fill) if outline and fill.startswith("#") else ""
        width = self.style.width
        if kind == "flat":
            self.path(data, fill, stroke, width)
        elif kind == "gradient":
            self.path(data, self.gradient((0, shade(fill, 0.22), 1), (1, shade(fill, -0.16), 1)), stroke, width)
        elif kind == "soft":
            stops = (0, shade(fill, 0.45), 1), (0.45, fill, 1), (1, shade(fill, -0.28), 1)
            self.path(data, self.gradient(*stops, radial=True), stroke, width)
        else:
            self.path(data, shade(fill, -0.24))
            with self.group(clip=data):
                self.parts.append(f'<path d="{data}" fill="{self.colour(fill)}" transform="translate(-3 -4)"/>')
            if stroke:
                self.path(data, "none", stroke, width)
        if stroke and self.style.outline == "double":
            dx, dy = self.rng.uniform(-1.2, 1.2), self.rng.uniform(-1.2, 1.2)
            with self.group(f"translate({n(dx)} {n(dy)}) rotate({n(self.rng.uniform(-2, 2))} 50 50)", 0.7):
                self.path(data, "none", stroke, width * 0.7)
        return data

    def oval(
        self, cx: float, cy: float, rx: float, ry: float, fill: str, power: float = 2.0, shading: bool = True
    ) -> str:
        """A styled superellipse; returns its path data."""
        return self.shape(ring(cx, cy, rx, ry, power=power), fill, shading)

    def corners(self, points: Sequence[Point], fill: str, shading: bool = True) -> str:
        """A styled polygon with straight sides; returns its path data."""
        return self.shape(angular(self.wobbled(points)), fill, shading)

    def limb(self, points: Sequence[Point], fill: str, width: float) -> None:
        """An arm, leg or stem: a thick line with the style's outline around it."""
        data = smooth(points, closed=False)
        stroke = self.outline_of(fill)
        if stroke:
            self.path(data, "none", stroke, width + 2 * self.style.width * 0.8)
        self.path(data, "none", fill, width)

    def word(self, text: str, cx: float, cy: float, height: float, colour: str, width: float = 0.0) -> None:
        """Letters drawn by hand as strokes (no font needed, the same everywhere), centred at (cx, cy)."""
        unit = height / 6
        left = cx - unit * (5.2 * len(text) - 1.2) / 2
        data = []
        for index, letter in enumerate(text.upper()):
            dx, dy = left + index * 5.2 * unit, cy - 3 * unit + self.rng.uniform(-0.5, 0.5) * unit
            for stroke in LETTERS.get(letter, "").split():
                points = [
                    (dx + int(stroke[i]) * unit, dy + int(stroke[i + 1]) * unit) for i in range(0, len(stroke), 2)
                ]
                data.append(angular(points, closed=False))
        self.path("".join(data), "none", colour, width or unit * 1.3)

    def ink_on(self, fill: str) -> str:
        """A colour for lines that must be seen on `fill`."""
        return self.style.ink if light(filtered(fill, self.style.tone)) > 0.36 else "#fdf6ea"

    def document(self, size: int) -> str:
        """The whole SVG text, `size` pixels square."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="{size}" height="{size}">'
            "<defs>" + "".join(self.defs) + "</defs>"
            '<g stroke-linecap="round" stroke-linejoin="round">' + "".join(self.parts) + "</g></svg>"
        )


#: Strokes of each letter as grid points xy, x from 0 to 4, y from 0 (top) to 6.
LETTERS: dict[str, str] = {
    "A": "062046 1434", "B": "0006 003041423303 3344453606", "C": "4130100105163645", "D": "000626454120 0020",
    "E": "40000646 0333", "F": "400006 0333", "G": "41301001051636454323", "H": "0006 4046 0343", "I": "2026",
    "J": "3035261605", "K": "0006 400346", "L": "000646", "M": "0600234046", "N": "06004640",
    "O": "10304145361605011030", "P": "0006 003041423303", "Q": "10304145361605011030 2446",
    "R": "0006 003041423303 2346", "S": "4130100112324345361605", "T": "0040 2026", "U": "000516364540",
    "V": "002640", "W": "0016233640", "X": "0046 4006", "Y": "002340 2326", "Z": "00400646", "!": "2024 2626",
    "?": "01103041322324 2626",
}  # fmt: skip
