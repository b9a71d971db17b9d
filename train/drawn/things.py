"""Everyday things, drawn around (0, 0) within about -30..30, standing at y = 30."""

from __future__ import annotations

from collections.abc import Callable

from .palette import CLOTHES, jitter, mix, named_colour, shade
from .svg import Pen, n, ring, smooth

#: A thing draws itself and returns the colour word that a caption may use.
Thing = Callable[[Pen], str]
WOOD = ("#a8714a", "#8a5a3a", "#c08a5a", "#6f4a34", "#b5834f")
ALL = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "white", "gray", "brown")


def bench(pen: Pen) -> str:
    wood, leg = jitter(pen.rng, pen.rng.choice(WOOD)), pen.rng.choice(("#4a4f5a", "#3a3a40", "#6a4a34"))
    for x in (-22, 22):
        pen.limb([(x, -10), (x, 29)], leg, 3.4)
    for y in (-12, -5):
        pen.corners([(-29, y), (29, y), (29, y + 5), (-29, y + 5)], wood)
    pen.corners([(-31, 8), (31, 8), (33, 14), (-33, 14)], shade(wood, -0.08))
    return "wooden"


def book(pen: Pen) -> str:
    name, cover = named_colour(pen.rng, ALL)
    if pen.rng.random() < 0.5:
        pen.corners([(-32, -6), (0, 0), (32, -6), (32, 24), (0, 30), (-32, 24)], cover)
        for side in (-1, 1):
            pen.path(
                smooth([(0, 0), (side * 14, -8), (side * 29, -7), (side * 29, 20), (side * 14, 19), (0, 27)]),
                "#fffaf0",
                "#c9bfa8",
                0.6,
            )
            for y in (-1, 4, 9, 14):
                pen.line([(side * 6, y + 2), (side * 24, y - 1)], "#a8a090", 0.9)
    else:
        pen.corners([(-20, -26), (18, -26), (18, 28), (-20, 28)], cover)
        pen.corners([(18, -26), (23, -22), (23, 30), (18, 28)], "#fff6e4")
        pen.rect(-13, -17, 24, 9, mix(cover, "#ffffff", 0.6))
        pen.rect(-20, -26, 4, 54, shade(cover, -0.3))
    return name


def cup(pen: Pen) -> str:
    name, colour = named_colour(pen.rng, ALL)
    pen.path(smooth(ring(22, 8, 9, 10)), "none", shade(colour, -0.18), 4.5)
    pen.shape([(-22, -14), (22, -14), (21, 10), (13, 27), (-13, 27), (-21, 10)], colour)
    pen.oval(0, -14, 22, 5, pen.rng.choice(("#6a3f24", "#8fb04f", "#c9803f")), shading=False)
    pen.oval(0, 29, 24, 3, mix(colour, "#ffffff", 0.4))
    return name


def lamp(pen: Pen) -> str:
    name, shade_ = named_colour(pen.rng, ALL)
    metal = pen.rng.choice(("#4a4f5a", "#b5904a", "#3a3a40"))
    pen.path("M-19 -4L19 -4L34 30L-34 30Z", "#fff2a0", opacity=0.35)
    pen.limb([(0, -6), (0, 26)], metal, 3)
    pen.oval(0, 28, 13, 3.6, metal)
    pen.corners([(-11, -30), (11, -30), (21, -4), (-21, -4)], shade_)
    return name


def sofa(pen: Pen) -> str:
    name, colour = named_colour(pen.rng, ALL)
    for x in (-24, 24):
        pen.limb([(x, 24), (x, 30)], "#5a3f2c", 3.4)
    pen.shape(ring(0, -2, 29, 18, 20, 4), colour)
    pen.shape(ring(0, 14, 26, 8, 18, 4), mix(colour, "#ffffff", 0.15))
    for side in (-1, 1):
        pen.shape(ring(side * 30, 11, 7, 14, 16, 3), shade(colour, -0.08))
    if pen.rng.random() < 0.6:
        pen.corners([(-18, -5), (-6, -8), (-3, 4), (-15, 7)], jitter(pen.rng, pen.rng.choice(CLOTHES)))
    return name


def chair(pen: Pen) -> str:
    name, colour = named_colour(pen.rng, ALL)
    for x in (-14, 14):
        pen.limb([(x, -30), (x, 30)], shade(colour, -0.2), 3.2)
    pen.corners([(-16, -29), (16, -29), (16, -10), (-16, -10)], colour)
    pen.corners([(-19, 5), (19, 5), (21, 11), (-21, 11)], colour)
    return name


