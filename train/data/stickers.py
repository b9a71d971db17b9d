"""Drawn stickers as a painter learns from them: pixels with opacity, latents that are kept, words and weights of emotions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch

from kcdp.emotions import MIKELS_8
from kcdp.painting.upscaler import laid_on_white
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.vision.efficientnet import EfficientNetLite, normalized
from train.data.cache import cached_array, cached_json, content_key, fingerprint
from train.drawn import Sticker, draw_sticker
from train.drawn.things import THINGS

#: Raise when the renderer draws other stickers: they are then drawn and encoded again.
VERSION = 1
#: Stickers of validation and pairs have numbers that no others have.
HELD_OUT, PAIRS = 10_000_000, 20_000_000

#: Of what the renderer draws beside characters.
THING_NAMES = tuple(THINGS)
_LABELS = MIKELS_8.labels

#: From the number of a sticker and its size in pixels to the sticker.
Draw = Callable[[int, int], Sticker]


def sticker(number: int, size: int) -> Sticker:
    """Sticker `number`: every emotion in turn, most surroundings with a feeling that need not be the face's."""
    surroundings = Random(f"surroundings {number}").choice(_LABELS)
    return draw_sticker(number, _LABELS[number % len(_LABELS)], surroundings, size)


def thing_sticker(number: int) -> Sticker:
    """Sticker `number` of things: every emotion in turn, half of them in surroundings."""
    kind = ("thing", "thing in surroundings")[number % 2]
    return draw_sticker(number, _LABELS[number // 2 % len(_LABELS)], kind=kind)


def sticker_of_two(number: int, face: str, surroundings: str) -> Sticker:
    """Sticker `number` of two feelings: a character with one on its face, and the other's surroundings."""
    return draw_sticker(number, face, surroundings, kind="character in surroundings")


def paired_sticker(number: int, size: int) -> Sticker:
    """Sticker `number` of pairs: 2 n and 2 n + 1 are one character, or one thing with a face, with two feelings."""
    first, second = Random(f"pair {number // 2}").sample(_LABELS, 2)
    kind = "thing" if number // 2 % 4 == 0 else "character"
    return draw_sticker(PAIRS + number // 2, (first, second)[number % 2], None, size, kind)


def sticker_pixels(stickers: Sequence[Sticker]) -> torch.Tensor:
    """Pixels (B, 4, size, size) in [-1, 1]: colours laid on white, and opacity."""
    return laid_on_white([one.image for one in stickers])


@dataclass(frozen=True)
class StickerLatents:
    """`count` stickers as a painter's latents (N, C, h, w) float16, with two texts each, and weights (N, 8) of emotions.

    The first text names the subject alone, the second says more. `features` (N, P, F) float16 are a trunk's of the pictures
    at its P positions, where one is given.
    """

    latents: np.ndarray
    texts: Sequence[Sequence[str]]
    weights: torch.Tensor
    features: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def prompts(self, rows: Sequence[int], draws: Sequence[float], silent: float, plain: float) -> list[str]:
        """The words for some rows, by draws in [0, 1): none in a share `silent`, the subject alone in a share `plain`."""
        return [
            "" if draw < silent else self.texts[row][0 if draw < silent + plain else 1]
            for row, draw in zip(rows, draws, strict=True)
        ]


def sticker_latents(
    vae: StickerAutoencoder,
    count: int,
    size: int,
    cache_dir: Path,
    first: int = 0,
    draw: Draw = sticker,
    trunk: EfficientNetLite | None = None,
) -> StickerLatents:
    """Stickers `first` to `first` + `count` - 1, drawn, encoded and kept; `draw` is `sticker` or `paired_sticker`.

    With a `trunk`, so are its features of them.
    """
    source = ("stickers", VERSION, draw.__name__, first, count, size)

    def draw_rows(rows: slice) -> list[Sticker]:
        return [draw(first + row, size) for row in range(rows.start, rows.stop)]

    @torch.no_grad()
    def encoded(rows: slice) -> torch.Tensor:
        parts = sticker_pixels(draw_rows(rows)).split(64)
        modes = [vae.encode(part.to(vae.device, vae.dtype)).latent_dist.mode() for part in parts]
        return (torch.cat(modes) * vae.config.scaling_factor).half().cpu()

    def texts_and_weights(rows: slice) -> list[tuple[str, str, list[float]]]:
        return [
            (one.plain, one.caption, [one.emotions.get(label, 0.0) for label in _LABELS]) for one in draw_rows(rows)
        ]

    @torch.no_grad()
    def trunk_maps(rows: slice) -> torch.Tensor:
        parts = sticker_pixels(draw_rows(rows))[:, :3].split(64)
        return torch.cat([trunk_features(trunk, part) for part in parts])

    weights = fingerprint(vae.linear_encoder)
    latents = cached_array(cache_dir, content_key(*source, "latents", weights), count, encoded)
    features = None
    if trunk is not None:
        features = cached_array(cache_dir, content_key(*source, "features", fingerprint(trunk)), count, trunk_maps)
    rows = cached_json(cache_dir, content_key(*source, "texts"), count, texts_and_weights)[:]
    return StickerLatents(latents, [row[:2] for row in rows], torch.tensor([row[2] for row in rows]), features)


def trunk_features(trunk: EfficientNetLite, pictures: torch.Tensor) -> torch.Tensor:
    """A trunk's last map of pictures (B, 3, H, W) in [-1, 1]: (B, P, F) float16, P = H W / 32^2 positions row by row."""
    maps = trunk(normalized(pictures))[1]
    return maps.flatten(2).transpose(1, 2).half().cpu()
