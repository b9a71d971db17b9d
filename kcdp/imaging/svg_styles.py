"""Styles of SVG drawings that resvg would pass over: written as attributes where they can be, else named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

#: What resvg leaves out or draws black without a word, by how it looks in a style or an attribute.
_UNDRAWN = (
    (r"\bvar\(", "CSS variables"),
    (r"\b(color|color-mix|lab|lch|oklab|oklch|hwb)\(", "CSS colours beyond sRGB"),
    (r"\bhsla?\([^,)]*\)", "CSS colours without commas"),
    (r"(?<![-\w])transform(-box)?\s*:(?!\s*none)", "CSS transforms"),
    (r"vector-effect\s*:\s*non-scaling", "strokes that do not scale"),
)
#: Degrees in a unit of angles.
_ANGLES = {"": 1.0, "deg": 1.0, "rad": 57.29577951308232, "grad": 0.9, "turn": 360.0}
_STYLED = ("style", "fill", "stroke", "stop-color", "vector-effect")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_TRANSFORM = re.compile(r"(?<![-\w])transform\s*:\s*([^;]+)(?:;|$)", re.IGNORECASE)
_ORIGIN = re.compile(r"(?<![-\w])transform-origin\s*:\s*([^;]+)(?:;|$)", re.IGNORECASE)
#: Functions of CSS as SVG's attribute has them: name, and their values' places.
_AXES = {
    "translatex": "translate({} 0)",
    "translatey": "translate(0 {})",
    "scalex": "scale({} 1)",
    "scaley": "scale(1 {})",
}
_PLAIN = ("translate", "scale", "matrix", "rotate", "skewx", "skewy")
_CASED = {"skewx": "skewX", "skewy": "skewY"}


def undrawn(element: Element, text: str) -> str | None:
    """What of an element, or of the `text` in a style element, resvg would not draw; None where it draws all."""
    # Most elements have nothing of the kind.
    values = ";".join([text, *(element.attrib[key] for key in _STYLED if key in element.attrib)])
    if not values.strip(";"):
        return None
    rules = re.sub(r"/\*.*?\*/", "", values, flags=re.DOTALL)
    # Animations stand still here, so that what they move to does not matter.
    rules = re.sub(r"@(-webkit-)?keyframes\s+[-\w]+\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", rules)
    if element.get("vector-effect", "none").startswith("non-scaling"):
        return "strokes that do not scale"
    return next((what for pattern, what in _UNDRAWN if re.search(pattern, rules, re.IGNORECASE)), None)


def transform_as_attribute(element: Element) -> None:
    """Move `transform` and its origin out of an element's style, where it has only what the attributes can say."""
    style = element.get("style", "")
    found, origin = _TRANSFORM.search(style), _ORIGIN.search(style)
    if found is None or "transform-box" in style:
        return
    functions = list(_functions(found[1]))
    if None in functions:
        return
    place = [_length(part) for part in origin[1].split()] if origin else []
    if None in place or len(place) == 1:
        return
    element.set("transform", " ".join(str(function) for function in functions))
    if place:
        element.set("transform-origin", " ".join(str(part) for part in place))
    element.set("style", _ORIGIN.sub("", _TRANSFORM.sub("", style)))


def _functions(text: str) -> Iterator[str | None]:
    """A list of CSS transforms as the attribute writes them; None for what it cannot write."""
    if text.strip().lower() == "none":
        return
    if not re.fullmatch(r"(?:\s*[a-z0-9]+\([^()]*\)\s*)+", text, re.IGNORECASE):
        yield None
    for name, body in re.findall(r"([a-z0-9]+)\(([^()]*)\)", text.lower()):
        measure = _angle if name in ("rotate", "skewx", "skewy") else _length
        values = [measure(part) for part in re.split(r"[\s,]+", body.strip())]
        if None in values or (name not in _AXES and name not in _PLAIN):
            yield None
        elif name in _AXES:
            yield _AXES[name].format(values[0])
        else:
            yield f"{_CASED.get(name, name)}({' '.join(map(str, values))})"


def _length(text: str) -> str | None:
    """A number, plain or in pixels."""
    found = re.fullmatch(rf"({_NUMBER})(px)?", text.strip(), re.IGNORECASE)
    return found[1] if found else None


def _angle(text: str) -> float | None:
    """An angle in degrees."""
    found = re.fullmatch(rf"({_NUMBER})([a-z]*)", text.strip(), re.IGNORECASE)
    return float(found[1]) * _ANGLES[found[2]] if found and found[2] in _ANGLES else None
