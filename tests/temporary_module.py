"""A module that somebody adds: its source in a temporary file, imported from there."""

from __future__ import annotations

import importlib.util
import textwrap
from pathlib import Path
from types import ModuleType


def added_module(folder: Path, name: str, source: str) -> ModuleType:
    """The module in `folder`/`name`.py, whose text is `source`."""
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
