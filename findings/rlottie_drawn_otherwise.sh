#!/bin/sh
# rlottie 0.2 (rlottie-python 1.3.8) draws four usual things of Lottie otherwise than ThorVG (thorvg-python 1.1.3), and says nothing.
#
# Guessed of each that both draw it as they draw the case beside it, which is drawn here too. Seen of rlottie:
# 1. Masks: of two of mode "add" side by side only the last counts, in either order (where they overlap they add up); behind a
#    mask of mode "none", which an editor keeps to switch it on again, the layer is not drawn at all.
# 2. Groups: `"hd": true` hides a layer, a shape and a fill, but a hidden group is drawn in full.
# 3. Dashes: without an offset (`"n": "o"`) the last length is taken for it: dashes 10 and gaps 25 become dashes and gaps of 10
#    that begin elsewhere, and a dash of 10 alone is a line. With an offset of 0 written down both are right.
# 4. Ends: of two layers that take turns at frame 10 both are drawn in frame 10, in a composition of its own and inside another.
# Why it matters: two eyes that look out of a layer through a mask each, faces that a sticker keeps hidden, tears and stitches,
# and mouths that take turns are drawn by just these; whoever reads a face off rlottie's picture reads another face.
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


def shown(name, text, frame=1):
    found, other = columns(by_rlottie(text, frame)), columns(by_thorvg(text, frame))
    print(f"{name}: rlottie {found}, ThorVG {other}")
    return found, other


def box(x=32, side=20, **more):
    return {"ty": "rc", "p": still([x, 32]), "s": still([side, side]), "r": still(0), "d": 1, **more}


FILL = {"ty": "fl", "c": still([1, 0, 0, 1]), "o": still(100), "r": 1}
HIDDEN = {"hd": True}


def masked(*masks):
    """A square of 60 behind masks (mode, left, right)."""
    made = []
    for mode, left, right in masks:
        path = {"c": True, "v": [[left, 0], [right, 0], [right, SIDE], [left, SIDE]], "i": [[0, 0]] * 4, "o": [[0, 0]] * 4}
        made.append({"inv": False, "mode": mode, "pt": still(path), "o": still(100), "x": still(0)})
    return shown(f"masks {masks}", animation(group(box(side=60), FILL), hasMask=True, masksProperties=made))


assert masked(("a", 10, 34), ("a", 28, 50)) == ([(10, 50)], [(10, 50)])
assert masked(("a", 10, 26), ("a", 38, 50)) == ([(38, 50)], [(10, 26), (38, 50)])
assert masked(("a", 38, 50), ("a", 10, 26)) == ([(10, 26)], [(10, 26), (38, 50)])
assert masked(("n", 10, 26)) == ([], [(2, 62)])

assert shown("nothing hidden", animation(group(box(), FILL))) == ([(22, 42)], [(22, 42)])
assert shown("hidden layer", animation(group(box(), FILL), **HIDDEN)) == ([], [])
assert shown("hidden shape", animation(group(box(**HIDDEN), FILL))) == ([], [])
assert shown("hidden fill", animation(group(box(), FILL | HIDDEN))) == ([], [])
assert shown("hidden group", animation(group(box(), FILL, **HIDDEN))) == ([(22, 42)], [])


def dashed(*dashes):
    """A line of columns 2 to 62."""
    path = {"ty": "sh", "ks": still({"c": False, "v": [[2, 32], [62, 32]], "i": [[0, 0]] * 2, "o": [[0, 0]] * 2})}
    pattern = [{"n": kind, "v": still(length)} for kind, length in dashes]
    stroke = {"ty": "st", "c": still([1, 0, 0, 1]), "o": still(100), "w": still(8), "lc": 1, "lj": 1, "d": pattern}
    return shown(f"dashes {dashes}", animation(group(path, stroke)))


begin, even = [(2, 12), (37, 47)], [(2, 12), (22, 32), (42, 52)]
assert dashed(("d", 10), ("g", 25), ("o", 0)) == (begin, begin)
found, other = dashed(("d", 10), ("g", 25))
assert found != begin and other == begin
assert dashed(("d", 10), ("o", 0))[0] == even
assert dashed(("d", 10)) == ([(2, 62)], even)


def layer(x, **more):
    return {"ty": 4, "sr": 1, "ks": PLACE, "ip": 0, "op": 60, "st": 0, "shapes": [group(box(x), FILL)], **more}


first, second = [(6, 26)], [(38, 58)]
layers = [layer(16, ind=1, op=10), layer(48, ind=2, ip=10)]
inside = [{"ty": 0, "ind": 1, "refId": "inner", "sr": 1, "ks": PLACE, "w": SIDE, "h": SIDE, "ip": 0, "op": 60, "st": 0}]
for name, top, assets in (("two layers", layers, []), ("two layers of an inner composition", inside, [{"id": "inner", "layers": layers}])):
    text = json.dumps({"v": "5.5.2", "fr": 60, "ip": 0, "op": 60, "w": SIDE, "h": SIDE, "assets": assets, "layers": top})
    for frame, expected, seen in ((9, first, first), (10, second, first + second), (11, second, second)):
        assert shown(f"{name}, frame {frame}", text, frame) == (seen, expected)
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
