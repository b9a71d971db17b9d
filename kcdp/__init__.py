"""See what a picture makes people feel, and why; and make pictures that make people feel it.

>>> from kcdp import load_bundle
>>> bundle = load_bundle()
>>> bundle.kcdp("assets/examples/excitement.png").emotion
'excitement'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kcdp.process import without_collections

if TYPE_CHECKING:
    from kcdp.bundle import Bundle, load_bundle
    from kcdp.pipelines.kcdp import KCDPPipeline
    from kcdp.pipelines.uniemo import UniEmoPipeline
    from kcdp.results import KCDPOutput, UniEmoImageOutput, UniEmoOutput

__all__ = [
    "Bundle",
    "KCDPOutput",
    "KCDPPipeline",
    "UniEmoImageOutput",
    "UniEmoOutput",
    "UniEmoPipeline",
    "load_bundle",
]

_HOMES = {
    "Bundle": "kcdp.bundle",
    "load_bundle": "kcdp.bundle",
    "KCDPPipeline": "kcdp.pipelines.kcdp",
    "UniEmoPipeline": "kcdp.pipelines.uniemo",
    "KCDPOutput": "kcdp.results",
    "UniEmoImageOutput": "kcdp.results",
    "UniEmoOutput": "kcdp.results",
}


def __getattr__(name: str) -> Any:
    """Import on first use: `import kcdp` alone must not wait for torch, so that the app answers within seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kcdp' has no attribute '{name}'")
    with without_collections():
        return getattr(import_module(_HOMES[name]), name)
