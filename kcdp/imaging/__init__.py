"""Any upload to frames as a person sees them, or one sentence that says why not."""

from kcdp.imaging.frames import Decoder, Format, Frame
from kcdp.imaging.limits import DEFAULT_LIMITS, ImageError, ImageLimits
from kcdp.imaging.load import FORMATS, GROUND, fit_square, flatten, load_frames, to_pictures, to_tensor

__all__ = [
    "DEFAULT_LIMITS",
    "FORMATS",
    "GROUND",
    "Decoder",
    "Format",
    "Frame",
    "ImageError",
    "ImageLimits",
    "fit_square",
    "flatten",
    "load_frames",
    "to_pictures",
    "to_tensor",
]
