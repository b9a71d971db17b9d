"""UniEmo as a pipeline: what a picture makes people feel, and pictures that make people feel it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers import DiffusionPipeline, SchedulerMixin, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers import AutoModel, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

# Not used here: the libraries only find components of modules that are imported, and a bundle may name these.
import kcdp.perception.autoencoder
import kcdp.vision  # noqa: F401
from kcdp.emotions import LABEL_SPACES
from kcdp.hub import BUNDLE_FILES, Source, fetch
from kcdp.offload import execution_device
from kcdp.painting.cross_attention import watch_prompts
from kcdp.painting.emotion_tokens import EmotionTokens
from kcdp.painting.inputs import OutputType, check_settings, emotion_weights
from kcdp.painting.opacity import PAINTED_WHITE, add_opacity, cut_out, has_opacity, on_white
from kcdp.painting.prompt import PLACEHOLDER, PromptEncoder
from kcdp.painting.safety import objected, withheld_picture
from kcdp.painting.sampling import Guidance, denoise, edits, finite, seeds_of, steps_taken
from kcdp.painting.schedulers import Schedule, check_scheduler
from kcdp.painting.upscaler import StickerUpscaler
from kcdp.painting.words import Understood, understood
from kcdp.perception.sticker_autoencoder import Autoencoder
from kcdp.pipelines.pictures import Clips, Picture, encode_pictures, load_clips, safe_vae
from kcdp.pipelines.recognition import recognise
from kcdp.pipelines.saving import remove_stale_weights
from kcdp.results import UniEmoImageOutput, UniEmoOutput
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.uniemo.query_chain import ChainOutput, ExpertQueryChain, tower_pixels

#: Called after each step with the pipeline, the step's number, its timestep and {"latents": ...}; what it returns under
#: "latents" takes their place. Whatever it raises ends the generation.
StepCallback = Callable[[DiffusionPipeline, int, torch.Tensor, dict[str, torch.Tensor]], dict[str, torch.Tensor] | None]

_logger = logging.getLogger(__name__)


class UniEmoPipeline(DiffusionPipeline):
    """Emotional understanding and generation with expert queries.

    picture -> vision tower with expert queries -> emotion, scene, object; the same features, or features drawn from the
    emotion space -> fusion F -> a prompt with F as one of its tokens -> denoising -> picture.

    VAE, UNet, text encoder and tokenizer are those of a text-to-image model and can be the very objects that `KCDPPipeline`
    holds. With a second text encoder and its tokenizer the model is SDXL, and F has a part for either encoder. Calls may run at the same time in several threads: what a call changes is its own.

    With a safety checker, as Stable Diffusion has one, no picture that it objects to is given, nor a preview of one: a grey one
    stands in its place, and `withheld` of the output says so.

    What the vision tower wants to see, size and scale of colours, its own configuration says (`tower_pixels`).

    Args:
        label_space: name of the emotions that chain, fusion, correlation and space know, in its order.
        guidance_scale, guidance_rescale: `Guidance` where a call does not say; 7.5 and 0 in the paper.
        emotion_guidance: how many times as strongly as the words the emotion is followed, where there is guidance.
        num_inference_steps: of a call that does not say.
        quality: of a painter that was distilled to paint in few steps and has its guidance inside it: these settings of the
            one that it learned from, for `painting_with`. None for any other.

    Raises ValueError for an unknown label space, when F is not as wide as the text encoders together, or for a safety checker
    without its feature extractor.

    Examples:
        >>> from kcdp import load_bundle
        >>> uniemo = load_bundle().uniemo
        >>> uniemo.understand("sticker.png").scene.name
        'amusement park'
        >>> made = uniemo({"amusement": 0.7, "sadness": 0.3}, "a cat", num_images=4, seed=7)
        >>> made.images[0].save("cat.png")
    """

    #: Not diffusers' usual name: a bundle is one folder for this pipeline and for KCDP, whose index has that name.
    config_name = "uniemo_index.json"
    model_cpu_offload_seq = "chain->fusion->unet->vae"
    # Of these only parts are called, which the hooks that bring weights to the GPU do not see. (What is in the sequence as
    # well stays where it computes only when the rest is brought layer by layer.)
    _exclude_from_cpu_offload: list[str] = [  # noqa: RUF012
        *("vision", "text_encoder", "text_encoder_2", "correlation", "space", "chain", "fusion", "upscaler"),
        "safety_checker",  # asked at the end and at previews: kept where it computes
    ]
    _optional_components: list[str] = [  # noqa: RUF012
        *("text_encoder_2", "tokenizer_2", "upscaler", "safety_checker", "feature_extractor"),
    ]

    def __init__(
        self,
        vae: Autoencoder,
        unet: UNet2DConditionModel,
        text_encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        scheduler: SchedulerMixin,
        vision: CLIPVisionModel,
        chain: ExpertQueryChain,
        fusion: EmotionFusion,
        correlation: EmotionalCorrelation,
        space: EmotionSpace,
        text_encoder_2: CLIPTextModelWithProjection | None = None,
        tokenizer_2: CLIPTokenizer | None = None,
        upscaler: StickerUpscaler | None = None,
        safety_checker: StableDiffusionSafetyChecker | None = None,
        feature_extractor: CLIPImageProcessorPil | None = None,
        label_space: str = "Mikels-8",
        guidance_scale: float = 7.5,
        guidance_rescale: float = 0.0,
        emotion_guidance: float = 1.0,
        num_inference_steps: int = 25,
        quality: Any = None,
    ) -> None:
        super().__init__()
        if label_space not in LABEL_SPACES:
            raise ValueError(f"Unknown label space '{label_space}'; choose one of {', '.join(LABEL_SPACES)}.")
        self.register_modules(
            vae=vae,
            unet=unet,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            scheduler=scheduler,
            vision=vision,
            chain=chain,
            fusion=fusion,
            correlation=correlation,
            space=space,
            text_encoder_2=text_encoder_2,
            tokenizer_2=tokenizer_2,
            upscaler=upscaler,
            safety_checker=safety_checker,
            feature_extractor=feature_extractor,
        )
        self.register_to_config(
            # Which one it is says its own configuration; diffusers cannot tell that a tower of ours is a transformers model.
            vision=("transformers", "PreTrainedModel"),
            label_space=label_space,
            guidance_scale=guidance_scale,
            guidance_rescale=guidance_rescale,
            emotion_guidance=emotion_guidance,
            num_inference_steps=num_inference_steps,
            quality=None if quality is None else dict(quality),
        )
        if self.prompts.widths != fusion.text_dims:
            raise ValueError(
                f"The fusion speaks to text encoders of widths {fusion.text_dims}, these have {self.prompts.widths}; "
                "give the fusion that was trained with them."
            )
        if (safety_checker is None) != (feature_extractor is None):
            raise ValueError("A safety checker and its feature extractor belong together; give both or neither.")
        self.labels = LABEL_SPACES[label_space].labels
        #: What the denoiser has learned, whatever scheduler somebody sets later.
        self.schedule = Schedule.of(scheduler)
        self.image_processor = VaeImageProcessor()
        watch_prompts(unet)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **kwargs: Any) -> UniEmoPipeline:
        """Load a bundle's generating side from a folder or the Hub; arguments as for any diffusers pipeline.

        The vision tower is found by its model type. Raises HubError with one sentence when the bundle cannot be had.
        """
        folder = fetch(Source(str(pretrained_model_name_or_path), kwargs.pop("revision", None)), files=BUNDLE_FILES)
        if "vision" not in kwargs:
            dtype = kwargs.get("dtype", kwargs.get("torch_dtype", torch.float32))
            kwargs["vision"] = AutoModel.from_pretrained(folder / "vision", dtype=dtype).eval()
        return super().from_pretrained(folder, **kwargs)

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> None:
        """Write all of it to a folder that `from_pretrained` loads, new or one that an earlier save has filled."""
        super().save_pretrained(save_directory, **kwargs)
        remove_stale_weights(Path(save_directory))

    def painting_with(self, unet: UNet2DConditionModel, **settings: Any) -> UniEmoPipeline:
        """A pipeline of the same parts that paints with another denoiser, and with the `settings` of one."""
        other = UniEmoPipeline(**self.components | {"unet": unet}, label_space=self.config.label_space, **settings)
        other.set_progress_bar_config(**getattr(self, "_progress_bar_config", {}))
        return other

    @property
    def size(self) -> int:
        """Side in pixels of the pictures that are made."""
        return self.vae.config.sample_size

    @property
    def prompts(self) -> PromptEncoder:
        """The text side."""
        return PromptEncoder.of(self.size, (self.text_encoder, self.tokenizer), (self.text_encoder_2, self.tokenizer_2))

    @property
    def emotion_tokens(self) -> EmotionTokens:
        """What draws emotions as vectors for a prompt, or computes them from a picture."""
        return EmotionTokens(self.fusion, self.space, self.correlation, self.labels)

    @torch.no_grad()
    def understand(
        self, image: Picture | Sequence[Picture], attention: bool = True
    ) -> UniEmoOutput | list[UniEmoOutput]:
        """Recognise emotion, scene and object of one picture, or of a list of them in one batch.

        Of an animation several frames are seen and their numbers averaged. Without `attention` no heat maps are computed.
        Raises ImageError with one sentence when a picture cannot be read.
        """
        clips = load_clips(image)
        if not clips.pictures:
            return []
        seen = self._run_chain(clips, attention)
        space, numbers = self.config.label_space, range(len(clips.pictures))
        results = [recognise(seen, clips, number, self.correlation, space, self.size) for number in numbers]
        return results[0] if clips.single else results

    def _run_chain(self, clips: Clips, attention: bool = False) -> ChainOutput:
        """All frames through the vision tower with its expert queries; `attention` asks for the queries' maps."""
        pictures = clips.tensor(self.vision.config.image_size).to(execution_device(self.vision))
        return self.chain(self.vision, tower_pixels(self.vision, pictures), attention)

    @torch.no_grad()
    def __call__(
        self,
        emotion: str | Mapping[str, float] | Picture,
        prompt: str = "",
        image: Picture | None = None,
        strength: float = 0.6,
        num_images: int | None = None,
        seed: int | Sequence[int] | np.ndarray | torch.Tensor | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        guidance_rescale: float | None = None,
        negative_prompt: str | None = None,
        callback_on_step_end: StepCallback | None = None,
        output_type: OutputType = "pil",
        transparent: bool = False,
    ) -> UniEmoImageOutput:
        """Make pictures that evoke an emotion.

        Args:
            emotion: a label; labels with weights, or an array of the weights of all labels, which are blended; or a picture (a path only as `Path`), whose emotion is
                carried over.
            prompt: what to show. `<emotion>` says where the emotion stands among the words; without, it comes first. What is
                too long for the model is left out, and logged; the settings of the output say so, and which words it does
                not know.
            image: begin from this picture, the middle frame of an animation, and not from noise alone. A bundle whose denoiser
                edits sees it at every step as well.
            strength: how much of `image` may change, above 0 (nothing) to 1 (everything; with a denoiser that edits, what it
                has learned to change).
            num_images: how many pictures; one for each seed if not given, or a single one.
            seed: of the first picture, the next ones having the next numbers; or one for each picture; or None to draw.
                The same seed makes the same picture, alone or among others.
            num_inference_steps: of denoising; with `image` the last `strength` of them are taken. The pipeline's own if not
                given.
            guidance_scale: how far to follow the prompt; 1 or less takes it as it is. The pipeline's own if not given. A distilled
                one has it inside it, and takes neither this nor a negative prompt.
            guidance_rescale: from 0 to 1, how far to take back the glare that guidance brings. The pipeline's own if not given.
            negative_prompt: what guidance leads away from; if not given, the empty prompt, and for SDXL nothing at all.
            callback_on_step_end: see `StepCallback`.
            output_type: "pil" for pictures, "pt" for tensors (3, H, W) in [0, 1].
            transparent: give RGBA pictures with a clear ground, only with "pil". Where the bundle paints no opacity, what is
                clear is the white that reaches in from a picture's rim.

        Raises ValueError, among others for a scheduler that does not fit or latents that are no finite numbers, or ImageError
        for a picture that cannot be read, with one sentence.
        """
        if num_inference_steps is None:
            num_inference_steps = self.config.num_inference_steps
        weights = emotion_weights(LABEL_SPACES[self.config.label_space], emotion)
        check_settings(
            prompt,
            strength,
            num_inference_steps,
            guidance_scale,
            guidance_rescale,
            negative_prompt,
            output_type,
            transparent,
            self.config.quality is not None,
        )
        seeds = seeds_of(seed, num_images)
        source = None if image is None else load_clips(image).middles
        guidance = Guidance(
            self.config.guidance_scale if guidance_scale is None else guidance_scale,
            self.config.guidance_rescale if guidance_rescale is None else guidance_rescale,
            self.config.emotion_guidance,
        )

        check_scheduler(self.schedule, self.scheduler, num_inference_steps, None if image is None else strength)
        emotions = self.emotion_tokens
        if weights is None:
            tokens = emotions.of_picture(self._run_chain(load_clips(cast(Picture, emotion))), len(seeds))
        else:
            tokens = emotions.sample(weights, seeds)
        prompts, words = self.prompts, self.understood(prompt)
        if words.left_out:
            _logger.warning("The prompt is too long for the model; left out: '%s'.", words.left_out)
        own = [words.prompt] * len(seeds)
        condition, away, neutral = prompts.with_emotions(own, tokens), None, None
        if guidance.scale > 1:
            if guidance.emotion != 1:
                neutral = prompts.with_emotions(own, emotions.sample(dict.fromkeys(self.labels, 1.0), seeds))
            away = prompts.nothing() if negative_prompt is None else prompts.plain([negative_prompt])
        begin = None if source is None else encode_pictures(self._safe_vae(), source)
        steps = num_inference_steps if begin is None else steps_taken(num_inference_steps, strength)
        with self.progress_bar(total=steps) as progress:

            def on_step(number: int, timestep: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
                progress.update()
                if callback_on_step_end is None:
                    return latents
                changed = callback_on_step_end(self, number, timestep, {"latents": latents}) or {}
                return changed.get("latents", latents)

            latents = denoise(
                self.unet,
                self.scheduler,
                condition,
                seeds,
                num_inference_steps,
                on_step,
                away,
                guidance,
                begin,
                strength,
                begin if edits(self.unet) else None,
                neutral,
            )
        pixels = finite(self._decode(latents))
        pictures = self._shown(pixels)
        withheld = self._objected(pictures)
        for row, objectionable in enumerate(withheld):
            if objectionable:
                pixels[row], pictures[row] = 0, withheld_picture(pictures[row])
        if transparent:
            images = cut_out(pixels if has_opacity(pixels) else add_opacity(pixels.clamp(-1, 1), PAINTED_WHITE))
        else:
            images = pictures if output_type == "pil" else self.image_processor.postprocess(on_white(pixels), "pt")
        readings = cast("list[UniEmoOutput]", self.understand(pictures, attention=False))
        return UniEmoImageOutput(
            images=tuple(images),
            seeds=tuple(seeds),
            probabilities=tuple(seen.probabilities for seen in readings),
            emotion=weights,
            prompt=prompt,
            settings={
                "num_inference_steps": num_inference_steps,
                "guidance_scale": guidance.scale,
                "guidance_rescale": guidance.rescale,
                "negative_prompt": negative_prompt,
                "strength": None if image is None else strength,
                "scheduler": type(self.scheduler).__name__,
                "label_space": self.config.label_space,
                "left_out": words.left_out,
                "unknown_words": list(words.unknown),
            },
            withheld=withheld,
        )

    def enlarge(self, stickers: Sequence[Image.Image]) -> list[Image.Image]:
        """RGBA pictures, as a call with `transparent` gives them, large enough to be sent: of 128 pixels to 512.

        Raises ValueError for a bundle that has no upscaler, and as `StickerUpscaler.enlarge` does.
        """
        if self.upscaler is None:
            raise ValueError("This bundle has no upscaler; save its stickers as they are.")
        return self.upscaler.enlarge(stickers)

    def understood(self, prompt: str) -> Understood:
        """What of a prompt the painter reads, which of its words it does not know, and what is too long for it."""
        return understood(self.tokenizer, prompt, self.prompts.length, PLACEHOLDER)

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> list[Image.Image]:
        """Pictures of latents (B, C, h, w), in a callback what the steps so far have come to."""
        pictures = self._shown(self._decode(latents))
        withheld = self._objected(pictures)
        return [withheld_picture(one) if bad else one for one, bad in zip(pictures, withheld, strict=True)]

    def _objected(self, pictures: Sequence[Image.Image]) -> tuple[bool, ...]:
        """For each picture whether the safety checker objects to it; without one nobody does."""
        checker, extractor = self.safety_checker, self.feature_extractor
        return (False,) * len(pictures) if checker is None else objected(checker, extractor, pictures)

    def _shown(self, pixels: torch.Tensor) -> list[Image.Image]:
        """RGB pictures of decoded pixels."""
        return self.image_processor.postprocess(on_white(pixels), "pil")

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents (B, C, h, w) -> pixels (B, 3, H, W), about -1 to 1, or (B, 4, H, W) with opacity."""
        vae = self._safe_vae()
        return vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor, return_dict=False)[0]

    def _safe_vae(self) -> Autoencoder:
        """The autoencoder in a precision that it can compute in."""
        return self.vae if self.text_encoder_2 is None else safe_vae(self.vae)
