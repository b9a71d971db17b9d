"""Random views of stickers and photos, in batches: uint8 RGBA (B, 4, H, W) in, float RGB (B, 3, H, W) in [-1, 1] out.

A sticker is cut out, so it meets another background every time it is seen; a photo fills its frame, so it is never
shrunk, and what a turn uncovers is filled by mirroring. Everything random comes from the generator that the caller gives:
the same state gives the same batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch.nn import functional as F

from kcdp.imaging import GROUND


@dataclass
class AugmentConfig:
    """How far a view may stray from its picture. Chances are per picture."""

    strength: float = field(default=0.8, metadata={"help": "Scales every range below; 0 gives plain pictures."})
    background: float = field(default=0.7, metadata={"help": "Chance of a background other than white or the ground."})
    rotate: float = field(default=20.0, metadata={"help": "Largest turn, degrees."})
    scale: tuple[float, float] = field(default=(0.7, 1.15), metadata={"help": "Smallest and largest size."})
    translate: float = field(default=0.1, metadata={"help": "Largest shift, share of the side."})
    flip: float = field(default=0.5, metadata={"help": "Chance of a mirror image."})
    hue: float = field(default=18.0, metadata={"help": "Largest turn of the hue, degrees."})
    saturation: float = field(default=0.35, metadata={"help": "Largest change of the saturation, share."})
    brightness: float = field(default=0.15, metadata={"help": "Largest change of the brightness, 0 to 1."})
    contrast: float = field(default=0.25, metadata={"help": "Largest change of the contrast, share."})
    grey: float = field(default=0.05, metadata={"help": "Chance of a grey picture."})
    border: float = field(default=0.15, metadata={"help": "Chance of a sticker's white border."})
    cutout: float = field(default=0.1, metadata={"help": "Chance of a hidden square."})
    blur: float = field(default=0.1, metadata={"help": "Chance of being shrunk and enlarged again."})
    noise: float = field(default=0.1, metadata={"help": "Chance of noise in the pixels."})


def _as_float(rgba: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Premultiplied colours (B, 3, H, W) and alpha (B, 1, H, W), both 0 to 1."""
    pixels = rgba.float().mul_(1 / 255)
    alpha = pixels[:, 3:]
    return pixels[:, :3] * alpha, alpha


def plain(rgba: torch.Tensor) -> torch.Tensor:
    """The pictures (B, 4, H, W) uint8 on the plain ground: what a model sees when nothing is random."""
    colours, alpha = _as_float(rgba)
    ground = torch.tensor(GROUND, device=rgba.device).view(1, 3, 1, 1) / 255
    return (colours + (1 - alpha) * ground).mul_(2).sub_(1)


class _BatchRandom:
    """Random numbers of one batch, drawn on the generator's device and moved to the pictures'."""

    def __init__(self, generator: torch.Generator, device: torch.device) -> None:
        self.generator, self.device = generator, device

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        values = torch.rand(shape, generator=self.generator, device=self.generator.device)
        return values.to(self.device) * (high - low) + low

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device).to(self.device)

    def chosen(self, count: int, chance: float) -> torch.Tensor:
        """Indices of the pictures that something happens to, each with the given chance."""
        return (self.uniform(count) < chance).nonzero().flatten()


def _smooth_fields(draw: _BatchRandom, count: int, cells: int, size: int) -> torch.Tensor:
    """Random colours that change smoothly over (count, 3, size, size)."""
    return F.interpolate(draw.uniform(count, 3, cells, cells), size=(size, size), mode="bilinear", align_corners=True)


def _gradients(draw: _BatchRandom, count: int, size: int) -> torch.Tensor:
    """Two colours, one turning into the other along a random direction."""
    first, second = draw.uniform(count, 3, 1, 1), draw.uniform(count, 3, 1, 1)
    return first + (second - first) * (_ramps(draw, count, size) * 0.5 + 0.5).clamp_(0, 1)


