"""A painted picture with everything that a gallery shows of it, and the PNG file that it is downloaded as."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

from PIL import Image, PngImagePlugin

from kcdp.results import UniEmoImageOutput, VerdictOutput

#: Keyword of the PNG text chunk that has the settings.
SETTINGS_KEY = "kcdp"


@dataclass(frozen=True)
class PaintedPicture:
    """One picture in a gallery.

    Args:
        image: what is shown and downloaded.
        caption: what sets it apart from those beside it: words, or emotions and their weights, which have names in every language.
        reading: the verdict of both models on it, the same as in the tab Understand.
        requested: the emotions that were asked for, {label: weight}; None where a picture gave the emotion, or nothing did.
        target: the emotion that an edit was to reach, by its name or as read from another picture.
        before: the verdict's probabilities of the picture that was edited, {label: probability}.
        settings: all that made it, JSON-clean; empty for the user's own picture.
        withheld: whether the safety checker objects to what was painted; `image` is a grey one then.
        chosen: what of the tab's inputs, by their names in links, is its own where a call paints several of which each has another.
    """

    image: Image.Image
    caption: str | Mapping[str, float]
    reading: VerdictOutput
    requested: Mapping[str, float] | None = None
    target: str | None = None
    before: Mapping[str, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    withheld: bool = False
    chosen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_original(self) -> bool:
        """Whether this is the user's own picture and not a painted one."""
        return not self.settings

    @property
    def file_name(self) -> str:
        """Made of the emotion and the seed."""
        if self.is_original:
            return "before.png"
        emotions = [label for label, weight in (self.requested or {}).items() if weight] or [str(self.target)]
        return f"{'-'.join(emotions)}-{self.settings['seed']}.png"

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Of every emotion."""
        return self.reading.probabilities

    @property
    def emotion(self) -> str | None:
        """What it is read as; None where that cannot be told."""
        return self.reading.emotion

    @property
    def shift(self) -> float | None:
        """Emo-S, p(target | edited) - p(target | original), from -1 to 1; None where nothing was edited."""
        if self.before is None or self.target is None:
            return None
        return self.probabilities[self.target] - self.before[self.target]


def painted_pictures(
    output: UniEmoImageOutput,
    readings: Sequence[VerdictOutput],
    caption: str | Mapping[str, float] = "",
    target: str | None = None,
    before: Mapping[str, float] | None = None,
) -> list[PaintedPicture]:
    """One for each picture of a call of the pipeline and the verdict on it."""
    pictures = []
    images = cast("tuple[Image.Image, ...]", output.images)
    all_withheld = output.withheld or (False,) * len(images)
    for image, seed, reading, withheld in zip(images, output.seeds, readings, all_withheld, strict=True):
        single = output.to_dict() | {"seeds": [seed], "probabilities": [dict(reading.probabilities)]}
        single |= {"withheld": [withheld]}
        pictures.append(
            PaintedPicture(
                image=image,
                caption=caption,
                reading=reading,
                requested=output.emotion,
                target=target,
                before=before,
                settings={"seed": seed} | single,
                withheld=withheld,
            )
        )
    return pictures


def png(image: Image.Image, settings: Mapping[str, Any] | None = None) -> bytes:
    """A PNG file; with `settings` as JSON in the iTXt chunk `SETTINGS_KEY`, or with no metadata at all."""
    info = PngImagePlugin.PngInfo()
    if settings:
        info.add_itxt(SETTINGS_KEY, json.dumps(settings, ensure_ascii=False))
    data = BytesIO()
    # A copy of the pixels alone: Pillow carries over what came with a picture.
    Image.frombytes(image.mode, image.size, image.tobytes()).save(data, "PNG", pnginfo=info)
    return data.getvalue()
