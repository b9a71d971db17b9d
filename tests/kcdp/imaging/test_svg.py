"""SVG drawings against the numbers in them, and against librsvg where it is installed."""

from __future__ import annotations

import base64
import gzip
import io
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, load_frames, read_frames, svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
BOX = f'{HEAD} viewBox="0 0 100 100">'


def drawn(text: str | bytes) -> np.ndarray:
    (frame,) = read_frames(text if isinstance(text, bytes) else text.encode())
    return np.asarray(frame.image)


def at(pixels: np.ndarray, x: float, y: float) -> list[int]:
    """The colour at a place, in hundredths of the sides."""
    return pixels[int(y * pixels.shape[0] / 100), int(x * pixels.shape[1] / 100)].tolist()


def png(colour: tuple[int, ...] = (10, 20, 200), size: tuple[int, int] = (10, 10)) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def test_shapes_have_their_colours_and_the_ground_is_clear():
    pixels = drawn(f'{BOX}<rect x="20" y="20" width="60" height="30" fill="#dc1e28" fill-opacity=".5"/></svg>')
    assert pixels.shape == (512, 512, 4)
    np.testing.assert_allclose(at(pixels, 50, 40), [220, 30, 40, 128], atol=1)
    assert at(pixels, 50, 60) == at(pixels, 19, 40) == [0, 0, 0, 0]


SIZES = {
    'width="600" height="300"': (600, 300),
    'width="60" height="30"': (512, 256),
    'width="5000" height="2500"': (2048, 1024),
    'viewBox="0 0 40 80"': (256, 512),
    'width="100%" height="100%" viewBox="0 0 40 80"': (256, 512),
    'width="1200" viewBox="0 0 40 80"': (1024, 2048),
    'height="50mm" viewBox="0 0 50 25"': (512, 256),
    'width="6in" height="432pt"': (576, 576),
    'width="50mm" height="25mm"': (512, 256),
    "": (512, 256),
}


@pytest.mark.parametrize("attributes", SIZES)
def test_drawings_have_the_size_that_they_state(attributes):
    assert drawn(f'{HEAD} {attributes}><rect width="5" height="5"/></svg>').shape[1::-1] == SIZES[attributes]


def test_lengths_are_those_of_the_drawing_with_and_without_a_view_box():
    for attributes in (
        'width="200" height="100"',
        'width="200" height="100" viewBox="0 0 200 100"',
        'width="2in" height="1in"',
    ):
        side = 96 if "in" in attributes else 100
        pixels = drawn(f'{HEAD} {attributes}><rect width="{side}" height="100%" fill="lime"/></svg>')
        assert at(pixels, 49, 50) == [0, 255, 0, 255] and at(pixels, 51, 50)[3] == 0


GRADIENT = '<stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/>'
INHERITED = {
    "linear": f'<linearGradient id="a" gradientTransform="rotate(90)">{GRADIENT}</linearGradient><linearGradient id="b" xlink:href="#a"/>',
    "twice removed": f'<linearGradient id="a" gradientTransform="rotate(90)">{GRADIENT}</linearGradient><linearGradient id="c" href="#a"/>'
    '<linearGradient id="b" href="#c"/>',
    "its own comes first": f'<linearGradient id="a" gradientTransform="rotate(45)">{GRADIENT}</linearGradient>'
    '<linearGradient id="b" gradientTransform="rotate(90)" href="#a"/>',
}  # fmt: skip


@pytest.mark.parametrize("name", INHERITED)
def test_gradients_have_the_transform_of_those_that_they_refer_to(name):
    pixels = drawn(f'{BOX}<defs>{INHERITED[name]}</defs><rect width="100" height="100" fill="url(#b)"/></svg>')
    for x in (5, 50, 95):
        for y in (10, 50, 90):
            np.testing.assert_allclose(at(pixels, x, y), [255 * (1 - y / 100), 0, 255 * y / 100, 255], atol=3)


