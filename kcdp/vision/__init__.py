"""Vision towers: CLIP's transformer behind convolutions. Importing the package tells `AutoModel` what it holds."""

from kcdp.vision.conv_stem import (
    ConvStemCLIPConfig,
    ConvStemCLIPModel,
    ConvStemCLIPVisionConfig,
    ConvStemCLIPVisionModel,
)
from kcdp.vision.trunk_tower import (
    TaggingVisionConfig,
    TaggingVisionModel,
    TrunkCLIPConfig,
    TrunkCLIPModel,
    TrunkVisionConfig,
    TrunkVisionModel,
)

__all__ = [
    "ConvStemCLIPConfig",
    "ConvStemCLIPModel",
    "ConvStemCLIPVisionConfig",
    "ConvStemCLIPVisionModel",
    "TaggingVisionConfig",
    "TaggingVisionModel",
    "TrunkCLIPConfig",
    "TrunkCLIPModel",
    "TrunkVisionConfig",
    "TrunkVisionModel",
]
