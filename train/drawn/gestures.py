"""Arms and hands: where they go for each gesture, and what they hold."""

from __future__ import annotations

from .bodies import Anchor
from .palette import CLOTHES, shade
from .svg import Pen, Point, heart, n, ring, smooth

#: Gestures whose hands lie over the face, so that they are drawn after it.
OVER_FACE = frozenset({"cheeks", "cover mouth", "rub eyes", "pinch nose"})


def _targets(pen: Pen, anchor: Anchor, gesture: str, left: Point, right: Point) -> tuple[Point, Point]:
    """Where the hands are."""
    cx, cy, rx, ry = anchor.cx, anchor.cy, anchor.rx, anchor.ry
    u = pen.rng.uniform
    low = max(left[1], right[1])
    rest = ((left[0] - u(3, 8), low + u(11, 17)), (right[0] + u(3, 8), low + u(11, 17)))
    one = pen.rng.random() < 0.5
    if gesture in ("up", "jump", "up fists"):
        return (cx - rx - u(5, 9), cy - u(4, 18)), (cx + rx + u(5, 9), cy - u(4, 18))
    if gesture in ("cheeks",):
        return (cx - rx * 0.78, cy + ry * 0.5), (cx + rx * 0.78, cy + ry * 0.5)
    if gesture == "cover mouth":
        return (cx - rx * 0.26, cy + ry * 0.68), (cx + rx * 0.26, cy + ry * 0.68)
    if gesture == "rub eyes":
        return (cx - rx * 0.6, cy + ry * 0.28), (cx + rx * 0.6, cy + ry * 0.28)
    if gesture in ("clasp", "hold heart", "hold cup", "hold flower", "hug pillow", "crossed"):
        return (50 - u(4, 6), low + u(7, 9)), (50 + u(4, 6), low + u(7, 9))
    if gesture == "belly":
        return (50 - u(4, 9), low + u(11, 14)), (50 + u(4, 9), low + u(11, 14))
    if gesture == "hips":
        return (left[0] + 1, low + 13), (right[0] - 1, low + 13)
    if gesture == "fists":
        return (left[0] - 6, low + 2), (right[0] + 6, low + 2)
    if gesture in ("wave", "thumb up", "thumb down", "peace", "point", "pinch nose"):
        height = {"wave": cy - 2, "thumb up": low - 2, "thumb down": low + 2, "peace": low - 6, "point": low - 4}
        if gesture == "pinch nose":
            hand = (cx, cy + ry * 0.3)
            return (hand, rest[1]) if one else (rest[0], hand)
        y = height[gesture]
        return ((left[0] - 14, y), rest[1]) if one else (rest[0], (right[0] + 14, y))
    if gesture == "stop":
        return (left[0] - 12, low - 3), (right[0] + 12, low - 3)
    if gesture == "run":
        return (left[0] - 14, low - 6), (right[0] + 12, low + 9)
    if gesture == "slump":
        return (left[0] - 1, low + 19), (right[0] + 1, low + 19)
    return rest


def _elbow(shoulder: Point, hand: Point, gesture: str) -> Point:
    side = -1 if shoulder[0] < 50 else 1
    x, y = (shoulder[0] + hand[0]) / 2, (shoulder[1] + hand[1]) / 2
    if gesture == "hips":
        return shoulder[0] + side * 11, y
    if gesture in (
        "cheeks",
        "cover mouth",
        "rub eyes",
        "fists",
        "clasp",
        "belly",
        "hold heart",
        "hold cup",
        "hold flower",
        "crossed",
    ):
        return x + side * 7, y + 3
    return x + side * 2, y + 1


def arms(
    pen: Pen, anchor: Anchor, gesture: str, sleeve: str, hand: str, left: Point, right: Point, width: float
) -> None:
    """Both arms from the shoulders; those that lie over the face wait in `anchor.in_front`."""
    goals = _targets(pen, anchor, gesture, left, right)

    def draw() -> None:
        for shoulder, goal in zip((left, right), goals, strict=True):
            pen.limb([shoulder, _elbow(shoulder, goal, gesture), goal], sleeve, width)
            pen.oval(*goal, width * 0.6, width * 0.6, hand, shading=False)
        _held(pen, gesture, goals, hand, width)

    anchor.attributes["gesture"] = gesture
    if gesture in OVER_FACE or gesture in ("up", "jump", "up fists", "wave", "hold flower", "hold cup", "hold heart"):
        anchor.in_front.append(draw)
    else:
        draw()


