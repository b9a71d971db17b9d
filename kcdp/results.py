"""What a pipeline says about a picture: frozen, readable in a debugger, clean as JSON.

The app, the API, the batch export and the evaluation all use these same classes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np


class Triplet(NamedTuple):
    """One proposition of a caption, for example ("man", "hugs", "woman")."""

    subject: str
    predicate: str
    object: str

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate} {self.object}"


@dataclass(frozen=True)
class ExpertWeight:
    """How much the router trusts one expert (softmax weight, 0 to 1) and whether it was among the top-k."""

    expert: int
    weight: float
    chosen: bool


@dataclass(frozen=True)
class AttentionMap:
    """Where the denoiser looked for one caption word or one triplet.

    `kind` is "word" or "triplet"; `heat` is a float32 array (H, W) in [0, 1].
    """

    text: str
    kind: str
    heat: np.ndarray


@dataclass(frozen=True)
class KCDPOutput:
    """What a picture makes people feel, and why.

    `probabilities` sum to 1 and are ordered as the label space; `similarities` are CLIEA's cosines (eq. 9, -1 to 1);
    `effects` are total indirect effects (eq. 8); `pseudo_label` is the emotion of the highest similarity (eq. 11).
    An animated picture's numbers are means over `frames` frames; caption and attention are of the middle frame.
    """

    emotion: str
    probabilities: dict[str, float]
    caption: str
    triplets: tuple[Triplet, ...]
    experts: tuple[ExpertWeight, ...]
    similarities: dict[str, float]
    effects: dict[str, float]
    pseudo_label: str
    attention: tuple[AttentionMap, ...]
    label_space: str
    frames: int = 1
    visual: np.ndarray | None = None
    knowledge: np.ndarray | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same content in plain dicts, lists, strings and numbers, ready for `json.dumps`."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["triplets"] = [list(triplet) for triplet in self.triplets]
        plain["experts"] = [asdict(expert) for expert in self.experts]
        plain["attention"] = [
            {"text": item.text, "kind": item.kind, "heat": np.round(item.heat, 4).tolist()} for item in self.attention
        ]
        for name in ("visual", "knowledge"):
            value = plain.pop(name)
            if value is not None:
                plain[name] = value.tolist()
        return plain
