"""The knowledge triplets of a caption as a drawn graph: things are boxes, predicates are labelled arrows.

One SVG, laid out in columns or in rows, whichever suits a narrow screen, and coloured by the page's CSS.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape

from kcdp.results import Triplet

#: Columns wider than this (SVG units, about CSS pixels) would shrink to unreadable type on a phone.
PHONE_WIDTH = 400
_SPACE = 24
#: Between the boxes of a column: enough for the labels of arrows that cross.
_ROW_SPACE = 34
_MARGIN = 8
#: Room for arrows that go back, which swing around the outside.
_SWING = 76
#: Where on an arrow its label stands: past the middle, towards the object, and, of labels side by side, close to an end.
_ACROSS, _FAR = 0.61, 0.82
#: Says an English text in another language; `str.format` leaves it as it is.
Words = Callable[..., str]


@dataclass(frozen=True)
class _Type:
    """A kind of box: characters per line, width of a character, height of a line, padding (SVG units)."""

    css: str
    chars: int
    char: float
    line: float
    padding: float


_THING = _Type("kc-node", chars=16, char=7.7, line=18, padding=14)
_PREDICATE = _Type("kc-edge-label", chars=14, char=6.8, line=15, padding=8)


@dataclass
class _Box:
    """Wrapped text with a size and, once placed, a centre (SVG units)."""

    type: _Type
    lines: list[str]
    x: float = 0.0
    y: float = 0.0

    @classmethod
    def around(cls, text: str, type: _Type) -> _Box:
        return cls(type, textwrap.wrap(text, type.chars) or [""])

    @property
    def width(self) -> float:
        return max(map(len, self.lines)) * self.type.char + 2 * self.type.padding

    @property
    def height(self) -> float:
        return len(self.lines) * self.type.line + self.type.padding

    def svg(self) -> str:
        top = self.y - (len(self.lines) - 1) * self.type.line / 2
        spans = "".join(
            f'<tspan x="{self.x:.1f}" y="{top + row * self.type.line:.1f}">{escape(words)}</tspan>'
            for row, words in enumerate(self.lines)
        )
        return (
            f'<g class="{self.type.css}"><rect x="{self.x - self.width / 2:.1f}" y="{self.y - self.height / 2:.1f}" '
            f'width="{self.width:.1f}" height="{self.height:.1f}" rx="{min(self.height / 2, 14):.1f}"/>'
            f"<text>{spans}</text></g>"
        )


def triplet_graph(triplets: Sequence[Triplet], words: Words = str.format) -> str:
    """The triplets as an SVG whose description reads them out; a sentence that says so when there are none.

    Everything that acts stands before what it acts on, in columns when these fit a phone, else in rows.
    """
    if not triplets:
        nothing = words("Nothing in it says who does or is what, so KCDP goes by the sentence as a whole.")
        return f"<p>{escape(nothing)}</p>"
    # What each thing does to which others.
    arrows: dict[str, dict[str, list[str]]] = {}
    for item in triplets:
        # A thing that acts on itself gets a second box (told apart by a trailing space): an arrow needs two ends.
        target = item.object if item.object != item.subject else f"{item.object} "
        arrows.setdefault(item.subject, {}).setdefault(target, []).append(item.predicate)
        arrows.setdefault(target, {})
    things = {name: _Box.around(name, _THING) for name in arrows}
    labels = {
        (source, target): _Box.around(", ".join(dict.fromkeys(said)), _PREDICATE)
        for source, targets in arrows.items()
        for target, said in targets.items()
    }
    ranks = _ranks(things, labels)
    layers = [[things[name] for name in ranks if ranks[name] == rank] for rank in range(max(ranks.values()) + 1)]
    width, height = _place_columns(layers, list(labels.values()))
    across = width <= PHONE_WIDTH
    if not across:
        width, height = _place_rows(layers, list(labels.values()))

    paths = []
    for (source, target), label in labels.items():
        route = _route(things[source], things[target], across=across, forward=ranks[source] < ranks[target])
        paths.append(_arrow(route))
        label.x, label.y = _point(route, _ACROSS if across else _label_place(arrows, source, target))
    swings = any(ranks[source] >= ranks[target] for source, target in labels)
    if swings and across:
        height += _SWING
    elif swings:
        width += _SWING + max(label.width for label in labels.values()) / 2
    return (
        f'<div class="kc-scroll"><svg class="kc-graph" role="img" aria-label="{escape("; ".join(map(str, triplets)))}" '
        f'viewBox="{-_MARGIN} {-_MARGIN} {width + 2 * _MARGIN:.0f} {height + 2 * _MARGIN:.0f}" '
        f'style="min-width:{0.75 * width:.0f}px;max-width:{1.1 * width:.0f}px">'
        '<defs><marker id="kc-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs>'
        f"{''.join(paths)}{''.join(box.svg() for box in (*things.values(), *labels.values()))}</svg></div>"
    )


def _label_place(arrows: Mapping[str, Mapping[str, object]], source: str, target: str) -> float:
    """Where in [0, 1] on a downward arrow its label stands: at the end at which fewer arrows meet, so that labels stand apart."""
    leaving, arriving = len(arrows[source]), sum(target in targets for targets in arrows.values())
    if leaving == arriving:
        return _ACROSS
    return _FAR if leaving > arriving else 1 - _FAR


def _ranks(things: Iterable[str], arrows: Iterable[tuple[str, str]]) -> dict[str, int]:
    """For each thing its column or row, 0 first; an arrow that would close a circle has no say."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    before: dict[str, set[str]] = {}
    for name in things:
        sorter.add(name)
        before[name] = set()
    for source, target in arrows:
        if target in before[source]:
            continue
        sorter.add(target, source)
        for name, earlier in before.items():
            if name == target or target in earlier:
                earlier |= {source, *before[source]}
    sorter.prepare()
    ranks: dict[str, int] = {}
    rank = 0
    while layer := sorter.get_ready():
        ranks |= dict.fromkeys(layer, rank)
        sorter.done(*layer)
        rank += 1
    return ranks


