"""The frozen parts that KCDP and UniEmo are trained on: autoencoder, denoiser, text encoders, captioner, parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from pydantic import AfterValidator
from transformers import (
    AutoModel,
    CLIPProcessor,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    PreTrainedModel,
    ProcessorMixin,
    VisionEncoderDecoderModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

# Lets `AutoModel` know the CLIPs that the stages make.
from kcdp import vision  # noqa: F401
from kcdp.hub import Source, check_pinned, fetch, first_line, why_no_room
from kcdp.knowledge.captioner import Captioner, CaptionerConfig, Quantization, check_quantizable
from kcdp.knowledge.encoder import KnowledgeEncoder
from kcdp.knowledge.knowledge import Knowledge
from kcdp.knowledge.triplets import TripletParser
from kcdp.painting.prompt import PromptEncoder
from kcdp.paths import ASSETS
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.pipelines.pictures import safe_vae
from kcdp.prediction.cliea import emotion_prompts
from train.core.config import setting, validated

#: The parser is trained apart (spaCy's own training) and ships with the bundle.
PARSER = ASSETS / "mini" / "parser"

#: What Stable Diffusion's layout has a folder of.
PARTS = ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
#: What SDXL's has beside them.
SECOND = ("text_encoder_2", "tokenizer_2")
#: What looks at painted pictures, where a model comes with it, as Stable Diffusion 1.5 does.
SAFETY = ("safety_checker", "feature_extractor")
#: Why the stage `kcdp` refuses a foundation.
NO_KCDP = (
    "KCDP sees with a denoiser of one text encoder, and `foundation.diffusion` has two, as SDXL has: leave out the stage "
    "'kcdp' and its evaluation, or name another model."
)

#: Why it refuses one without a captioner.
NO_CAPTIONER = (
    "KCDP reads captions, and `foundation` names no captioner: add `foundation.captioner`, or leave out the stage 'kcdp' "
    "and its evaluation."
)

NO_VISION = "UniEmo and the baselines need a CLIP model; name one as `foundation.vision`."

Part = TypeVar("Part")


def _check_captioning(options: dict[str, Any]) -> dict[str, Any]:
    checked = validated(CaptionerConfig, options, "foundation.captioning")
    return {name: getattr(checked, name) for name in options}


CaptioningOptions = Annotated[dict[str, Any], AfterValidator(_check_captioning)]


@dataclass(frozen=True)
class FoundationConfig:
    """Published models to stand on, in the place of what the stages `vae` to `unet` train."""

    diffusion: Source = setting(help="A model in Stable Diffusion's layout, or for UniEmo in SDXL's.")
    captioner: Source | None = setting(None, "Any image-text-to-text model of transformers; UniEmo alone needs none.")
    vision: Source | None = setting(None, "A CLIP model for expert queries and baselines; KCDP alone needs none.")
    parser: str = setting(str(PARSER), "A spaCy pipeline that parses English: a folder, or a package's name.")
    captioning: CaptioningOptions = setting({}, "Options of `CaptionerConfig`; by default those that suit the model.")
    captioner_quantization: Quantization | None = setting(
        None, "Round the captioner's weights, on a GPU with bitsandbytes."
    )
    dtype: Literal["float32", "float16", "bfloat16"] = setting("float32", "Of the frozen weights.")

    def check(self) -> None:
        """Raise ValueError with one sentence when there is no captioner to quantise, or it cannot be done here, or HubError
        when a model of the Hub is named without the commit that is meant.
        """
        for name in ("diffusion", "captioner", "vision"):
            source = getattr(self, name)
            if source is not None:
                check_pinned(source, f"foundation.{name}")
        if self.captioner_quantization is not None:
            if self.captioner is None:
                raise ValueError(
                    "'foundation.captioner_quantization' is for a captioner, and 'foundation.captioner' names none."
                )
            check_quantizable(self.captioner.name, "cuda")

    def check_for_kcdp(self) -> None:
        """Raise ValueError when KCDP cannot stand on these; of a model of the Hub that may show only when it is there."""
        if has_two_encoders(Path(self.diffusion.name)):
            raise ValueError(NO_KCDP)
        if self.captioner is None:
            raise ValueError(NO_CAPTIONER)

    def check_for_uniemo(self) -> None:
        """Raise ValueError when UniEmo cannot stand on these."""
        if self.vision is None:
            raise ValueError(NO_VISION)

    @property
    def weights_dtype(self) -> torch.dtype:
        """`dtype` as PyTorch knows it."""
        return getattr(torch, self.dtype)


def has_two_encoders(folder: Path) -> bool:
    """Whether the denoiser in a folder is conditioned on two text encoders."""
    return (folder / SECOND[0]).is_dir()


def load_part(kind: type[Part], source: Source, folder: Path, part: str, **options: Any) -> Part:
    """One component from the fetched `folder` of `source`; raises ValueError with one sentence when it cannot be read."""
    if not (folder / part).is_dir():
        raise ValueError(
            f"'{source.name}' has no folder '{part}'; foundation.diffusion needs Stable Diffusion's layout: "
            f"{', '.join(PARTS)}; SDXL's has {' and '.join(SECOND)} as well."
        )
    try:
        return kind.from_pretrained(folder / part, **options)
    except Exception as error:  # damaged files fail in as many ways as there are libraries that read them
        reason = why_no_room(error) or f"fetch or copy it again: {first_line(error)}"
        raise ValueError(f"'{source.name}' cannot be loaded: {part}: {reason}") from error


@dataclass
class Foundation:
    """The frozen parts, as the stages `vae`, `language` and `unet` made them or as they were published, and the parser."""

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    #: Both None where UniEmo alone stands on it.
    captioner: PreTrainedModel | None
    processor: ProcessorMixin | None
    parser: TripletParser
    labels: tuple[str, ...]
    #: The second text encoder and its tokenizer, where the denoiser listens to two, as SDXL's does.
    text_encoder_2: CLIPTextModelWithProjection | None = None
    tokenizer_2: CLIPTokenizer | None = None
    #: The model's safety checker and what prepares pictures for it; both None where it has none.
    safety_checker: StableDiffusionSafetyChecker | None = None
    feature_extractor: CLIPImageProcessorPil | None = None
    #: As the stage `latent_encoder` or `labelled_latent_encoder` left it.
    latent_encoder: LatentEncoder | None = None
    #: Options for the captioner other than the usual ones.
    captioning: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        vae: Path,
        language: Path,
        unet: Path,
        latent_encoder: Path,
        parser: Path,
        labels: tuple[str, ...],
        device: str | torch.device,
    ) -> Foundation:
        """Read the best weights of the stages' folders; everything is frozen and in evaluation mode."""
        clip = AutoModel.from_pretrained(language / "clip")
        tokenizer = CLIPTokenizer.from_pretrained(language / "tokenizer")
        images = CLIPImageProcessorPil.from_pretrained(language / "image_processor")
        networks = {
            "vae": PatchAutoencoderKL.from_pretrained(vae / "vae"),
            "unet": UNet2DConditionModel.from_pretrained(unet / "unet"),
            "text_encoder": clip.text_model,
            "captioner": VisionEncoderDecoderModel.from_pretrained(language / "captioner"),
        }
        frozen = {name: network.to(device).eval().requires_grad_(False) for name, network in networks.items()}
        return cls(
            **frozen,
            tokenizer=tokenizer,
            processor=CLIPProcessor(images, tokenizer),
            parser=TripletParser.from_pretrained(parser),
            labels=labels,
            latent_encoder=LatentEncoder.from_pretrained(latent_encoder / "latent_encoder"),
        )

    @classmethod
    def from_hub(cls, config: FoundationConfig, labels: tuple[str, ...], device: str | torch.device) -> Foundation:
        """Put published models together, from the Hub, its cache or folders; frozen, in evaluation mode.

        There is no latent encoder. Raises HubError when a model cannot be fetched, ValueError when it is not
        what it should be or cannot be read; each says so in one sentence.
        """
        diffusion = config.diffusion
        folder = fetch(diffusion, (*PARTS, *SECOND, *SAFETY))
        options = {"dtype": config.weights_dtype, "use_safetensors": True}
        kinds = {"vae": AutoencoderKL, "unet": UNet2DConditionModel, "text_encoder": CLIPTextModel}
        tokenizers = ["tokenizer"]
        if has_two_encoders(folder):
            kinds["text_encoder_2"] = CLIPTextModelWithProjection
            tokenizers.append("tokenizer_2")
        networks = {name: load_part(kind, diffusion, folder, name, **options) for name, kind in kinds.items()}
        if has_two_encoders(folder):
            safe_vae(networks["vae"])
        extractor = None
        if all((folder / name).is_dir() for name in SAFETY):
            kind = StableDiffusionSafetyChecker
            networks["safety_checker"] = load_part(kind, diffusion, folder, "safety_checker", **options)
            extractor = load_part(CLIPImageProcessorPil, diffusion, folder, "feature_extractor")
        words = None
        if config.captioner is not None:
            words = Captioner.from_pretrained(
                fetch(config.captioner),
                dtype=config.weights_dtype,
                device=device,
                quantization=config.captioner_quantization,
                **config.captioning,
            )
        return cls(
            **{name: network.to(device).eval().requires_grad_(False) for name, network in networks.items()},
            **{name: load_part(CLIPTokenizer, diffusion, folder, name) for name in tokenizers},
            feature_extractor=extractor,
            captioner=None if words is None else words.model.eval().requires_grad_(False),
            processor=None if words is None else words.processor,
            parser=TripletParser.from_pretrained(config.parser),
            labels=labels,
            captioning=config.captioning,
        )

    @property
    def knowledge(self) -> Knowledge:
        """Captioner, parser and encoder in a row; of a foundation with a captioner."""
        encoder = KnowledgeEncoder(self.text_encoder, self.tokenizer)
        return Knowledge(Captioner(self.captioner, self.processor, **self.captioning), self.parser, encoder)

    @property
    def prompts(self) -> PromptEncoder:
        """The text side of the denoiser."""
        size = self.vae.config.sample_size
        return PromptEncoder.of(size, (self.text_encoder, self.tokenizer), (self.text_encoder_2, self.tokenizer_2))

    def emotion_prompts(self) -> torch.Tensor:
        """Token states (K, L, D) of CLIEA's prompts, one an emotion."""
        return self.knowledge.encoder.encode_prompts(emotion_prompts(self.labels))[0]


def hub_scheduler(config: FoundationConfig) -> DDPMScheduler:
    """The noise that the published denoiser has learned to predict; raises as `Foundation.from_hub` does.

    Whatever scheduler it paints with, its settings say which noise that is.
    """
    folder = fetch(config.diffusion, (*PARTS, *SECOND, *SAFETY))
    # Latents are not pixels, which end at -1 and 1; not every scheduler's settings say so.
    return load_part(DDPMScheduler, config.diffusion, folder, "scheduler", clip_sample=False)
