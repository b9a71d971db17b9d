"""What a bundle is good at, in figures: measured by `train/evaluate.py --what verdict`, kept beside the networks, told by the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

#: Confidence from which an emotion is called clear, and likely: where the verdict is calibrated, it is as often right.
CLEAR, LIKELY = 0.85, 0.6
#: Name of the file in a bundle.
FIGURES = "figures.json"


@dataclass(frozen=True)
class PartFigures:
    """The verdict on the test pictures of one kind; shares in [0, 1], None where there were no such pictures.

    Args:
        pictures: how many were read.
        accuracy: share whose likeliest emotion is that of the label.
        told: share of which the verdict names an emotion, and does not say that it cannot be told.
        right_when_told: share of those that it names rightly.
        clear: share that it calls clear, from a confidence of `CLEAR` on.
        right_when_clear: share of those that it names rightly.
        seen: whether the weights have learned from these very pictures.
    """

    pictures: int
    accuracy: float
    told: float
    right_when_told: float | None
    clear: float
    right_when_clear: float | None
    seen: bool = False


def load_figures(folder: Path) -> dict[str, PartFigures]:
    """The figures of a bundle's folder by test part; none where it has no such file. Raises ValueError for a damaged one."""
    path = folder / FIGURES
    if not path.is_file():
        return {}
    try:
        return {part: PartFigures(**values) for part, values in json.loads(path.read_text(encoding="utf-8")).items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"The {FIGURES} of '{folder}' cannot be read; measure the bundle again ({error}).") from error


def figures_text(figures: Mapping[str, PartFigures]) -> str:
    """The content of such a file."""
    return json.dumps({part: asdict(values) for part, values in figures.items()}, indent=1)