def _place_columns(layers: list[list[_Box]], labels: list[_Box]) -> tuple[float, float]:
    """Set every box's centre, a layer a column, the labels' width between them; returns (width, height)."""
    gap = max(label.width for label in labels) + 2 * _SPACE
    heights = [sum(box.height + _ROW_SPACE for box in layer) - _ROW_SPACE for layer in layers]
    x = 0.0
    for layer, used in zip(layers, heights, strict=True):
        column, y = max(box.width for box in layer), (max(heights) - used) / 2
        for box in layer:
            box.x, box.y = x + column / 2, y + box.height / 2
            y += box.height + _ROW_SPACE
        x += column + gap
    return x - gap, max(heights)


def _place_rows(layers: list[list[_Box]], labels: list[_Box]) -> tuple[float, float]:
    """The layout with a layer a row; a box takes at least a label's width, as labels stand above it."""
    gap = max(label.height for label in labels) + 3 * _SPACE
    least = max(label.width for label in labels)
    widths = [sum(max(box.width, least) + _SPACE / 2 for box in layer) - _SPACE / 2 for layer in layers]
    y = 0.0
    for layer, used in zip(layers, widths, strict=True):
        row, x = max(box.height for box in layer), (max(widths) - used) / 2
        for box in layer:
            room = max(box.width, least)
            box.x, box.y = x + room / 2, y + row / 2
            x += room + _SPACE / 2
        y += row + gap
    return max(widths), y - gap


Point = tuple[float, float]
Route = tuple[Point, Point, Point, Point]


def _route(source: _Box, target: _Box, *, across: bool, forward: bool) -> Route:
    """A cubic Bezier from the subject's edge to the object's edge (start, two controls, end)."""
    if across and forward:
        start, end = (source.x + source.width / 2, source.y), (target.x - target.width / 2 - 2, target.y)
        middle = (start[0] + end[0]) / 2
        return start, (middle, start[1]), (middle, end[1]), end
    if forward:
        start, end = (source.x, source.y + source.height / 2), (target.x, target.y - target.height / 2 - 2)
        middle = (start[1] + end[1]) / 2
        return start, (start[0], middle), (end[0], middle), end
    if across:
        start, end = (source.x, source.y + source.height / 2), (target.x, target.y + target.height / 2 + 2)
        return start, (start[0], start[1] + _SWING), (end[0], end[1] + _SWING), end
    start, end = (source.x + source.width / 2, source.y), (target.x + target.width / 2 + 2, target.y)
    return start, (start[0] + _SWING, start[1]), (end[0] + _SWING, end[1]), end


def _point(route: Route, t: float) -> Point:
    """The point of a cubic Bezier at `t` in [0, 1]."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, route, strict=True)) for axis in (0, 1))
    return x, y


def _arrow(route: Route) -> str:
    start, *rest = (f"{x:.1f} {y:.1f}" for x, y in route)
    return f'<path class="kc-edge" marker-end="url(#kc-tip)" d="M{start}C{" ".join(rest)}"/>'