def bed(pen: Pen) -> str:
    name, colour = named_colour(pen.rng, ALL)
    wood = pen.rng.choice(WOOD)
    pen.corners([(-33, -14), (-28, -14), (-28, 29), (-33, 29)], wood)
    pen.corners([(28, 0), (33, 0), (33, 29), (28, 29)], wood)
    pen.corners([(-29, 10), (29, 10), (29, 24), (-29, 24)], "#fbf6ec")
    pen.shape(ring(-19, 6, 9, 5, 12, 3), "#ffffff")
    pen.shape([(-8, 6), (27, 6), (29, 22), (-9, 23)], colour)
    return name


def street_lamp(pen: Pen) -> str:
    metal = pen.rng.choice(("#3a3f4a", "#2f3a3a", "#4a3f3a"))
    pen.ellipse(0, -24, 13, 13, "#fff2a0", 0.4)
    pen.limb([(0, 29), (0, -18)], metal, 3)
    pen.corners([(-6, -32), (6, -32), (4, -18), (-4, -18)], "#ffe88a")
    pen.corners([(-8, -32), (0, -38), (8, -32)], metal)
    pen.corners([(-8, 30), (8, 30), (4, 25), (-4, 25)], metal)
    return "tall"


def house(pen: Pen) -> str:
    name, wall = named_colour(pen.rng, ALL)
    roof = jitter(pen.rng, pen.rng.choice(("#c9503f", "#8a5a3a", "#5a6a8f", "#a83f4a", "#4f7a5a")))
    pen.corners([(10, -30), (17, -30), (17, -14), (10, -14)], "#8a6a5a")
    pen.corners([(-23, -6), (23, -6), (23, 30), (-23, 30)], wall)
    pen.corners([(-30, -4), (0, -32), (30, -4)], roof)
    pen.corners([(-6, 10), (6, 10), (6, 30), (-6, 30)], pen.rng.choice(WOOD))
    for x in (-15, 15):
        pen.corners(
            [(x - 5, 3), (x + 5, 3), (x + 5, 13), (x - 5, 13)], "#bfe4ff" if pen.rng.random() < 0.5 else "#ffe88a"
        )
    return name


def tree(pen: Pen) -> str:
    name, leaves = named_colour(pen.rng, ("green", "green", "green", "orange", "pink", "red", "yellow"))
    pen.limb([(0, 29), (0.5, 8), (0, -4)], pen.rng.choice(WOOD), 6)
    if pen.rng.random() < 0.3:
        for y, w in ((6, 25), (-8, 20), (-20, 14)):
            pen.corners([(-w, y + 6), (0, y - 17), (w, y + 6)], leaves)
    else:
        for x, y, r in ((-12, -4, 13), (12, -4, 13), (0, -16, 16)):
            pen.oval(x, y, r, r * 0.9, leaves)
    return name


def apple(pen: Pen) -> str:
    name, skin = named_colour(pen.rng, ("red", "red", "green", "yellow"))
    pen.limb([(0, -16), (2, -26)], "#7a5230", 2.6)
    pen.shape(
        [(0, -17), (12, -22), (26, -12), (27, 8), (16, 28), (0, 26), (-16, 28), (-27, 8), (-26, -12), (-12, -22)], skin
    )
    pen.shape([(3, -22), (12, -31), (20, -28), (13, -20)], "#58a84a")
    pen.ellipse(-13, -6, 4, 7, "#ffffff", 0.5, 20)
    return name


def car(pen: Pen) -> str:
    name, paint = named_colour(pen.rng, ALL)
    pen.shape([(-18, 6), (-12, -11), (12, -11), (20, 6)], paint)
    pen.path("M-13 4L-9 -7H-1V4ZM2 4V-7H10L15 4Z", "#cfeaff")
    pen.shape(ring(0, 12, 33, 10, 20, 4), paint)
    for x in (-18, 18):
        pen.oval(x, 22, 7.5, 7.5, "#33343c", shading=False)
        pen.ellipse(x, 22, 3.2, 3.2, "#c9ced6")
    pen.ellipse(31, 10, 2.4, 3, "#ffe88a")
    return name


def bicycle(pen: Pen) -> str:
    name, frame = named_colour(pen.rng, ALL)
    for x in (-19, 19):
        pen.path(smooth(ring(x, 16, 13, 13)), "none", "#3a3a44", 2.6)
    pen.path(
        "M-19 16L-8 -6H12L-2 16ZM-19 16H-2M12 -6L19 16M12 -6L10 -14H17M-8 -6L-10 -12M-15 -12H-6", "none", frame, 2.8
    )
    return name