TRANSFORMS = {
    "translate(50px, 50px)": (60, 60),
    "translate(50px,50px) rotate(90deg)": (40, 60),
    "rotate(0.25turn) translate(50px, -60px)": (50, 60),
    "translateX(30px) translateY(30px) scale(2)": (50, 50),
    "matrix(1, 0, 0, 1, 40, 20)": (50, 30),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_in_styles_move_as_attributes_do(transform):
    pixels = drawn(f'{BOX}<rect width="20" height="20" fill="red" style="opacity:1;transform:{transform}"/></svg>')
    rows, columns = np.nonzero(pixels[..., 3])
    np.testing.assert_allclose((columns.mean() / 5.12, rows.mean() / 5.12), TRANSFORMS[transform], atol=0.3)


def test_a_transform_in_a_style_turns_about_its_origin():
    style = "transform:rotate(90deg);transform-origin:50px 50px"
    pixels = drawn(f'{BOX}<rect x="40" y="10" width="20" height="20" fill="red" style="{style}"/></svg>')
    assert at(pixels, 80, 50) == [255, 0, 0, 255] and at(pixels, 50, 20)[3] == 0


NESTED = f'{BOX}<rect width="100" height="100" fill="#0a8020"/></svg>'
EMBEDDED = {
    "png": (png(), [10, 20, 200, 255]),
    "png with blanks": (png()[:60] + "\n  " + png()[60:], [10, 20, 200, 255]),
    "svg": ("data:image/svg+xml;base64," + base64.b64encode(NESTED.encode()).decode(), [10, 128, 32, 255]),
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_pictures_are_drawn(name):
    link, colour = EMBEDDED[name]
    pixels = drawn(
        f'{BOX}<image x="20" y="20" width="60" height="60" preserveAspectRatio="none" xlink:href="{link}"/></svg>'
    )
    np.testing.assert_allclose(at(pixels, 50, 50), colour, atol=1)
    assert at(pixels, 10, 50)[3] == 0


RECT = '<rect width="100" height="100" fill="#0a8020"/></svg>'
SAME = {
    "declaration": f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- by a program -->\n{BOX}{RECT}'.encode(),
    "byte-order mark": f"\ufeff{BOX}{RECT}".encode(),
    "utf-16": f'<?xml version="1.0" encoding="UTF-16"?>{BOX}{RECT}'.encode("utf-16"),
    "latin-1": f'<?xml version="1.0" encoding="ISO-8859-1"?>{BOX}<title>Größe</title>{RECT}'.encode("latin-1"),
    "gzip": gzip.compress(f"{BOX}{RECT}".encode()),
    "doctype": b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" '
    b'[<!ENTITY ns_svg "http://www.w3.org/2000/svg"><!ENTITY green "#0a8020">]>'
    b'<svg xmlns="&ns_svg;" viewBox="0 0 100 100"><rect width="100" height="100" fill="&green;"/></svg>',
    "prefix": b'<s:svg xmlns:s="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><s:rect width="9" height="9" fill="#0a8020"/></s:svg>',
    "script": f'{BOX}<script>document.documentElement.remove()</script><script href="https://example.org/a.js"/>{RECT}'.encode(),
    "link": f'{BOX}<a href="https://example.org">{RECT.replace("</svg>", "</a></svg>")}'.encode(),
    "font elsewhere": f'{BOX}<style>@import url(https://example.org/a.css);@font-face{{src:url(a.woff)}}</style>{RECT}'.encode(),
    "animation": f'{BOX}<style>@keyframes a{{from{{transform:none}}to{{transform:scale(2)}}}}</style>{RECT}'.encode(),
    "fallback": f'{BOX}<switch><foreignObject requiredExtensions="x" width="9" height="9"/><g>{RECT.replace("</svg>", "</g></switch></svg>")}'.encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_the_same_drawing_in_other_words_looks_the_same(name):
    pixels = drawn(SAME[name])
    assert (pixels == [10, 128, 32, 255]).all()


def test_letters_are_drawn_where_fonts_are_installed():
    text = f'{BOX}<text x="50" y="80" font-size="80" text-anchor="middle" font-family="DejaVu Sans, sans-serif">T</text></svg>'
    if not shutil.which("fc-list") or not subprocess.run(["fc-list"], capture_output=True).stdout:
        pytest.skip("no fonts")
    pixels = drawn(text)
    assert at(pixels, 50, 60) == [0, 0, 0, 255] and at(pixels, 20, 60)[3] == 0


COMPARED = {
    "strokes": '<path d="M10 80C30 10 70 10 90 80" fill="none" stroke="teal" stroke-width="7" stroke-linecap="round" stroke-dasharray="14 9"/>',
    "style element": '<style>.a{fill:lime}#b{stroke:navy;stroke-width:6}</style><g id="b"><rect class="a" x="20" y="20" width="60" height="60"/></g>',
    "symbol": '<symbol id="s" viewBox="0 0 10 10"><circle cx="5" cy="5" r="5"/></symbol><use href="#s" x="10" y="10" width="50" height="50" fill="teal"/>',
    "mask": '<mask id="m"><rect width="100" height="100" fill="gray"/></mask><circle cx="50" cy="50" r="40" fill="red" mask="url(#m)"/>',
    "clip": '<clipPath id="c"><circle cx="50" cy="50" r="30"/></clipPath><rect width="100" height="100" fill="purple" clip-path="url(#c)"/>',
    "blend": '<circle cx="40" cy="50" r="30" fill="#ff0"/><circle cx="60" cy="50" r="30" fill="#0ff" style="mix-blend-mode:multiply"/>',
    "radial": f'<radialGradient id="r" cx=".3" cy=".3" r=".8">{GRADIENT}</radialGradient><circle cx="50" cy="50" r="45" fill="url(#r)"/>',
    "blur": '<filter id="f"><feGaussianBlur stdDeviation="4"/></filter><rect x="30" y="30" width="40" height="40" fill="red" filter="url(#f)"/>',
    "style transform": '<g style="transform:translate(50px,50px) rotate(30deg) scale(1.5,.8)"><rect x="-20" y="-20" width="40" height="40" fill="brown"/></g>',
}  # fmt: skip


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert (librsvg2-bin) is not installed")
@pytest.mark.parametrize("name", COMPARED)
def test_drawings_look_as_librsvg_draws_them(name):
    text = f"{BOX}{COMPARED[name]}</svg>".encode()
    other = subprocess.run(
        ["rsvg-convert", "-w", "512", "-h", "512"], input=text, capture_output=True, check=True
    ).stdout
    expected = np.asarray(Image.open(io.BytesIO(other)).convert("RGBa")).astype(float)
    found = np.asarray(Image.fromarray(drawn(text)).convert("RGBa")).astype(float)
    assert np.abs(found - expected).mean() < 1
    assert expected[..., 3].max() > 100


def repeated(levels: int) -> str:
    """A drawing of which each level holds the one below three times."""
    groups = "".join(f'<g id="g{n + 1}">{f"<use href={chr(34)}#g{n}{chr(34)}/>" * 3}</g>' for n in range(levels))
    return f'{BOX}<defs><g id="g0"><rect width="9" height="9"/></g>{groups}</defs><use href="#g{levels}"/></svg>'


ENTITIES = f'<!DOCTYPE svg [<!ENTITY a "{"x" * 40}"><!ENTITY b "&a;&a;&a;&a;">]>{BOX}<desc>&b;&b;&b;</desc></svg>'
REFUSED = {
    "no drawing": ('<?xml version="1.0"?><!-- <svg --><svg><g/></svg>', {}, "no SVG drawing"),
    "damaged": (f"{BOX}<rect></svg>", {}, "damaged SVG"),
    "cut": (f"{BOX}<rect", {}, "damaged SVG"),
    "cut archive": (gzip.compress(NESTED.encode())[:-12], {}, "cut short"),
    "picture in a file": (f'{BOX}<image width="9" height="9" href="cat.png"/></svg>', {}, "“cat.png”"),
    "picture in a folder": (f'{BOX}<image width="9" height="9" xlink:href="/pictures/cat.png"/></svg>', {}, "refers to other"),
    "picture at an address": (f'{BOX}<image width="9" height="9" href="https://example.org/a.png"/></svg>', {}, "refers to other"),
    "picture in a filter": (f'{BOX}<filter id="f"><feImage href="file:///a.png"/></filter></svg>', {}, "refers to other"),
    "part of another drawing": (f'{BOX}<use href="other.svg#a"/></svg>', {}, "“other.svg#a”"),
    "colour of another drawing": (f'{BOX}<rect width="9" height="9" fill="url(other.svg#a)"/></svg>', {}, "refers to other"),
    "style with an address": (f'{BOX}<style>rect{{fill:url("https://example.org/a")}}</style></svg>', {}, "refers to other"),
    "style of an element": (f"{BOX}<rect style=\"filter:url('a.svg#b')\"/></svg>", {}, "refers to other"),
    "external entity": (f'<!DOCTYPE svg [<!ENTITY a SYSTEM "other.txt">]>{BOX}<desc>&a;</desc></svg>', {}, "refers to other"),
    "embedded drawing refers": (
        f'{BOX}<image href="data:image/svg+xml,{BOX.replace(chr(34), chr(39)).replace("<", "&lt;")}&lt;image href=\'a.png\'/>&lt;/svg>"/></svg>',
        {},
        "“a.png”",
    ),
    "embedded drawing under another name refers": (
        f'{BOX}<image href="data:text/plain;base64,{base64.b64encode(f"{BOX}<image href={chr(39)}a.png{chr(39)}/></svg>".encode()).decode()}"/></svg>',
        {},
        "“a.png”",
    ),
    "embedded drawing in gzip refers": (
        f'{BOX}<image href="data:image/png;base64,{base64.b64encode(gzip.compress(f"{BOX}<image href={chr(39)}a.png{chr(39)}/></svg>".encode())).decode()}"/></svg>',
        {},
        "“a.png”",
    ),
    "embedded picture": (f'{BOX}<image href="{png(size=(90, 80))}"/></svg>', {"max_pixels": 90 * 80 - 1}, "90 x 80"),
    "pixels": (NESTED, {"max_pixels": 512 * 512 - 1}, "512 x 512"),
    "strip": (f'{HEAD} width="500" height="20"><g/></svg>', {}, "too narrow"),
    "elements": (f'{BOX}{"<g/>" * 30}</svg>', {"max_svg_elements": 30}, "30 elements"),
    "depth": (f'{BOX}{"<g>" * 9}{"</g>" * 9}</svg>', {"max_depth": 9}, "9 levels"),
    "repetitions": (repeated(4), {"max_svg_elements": 200}, "repetitions"),
    "text of entities": (ENTITIES, {"max_unpacked_bytes": 450}, "of text"),
    "unpacked": (gzip.compress(f"{BOX}{'<g/>' * 999}</svg>".encode()), {"max_unpacked_bytes": 3000}, "of text"),
    "time": (NESTED, {"max_draw_seconds": 1e-3}, "0.001 s"),
    "web page inside": (f'{BOX}<foreignObject width="9" height="9"><p/></foreignObject></svg>', {}, "web page"),
    "variables": (f'{BOX}<rect style="fill:var(--a)"/></svg>', {}, "CSS variables"),
    "transform of a class": (f"{BOX}<style>.a{{transform:scale(2)}}</style></svg>", {}, "CSS transforms"),
    "transform by percent": (f'{BOX}<rect style="transform:translate(50%,0)"/></svg>', {}, "CSS transforms"),
    "colours": (f'{BOX}<rect fill="color(display-p3 1 0 0)"/></svg>', {}, "beyond sRGB"),
    "colour with a slash": (f'{BOX}<rect fill="rgb(0 255 0 / 50%)"/></svg>', {}, "without commas"),
    "colour of the scheme": (f'{BOX}<rect style="fill:light-dark(lime,red)"/></svg>', {}, "beyond sRGB"),
    "transform of its own": (f'{BOX}<rect style="rotate: 45deg"/></svg>', {}, "CSS transforms"),
    "shape that clips": (f'{BOX}<rect style="clip-path:circle(20px)"/></svg>', {}, "shapes that clip"),
    "place in CSS": (f'{BOX}<style>rect{{x:20px}}</style></svg>', {}, "places and shapes"),
    "path in CSS": (f"{BOX}<style>path{{d:path('M8 8H9')}}</style></svg>", {}, "places and shapes"),
    "newer selector": (f'{BOX}<style>rect:not(.a){{fill:lime}}</style></svg>', {}, "selectors"),
    "selector of siblings": (f'{BOX}<style>circle ~ rect{{fill:lime}}</style></svg>', {}, "selectors"),
    "condition": (f'{BOX}<style>@media (min-width:1px){{rect{{fill:lime}}}}</style></svg>', {}, "condition"),
    "rules in each other": (f'{BOX}<style>g{{rect{{fill:lime}}}}</style></svg>', {}, "in each other"),
    "strokes": (f'{BOX}<path vector-effect="non-scaling-stroke"/></svg>', {}, "strokes"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_one_sentence(name):
    content, limits, fault = REFUSED[name]
    with pytest.raises(ImageError) as caught:
        load_frames(content if isinstance(content, bytes) else content.encode(), limits=ImageLimits(**limits))
    assert fault in str(caught.value)
    assert str(caught.value).startswith("The picture") and str(caught.value).endswith(".")


def test_what_refers_to_itself_is_drawn_without_that():
    pixels = drawn(f'{BOX}<g id="a"><use href="#a"/></g>{RECT}')
    assert (pixels == [10, 128, 32, 255]).all()


def test_files_beside_the_program_are_not_read(tmp_path, monkeypatch):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "cat.png")
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr(svg.Drawing, "_start", lambda self: started.append(self))
    with pytest.raises(ImageError, match="refers to other"):
        load_frames(f'{BOX}<image width="9" height="9" href="cat.png"/></svg>'.encode())
    assert not started


@pytest.mark.parametrize(
    "style",
    [
        "@media (prefers-color-scheme: dark) { rect { fill: red } } rect { fill: lime }",
        "@media print { rect { fill: red } g { fill: red } } rect { fill: lime }",
        ":root { color-scheme: light dark } rect { fill: lime }",
        'rect[width~="100"] { fill: lime }',
        "rect { fill: lime } rect:hover { fill: red }",
        "rect { fill: lime; animation: turn 2s } @keyframes turn { to { rotate: 90deg; fill: red } }",
    ],
)
def test_rules_for_other_pages_and_later_moments_do_not_show(style):
    assert at(drawn(f'{BOX}<style>{style}</style><rect width="100" height="100"/></svg>'), 50, 50) == [0, 255, 0, 255]


@pytest.mark.parametrize(
    ("style", "ground"),
    [
        ("background: #00f", [0, 0, 255, 255]),
        ("enable-background: new; background-color: rgb(0, 0, 255) !important; color: red", [0, 0, 255, 255]),
        ("background: none", [0, 0, 0, 0]),
        ("background: linear-gradient(red, blue)", [0, 0, 0, 0]),
        ("enable-background: new 0 0 9 9", [0, 0, 0, 0]),
    ],
)
def test_the_ground_is_what_the_drawing_says_of_itself(style, ground):
    pixels = drawn(f'{BOX[:-1]} style="{style}"><circle cx="50" cy="50" r="30" fill="red" fill-opacity=".5"/></svg>')
    assert at(pixels, 2, 2) == ground
    np.testing.assert_allclose(at(pixels, 50, 50), [128, 0, 127, 255] if ground[3] else [255, 0, 0, 128], atol=1)


def test_english_is_chosen_where_a_drawing_has_several_languages():
    boxes = "".join(
        f'<rect systemLanguage="{language}" width="100" height="100" fill="{colour}"/>'
        for language, colour in (("de", "red"), ("en", "lime"))
    )
    assert at(drawn(f'{BOX}<switch>{boxes}<rect width="100" height="100"/></switch></svg>'), 50, 50) == [0, 255, 0, 255]
