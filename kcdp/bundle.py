"""A bundle: one folder of weights in diffusers' own layout, and the pipelines that share them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, overload

import numpy as np
import torch
from diffusers import DiffusionPipeline, UNet2DConditionModel

from kcdp.decoded import DecodedPicture
from kcdp.figures import PartFigures, load_figures
from kcdp.hub import BUNDLE_FILES, HubError, Source, fetch, first_line, why_no_room
from kcdp.knowledge.knowledge import Knowledge
from kcdp.offload import Offload, place
from kcdp.painting.student import load_student
from kcdp.paths import ASSETS
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.pictures import Picture
from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.process import without_collections
from kcdp.results import FrameVerdict, KCDPOutput, UniEmoOutput, VerdictOutput
from kcdp.verdict import Verdict, nothing_to_read

#: The bundle that ships with the code.
EMBEDDED = ASSETS / "mini"

#: Folder of a denoiser that has learned to paint emotions, where a bundle has one beside the one that KCDP sees with.
OWN_UNET = "uniemo_unet"
#: Folder of the autoencoder that such a denoiser paints in, where that is not KCDP's either.
OWN_VAE = "uniemo_vae"

#: Folder of a denoiser that does in few steps what that of the bundle, or `OWN_UNET`, does in many.
STUDENT = "uniemo_student"

#: What the pipelines of one bundle share, unless it has `OWN_UNET` or `OWN_VAE`.
SHARED = ("vae", "unet", "text_encoder", "tokenizer")

Pipeline = TypeVar("Pipeline", bound=DiffusionPipeline)


class BundleError(RuntimeError):
    """A bundle cannot be loaded; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Bundle:
    """The pipelines of one folder of weights, each loaded on first use.

    `load_bundle` makes it, and says what its arguments mean.
    """

    folder: Path
    device: torch.device
    dtype: torch.dtype = torch.float32
    offload: Offload | None = None
    attention_slicing: bool = False

    @cached_property
    def knowledge(self) -> Knowledge:
        """Captioner, parser and text encoder: `bundle.knowledge.triplets("a man hugs a woman")`."""
        return self.kcdp.knowledge

    @cached_property
    def kcdp(self) -> KCDPPipeline:
        """Understanding by knowledge; raises BundleError when the bundle has no such parts, or they cannot be read."""
        if not self._has(KCDPPipeline):
            raise BundleError(
                f"The bundle in '{self.folder}' is UniEmo alone: it has no {KCDPPipeline.config_name}, which KCDP needs; "
                "use its `uniemo`, or load another bundle."
            )
        try:
            return self._placed(KCDPPipeline.from_pretrained(self.folder, **self._options))
        except Exception as error:  # a damaged folder fails in as many ways as there are libraries that read from it
            raise _unreadable(self.folder, error) from error

    @cached_property
    @without_collections()
    def uniemo(self) -> UniEmoPipeline:
        """Understanding by expert queries, and generation.

        Where the bundle has KCDP too, it is made of KCDP's own text encoder and tokenizer, and of its VAE and UNet unless there
        are some for painting. Where it has a student of those, that paints. Raises BundleError when the bundle has no such parts, or they cannot be read.
        """
        if not self._has(UniEmoPipeline):
            raise BundleError(
                f"The bundle in '{self.folder}' cannot make pictures: it has no {UniEmoPipeline.config_name}; "
                "train its UniEmo parts or load another bundle."
            )
        shared = {name: getattr(self.kcdp, name) for name in SHARED} if self._has(KCDPPipeline) else {}
        try:
            if (self.folder / STUDENT).is_dir():
                shared["unet"] = load_student(self.folder / STUDENT, self._new_teacher, self.dtype).eval()
            elif (self.folder / OWN_UNET).is_dir():
                shared["unet"] = self._unet(OWN_UNET)
            if (self.folder / OWN_VAE).is_dir():
                shared["vae"] = StickerAutoencoder.from_pretrained(self.folder / OWN_VAE, **self._options).eval()
            return self._placed(UniEmoPipeline.from_pretrained(self.folder, **self._options, **shared))
        except Exception as error:  # as above
            raise _unreadable(self.folder, error) from error

    @property
    def paints(self) -> bool:
        """Whether it has `uniemo`, loaded or not."""
        return self._has(UniEmoPipeline)

    @cached_property
    def quality(self) -> UniEmoPipeline:
        """`uniemo` with the denoiser of many steps, loaded when it is asked for; `uniemo` itself where there is no other.

        Raises BundleError as that does.
        """
        if self.uniemo.config.quality is None:
            return self.uniemo
        try:
            unet = self._teacher()
        except Exception as error:  # as above
            raise _unreadable(self.folder, error) from error
        return self._placed(self.uniemo.painting_with(unet, **self.uniemo.config.quality))

    def painter(
        self,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        negative_prompt: str | None = None,
        **_: Any,
    ) -> UniEmoPipeline:
        """The pipeline for a call of these arguments and any others: `uniemo`, or `quality` where only that can do it.

        More steps than a student takes, guidance and words to lead away from are its teacher's.
        """
        own = self.uniemo.config
        few = own.quality is not None and (num_inference_steps or 0) <= own.num_inference_steps
        return self.uniemo if few and not negative_prompt and (guidance_scale or 1) <= 1 else self.quality

    def _teacher(self) -> UNet2DConditionModel:
        """The denoiser of many steps."""
        if (self.folder / OWN_UNET).is_dir():
            return self._unet(OWN_UNET)
        return self.kcdp.unet if self._has(KCDPPipeline) else self._unet("unet")

    def _new_teacher(self) -> UNet2DConditionModel:
        """`_teacher` with weights that nothing else uses."""
        shared = self._has(KCDPPipeline) and not (self.folder / OWN_UNET).is_dir()
        return copy.deepcopy(self.kcdp.unet) if shared else self._teacher()

    def _unet(self, name: str) -> UNet2DConditionModel:
        return UNet2DConditionModel.from_pretrained(self.folder / name, **self._options).eval()

    @cached_property
    def verdict(self) -> Verdict:
        """How this bundle's readings are combined; where it does not say, they count alike and every verdict is given."""
        labels = self.kcdp.labels if self._has(KCDPPipeline) else self.uniemo.labels
        if not (self.folder / Verdict.config_name).is_file():
            return Verdict(labels)
        try:
            verdict = Verdict.from_config(Verdict.load_config(self.folder))
        except Exception as error:  # as above
            raise _unreadable(self.folder, error) from error
        if verdict.labels != tuple(labels):
            raise BundleError(
                f"The {Verdict.config_name} of the bundle in '{self.folder}' speaks of other emotions than its networks; "
                "fit it again."
            )
        return verdict

    @cached_property
    def figures(self) -> dict[str, PartFigures]:
        """How often the verdict is right, by kind of picture; none where the bundle does not say."""
        try:
            return load_figures(self.folder)
        except ValueError as error:
            raise _unreadable(self.folder, error) from error

    @overload
    def read(self, image: Picture, attention: bool = True) -> VerdictOutput: ...

    @overload
    def read(self, image: list[Picture] | tuple[Picture, ...], attention: bool = True) -> list[VerdictOutput]: ...

    def read(self, image: Picture | Sequence[Picture], attention: bool = True) -> VerdictOutput | list[VerdictOutput]:
        """What a picture makes people feel, by both models together; a list gives a list.

        Args:
            image: PIL picture, path, file content or `DecodedPicture`.
            attention: whether to compute heat maps.

        Raises ImageError with one sentence when a picture cannot be read.
        """
        several = isinstance(image, (list, tuple))
        pictures = [DecodedPicture.load(one) for one in cast("Sequence[Picture]", image if several else [image])]
        blank = [[nothing_to_read(frame) for frame in picture.frames] for picture in pictures]
        readable = [number for number, frames in enumerate(blank) if not all(frames)]
        wanted = [pictures[number] for number in readable]
        # The pipelines are asked for nothing when there is nothing, and then may not even be loaded.
        kcdp: Sequence[KCDPOutput | None] = [None] * len(wanted)
        uniemo: Sequence[UniEmoOutput | None] = [None] * len(wanted)
        if wanted and self._has(KCDPPipeline):
            kcdp = cast("list[KCDPOutput]", self.kcdp(wanted, attention=attention))
        if wanted and self._has(UniEmoPipeline):
            uniemo = cast("list[UniEmoOutput]", self.uniemo.understand(wanted, attention=attention))
        results = [self._judged(picture, frames) for picture, frames in zip(pictures, blank, strict=True)]
        for number, one, other in zip(readable, kcdp, uniemo, strict=True):
            results[number] = self._judged(pictures[number], blank[number], one, other)
        return results if several else results[0]

    def _judged(
        self,
        picture: DecodedPicture,
        blank: Sequence[bool],
        kcdp: KCDPOutput | None = None,
        uniemo: UniEmoOutput | None = None,
    ) -> VerdictOutput:
        """The verdict of one picture's readings, and of each of its frames but the `blank` ones, which have none."""
        readings = {name: reading for name, reading in (("kcdp", kcdp), ("uniemo", uniemo)) if reading is not None}
        emotion, leaning, probabilities = self._decided({name: one.probabilities for name, one in readings.items()})
        frames = []
        for number, (start, duration) in enumerate(picture.times):
            seen = {} if blank[number] else {name: one.frames[number].probabilities for name, one in readings.items()}
            frames.append(FrameVerdict(start / 1000, duration / 1000, *self._decided(seen)))
        return VerdictOutput(
            emotion=emotion,
            leaning=leaning,
            probabilities=probabilities,
            label_space=self._label_space,
            caption=kcdp.caption if kcdp else None,
            triplets=kcdp.triplets if kcdp else (),
            frames=tuple(frames),
            kcdp=kcdp,
            uniemo=uniemo,
        )

    def _decided(self, readings: Mapping[str, Mapping[str, float]]) -> tuple[str | None, str | None, dict[str, float]]:
        """Emotion, leaning and probabilities of readings, by name; without any, nothing and all alike."""
        labels = self.verdict.labels
        if not readings:
            return None, None, dict.fromkeys(labels, 1 / len(labels))
        values = {name: np.array([reading[label] for label in labels]) for name, reading in readings.items()}
        probabilities = self.verdict.combine(values)
        return *self.verdict.decide(probabilities), dict(zip(labels, probabilities.tolist(), strict=True))

    @property
    def _label_space(self) -> str:
        return str((self.kcdp if self._has(KCDPPipeline) else self.uniemo).config.label_space)

    def _has(self, kind: type[DiffusionPipeline]) -> bool:
        return (self.folder / kind.config_name).is_file()

    @property
    def _options(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "use_safetensors": True}

    def _placed(self, pipeline: Pipeline) -> Pipeline:
        _own_counters(pipeline)
        if self.attention_slicing:
            pipeline.enable_attention_slicing()
        place(pipeline, self.device, self.offload)
        return pipeline