def fish(pen: Pen) -> str:
    name, scales = named_colour(pen.rng, ALL)
    pen.shape([(18, 0), (34, -15), (30, 0), (34, 15)], shade(scales, -0.15))
    pen.shape([(-30, 0), (-14, -16), (8, -14), (22, 0), (8, 14), (-14, 16)], scales)
    pen.shape([(-4, -14), (4, -24), (12, -11)], shade(scales, -0.15))
    pen.ellipse(-18, -3, 4, 4, "#ffffff")
    pen.ellipse(-19, -3, 2, 2, "#22222a")
    pen.line([(-8, -10), (-4, 0), (-8, 10)], shade(scales, -0.3), 1.4)
    return name


def clock(pen: Pen) -> str:
    name, rim = named_colour(pen.rng, ALL)
    pen.oval(0, 0, 28, 28, rim)
    pen.ellipse(0, 0, 22.5, 22.5, "#fffdf5")
    for i in range(12):
        with pen.group(f"rotate({30 * i})"):
            pen.rect(-0.7, -20, 1.4, 4, "#5a5a66")
    pen.path("M0 0V-14M0 0L9 5", "none", "#2f2f3a", 2)
    return name


def umbrella(pen: Pen) -> str:
    name, cloth = named_colour(pen.rng, ALL)
    pen.path("M0 -4V22Q0 29 6 29Q11 28 10 23", "none", "#6a4a34", 2.6)
    pen.shape("M-32 0C-30 -36 30 -36 32 0C26 -6 18 -6 12 0C8 -6 -8 -6 -12 0C-18 -6 -26 -6 -32 0Z", cloth)
    return name


def teddy(pen: Pen) -> str:
    name, fur = named_colour(pen.rng, ("brown", "beige", "white", "pink"))
    for side in (-1, 1):
        pen.oval(side * 13, -25, 6, 6, fur)
        pen.oval(side * 19, 8, 6, 9, fur)
        pen.oval(side * 12, 26, 8, 6, fur)
    pen.oval(0, 12, 17, 17, fur)
    pen.oval(0, -14, 17, 15, fur)
    pen.oval(0, -9, 7, 5.5, mix(fur, "#ffffff", 0.6), shading=False)
    for side in (-1, 1):
        pen.ellipse(side * 7, -17, 1.8, 2, "#2a2028")
    pen.ellipse(0, -11, 2.4, 1.7, "#2a2028")
    return name


def ball(pen: Pen) -> str:
    name, colour = named_colour(pen.rng, ALL)
    data = pen.oval(0, 4, 25, 25, colour)
    with pen.group(clip=data):
        second = mix(colour, "#ffffff", 0.65)
        pen.path("M-30 -8Q0 6 30 -8", "none", second, 6)
        pen.path("M-30 18Q0 4 30 18", "none", second, 6)
    return name


def boat(pen: Pen) -> str:
    name, hull = named_colour(pen.rng, ALL)
    pen.limb([(0, -30), (0, 12)], "#7a5230", 2.6)
    pen.corners([(2, -28), (24, 6), (2, 6)], "#fffaf0")
    pen.corners([(-2, -22), (-18, 6), (-2, 6)], mix(hull, "#ffffff", 0.6))
    pen.shape([(-31, 12), (31, 12), (20, 28), (-20, 28)], hull)
    return name


def guitar(pen: Pen) -> str:
    name, body = named_colour(pen.rng, ("brown", "red", "orange", "black", "blue"))
    with pen.group("rotate(25)"):
        pen.corners([(-2.6, -36), (2.6, -36), (2.6, 4), (-2.6, 4)], "#5a3a24")
        pen.shape([(0, -4), (12, 0), (10, 10), (17, 22), (0, 32), (-17, 22), (-10, 10), (-12, 0)], body)
        pen.ellipse(0, 13, 5, 5, "#2a1a14")
        pen.path("M-1 -34V26M1 -34V26", "none", "#e8e0d0", 0.6)
    return name


def window(pen: Pen) -> str:
    name, frame = named_colour(pen.rng, ("white", "brown", "green", "blue"))
    pen.corners([(-25, -30), (25, -30), (25, 26), (-25, 26)], frame)
    for x in (-22, 1):
        for y in (-27, 0):
            pen.rect(x, y, 21, 23, "#bfe6ff")
    pen.corners([(-29, 26), (29, 26), (29, 31), (-29, 31)], shade(frame, -0.12))
    return name


