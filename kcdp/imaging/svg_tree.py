"""The elements of an SVG drawing: what may not be in them, and what has to be written in another way for resvg."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree
from xml.parsers import expat

from PIL import Image

from kcdp.imaging.limits import ImageError, ImageLimits, check_size
from kcdp.imaging.pillow import quiet
from kcdp.imaging.svg_styles import transform_as_attribute, undrawn
from kcdp.imaging.unpacked import GZIP, unpacked

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_HREFS = ("href", _XLINK_HREF)
#: Elements whose links lead somewhere on a click, or whose content is not drawn.
_UNSEEN = frozenset({"a", "script", "metadata", "style", "title", "desc"})
#: CSS pixels in a length's unit (CSS Values 4, section 6.2); relative units for the initial font size.
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_UNITS |= {"em": 16.0, "ex": 8.0, "rem": 16.0, "ch": 8.0}
#: What browsers give a drawing that says nothing of its size (CSS 2, section 10.3.2).
_UNSIZED = (300.0, 150.0)
_GRADIENTS = {
    "linearGradient": "gradientTransform",
    "radialGradient": "gradientTransform",
    "pattern": "patternTransform",
}
#: How deep drawings may be embedded in each other as data.
_EMBEDDED = 3
_EMBEDDABLE = ("PNG", "JPEG", "GIF", "WEBP")
_DAMAGED = "The picture is a damaged SVG drawing; save or download it again."


def checked(content: bytes, limits: ImageLimits, embedded: int = 0) -> ElementTree.Element:
    """The root of the drawing in an XML file, written so that resvg draws all of it.

    Raises ImageError for a drawing that is damaged, breaks a limit, refers to elsewhere, or has what resvg leaves out.
    """
    _check_elements(content, limits)
    root = ElementTree.fromstring(content)
    if root.tag != f"{_SVG}svg":
        raise ImageError(
            'The picture is an XML file and no SVG drawing, or lacks xmlns="http://www.w3.org/2000/svg"; export it as PNG.'
        )
    ids = {element.get("id", ""): element for element in root.iter()}
    _check_references(root, limits, embedded)
    _check_repeats(root, ids, limits)
    _inherit_transforms(root, ids)
    for element in root.iter():
        transform_as_attribute(element)
        missing = undrawn(element, "".join(element.itertext()) if _name(element) == "style" else "")
        if missing is not None:
            raise ImageError(
                f"The picture is an SVG drawing with {missing}, which are not drawn here; export it as PNG."
            )
    return root


def written(root: ElementTree.Element, size: tuple[int, int]) -> bytes:
    """The drawing as an XML file (UTF-8) whose own size is `size`, (width, height) in pixels."""
    if len(_numbers(root.get("viewBox", ""))) != 4:
        width, height = size_of(root)
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", str(size[0]))
    root.set("height", str(size[1]))
    return ElementTree.tostring(root)


def has_text(root: ElementTree.Element) -> bool:
    """Whether a drawing needs fonts."""
    return root.find(f".//{_SVG}text") is not None


def _check_elements(content: bytes, limits: ImageLimits) -> None:
    """Raises ImageError for too many elements, too deep ones, too much text once entities are put in, external entities."""
    parser = expat.ParserCreate()
    elements = depth = letters = 0

    def start(_: str, attributes: dict[str, str]) -> None:
        nonlocal elements, depth
        elements += 1
        depth += 1
        if elements > limits.max_svg_elements:
            raise ImageError(
                f"The picture is an SVG drawing of more than the {limits.max_svg_elements} elements allowed; export it as PNG."
            )
        if depth > limits.max_depth:
            raise ImageError(
                f"The picture is an SVG drawing nested deeper than the {limits.max_depth} levels allowed; export it as PNG."
            )
        count(sum(map(len, attributes.values())))

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def count(more: int) -> None:
        nonlocal letters
        letters += more
        if letters > limits.max_unpacked_bytes:
            raise ImageError(
                f"The picture is an SVG drawing of more than the {limits.max_unpacked_bytes / 2**20:.3g} MB of text allowed; "
                "export it as PNG."
            )

    def entity(name: str, is_parameter: bool, value: str | None, *_: object) -> None:
        if value is None:
            raise ImageError(_elsewhere(name))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: count(len(text))
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(_DAMAGED) from None


def _elsewhere(link: str) -> str:
    shown = re.sub(r"[^!-~]", "?", link[:40])
    return (
        f"The picture is an SVG drawing that refers to other files or addresses (“{shown}”), which are not read; "
        "embed them or export it as PNG."
    )


def _name(element: ElementTree.Element) -> str:
    """An SVG element's name without its namespace; another's with it."""
    return element.tag.removeprefix(_SVG) if isinstance(element.tag, str) else ""


def _check_references(root: ElementTree.Element, limits: ImageLimits, embedded: int) -> None:
    """Raises ImageError for links that lead out of the file, for embedded pictures beyond the limits, and for HTML."""
    switched = {id(child) for switch in root.iter(f"{_SVG}switch") for child in switch}
    for element in root.iter():
        name = _name(element)
        if name == "foreignObject" and id(element) not in switched:
            raise ImageError(
                "The picture is an SVG drawing with a piece of a web page in it (foreignObject), which is not drawn here; "
                "export it as PNG."
            )
        if name == "style":
            # Fonts and further rules that lie elsewhere are left out; a browser, too, draws without them.
            rules = re.sub(r"@font-face\s*\{[^}]*\}|@import[^;]*;?|@namespace[^;]*;?", "", "".join(element.itertext()))
            _check_links(_urls(rules))
        if name in _UNSEEN or name.startswith("{"):
            continue
        for key, value in element.attrib.items():
            if key not in _HREFS:
                _check_links(_urls(value))
            elif value.strip().startswith("data:"):
                _check_embedded(value.strip(), limits, embedded)
            elif value.strip():
                _check_links([value.strip()])


def _urls(text: str) -> Iterator[str]:
    """Where the url(...) in a style lead."""
    for found in re.finditer(r"url\(\s*['\"]?([^'\")]*)", text, re.IGNORECASE):
        yield found[1].strip()


def _check_links(links: Iterator[str] | list[str]) -> None:
    for link in links:
        if link and not link.startswith(("#", "data:")):
            raise ImageError(_elsewhere(link))


def _check_embedded(link: str, limits: ImageLimits, embedded: int) -> None:
    """Raises ImageError for a picture in a data: address that is beyond the limits; what is no picture is not drawn."""
    head, _, body = link.partition(",")
    try:
        content = b64decode("".join(body.split())) if head.endswith(";base64") else unquote_to_bytes(body)
    except ValueError:
        return
    # By its content, too: a drawing may be announced as something else.
    if "svg" in head or content.lstrip()[:1] == b"<" or content.startswith(GZIP):
        if embedded == _EMBEDDED:
            raise ImageError(
                f"The picture is an SVG drawing with drawings embedded more than {_EMBEDDED} levels deep; export it as PNG."
            )
        checked(unpacked(content, limits), limits, embedded + 1)
        return
    try:
        with quiet(), Image.open(BytesIO(content), formats=_EMBEDDABLE) as image:
            size = image.size
    except (OSError, ValueError, SyntaxError):
        return
    check_size(size, limits)


def _check_repeats(root: ElementTree.Element, ids: dict[str, ElementTree.Element], limits: ImageLimits) -> None:
    """Raises ImageError when references, each drawn as often as it stands, come to more elements than allowed."""
    drawn: dict[int, int] = {}

    def count(element: ElementTree.Element) -> int:
        known = drawn.get(id(element))
        if known is not None:
            return known
        # What refers to itself is not drawn.
        drawn[id(element)] = 0
        total = 1 + sum(map(count, element))
        for key, value in element.attrib.items():
            places = [value.strip()] if key in _HREFS else _urls(value)
            total += sum(count(ids[place[1:]]) for place in places if place[:1] == "#" and place[1:] in ids)
        drawn[id(element)] = total
        return total

    total = count(root)
    if total > limits.max_svg_elements:
        raise ImageError(
            f"The picture is an SVG drawing that comes to {total} elements with its repetitions, more than the "
            f"{limits.max_svg_elements} allowed; export it as PNG."
        )


def _inherit_transforms(root: ElementTree.Element, ids: dict[str, ElementTree.Element]) -> None:
    """Write into gradients and patterns the transform of those that they refer to, which resvg does not look up."""
    for element in root.iter():
        attribute = _GRADIENTS.get(_name(element))
        source: ElementTree.Element | None = element
        for _ in range(10):
            if attribute is None or source is None:
                break
            if attribute in source.attrib:
                element.set(attribute, source.attrib[attribute])
                break
            source = ids.get((source.get("href") or source.get(_XLINK_HREF) or "").removeprefix("#"))


def _length(text: str | None) -> float | None:
    """A length in CSS pixels; None for a percentage and for none."""
    found = re.fullmatch(r"\s*\+?(\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*", text or "")
    if found is None or found[2].lower() not in _UNITS:
        return None
    value = float(found[1]) * _UNITS[found[2].lower()]
    return value if 0 < value < 1e6 else None


def size_of(root: ElementTree.Element) -> tuple[float, float]:
    """The size of a drawing as browsers take it: stated, or in the proportions of its view box (SVG 2, section 8.2)."""
    width, height = _length(root.get("width")), _length(root.get("height"))
    if width is not None and height is not None:
        return width, height
    box = _numbers(root.get("viewBox", ""))
    if len(box) != 4 or not (0 < box[2] < 1e6 and 0 < box[3] < 1e6):
        return width or _UNSIZED[0], height or _UNSIZED[1]
    if width is not None:
        return width, width * box[3] / box[2]
    if height is not None:
        return height * box[2] / box[3], height
    return box[2], box[3]


def _numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", text)]
