#!/usr/bin/env bash
# rlottie 0.2 (rlottie-python 1.3.8): a Lottie gradient that changes its colour while it fades never shows the second colour.
#
# The file: a square filled by a linear gradient from opaque red to clear blue, as Telegram's .tgs have for glows and
# shadows; two colour stops, two opacity stops at the same offsets.
# Expected, in the middle: half red and half blue at half opacity, (127, 0, 127, 127), as lottie-web in a browser shows
# it, which hands colours and opacities to SVG, and as ThorVG (thorvg-python 1.1.3) draws it.
# Guessed before measuring: rlottie drops the last colour stop when there are opacities.
# Seen: it keeps it, but multiplies each stop by its opacity first and interpolates then, so that a clear stop is black:
# the middle is (255, 0, 0, 127) and the whole gradient is red. Where the colour stays the same, both agree.
# Why it matters: the same sticker has other colours in the programs that draw with rlottie (Telegram) and in those that
# draw with lottie-web; a test of one against the other fails on sound files, and neither is damaged.
#
# Exits 0 while it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check rlottie-python==1.3.8 thorvg-python==1.1.3 pillow==12.3.0
"$folder/venv/bin/python" - <<'PYTHON'
import json

import thorvg_python as tvg
from PIL import Image
from rlottie_python import LottieAnimation

SIDE = 256


def still(value):
    return {"a": 0, "k": value}


def animation(stops):
    gradient = {"ty": "gf", "o": still(100), "r": 1, "t": 1, "g": {"p": 2, "k": still(stops)}, "s": still([0, 0]), "e": still([SIDE, 0])}
    box = {"ty": "rc", "p": still([SIDE / 2, SIDE / 2]), "s": still([SIDE, SIDE]), "r": still(0), "d": 1}
    place = {"p": still([0, 0]), "a": still([0, 0]), "s": still([100, 100]), "r": still(0), "o": still(100)}
    layer = {"ty": 4, "ind": 1, "sr": 1, "ks": place, "ip": 0, "op": 60, "st": 0}
    layer["shapes"] = [{"ty": "gr", "it": [box, gradient, {"ty": "tr", **place}]}]
    return json.dumps({"v": "5.5.2", "fr": 60, "ip": 0, "op": 60, "w": SIDE, "h": SIDE, "assets": [], "layers": [layer]})


def straight(image):
    """The pixel in the middle, its colours divided by its opacity: both draw premultiplied pixels."""
    red, green, blue, alpha = image.getpixel((SIDE // 2, SIDE // 2))
    return tuple(min(255, round(255 * value / alpha)) for value in (red, green, blue)) + (alpha,)


def by_rlottie(text):
    return straight(LottieAnimation.from_data(text).render_pillow_frame(0, width=SIDE, height=SIDE))


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
    return straight(canvas.get_pillow())


def near(found, expected):
    return all(abs(a - b) <= 6 for a, b in zip(found, expected))


RED_TO_BLUE = [0, 1, 0, 0, 1, 0, 0, 1]
FADING = [0, 1, 1, 0]
for name, stops in {
    "red to blue, opaque": RED_TO_BLUE,
    "red to red, fading": [0, 1, 0, 0, 1, 1, 0, 0, *FADING],
    "red to blue, fading": [*RED_TO_BLUE, *FADING],
}.items():
    text = animation(stops)
    found, other = by_rlottie(text), by_thorvg(text)
    print(f"{name}: rlottie {found}, ThorVG {other}")
    expected = {"red to blue, opaque": (127, 0, 127, 255), "red to red, fading": (255, 0, 0, 127)}.get(name)
    if expected:
        assert near(found, expected) and near(other, expected), "both agree where colour or opacity stays the same"
assert near(other, (127, 0, 127, 127)), "ThorVG interpolates straight colours"
assert near(found, (255, 0, 0, 127)), "rlottie interpolates premultiplied ones"
PYTHON
