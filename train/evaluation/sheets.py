"""Sheets to look at: one thing in every emotion, and one emotion turning into another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFont

from kcdp.painting.things import THINGS


def grid(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size in rows of `columns`."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * width, rows * height), "white")
    for index, picture in enumerate(pictures):
        page.paste(picture, (index % columns * width, index // columns * height))
    return page


def headed(page: Image.Image, columns: Sequence[str], rows: Sequence[str]) -> Image.Image:
    """A page of equal cells with the names of its columns above and of its rows on the left, if there are any."""
    width, height = page.width // len(columns), page.height // max(len(rows), 1)
    size = max(8, width // 9)
    font = ImageFont.load_default(size)
    left = 2 * size + max((int(font.getlength(name)) for name in rows), default=-2 * size)
    top = 2 * size
    whole = Image.new("RGB", (left + page.width, top + page.height), "white")
    whole.paste(page, (left, top))
    pen = ImageDraw.Draw(whole)
    for index, name in enumerate(columns):
        pen.text((left + (index + 0.5) * width, top / 2), name, "black", font, anchor="mm")
    for index, name in enumerate(rows):
        pen.text((left - size, top + (index + 0.5) * height), name, "black", font, anchor="rm")
    return whole


def transfer_sheet(
    paint: Callable[[str, str, int], Image.Image],
    emotions: Sequence[str],
    things: Sequence[str] = THINGS,
    seed: int = 0,
) -> Image.Image:
    """A row of each thing, a column of each emotion, all from one seed; along a row only the emotion changes.

    `paint(emotion, thing, seed)` makes one picture; all are of one size.
    """
    pictures = [paint(emotion, thing, seed) for thing in things for emotion in emotions]
    return headed(grid(pictures, len(emotions)), emotions, things)


def fusion_strip(
    blend: Callable[[dict[str, float], int], Image.Image],
    first: str,
    second: str,
    steps: int = 7,
    seeds: Sequence[int] = (0,),
) -> Image.Image:
    """From `first` alone on the left to `second` alone on the right in equal steps of weight, a row of each seed.

    `blend(weights, seed)` makes one picture; the weights of both emotions are from 0 to 1 and sum to 1.

    Raises ValueError when there are fewer than two steps or both emotions are the same.
    """
    if steps < 2 or first == second:
        raise ValueError(
            f"A strip goes from one emotion to another in two steps or more, not from {first} to {second} in {steps}."
        )
    weights = [{first: 1 - step / (steps - 1), second: step / (steps - 1)} for step in range(steps)]
    pictures = [blend(dict(some), seed) for seed in seeds for some in weights]
    names = [f"{100 * some[second]:.0f} %" for some in weights]
    names[0], names[-1] = first, second
    return headed(grid(pictures, steps), names, ())
