"""The renderer: an endless number of licence-free stickers, scenes and things, each with a caption and an emotion.

Its public face: `draw` makes one picture, `draw_things` things in every emotion in turn, `draw_sticker` a large character or thing
with a face, as the painter learns from. It knows nothing of data sets; `train.data.drawings` makes records of what it draws.
"""

from .renderer import draw, draw_things
from .stickers import Sticker, draw_sticker

__all__ = ["Sticker", "draw", "draw_sticker", "draw_things"]
