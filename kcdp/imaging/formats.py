"""The formats that are read: one row each, tried in this order."""

from __future__ import annotations

from kcdp.imaging.frames import Format

#: To read another format, write its decoder in a module of its own and add a row here.
FORMATS: tuple[Format, ...] = ()
