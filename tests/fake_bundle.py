"""A bundle that answers at once with a plausible result, for tests of what stands around the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw

from kcdp.bundle import EMBEDDED, BundleError
from kcdp.decoded import DecodedPicture
from kcdp.emotions import MIKELS_8
from kcdp.figures import PartFigures
from kcdp.imaging import fit_square
from kcdp.palette import emotion_style
from kcdp.results import (
    AttentionMap,
    AttributeMatch,
    ExpertWeight,
    FrameReading,
    FrameVerdict,
    KCDPOutput,
    Triplet,
    UniEmoImageOutput,
    UniEmoOutput,
    VerdictOutput,
)

CAPTION = "a round yellow face hugs a small red heart with closed eyes"
TRIPLETS = (Triplet("round yellow face", "hugs", "small red heart"), Triplet("round yellow face", "has", "closed eyes"))


def spot(x: float, y: float, size: int = 32) -> np.ndarray:
    """A bump of heat (size, size) around (x, y), both in [0, 1]."""
    grid = (np.arange(size) + 0.5) / size
    return np.exp(-((grid[None] - x) ** 2 + (grid[:, None] - y) ** 2) / 0.03).astype(np.float32)


def fake_output(
    emotion: str = "contentment", pseudo_label: str | None = None, times: Sequence[tuple[float, float]] = ((0.0, 0.0),)
) -> KCDPOutput:
    """A result for `emotion` in Mikels-8 with everything that the page shows; `times` are those of a `DecodedPicture`."""
    rest = [label for label in MIKELS_8.labels if label != emotion]
    shares = dict(zip(rest, (0.21, 0.09, 0.06, 0.04, 0.02, 0.008, 0.002), strict=True)) | {emotion: 0.57}
    nearest = pseudo_label or emotion
    similarities = {label: round(0.42 * shares[label] - 0.05, 4) for label in MIKELS_8.labels} | {nearest: 0.31}
    effects = {label: round(1.1 * similarities[label] - 0.06, 4) for label in MIKELS_8.labels}
    words = CAPTION.split()
    attention = [
        AttentionMap(word, "word", spot(0.1 + 0.8 * index / len(words), 0.35 + 0.3 * (index % 2)))
        for index, word in enumerate(words)
    ]
    attention += [AttentionMap(str(item), "triplet", spot(0.5, 0.3 + 0.3 * rank)) for rank, item in enumerate(TRIPLETS)]
    probabilities = {label: shares[label] for label in MIKELS_8.labels}
    return KCDPOutput(
        emotion=emotion,
        probabilities=probabilities,
        caption=CAPTION,
        triplets=TRIPLETS,
        experts=tuple(
            ExpertWeight(index, weight, index in (0, 2)) for index, weight in enumerate((0.44, 0.16, 0.29, 0.11))
        ),
        similarities=similarities,
        effects=effects,
        pseudo_label=nearest,
        attention=tuple(attention),
        label_space=MIKELS_8.name,
        frames=fake_frames(times, emotion, probabilities),
    )


def fake_frames(
    times: Sequence[tuple[float, float]], emotion: str, probabilities: dict[str, float]
) -> tuple[FrameReading, ...]:
    """One reading for every frame of a picture."""
    return tuple(FrameReading(start / 1000, duration / 1000, emotion, probabilities) for start, duration in times)


def fake_pipeline(images: list[DecodedPicture], attention: bool = True) -> list[KCDPOutput]:
    """One fixed result for every picture, but for its frames and, where asked for, the maps."""
    outputs = [fake_output(times=image.times) for image in images]
    return outputs if attention else [replace(output, attention=()) for output in outputs]


NO_UNIEMO = "The bundle in 'somewhere' cannot make pictures: it has no uniemo_index.json."


class FakeUniEmo:
    """Paints the colours of the emotions at once and believes itself.

    `before_step` is called before every step with its number; `calls` has the arguments of all calls.
    """

    labels = MIKELS_8.labels
    size = 64
    config = SimpleNamespace(num_inference_steps=4)
    #: None, or what stands in for a `StickerUpscaler`.
    upscaler: Any = None
    #: None, or what stands in for a safety checker.
    safety_checker: Any = None

    def __init__(self, before_step: Callable[[int], None] = lambda step: None) -> None:
        self.before_step = before_step
        self.calls: list[dict[str, Any]] = []
        #: What it believes of the pictures that it has painted, by their pixels.
        self.painted: dict[bytes, dict[str, float]] = {}
        #: Whether it would tell the server's log how far it is.
        self.loud = True

    def set_progress_bar_config(self, disable: bool) -> None:
        self.loud = not disable

    def enlarge(self, stickers: list[Image.Image]) -> list[Image.Image]:
        """Twice as large."""
        return [one.resize((2 * one.width, 2 * one.height)) for one in stickers]

    def understand(
        self, image: DecodedPicture | list[DecodedPicture], attention: bool = True
    ) -> UniEmoOutput | list[UniEmoOutput]:
        """Contentment on a beach, whatever the picture."""
        if isinstance(image, list):
            return [self.understand(one, attention) for one in image]
        coefficients = dict.fromkeys(self.labels, 0.04) | {"contentment": 0.72}
        probabilities = self._verdict({"contentment": 1.0})
        return UniEmoOutput(
            emotion="contentment",
            probabilities=probabilities,
            scene=AttributeMatch("beach", 0.31, coefficients),
            object=None,
            attention=(
                AttentionMap("beach", "scene", spot(0.5, 0.8)),
                AttentionMap("object", "object", spot(0.3, 0.3)),
            )
            if attention
            else (),
            label_space=MIKELS_8.name,
            frames=fake_frames(image.times, "contentment", probabilities),
        )

    def __call__(
        self,
        emotion: str | dict[str, float] | DecodedPicture,
        prompt: str,
        num_images: int,
        seed: int | None,
        num_inference_steps: int | None,
        guidance_scale: float | None,
        negative_prompt: str | None = None,
        image: DecodedPicture | None = None,
        strength: float = 0.6,
        callback_on_step_end: Any = None,
        transparent: bool = False,
    ) -> UniEmoImageOutput:
        """As `UniEmoPipeline` does, with `image` in the background and the emotions as a disc of rings."""
        self.calls.append(
            {name: value for name, value in locals().items() if name not in ("self", "callback_on_step_end")}
        )
        num_inference_steps = num_inference_steps or self.config.num_inference_steps
        weights = {emotion: 1.0} if isinstance(emotion, str) else emotion if isinstance(emotion, dict) else None
        if weights:
            weights = {label: weight / sum(weights.values()) for label, weight in weights.items()}
        for label in weights or {}:
            MIKELS_8.index(label)
        steps = num_inference_steps if image is None else max(1, int(num_inference_steps * strength))
        for step in range(steps):
            self.before_step(step)
            if callback_on_step_end:
                noise = torch.full((num_images, 1, 2, 2), step / steps)
                callback_on_step_end(self, step, torch.tensor(steps - step), {"latents": noise})
        shown = weights or {self.understand(emotion).emotion: 1.0}
        seeds = tuple((seed or 0) + number for number in range(num_images))
        images = [self._paint(shown, one, image).convert("RGBA" if transparent else "RGB") for one in seeds]
        self.painted |= {picture.convert("RGB").tobytes(): self._verdict(shown) for picture in images}
        return UniEmoImageOutput(
            images=tuple(images),
            seeds=seeds,
            probabilities=(self._verdict(shown),) * num_images,
            emotion=weights,
            prompt=prompt,
            settings={
                "num_inference_steps": num_inference_steps,
                "guidance_scale": 7.5 if guidance_scale is None else guidance_scale,
                "negative_prompt": negative_prompt,
                "strength": None if image is None else strength,
                "scheduler": "FakeScheduler",
                "label_space": MIKELS_8.name,
            },
        )

    def decode(self, latents: torch.Tensor) -> list[Image.Image]:
        """Grey pictures, the lighter the later the step."""
        return [Image.new("RGB", (self.size,) * 2, (int(60 + 160 * float(one.mean())),) * 3) for one in latents]

    def _paint(self, weights: dict[str, float], seed: int, image: DecodedPicture | None) -> Image.Image:
        ground = (
            Image.new("RGB", (self.size,) * 2, "#f3efe9") if image is None else fit_square(image.frames[0], self.size)
        )
        middle = self.size // 2 + seed % 7 - 3
        radius = 0.45 * self.size
        for label, weight in weights.items():
            box = (middle - radius, middle - radius, middle + radius, middle + radius)
            ImageDraw.Draw(ground).ellipse(box, fill=ImageColor.getrgb(emotion_style(label).dark))
            radius *= max(0.0, 1 - weight)
        return ground

    def _verdict(self, weights: dict[str, float]) -> dict[str, float]:
        rest = 0.2 / len(self.labels)
        return {label: rest + 0.8 * weights.get(label, 0.0) for label in self.labels}


def fake_reading(probabilities: dict[str, float]) -> VerdictOutput:
    """A verdict of these probabilities."""
    best = max(probabilities, key=probabilities.__getitem__)
    return VerdictOutput(best, best, probabilities, MIKELS_8.name)


class FakeBundle(SimpleNamespace):
    """A bundle's models and its verdict: what KCDP says, with UniEmo's reading beside it where there is one.

    Of a picture that its UniEmo has painted the verdict is what was asked for.
    """

    folder = EMBEDDED
    figures: dict[str, PartFigures] = {}  # noqa: RUF012

    @property
    def quality(self) -> FakeUniEmo:
        """There is no other painter."""
        return self.uniemo

    def painter(self, **_: Any) -> FakeUniEmo:
        """As `Bundle.painter` of one that has no student."""
        return self.uniemo

    def read(self, images: list[DecodedPicture], attention: bool = True) -> list[VerdictOutput]:
        """As `Bundle.read` of a list."""
        images = [DecodedPicture.load(image) for image in images]
        kcdp = self.kcdp(images, attention=attention)
        try:
            uniemo = self.uniemo.understand(images, attention=attention)
            painted: dict[bytes, dict[str, float]] = getattr(self.uniemo, "painted", {})
        except BundleError:
            uniemo, painted = [None] * len(images), {}
        verdicts = [fake_verdict(*readings) for readings in zip(kcdp, uniemo, strict=True)]
        return [
            self._of_painted(verdict, painted.get(image.middle.tobytes()))
            for verdict, image in zip(verdicts, images, strict=True)
        ]

    @staticmethod
    def _of_painted(verdict: VerdictOutput, known: dict[str, float] | None) -> VerdictOutput:
        if known is None:
            return verdict
        best = max(known, key=known.__getitem__)
        return replace(verdict, emotion=best, leaning=best, probabilities=known)


def fake_verdict(kcdp: KCDPOutput, uniemo: UniEmoOutput | None = None) -> VerdictOutput:
    """KCDP's reading as the verdict."""
    return VerdictOutput(
        emotion=kcdp.emotion,
        leaning=kcdp.emotion,
        probabilities=kcdp.probabilities,
        label_space=kcdp.label_space,
        caption=kcdp.caption,
        triplets=kcdp.triplets,
        frames=tuple(
            FrameVerdict(one.time, one.duration, one.emotion, one.emotion, one.probabilities) for one in kcdp.frames
        ),
        kcdp=kcdp,
        uniemo=uniemo,
    )


class _WithoutUniEmo(FakeBundle):
    @property
    def uniemo(self) -> FakeUniEmo:
        raise BundleError(NO_UNIEMO)


def fake_bundle(uniemo: FakeUniEmo | None = None, with_uniemo: bool = True) -> Future:
    """A bundle that has finished loading; one without UniEmo's parts says so as a real one does."""
    bundle: Future = Future()
    if with_uniemo:
        bundle.set_result(FakeBundle(kcdp=fake_pipeline, uniemo=uniemo or FakeUniEmo()))
    else:
        bundle.set_result(_WithoutUniEmo(kcdp=fake_pipeline))
    return bundle
