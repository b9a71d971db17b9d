"""Stickers, scenes and things that we draw ourselves: endless, licence-free pictures with captions and emotions."""

from .renderer import BODIES, KINDS, Drawing, draw, draw_records, draw_things

__all__ = ["BODIES", "KINDS", "Drawing", "draw", "draw_records", "draw_things"]
