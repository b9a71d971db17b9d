"""Batch normalisation inside the convolution before it: in inference both are one linear map."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


def _numbers(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> list[torch.Tensor]:
    """What the folded kernels are made of."""
    found = convolution.weight, convolution.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var
    return [tensor for tensor in found if tensor is not None]


def _foldable(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    """Whether both are one linear map now, and kernels of their own are worth their memory: on a CPU, in 32 bits.

    A GPU hides what they would save; weights that are brought layer by layer are nowhere until they are called.
    """
    weight = convolution.weight
    here = (weight.device.type, weight.dtype) == ("cpu", torch.float32)
    return here and not norm.training and norm.running_var is not None and not weight.is_inference()


@dataclass(frozen=True)
class _Folded:
    """Kernels and what they were made of, whose memory is held so that no other numbers can come to lie there."""

    convolution: nn.Conv2d
    weight: torch.Tensor
    bias: torch.Tensor
    sources: list[torch.Tensor]
    versions: list[int]

    @classmethod
    def of(cls, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> _Folded:
        sources = _numbers(convolution, norm)
        assert norm.running_mean is not None and norm.running_var is not None  # `_foldable` has looked
        weight, bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
        )
        kept = [source.detach() for source in sources]
        return cls(convolution, weight.detach(), bias.detach(), kept, [source._version for source in sources])

    def holds(self, norm: nn.BatchNorm2d) -> bool:
        """Whether the numbers are still those that it was made of."""
        now = _numbers(self.convolution, norm)
        return len(now) == len(self.sources) and all(
            tensor.data_ptr() == source.data_ptr() and tensor._version == version
            for tensor, source, version in zip(now, self.sources, self.versions, strict=True)
        )

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        return self.convolution._conv_forward(maps, self.weight, self.bias)


class FoldingSequential(nn.Sequential):
    """`nn.Sequential` that takes a convolution and the batch normalisation behind it in one step where no gradient is asked for.

    Its weights, and what is saved of them, stay as they are: the kernels are made beside them, and anew when they change.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self._folded: dict[int, _Folded] = {}

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """As `nn.Sequential`, to rounding."""
        if torch.is_grad_enabled():
            return super().forward(maps)
        for layer in self._steps():
            maps = layer(maps)
        return maps

    def _steps(self) -> list[Callable[[torch.Tensor], torch.Tensor]]:
        steps: list[Callable[[torch.Tensor], torch.Tensor]] = []
        layers, behind = list(self), False
        for number, (layer, following) in enumerate(itertools.zip_longest(layers, layers[1:])):
            if behind:
                # This one is in the kernels of the step before.
                behind = False
                continue
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d) and _foldable(layer, following):
                folded = self._folded.get(number)
                if folded is None or folded.convolution is not layer or not folded.holds(following):
                    folded = self._folded[number] = _Folded.of(layer, following)
                steps.append(folded)
                behind = True
            else:
                steps.append(cast("Callable[[torch.Tensor], torch.Tensor]", layer))
        return steps