def _own_counters(pipeline: DiffusionPipeline) -> None:
    """Copy the whole numbers of a pipeline's networks, which alone are still where they were read from.

    Weights are brought to another precision, and so copied, while they are loaded. A counter of 8 bytes that is not keeps all of its file
    in memory beside them.
    """
    for network in pipeline.components.values():
        for module in network.modules() if isinstance(network, torch.nn.Module) else ():
            for name, buffer in module.named_buffers(recurse=False):
                if not buffer.is_floating_point():
                    setattr(module, name, buffer.clone())


def _unreadable(folder: Path, error: Exception) -> BundleError:
    """One sentence about a bundle that does not fit, or is damaged."""
    missing = why_no_room(error)
    if missing is not None:
        return BundleError(f"The bundle in '{folder}' cannot be loaded: {missing}")
    return BundleError(f"The bundle in '{folder}' cannot be read; copy or train it again: {first_line(error)}")


def find_bundle(name: str | Path, revision: str | None = None) -> Path:
    """The local folder of a bundle, fetched from the Hub when `name` is not a folder.

    Raises BundleError when there is no such bundle, or no way to reach it.
    """
    try:
        folder = fetch(Source(str(name), revision), files=BUNDLE_FILES)
    except HubError as error:
        raise BundleError(str(error)) from error
    names = [pipeline.config_name for pipeline in (KCDPPipeline, UniEmoPipeline)]
    if not any((folder / name).is_file() for name in names):
        raise BundleError(
            f"The folder '{folder}' is not a bundle: it has no {' and no '.join(names)}; "
            "train one with train/train.py or point to another."
        )
    return folder


