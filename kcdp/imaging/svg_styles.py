"""Styles of SVG drawings that resvg would pass over: written as attributes where they can be, else named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from PIL import ImageColor

#: As Pillow has it: red, green, blue and, where it is not opaque, alpha; 0 to 255.
Color = tuple[int, ...]
#: What resvg leaves out or draws black without a word, by how it looks in a style or an attribute.
_UNDRAWN = (
    (r"\bvar\(", "CSS variables"),
    (r"\b(color|color-mix|light-dark|lab|lch|oklab|oklch|hwb)\(", "CSS colours beyond sRGB"),
    (r"\b(hsla?\([^,)]*\)|rgba?\([^,)]*/)", "CSS colours without commas"),
    (r"(?<![-\w])transform(-box)?\s*:(?!\s*none)", "CSS transforms"),
    (r"(?<![-\w])(rotate|scale|translate)\s*:(?!\s*none)", "CSS transforms"),
    (r"(?<![-\w])clip-path\s*:\s*(?!none|url\()\w", "CSS shapes that clip"),
    (r"(?<![-\w])(d\s*:\s*path\(|(x|y|cx|cy|r|rx|ry)\s*:\s*[-+.\d])", "places and shapes in CSS"),
    (r"vector-effect\s*:\s*non-scaling", "strokes that do not scale"),
)
#: Degrees in a unit of angles.
_ANGLES = {"": 1.0, "deg": 1.0, "rad": 57.29577951308232, "grad": 0.9, "turn": 360.0}
#: Rules of a style element that resvg would pass over.
_UNREAD = (
    (r"@(media|supports|layer|container|scope)\b", "CSS rules under a condition (@media, @supports)"),
    (r":(is|where|not|has|(nth|last|only)-[-a-z]+)\b", "CSS selectors of a newer kind (:not, :nth-child)"),
    (r"~(?!=)", "CSS selectors of a newer kind (~)"),
    (r"\{[^{}]*\{", "CSS rules in each other"),
)
_BLOCK = r"\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}"
#: Rules that do not show in a picture: animations stand still, and it is seen on a light screen without a pointer.
_UNSEEN = re.compile(
    rf"@(-webkit-)?keyframes\s+[-\w]+\s*{_BLOCK}|@media[^{{]*(print|dark|hover|reduce|forced-colors)[^{{]*{_BLOCK}",
    re.IGNORECASE,
)
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
    rules = _UNSEEN.sub("", rules)
    if element.get("vector-effect", "none").startswith("non-scaling"):
        return "strokes that do not scale"
    patterns = _UNDRAWN + (_UNREAD if text else ())
    return next((what for pattern, what in patterns if re.search(pattern, rules, re.IGNORECASE)), None)


def background(style: str) -> Color | None:
    """The colour that the drawing's own style puts behind it, as browsers show it; None where there is none."""
    found = re.search(r"(?<![-\w])background(?:-color)?\s*:\s*([^;!]+)", style, re.IGNORECASE)
    try:
        return ImageColor.getrgb(found[1].strip()) if found else None
    except ValueError:  # "none", a gradient
        return None


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
