"""The renderer: an endless number of licence-free stickers, scenes and things, each with a caption and an emotion.

Its public face is three functions: `draw` makes one picture, `draw_pictures` many of all kinds, `draw_things` things in
every emotion in turn. It knows nothing of data sets; `train.data.drawings` makes records of what it draws.
"""

from .renderer import draw, draw_pictures, draw_things

__all__ = ["draw", "draw_pictures", "draw_things"]
