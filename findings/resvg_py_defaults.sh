#!/bin/sh
# resvg_py 0.5.0: with its defaults a length in mm, pt or in is no length, and the English branch of a <switch> is passed over.
#
# Guessed: `svg_to_bytes(svg_string=...)` draws as the program resvg does, which takes 96 dots an inch and English where it is told
# nothing; the docstring says of `dpi` that 0 stands for SVG's default.
# Seen: dpi=0 is taken at its word: a square of 10 mm is not drawn, and no error is raised. `languages` is an empty list: of a switch
# with systemLanguage="en" and an element for all others the latter is drawn. With dpi=96 and languages=["en"] both are as guessed.
# Why it matters: drawing programs write millimetres, so that a sticker comes out empty or without its lines; and both
# are silent.
#
# Exits 0 while it is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check resvg_py==0.5.0 pillow==12.3.0
cat > "$folder/draw.py" <<'PYTHON'
import io

from PIL import Image
from resvg_py import svg_to_bytes

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
MILLIMETRES = f'{HEAD}<rect width="10mm" height="10mm" fill="lime"/></svg>'
SWITCH = f'{HEAD}<switch><rect systemLanguage="en" width="64" height="64" fill="lime"/><rect width="64" height="64" fill="red"/></switch></svg>'
LIME, RED, CLEAR = (0, 255, 0, 255), (255, 0, 0, 255), (0, 0, 0, 0)


def pixel(text, **settings):
    return Image.open(io.BytesIO(svg_to_bytes(svg_string=text, **settings))).convert("RGBA").getpixel((20, 20))


found = {
    "10 mm, defaults": pixel(MILLIMETRES),
    "10 mm, dpi=96": pixel(MILLIMETRES, dpi=96),
    "switch, defaults": pixel(SWITCH),
    "switch, languages=['en']": pixel(SWITCH, languages=["en"]),
}
for name, colour in found.items():
    print(f"{name}: {colour}")
assert list(found.values()) == [CLEAR, LIME, RED, LIME]
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
