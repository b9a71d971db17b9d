"""Results of the pipelines: frozen, readable in a debugger, clean as JSON.

The app, the API, the batch export and the evaluation all use these same classes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch
    from PIL import Image


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
    """Where the denoiser looked for one caption word or one triplet, or the expert queries for scene or object.

    `kind` is "word", "triplet", "scene" or "object"; `heat` is a float32 array (H, W) in [0, 1].
    """

    text: str
    kind: str
    heat: np.ndarray

    def to_dict(self, heat: bool = False) -> dict[str, Any]:
        """What the map is of, as plain strings; with `heat` also the map, as lists of numbers of four digits."""
        plain: dict[str, Any] = {"text": self.text, "kind": self.kind}
        return plain | {"heat": np.round(self.heat, 4).tolist()} if heat else plain


@dataclass(frozen=True)
class FrameReading:
    """What a model reads in one frame of a picture.

    The frame shows first at `time` and stands for `duration`, both in seconds; both are 0 for a still.
    """

    time: float
    duration: float
    emotion: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class FrameVerdict:
    """`FrameReading` of both readings together, calibrated; `emotion` and `leaning` are as those of `VerdictOutput`."""

    time: float
    duration: float
    emotion: str | None
    leaning: str | None
    probabilities: dict[str, float]


@dataclass(frozen=True)
class KCDPOutput:
    """What a picture makes people feel, and why.

    `probabilities` sum to 1 and are ordered as the label space; `similarities` are CLIEA's cosines (eq. 9, -1 to 1);
    `effects` are total indirect effects (eq. 8); `pseudo_label` is the emotion of the highest similarity (eq. 11).
    Numbers are means over the `frames` of an animated picture; caption and
    attention are of the middle frame as it is.
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
    frames: tuple[FrameReading, ...] = ()
    visual: np.ndarray | None = None
    knowledge: np.ndarray | None = None

    def to_dict(self, heat: bool = False) -> dict[str, Any]:
        """This result in plain dicts, lists, strings and numbers, ready for `json.dumps`.

        Attention maps, nearly all of the size, only with `heat`; their words are always there.
        """
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["triplets"] = [list(triplet) for triplet in self.triplets]
        plain["experts"] = [asdict(expert) for expert in self.experts]
        plain["attention"] = [item.to_dict(heat) for item in self.attention]
        plain["frames"] = [asdict(frame) for frame in self.frames]
        for name in ("visual", "knowledge"):
            value = plain.pop(name)
            if value is not None:
                plain[name] = value.tolist()
        return plain


@dataclass(frozen=True)
class AttributeMatch:
    """The attribute that is nearest to what expert queries found, by name.

    `cosine` (-1 to 1) says how near; `coefficients` are its emotional correlation coefficients, one a label: how much
    pictures with this attribute have to do with each emotion (they sum to 1, or are all 0 where nothing is known).
    """

    name: str
    cosine: float
    coefficients: dict[str, float]


@dataclass(frozen=True)
class UniEmoOutput:
    """What a picture makes people feel, and the scene and object that were read from it.

    `probabilities` sum to 1 and are ordered as the label space. `scene` and `object` are None where no attribute is near
    enough, or the chain has no queries. `attention` has a map of kind "scene" and one of kind "object". An animated
    picture's numbers are means over its `frames`; attention is of the middle frame.
    """

    emotion: str
    probabilities: dict[str, float]
    scene: AttributeMatch | None
    object: AttributeMatch | None
    attention: tuple[AttentionMap, ...]
    label_space: str
    frames: tuple[FrameReading, ...] = ()

    def to_dict(self, heat: bool = False) -> dict[str, Any]:
        """This result in plain dicts, lists, strings and numbers, ready for `json.dumps`; maps only with `heat`."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("scene", "object"):
            plain[name] = None if plain[name] is None else asdict(plain[name])
        plain["attention"] = [item.to_dict(heat) for item in self.attention]
        plain["frames"] = [asdict(frame) for frame in self.frames]
        return plain


@dataclass(frozen=True)
class VerdictOutput:
    """What both readings of a picture together say, calibrated.

    `probabilities` sum to 1 and are ordered as the label space. `leaning` is the likeliest emotion; `emotion` is the same, or
    None where that is too unsure to be told. Of a picture with nothing to read (blank, flat, noise) both are None, the
    probabilities are all alike, and nothing else is there. `frames` says the same of each frame that was seen, in order of
    time; a still has one. `kcdp` and `uniemo` are the readings; None where a bundle has no such model, and so are then
    caption and triplets.
    """

    emotion: str | None
    leaning: str | None
    probabilities: dict[str, float]
    label_space: str
    caption: str | None = None
    triplets: tuple[Triplet, ...] = ()
    frames: tuple[FrameVerdict, ...] = ()
    kcdp: KCDPOutput | None = None
    uniemo: UniEmoOutput | None = None

    @property
    def attention(self) -> tuple[AttentionMap, ...]:
        """The maps of both readings."""
        return tuple(item for reading in (self.kcdp, self.uniemo) if reading is not None for item in reading.attention)

    def to_dict(self, heat: bool = False) -> dict[str, Any]:
        """This result in plain dicts, lists, strings and numbers, ready for `json.dumps`; maps only with `heat`."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["triplets"] = [list(triplet) for triplet in self.triplets]
        plain["frames"] = [asdict(frame) for frame in self.frames]
        for name in ("kcdp", "uniemo"):
            plain[name] = None if plain[name] is None else plain[name].to_dict(heat)
        return plain


@dataclass(frozen=True)
class UniEmoImageOutput:
    """Pictures that were made, and what they were made of; one entry a picture in `images`, `seeds` and `probabilities`.

    `images` are RGB pictures, or tensors (3, H, W) in [0, 1] where those were asked for. A seed with the same settings
    makes the same picture again. `probabilities` are what the understanding side reads from each picture, one a label.
    `emotion` has the weights that were asked for, which sum to 1; None when a picture gave the emotion.
    `settings` are plain values: `num_inference_steps`, `guidance_scale`, `guidance_rescale`, `negative_prompt`, `strength` (None without a
    picture to begin from), `scheduler`, `label_space`, `left_out` (words of the prompt that were too many for the model) and
    `unknown_words` (that it has no token for). `withheld` says which pictures the bundle's safety checker objects to; grey ones
    stand in their place.
    """

    images: tuple[Image.Image, ...] | tuple[torch.Tensor, ...]
    seeds: tuple[int, ...]
    probabilities: tuple[dict[str, float], ...]
    emotion: dict[str, float] | None
    prompt: str
    settings: dict[str, Any]
    withheld: tuple[bool, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All but the pictures in plain dicts, lists, strings and numbers, ready for `json.dumps`."""
        return {
            "seeds": list(self.seeds),
            "probabilities": list(map(dict, self.probabilities)),
            "emotion": self.emotion,
            "prompt": self.prompt,
            "settings": dict(self.settings),
            "withheld": list(self.withheld),
        }
