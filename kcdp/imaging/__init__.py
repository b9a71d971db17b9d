"""Any upload to frames as a person sees them, or one sentence that says why not."""

from kcdp.imaging.formats import FORMATS
from kcdp.imaging.frames import Frame
from kcdp.imaging.limits import DEFAULT_LIMITS, ImageError, ImageLimits
from kcdp.imaging.load import load_frames, read_frames
from kcdp.imaging.squares import GROUND, clear_square, fit_square, flatten, to_pictures, to_tensor
from kcdp.imaging.suffixes import ACCEPTED_SUFFIXES, PACK_SUFFIXES, PICTURE_SUFFIXES

__all__ = [
    "ACCEPTED_SUFFIXES",
    "DEFAULT_LIMITS",
    "FORMATS",
    "GROUND",
    "PACK_SUFFIXES",
    "PICTURE_SUFFIXES",
    "Frame",
    "ImageError",
    "ImageLimits",
    "clear_square",
    "fit_square",
    "flatten",
    "load_frames",
    "read_frames",
    "to_pictures",
    "to_tensor",
]
