#!/bin/sh
# rlottie 0.2 (rlottie-python 1.3.8): of two masks that add up side by side only one counts, and a mask of no mode hides its layer.
#
# Guessed: a layer with the masks "add" of columns 10 to 26 and "add" of 38 to 50 shows in both, as two masks that overlap show in
# all that either covers; a mask of mode "none" (an editor keeps it, to switch it on again) masks nothing.
# Seen: the first shows in columns 38 to 50 alone, in the other order of masks in 10 to 26 alone: on a row where two masks do not
# overlap the earlier one is lost. Behind a single mask of mode "none" nothing shows at all. ThorVG (thorvg-python 1.1.3) draws both
# as guessed.
# Why it matters: two eyes that look out of one layer through a mask each are a usual way to draw a face; here one of them is blind,
# and whoever reads what a sticker shows reads another face.
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


def mask(mode, left, right):
    path = {"c": True, "v": [[left, 0], [right, 0], [right, SIDE], [left, SIDE]], "i": [[0, 0]] * 4, "o": [[0, 0]] * 4}
    return {"inv": False, "mode": mode, "pt": still(path), "o": still(100), "x": still(0)}


def shown(*masks):
    box = {"ty": "rc", "p": still([32, 32]), "s": still([60, 60]), "r": still(0), "d": 1}
    fill = {"ty": "fl", "c": still([1, 0, 0, 1]), "o": still(100), "r": 1}
    text = animation(group(box, fill), hasMask=True, masksProperties=list(masks))
    found, other = columns(by_rlottie(text)), columns(by_thorvg(text))
    print([(one["mode"], one["pt"]["k"]["v"][0][0], one["pt"]["k"]["v"][1][0]) for one in masks], "rlottie", found, "ThorVG", other)
    return found, other


assert shown(mask("a", 10, 34), mask("a", 28, 50)) == ([(10, 50)], [(10, 50)]), "overlapping ones add up"
assert shown(mask("a", 10, 26), mask("a", 38, 50)) == ([(38, 50)], [(10, 26), (38, 50)])
assert shown(mask("a", 38, 50), mask("a", 10, 26)) == ([(10, 26)], [(10, 26), (38, 50)])
assert shown(mask("n", 10, 26)) == ([], [(2, 62)])
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
