#!/bin/sh
# Pillow 12.3.0: ImageDraw.floodfill on what Image.fromarray returned fills nothing and says nothing.
#
# Guessed: it fills, or, as the picture shares the array's memory and is read-only, it copies first or raises "image is
# readonly" as writing a single pixel of the same picture does.
# Seen: the picture comes back as it was. The function takes the ValueError of its first write for a start outside the picture
# and returns. After .copy() the same call fills. (Other functions of ImageDraw are safe: ImageDraw.Draw copies by itself.)
# Why it matters: a mask computed with numpy is the usual thing to flood, and the result looks like a mask still.
#
# Exits 0 while it is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Pillow==12.3.0 numpy==2.4.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import PIL
from PIL import Image, ImageDraw

mask = np.ones((4, 4), np.uint8)
shared, copied = Image.fromarray(mask), Image.fromarray(mask).copy()
for picture in (shared, copied):
    ImageDraw.floodfill(picture, (0, 0), 2)
try:
    shared.load()[0, 0] = 2
    wrote = "went through"
except ValueError as error:
    wrote = f"raised ValueError: {error}"
print("Pillow", PIL.__version__)
print("expected: both pictures filled with 2, or an error")
print("seen: from an array", np.unique(np.asarray(shared)).tolist(), "| copied", np.unique(np.asarray(copied)).tolist())
print("writing one pixel of the first", wrote)
sys.exit(not ((np.asarray(shared) == 1).all() and (np.asarray(copied) == 2).all()))
PYTHON
