#!/bin/sh
# rlottie 0.2 (rlottie-python 1.3.8): dashes without an offset take their last length for it.
#
# Guessed: a stroke of dashes 10 and gaps 25 begins with a dash where its line begins; the offset (`"n": "o"`) is 0 where none is given.
# Seen: the gap is taken for the offset, and the dash's own length for the gap: the line has dashes and gaps of 10 that begin
# elsewhere. A dash of 10 alone gives a line without gaps. With an offset of 0 written down both are as guessed, also where the gap
# is left out. ThorVG (thorvg-python 1.1.3) draws both as guessed without it.
# Why it matters: an offset of 0 is what an exporter leaves out; tears, stitches and lines of speed are drawn as dashes.
#
# Exits 0 while it is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rlottie-python==1.3.8 thorvg-python==1.1.3 pillow==12.3.0 numpy==2.4.6
cat > "$folder/draw.py" <<'PYTHON'
import json

import numpy as np
import thorvg_python as tvg
from rlottie_python import LottieAnimation

SIDE = 64


def still(value):
    return {"a": 0, "k": value}


PLACE = {"p": still([0, 0]), "a": still([0, 0]), "s": still([100, 100]), "r": still(0), "o": still(100)}


def group(*items, **more):
    return {"ty": "gr", "it": [*items, {"ty": "tr", **PLACE}], **more}


def animation(*shapes, **more):
    layer = {"ty": 4, "ind": 1, "sr": 1, "ks": PLACE, "ip": 0, "op": 60, "st": 0, "shapes": list(shapes), **more}
    return json.dumps({"v": "5.5.2", "fr": 60, "ip": 0, "op": 60, "w": SIDE, "h": SIDE, "assets": [], "layers": [layer]})


def by_rlottie(text):
    return np.asarray(LottieAnimation.from_data(text).render_pillow_frame(0).convert("RGBA"))


def by_thorvg(text):
    engine = tvg.Engine()
    canvas = tvg.SwCanvas(engine)
    canvas.set_target(SIDE, SIDE)
    player = tvg.LottieAnimation(engine)
    picture = player.get_picture()
    picture.load_data(text.encode(), "lottie", None, True)
    picture.set_size(SIDE, SIDE)
    player.set_frame(1)
    canvas.add(picture)
    canvas.update()
    canvas.draw(True)
    canvas.sync()
    return np.asarray(canvas.get_pillow().convert("RGBA"))


def columns(pixels):
    """Where the middle row shows: [first, end) of every stretch."""
    shows = np.concatenate([[False], pixels[SIDE // 2, :, 3] > 127, [False]])
    edges = np.flatnonzero(shows[1:] != shows[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2]))


def shown(*dashes):
    path = {"ty": "sh", "ks": still({"c": False, "v": [[2, 32], [62, 32]], "i": [[0, 0]] * 2, "o": [[0, 0]] * 2})}
    pattern = [{"n": kind, "v": still(length)} for kind, length in dashes]
    stroke = {"ty": "st", "c": still([1, 0, 0, 1]), "o": still(100), "w": still(8), "lc": 1, "lj": 1, "d": pattern}
    text = animation(group(path, stroke))
    found, other = columns(by_rlottie(text)), columns(by_thorvg(text))
    print(dashes, "rlottie", found, "ThorVG", other)
    return found, other


begin = [(2, 12), (37, 47)]
assert shown(("d", 10), ("g", 25), ("o", 0)) == (begin, begin)
found, other = shown(("d", 10), ("g", 25))
assert found != begin and other == begin
even = [(2, 12), (22, 32), (42, 52)]
assert shown(("d", 10), ("o", 0))[0] == even
found, other = shown(("d", 10))
assert found == [(2, 62)] and other == even
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
