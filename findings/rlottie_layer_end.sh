#!/bin/sh
# rlottie 0.2 (rlottie-python 1.3.8): a layer is still drawn in the frame in which it ends.
#
# Guessed: of two layers that take turns at frame 10 (`"op": 10` of the one, `"ip": 10` of the other) frame 9 shows the first, frame 10
# the second, as the end of an animation is no frame of it either.
# Seen: frame 10 shows both, one over the other, in a composition of its own and inside another one; ThorVG (thorvg-python 1.1.3)
# shows the second alone. A layer of one frame shows in two.
# Why it matters: a sticker changes its face by layers that take turns; one frame at every change has both mouths, and a program
# that looks at a few frames of a sticker may look at that one.
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


def group(*items):
    return {"ty": "gr", "it": [*items, {"ty": "tr", **PLACE}]}


def by_rlottie(text, frame):
    return np.asarray(LottieAnimation.from_data(text).render_pillow_frame(frame).convert("RGBA"))


def by_thorvg(text, frame):
    engine = tvg.Engine()
    canvas = tvg.SwCanvas(engine)
    canvas.set_target(SIDE, SIDE)
    player = tvg.LottieAnimation(engine)
    picture = player.get_picture()
    picture.load_data(text.encode(), "lottie", None, True)
    picture.set_size(SIDE, SIDE)
    player.set_frame(frame)
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


def square(x, **more):
    box = {"ty": "rc", "p": still([x, 32]), "s": still([20, 20]), "r": still(0), "d": 1}
    fill = {"ty": "fl", "c": still([1, 0, 0, 1]), "o": still(100), "r": 1}
    return {"ty": 4, "sr": 1, "ks": PLACE, "ip": 0, "op": 60, "st": 0, "shapes": [group(box, fill)], **more}


first, second = [(6, 26)], [(38, 58)]
layers = [square(16, ind=1, op=10), square(48, ind=2, ip=10)]
inside = [{"ty": 0, "ind": 1, "refId": "inner", "sr": 1, "ks": PLACE, "w": SIDE, "h": SIDE, "ip": 0, "op": 60, "st": 0}]
for name, top, assets in (("two layers", layers, []), ("two layers of an inner composition", inside, [{"id": "inner", "layers": layers}])):
    text = json.dumps({"v": "5.5.2", "fr": 60, "ip": 0, "op": 60, "w": SIDE, "h": SIDE, "assets": assets, "layers": top})
    for frame, expected, seen in ((9, first, first), (10, second, first + second), (11, second, second)):
        found, other = columns(by_rlottie(text, frame)), columns(by_thorvg(text, frame))
        print(f"{name}, frame {frame}: rlottie {found}, ThorVG {other}")
        assert (found, other) == (seen, expected)
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
