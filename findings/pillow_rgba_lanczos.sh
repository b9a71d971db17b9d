#!/bin/sh
# Pillow 12.3.0: an RGBA picture of one flat colour gets other colours when it is enlarged with LANCZOS or BICUBIC.
#
# Guessed: Pillow resizes RGBA with colours weighed by opacity, so a disc of one colour stays of that colour at any size, and
# only its opacity is resampled.
# Seen: fully opaque pixels along the rim are up to a quarter brighter. Where the filter overshoots, weighed colours and
# opacity both go beyond the disc's, opacity is clipped at 255, and the division then leaves a colour that is too large. The
# filters without negative lobes (HAMMING, BILINEAR, BOX) are exact to a level of rounding.
# Why it matters: every sticker that is enlarged for a messenger gets a light halo just inside its outline.
#
# Exits 0 while it is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Pillow==12.3.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import PIL
from PIL import Image, ImageDraw

COLOUR = (20, 130, 70)
disc = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
ImageDraw.Draw(disc).ellipse((12, 12, 51, 51), fill=(*COLOUR, 255))


def furthest(resampling):
    """The largest difference from the one colour among fully opaque pixels of the enlarged disc, in levels of 255."""
    large = disc.resize((480, 480), resampling)
    pixels = large.get_flattened_data() if hasattr(large, "get_flattened_data") else large.getdata()
    return max(abs(a - b) for pixel in pixels if pixel[3] == 255 for a, b in zip(pixel, COLOUR))


found = {kind.name: furthest(kind) for kind in Image.Resampling if kind.name != "NEAREST"}
print("Pillow", PIL.__version__)
print("expected: every opaque pixel within 2 levels of the disc's one colour, whatever the filter")
print("seen, largest difference by filter:", found)
sharp, plain = [found[name] for name in ("LANCZOS", "BICUBIC")], [found[name] for name in ("HAMMING", "BILINEAR", "BOX")]
sys.exit(not (min(sharp) >= 8 and max(plain) <= 2))
PYTHON
