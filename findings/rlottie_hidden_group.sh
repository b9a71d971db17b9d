#!/bin/sh
# rlottie 0.2 (rlottie-python 1.3.8): a group of shapes that is hidden is drawn.
#
# Guessed: `"hd": true` on a group hides it, as it hides a layer, a shape or a fill.
# Seen: layers, shapes and fills are hidden, the group is drawn, in full. ThorVG (thorvg-python 1.1.3) hides all four.
# Why it matters: a group whose eye is closed in the editor is how one sticker keeps its other faces; drawn, the closed
# mouth lies over the open one.
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


def shown(name, text):
    found, other = columns(by_rlottie(text)), columns(by_thorvg(text))
    print(f"{name}: rlottie {found}, ThorVG {other}")
    return found, other


box = {"ty": "rc", "p": still([32, 32]), "s": still([20, 20]), "r": still(0), "d": 1}
fill = {"ty": "fl", "c": still([1, 0, 0, 1]), "o": still(100), "r": 1}
hidden = {"hd": True}
assert shown("nothing hidden", animation(group(box, fill))) == ([(22, 42)], [(22, 42)])
assert shown("hidden layer", animation(group(box, fill), **hidden)) == ([], [])
assert shown("hidden shape", animation(group(box | hidden, fill))) == ([], [])
assert shown("hidden fill", animation(group(box, fill | hidden))) == ([], [])
assert shown("hidden group", animation(group(box, fill, **hidden))) == ([(22, 42)], [])
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
