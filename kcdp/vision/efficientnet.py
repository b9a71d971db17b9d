"""EfficientNet-Lite0 (Tan & Le 2019; Lite: Liu 2020): mobile inverted bottlenecks without squeeze-and-excitation.

The Lite variants leave out what integer hardware does badly: gates, and Swish, whose place ReLU6 takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from kcdp.vision.folding import FoldingSequential

#: What pixels from 0 to 255 are normalised with, for each colour: (x - 127) / 128.
PIXEL_MEAN, PIXEL_STD = 127 / 255, 128 / 255


def normalized(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (B, 3, H, W) in [-1, 1], normalised as the published weights take them."""
    return (pictures / 2 + 0.5 - PIXEL_MEAN) / PIXEL_STD


STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
#: Stages that come with the stem, as their maps are the largest, and pictures whose maps a CPU's cache holds.
HIGH_RESOLUTION_STAGES, CACHED_PICTURES = 2, 4


@dataclass(frozen=True)
class Stage:
    """Blocks of one width: how far the first of them shrinks the map, and by what factor each widens inside."""

    blocks: int
    channels: int
    kernel: int
    stride: int
    expansion: int


#: Table 1 of the paper; the strides multiply to 16, the stem's makes 32.
STAGES = (
    Stage(1, 16, 3, 1, 1),
    Stage(2, 24, 3, 2, 6),
    Stage(2, 40, 5, 2, 6),
    Stage(3, 80, 3, 2, 6),
    Stage(3, 112, 5, 1, 6),
    Stage(4, 192, 5, 2, 6),
    Stage(1, 320, 3, 1, 6),
)


class SameConv2d(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's SAME pads an even side: the odd pixel right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        total = kernel - stride if stride > 1 else kernel - 1
        self.before, self.after = total // 2, total - total // 2
        even = self.before == self.after
        super().__init__(inputs, outputs, kernel, stride, padding=self.before if even else 0, groups=groups, bias=False)

    def _conv_forward(self, maps: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride); what `forward` calls, and `FoldingSequential`."""
        if self.before != self.after:
            maps = F.pad(maps, (self.before, self.after, self.before, self.after))
        return super()._conv_forward(maps, weight, bias)


def _norm(channels: int) -> nn.BatchNorm2d:
    # TensorFlow's momentum of .99 and its epsilon.
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedBottleneck(nn.Module):
    """Widen (1 x 1), filter each channel (k x k), narrow (1 x 1); with a residual where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [SameConv2d(inputs, inside, 1), _norm(inside), nn.ReLU6(inplace=True)]
        layers += [SameConv2d(inside, inside, kernel, stride, groups=inside), _norm(inside), nn.ReLU6(inplace=True)]
        layers += [SameConv2d(inside, outputs, 1), _norm(outputs)]
        self.layers = FoldingSequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        found = self.layers(maps)
        return maps + found if self.residual else found


class EfficientNetLite(nn.Module):
    """The network up to its last map; `fine_channels` and `channels` are those of what `forward` gives.

    Its batch normalisations keep their statistics in training: a batch of stickers says little of photos, and the other way
    round; and training is half as expensive.
    """

    fine_channels = STAGES[4].channels
    channels = HEAD_CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.stem = FoldingSequential(SameConv2d(3, STEM_CHANNELS, 3, 2), _norm(STEM_CHANNELS), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList()
        inputs = STEM_CHANNELS
        for stage in STAGES:
            blocks = nn.Sequential()
            for number in range(stage.blocks):
                stride = stage.stride if number == 0 else 1
                blocks.append(InvertedBottleneck(inputs, stage.channels, stage.kernel, stride, stage.expansion))
                inputs = stage.channels
            self.stages.append(blocks)
        self.head = FoldingSequential(
            SameConv2d(inputs, HEAD_CHANNELS, 1), _norm(HEAD_CHANNELS), nn.ReLU6(inplace=True)
        )
        # A module is born in training; its batch norms are not.
        self.train()

    def train(self, mode: bool = True) -> EfficientNetLite:
        """As any module's, but for the batch normalisations."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures (B, 3, H, W), (x - 127) / 128 of bytes, sides multiples of 32 -> maps (B, 112, H/16, W/16), (B, 1280, H/32, W/32).

        Raises ValueError for other sides: such maps would be padded otherwise than the weights were trained with.
        """
        if pixels.shape[-1] % 32 or pixels.shape[-2] % 32:
            raise ValueError(
                f"Pictures of {tuple(pixels.shape[-2:])} pixels do not fit; make both sides multiples of 32."
            )
        # On a CPU its convolutions, most of which see one channel each, take 0.6 of the time with colours side by side.
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        few = pixels.device.type == "cpu" and not torch.is_grad_enabled()
        maps = torch.cat(
            [self._high_resolution(part) for part in pixels.split(CACHED_PICTURES if few else len(pixels))]
        )
        for stage in self.stages[HIGH_RESOLUTION_STAGES:5]:
            maps = stage(maps)
        fine = maps
        for stage in self.stages[5:]:
            maps = stage(maps)
        return fine, self.head(maps)

    def _high_resolution(self, pixels: torch.Tensor) -> torch.Tensor:
        """The stem and the stages whose maps are largest."""
        maps = self.stem(pixels)
        for stage in self.stages[:HIGH_RESOLUTION_STAGES]:
            maps = stage(maps)
        return maps
