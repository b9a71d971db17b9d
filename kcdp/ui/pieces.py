"""What the making tabs hold of a picture, and the file that it is downloaded as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin

from kcdp.results import UniEmoImageOutput

#: Keyword of the PNG text chunk that has the settings.
SETTINGS_KEY = "kcdp"


@dataclass(frozen=True)
class Piece:
    """One picture in a gallery.

    Args:
        image: what is shown and downloaded.
        caption: what stands under it.
        verdict: what the understanding side says of it, {label: probability}.
        asked: the emotions that were asked for, {label: weight}; None where a picture gave the emotion, or nothing did.
        target: the emotion that an edit was to reach, by its name or as read from another picture.
        before: the verdict on the picture that was edited.
        settings: all that made it, JSON-clean; empty for the user's own picture.
    """

    image: Image.Image
    caption: str
    verdict: Mapping[str, float]
    asked: Mapping[str, float] | None = None
    target: str | None = None
    before: Mapping[str, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def original(self) -> bool:
        """Whether this is the user's own picture and not one that was made."""
        return not self.settings

    @property
    def title(self) -> str:
        """Name of the file, by the emotion and the seed."""
        if self.original:
            return "before.png"
        emotions = [label for label, weight in (self.asked or {self.target: 1}).items() if weight]
        return f"{'-'.join(emotions)}-{self.settings['seed']}.png"

    @property
    def reading(self) -> str:
        """The likeliest emotion of the verdict."""
        return max(self.verdict, key=self.verdict.__getitem__)

    @property
    def shift(self) -> float | None:
        """Emo-S, p(target | edited) - p(target | original), from -1 to 1; None where nothing was edited."""
        if self.before is None or self.target is None:
            return None
        return self.verdict[self.target] - self.before[self.target]


def pieces_of(
    made: UniEmoImageOutput,
    caption: str = "",
    target: str | None = None,
    before: Mapping[str, float] | None = None,
) -> list[Piece]:
    """One piece for each picture of a call, its seed behind `caption`."""
    pieces = []
    for image, seed, verdict in zip(made.images, made.seeds, made.verdicts, strict=True):
        name = f"seed\N{NO-BREAK SPACE}{seed}"
        alone = replace(made, images=(image,), seeds=(seed,), verdicts=(verdict,))
        pieces.append(
            Piece(
                image=image,
                # Held together, as captions are narrow.
                caption=f"{caption} · {name}" if caption else name,
                verdict=verdict,
                asked=made.emotion,
                target=target,
                before=before,
                settings={"seed": seed} | alone.to_dict(),
            )
        )
    return pieces


def png(image: Image.Image, about: Mapping[str, Any] | None = None) -> bytes:
    """A PNG file; with `about` as JSON in the iTXt chunk `SETTINGS_KEY`, or with no metadata at all."""
    info = PngImagePlugin.PngInfo()
    if about:
        info.add_itxt(SETTINGS_KEY, json.dumps(about, ensure_ascii=False))
    data = BytesIO()
    # A copy of the pixels alone: Pillow carries over what came with a picture.
    Image.frombytes(image.mode, image.size, image.tobytes()).save(data, "PNG", pnginfo=info)
    return data.getvalue()