def shoe(pen: Pen) -> str:
    name, colour = named_colour(pen.rng, ALL)
    pen.shape([(-26, -14), (-10, -14), (-2, 0), (18, 6), (31, 14), (31, 22), (-28, 22)], colour)
    pen.corners([(-29, 20), (32, 20), (31, 28), (-28, 28)], "#fbfaf5")
    for x, y in ((-7, -7), (-2, -2), (4, 2)):
        pen.path(f"M{n(x - 3)} {n(y + 2)}L{n(x + 3)} {n(y - 2)}", "none", "#ffffff", 1.6)
    return name


def candle(pen: Pen) -> str:
    name, wax = named_colour(pen.rng, ("white", "red", "beige", "purple", "pink"))
    pen.ellipse(0, -22, 14, 14, "#ffe88a", 0.35)
    pen.corners([(-9, -6), (9, -6), (9, 28), (-9, 28)], wax)
    pen.limb([(0, -6), (0, -11)], "#4a3a34", 1.4)
    pen.path("M0 -30C6 -22 6 -12 0 -11C-6 -12 -6 -22 0 -30Z", "#ffb02a")
    pen.oval(0, 29, 18, 3.5, "#b5904a")
    return name


def room(pen: Pen) -> str:
    """A room seen from its open side."""
    name, wall = named_colour(pen.rng, ALL)
    wall = mix(wall, "#ffffff", 0.5)
    wood = pen.rng.choice(WOOD)
    pen.corners([(-32, -30), (32, -30), (32, 16), (-32, 16)], wall)
    pen.corners([(-32, 14), (32, 14), (36, 30), (-36, 30)], wood)
    pen.corners([(-24, -22), (-6, -22), (-6, -6), (-24, -6)], "#cfeaff")
    pen.path("M-15 -22V-6M-24 -14H-6", "none", "#ffffff", 1.4)
    pen.corners([(14, -14), (27, -14), (27, 15), (14, 15)], shade(wood, -0.1))
    pen.ellipse(17, 1, 1.2, 1.2, "#ffd84f")
    cloth = jitter(pen.rng, pen.rng.choice(CLOTHES))
    pen.shape(ring(-10, 17, 17, 6, 14, 4), cloth)
    pen.shape(ring(-21, 12, 6, 4, 12, 3), "#ffffff")
    return name


def street(pen: Pen) -> str:
    """A row of houses along a road."""
    for x in (-32, -11, 10):
        _, wall = named_colour(pen.rng, ALL)
        height = pen.rng.uniform(22, 38)
        pen.corners([(x, 10 - height), (x + 21, 10 - height), (x + 21, 14), (x, 14)], wall)
        if pen.rng.random() < 0.6:
            pen.corners([(x - 1, 10 - height), (x + 10.5, -height), (x + 22, 10 - height)], shade(wall, -0.35))
        for wx in (x + 3, x + 12):
            pen.rect(wx, 15 - height, 5, 6, "#dff2ff")
        pen.rect(x + 8, 4, 5, 10, shade(wall, -0.45))
    pen.corners([(-35, 14), (35, 14), (35, 30), (-35, 30)], "#6a6f7a")
    pen.path("M-30 22H-20M-12 22H-2M6 22H16M24 22H32", "none", "#fff6d0", 1.8)
    return "small"


def flower_pot(pen: Pen) -> str:
    """A flower in a pot."""
    name, petal = named_colour(pen.rng, ("red", "pink", "yellow", "purple", "white", "orange", "blue"))
    pen.limb([(0, 8), (1, -6), (0, -16)], "#4f9a4a", 2.6)
    for side in (-1, 1):
        pen.shape([(0, 4), (side * 8, -4), (side * 15, -2), (side * 8, 4)], "#62ae58")
    for i in range(6):
        with pen.group(f"rotate({60 * i} 0 -18)"):
            pen.oval(0, -26, 4.6, 6, petal)
    pen.ellipse(0, -18, 4.4, 4.4, "#ffc21a")
    pen.corners([(-15, 8), (15, 8), (11, 30), (-11, 30)], pen.rng.choice(("#c9703f", "#a8584a", "#7a8aa0")))
    return name


THINGS: dict[str, Thing] = {
    "bench": bench, "book": book, "cup": cup, "lamp": lamp, "sofa": sofa, "chair": chair, "bed": bed,
    "street lamp": street_lamp, "house": house, "tree": tree, "apple": apple, "car": car, "bicycle": bicycle,
    "fish": fish, "clock": clock, "umbrella": umbrella, "teddy bear": teddy, "ball": ball, "boat": boat,
    "guitar": guitar, "window": window, "shoe": shoe, "candle": candle,
    "room": room, "street": street, "flower": flower_pot,
}  # fmt: skip