def _held(pen: Pen, gesture: str, goals: tuple[Point, Point], hand: str, width: float) -> None:
    """Fingers, thumbs and things in the hands."""
    (x0, y0), (x1, y1) = goals
    outer = goals[0] if abs(x0 - 50) > abs(x1 - 50) else goals[1]
    side = -1 if outer[0] < 50 else 1
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    thin = width * 0.4
    if gesture == "thumb up":
        pen.limb([outer, (outer[0], outer[1] - width * 1.1)], hand, thin * 1.2)
    elif gesture == "thumb down":
        pen.limb([outer, (outer[0], outer[1] + width * 1.1)], hand, thin * 1.2)
    elif gesture == "point":
        pen.limb([outer, (outer[0] + side * width * 1.1, outer[1] - 2)], hand, thin)
    elif gesture == "peace":
        for lean in (-2.4, 2.4):
            pen.limb([outer, (outer[0] + lean, outer[1] - width * 1.2)], hand, thin)
    elif gesture == "stop":
        for hx, hy in goals:
            for lean in (-3, 0, 3):
                pen.limb([(hx + lean * 0.5, hy), (hx + lean, hy - width * 1.05)], hand, thin)
    elif gesture == "hold heart":
        r = pen.rng.uniform(8, 11)
        pen.path(heart(x, y, r), "#ee3f5f", pen.outline_of("#ee3f5f"), 1.2)
        for hx, hy in goals:
            pen.oval(hx + (-3 if hx < 50 else 3), hy + 1, width * 0.55, width * 0.55, hand, shading=False)
    elif gesture == "hold cup":
        colour = pen.rng.choice(CLOTHES)
        pen.corners([(x - 7, y - 8), (x + 7, y - 8), (x + 5.5, y + 5), (x - 5.5, y + 5)], colour)
        for dx in (-2.5, 2.5):
            pen.line([(x + dx, y - 10), (x + dx + 1.5, y - 13), (x + dx, y - 16)], "#c9d2dc", 1.2)
    elif gesture == "hold flower":
        colour = pen.rng.choice(("#f58fb8", "#e5554f", "#f6d55c", "#9b6dd6", "#ffffff"))
        pen.limb([(x, y + 4), (x + 1, y - 10)], "#58a84a", 1.8)
        for step in range(5):
            with pen.group(f"rotate({step * 72} {n(x + 1)} {n(y - 13)})"):
                pen.ellipse(x + 1, y - 16.5, 2.5, 3.4, colour)
        pen.ellipse(x + 1, y - 13, 2.2, 2.2, "#ffc21a")
    elif gesture == "hug pillow":
        colour = pen.rng.choice(CLOTHES)
        pen.shape(ring(x, y + 2, 13, 9, 16, 3.2), colour)
        for hx, hy in goals:
            pen.oval(hx, hy, width * 0.55, width * 0.55, hand, shading=False)


def floating_hands(pen: Pen, anchor: Anchor, gesture: str) -> None:
    """Hands without arms, for heads: only the gestures that read well that way."""
    skin = shade(anchor.skin, -0.06)
    cx, cy, rx, ry = anchor.cx, anchor.cy, anchor.rx, anchor.ry
    r = rx * 0.2
    spots = {
        "cheeks": ((cx - rx * 0.82, cy + ry * 0.62), (cx + rx * 0.82, cy + ry * 0.62)),
        "cover mouth": ((cx - rx * 0.2, cy + ry * 0.62), (cx + rx * 0.22, cy + ry * 0.66)),
        "up": ((cx - rx * 1.1, cy - ry * 0.2), (cx + rx * 1.1, cy - ry * 0.2)),
    }
    if gesture not in spots:
        return
    anchor.attributes["gesture"] = gesture

    def draw() -> None:
        for side, (x, y) in zip((-1, 1), spots[gesture], strict=True):
            with pen.group(f"rotate({n(side * -20)} {n(x)} {n(y)})"):
                for dx in (-0.55, 0, 0.55):
                    pen.limb([(x + dx * r, y), (x + dx * r * 1.2, y - r * 1.15)], skin, r * 0.5)
                pen.path(smooth(ring(x, y, r * 0.95, r * 0.85, 8)), skin, pen.outline_of(skin), pen.style.width)

    anchor.in_front.append(draw)
