"""The renderer: an endless number of licence-free stickers, scenes and things, each with a caption and an emotion.

Its public face: `draw` makes one picture, `draw_pictures` many of all kinds, `draw_things` things in every emotion in turn;
`draw_sticker` and `draw_stickers` large characters and things with faces for the painter, and pairs of one character. It knows nothing of data sets; `train.data.drawings` makes records of what it draws.
"""

from .renderer import draw, draw_pictures, draw_things
from .stickers import Sticker, draw_sticker, draw_stickers

__all__ = ["Sticker", "draw", "draw_pictures", "draw_sticker", "draw_stickers", "draw_things"]