@without_collections()
def load_bundle(
    name: str | Path = EMBEDDED,
    *,
    revision: str | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    offload: Offload | None = None,
    attention_slicing: bool = False,
) -> Bundle:
    """Load the embedded bundle, a local folder, or a model of the Hub.

    Args:
        name: folder or Hub id.
        revision: of the Hub model; pin it in anything that runs unattended.
        device: where the weights go; default: the GPU when there is one.
        dtype: of the weights in memory, whatever they are on disk.
        offload: keep the weights on the CPU and bring to the GPU one network at a time ("model") or one layer
            ("sequential"): the first costs little time and fits the full size into about the memory of its captioner.
        attention_slicing: paint with less memory and more time; perception is not affected.

    Raises BundleError with one sentence when it cannot be loaded.
    """
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if offload is not None and offload not in get_args(Offload):
        raise BundleError(f"'{offload}' is no way to offload; choose one of {', '.join(get_args(Offload))}.")
    if offload is not None and target.type == "cpu":
        raise BundleError("Offloading brings weights from the CPU to a GPU, and there is none; leave `offload` out.")
    bundle = Bundle(find_bundle(name, revision), target, dtype, offload, attention_slicing)
    # What cannot be read is said at once.
    _ = bundle.kcdp if bundle._has(KCDPPipeline) else bundle.uniemo
    return bundle