def _stripes(draw: _BatchRandom, count: int, size: int) -> torch.Tensor:
    """Two colours in stripes of random direction and width."""
    first, second = draw.uniform(count, 3, 1, 1), draw.uniform(count, 3, 1, 1)
    waves = torch.sin(_ramps(draw, count, size) * draw.uniform(count, 1, 1, 1, low=6, high=30))
    return first + (second - first) * (waves * 4).clamp_(-0.5, 0.5).add_(0.5)


def _ramps(draw: _BatchRandom, count: int, size: int) -> torch.Tensor:
    """(count, 1, size, size) that rises from about -1 to 1 along a random direction."""
    angle = draw.uniform(count, 1, 1, 1, high=2 * math.pi)
    axis = torch.linspace(-1, 1, size, device=draw.device)
    return torch.cos(angle) * axis.view(1, 1, 1, size) + torch.sin(angle) * axis.view(1, 1, size, 1)


def backgrounds(rgba: torch.Tensor, config: AugmentConfig, draw: _BatchRandom) -> torch.Tensor:
    """What the pictures are laid on, (B, 3, H, W) 0 to 1: plain, flat, gradient, blobs, stripes or a picture."""
    count, _, size, _ = rgba.shape
    kind = (draw.uniform(count) * 5).long()
    busy = draw.uniform(count) < config.background * config.strength
    shades = draw.uniform(count, 1, 1, 1)
    white = torch.where(shades < 0.5, torch.ones_like(shades), 0.8 + 0.2 * shades)
    ground = white.expand(count, 3, size, size).contiguous()
    for index in range(5):
        rows = (busy & (kind == index)).nonzero().flatten()
        many = len(rows)
        if many == 0:
            continue
        if index == 0:
            ground[rows] = draw.uniform(many, 3, 1, 1).expand(many, 3, size, size)
        elif index == 1:
            ground[rows] = _gradients(draw, many, size)
        elif index == 2:
            ground[rows] = _smooth_fields(draw, many, 5, size)
        elif index == 3:
            ground[rows] = _stripes(draw, many, size)
        else:
            others = rgba[rows.roll(1), :3].float() / 255
            small = F.adaptive_avg_pool2d(others[:, :, size // 4 : -size // 4, size // 4 : -size // 4], size // 16)
            ground[rows] = F.interpolate(small, size=(size, size), mode="bilinear", align_corners=True)
    return ground


def _inverse_affine(opaque: torch.Tensor, config: AugmentConfig, draw: _BatchRandom) -> torch.Tensor:
    """Inverse affine matrices (B, 2, 3) for `affine_grid`: mirror, turn, size and shift; `opaque` (B,) never shrink."""
    count, strength = len(opaque), config.strength
    angle = draw.uniform(count, low=-1, high=1) * math.radians(config.rotate) * strength
    low, high = (math.log(edge) * strength for edge in config.scale)
    zoom = torch.exp(-draw.uniform(count, low=low, high=high))
    zoom = torch.where(opaque, zoom.clamp(max=1), zoom)
    mirror = torch.where(draw.uniform(count) < min(config.flip, config.flip * strength), -1.0, 1.0)
    shift = draw.uniform(count, 2, low=-2, high=2) * config.translate * strength
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = torch.stack([cos * mirror, sin * mirror, -sin, cos], dim=1).view(count, 2, 2)
    return torch.cat([rows, shift[:, :, None]], dim=2)


_GREY = (0.299, 0.587, 0.114)


def _recolour(count: int, config: AugmentConfig, draw: _BatchRandom) -> tuple[torch.Tensor, torch.Tensor]:
    """Hue, saturation, contrast, brightness and grey as one matrix (B, 3, 3) and one shift (B, 3, 1).

    The hue turns about the grey axis (Rodrigues' formula), which keeps the mean of the channels.
    """
    strength, device = config.strength, draw.device
    grey = torch.tensor(_GREY, device=device).expand(3, 3)
    eye, ones = torch.eye(3, device=device), torch.ones(3, 3, device=device) / 3
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=device) / math.sqrt(3)

    def spread(limit: float) -> torch.Tensor:
        return draw.uniform(count, 1, 1, low=-1, high=1) * limit * strength

    turn = spread(math.radians(config.hue))
    hue = torch.cos(turn) * (eye - ones) + torch.sin(turn) * cross + ones
    colour = 1 + spread(config.saturation)
    colour[draw.chosen(count, config.grey * strength)] = 0
    contrast = 1 + spread(config.contrast)
    matrix = contrast * ((grey + colour * (eye - grey)) @ hue)
    shift = 0.5 * (1 - contrast) + spread(config.brightness)
    return matrix, shift.expand(count, 3, 1)


def _degrade(pictures: torch.Tensor, config: AugmentConfig, draw: _BatchRandom) -> torch.Tensor:
    """Hidden squares, lost detail and noise for some of the pictures (B, 3, H, W), 0 to 1, in place."""
    count, _, size, _ = pictures.shape
    rows = draw.chosen(count, config.blur * config.strength)
    if len(rows):
        smaller = int(size / draw.uniform(1, low=1.3, high=2.5).item())
        small = F.interpolate(pictures[rows], size=(smaller, smaller), mode="bilinear", antialias=True)
        pictures[rows] = F.interpolate(small, size=(size, size), mode="bilinear")
    rows = draw.chosen(count, config.noise * config.strength)
    if len(rows):
        amount = draw.uniform(len(rows), 1, 1, 1, high=0.06)
        pictures[rows] += amount * draw.normal(len(rows), 3, size, size)
    for row in draw.chosen(count, config.cutout * config.strength).tolist():
        place = draw.uniform(6)
        side = int(size * (0.12 + 0.18 * place[0]))
        top, left = (int((size - side) * value) for value in place[1:3])
        pictures[row, :, top : top + side, left : left + side] = place[3:].view(3, 1, 1)
    return pictures


def _bordered(colours: torch.Tensor, alpha: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Premultiplied pictures with a white border of `width` pixels around whatever is opaque."""
    grown = F.max_pool2d(alpha, (2 * width + 1, 1), stride=1, padding=(width, 0))
    grown = F.max_pool2d(grown, (1, 2 * width + 1), stride=1, padding=(0, width))
    return colours + (grown - alpha), grown


def augment(rgba: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """A random view of every picture: uint8 RGBA (B, 4, H, W) to float RGB (B, 3, H, W) in [-1, 1]."""
    draw = _BatchRandom(generator, rgba.device)
    count, _, size, _ = rgba.shape
    colours, alpha = _as_float(rgba)
    opaque = rgba[:, 3].flatten(1).amin(1) == 255
    grid = F.affine_grid(_inverse_affine(opaque, config, draw), [count, 4, size, size], align_corners=False)
    layers = torch.cat([colours, alpha], dim=1)
    moved = torch.empty_like(layers)
    for rows, padding in ((opaque.nonzero().flatten(), "reflection"), ((~opaque).nonzero().flatten(), "zeros")):
        if len(rows):
            moved[rows] = F.grid_sample(layers[rows], grid[rows], padding_mode=padding, align_corners=False)
    colours, alpha = moved[:, :3], moved[:, 3:]
    matrix, shift = _recolour(count, config, draw)
    # On premultiplied colours the shift has to be premultiplied as well.
    colours = torch.baddbmm(shift * alpha.flatten(2), matrix, colours.flatten(2)).view_as(colours)
    colours = torch.minimum(colours.clamp_(min=0), alpha)
    rows = draw.chosen(count, config.border * config.strength)
    width = 2 + int(4 * draw.uniform(1).item() * size / 128)
    if len(rows):
        colours[rows], alpha[rows] = _bordered(colours[rows], alpha[rows], width)
    pictures = colours + (1 - alpha) * backgrounds(rgba, config, draw)
    pictures = _degrade(pictures, config, draw).clamp_(0, 1).mul_(2).sub_(1)
    rows = draw.chosen(count, 1 - min(1.0, config.strength))
    pictures[rows] = plain(rgba[rows])
    return pictures
