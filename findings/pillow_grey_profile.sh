#!/usr/bin/env bash
# A grey ICC profile through Pillow's ImageCms, with its default flags: dark greys come out up to ten levels off, though the
# same curve in a profile of three colours is exact.
#
# Version: pillow==12.3.0 (littleCMS 2.19). Guess beforehand: within one level of the formula, as for RGB.
# Expected: level 2 of linear light is 22 in sRGB. Seen: 12; with ImageCms.Flags.NOOPTIMIZE 22.
# Why it matters: night scenes and scanned drawings with a grey profile are seen darker than a browser shows them.
# Exits 0 while it is so, and 1 once dark greys are right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet "pillow==12.3.0"
"$folder/environment/bin/python" - <<'PYTHON'
import io
import struct
import sys

from PIL import Image, ImageCms


def fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def profile(space, colorants):
    """A version 2 display profile of linear light: grey, or the three colours of sRGB."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 256) + bytes(2)
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"p" + bytes(80), b"cprt": b"text" + bytes(4) + b"-" + bytes(3)}
    tags[b"wtpt"] = b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)
    for letter, column in colorants.items():
        tags[letter + b"TRC"] = curve
        if column:
            tags[letter + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*column)
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(body), b"", 0x02400000, b"mntr", space, b"XYZ ", b"", b"acsp")
    head = head.ljust(68, b"\0") + fixed(0.9642, 1, 0.8249) + bytes(48)
    return ImageCms.ImageCmsProfile(io.BytesIO(head + struct.pack(">I", len(tags)) + table + body))


def shown(source, mode, flags):
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
    picture = Image.new("L", (256, 1))
    picture.putdata(range(256))
    return [pixel[0] for pixel in transform.apply(picture.convert(mode)).get_flattened_data()]


grey = profile(b"GRAY", {b"k": None})
colours = {b"r": (0.4361, 0.2225, 0.0139), b"g": (0.3851, 0.7169, 0.0971), b"b": (0.1431, 0.0606, 0.7142)}
light = [level / 255 for level in range(256)]
right = [255 * (12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055) for x in light]
found = {
    "grey profile": shown(grey, "L", ImageCms.Flags.NONE),
    "grey profile, NOOPTIMIZE": shown(grey, "L", ImageCms.Flags.NOOPTIMIZE),
    "the same curve for three colours": shown(profile(b"RGB ", colours), "RGB", ImageCms.Flags.NONE),
}
worst = {}
for name, levels in found.items():
    off = [abs(level - wanted) for level, wanted in zip(levels, right)]
    worst[name] = max(off)
    place = off.index(worst[name])
    print(f"{name}: level {place} is {levels[place]}, right is {right[place]:.0f}; worst difference {worst[name]:.1f}")
sys.exit(not (worst["grey profile"] > 5 and max(list(worst.values())[1:]) < 2))
PYTHON
