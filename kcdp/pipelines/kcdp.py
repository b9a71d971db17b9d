"""KCDP as a pipeline: pictures in, emotions and their reasons out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer, PreTrainedModel, ProcessorMixin

# Not used here: the libraries only find components of modules that are imported, and a bundle may name these.
import kcdp.vision  # noqa: F401
from kcdp.emotions import LABEL_SPACES
from kcdp.hub import BUNDLE_FILES, Source, fetch
from kcdp.knowledge.alignment import TokenAlignment
from kcdp.knowledge.captioner import Captioner
from kcdp.knowledge.encoder import KnowledgeEncoder
from kcdp.knowledge.knowledge import Knowledge, PictureCaptioner
from kcdp.knowledge.propositions import Proposition
from kcdp.knowledge.triplets import TripletParser
from kcdp.offload import execution_device
from kcdp.perception.autoencoder import PatchAutoencoderKL  # noqa: F401
from kcdp.perception.denoiser import Denoiser, Features, Perception, Tuning
from kcdp.perception.heat import heat_maps
from kcdp.perception.pyramid import FeaturePyramid
from kcdp.pipelines.pictures import Picture, encode_pictures, encode_pixels, load_clips
from kcdp.pipelines.saving import remove_stale_weights
from kcdp.prediction.cliea import CLIEA, emotion_prompts, tie
from kcdp.prediction.moe import MixtureOfExperts
from kcdp.results import AttentionMap, ExpertWeight, FrameReading, KCDPOutput, Triplet


class KCDPPipeline(DiffusionPipeline):
    """Knowledge-aligned counterfactual-enhancement diffusion perception.

    picture -> caption -> triplets -> k; (z, k) -> denoiser and pyramid -> v; (v, k) -> experts, CLIEA.
    What experts hear is their own setting (`MoEInputs`), and how they are given k is `pooling`.

    The UNet is the text-to-image one, untouched: perception runs on a view of it that shares its weights and carries the
    KGCA adapter, so both can be used at once.

    Examples:
        >>> from kcdp import KCDPPipeline
        >>> pipeline = KCDPPipeline.from_pretrained("assets/mini")
        >>> pipeline("sticker.png").emotion
        'amusement'
    """

    model_cpu_offload_seq = "captioner->text_encoder->vae->unet->pyramid->moe->cliea"

    def __init__(
        self,
        vae: AutoencoderKL,
        unet: UNet2DConditionModel,
        text_encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        captioner: PreTrainedModel,
        captioner_processor: ProcessorMixin,
        pyramid: FeaturePyramid,
        moe: MixtureOfExperts,
        cliea: CLIEA,
        label_space: str = "Mikels-8",
        timestep: int = 1,
        tuning: str = "lora",
        lora_rank: int = 8,
        lora_alpha: float = 8.0,
        attention_levels: list[int] | tuple[int, ...] = (1, 2),
        condition: str = "both",
        features: str = "decoder",
        scale_latents: bool = True,
        captioning: Mapping[str, Any] | None = None,
        pooling: str = "sentence",
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            unet=unet,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            captioner=captioner,
            captioner_processor=captioner_processor,
            pyramid=pyramid,
            moe=moe,
            cliea=cliea,
        )
        self.register_to_config(
            label_space=label_space,
            timestep=timestep,
            tuning=tuning,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            attention_levels=list(attention_levels),
            condition=condition,
            features=features,
            scale_latents=scale_latents,
            captioning=dict(captioning or {}),
            pooling=pooling,
        )
        self.labels = LABEL_SPACES[label_space].labels
        # The released code gives its denoiser latents as the autoencoder does, which it was not trained on.
        scale = 1.0 if scale_latents else 1 / vae.config.scaling_factor
        # The denoiser checks both names: annotated as what they can be, diffusers warns of them whenever a pipeline loads.
        which = cast(Tuning, tuning), cast(Features, features)
        self.denoiser = Denoiser(
            unet, timestep, which[0], lora_rank, lora_alpha, attention_levels, which[1], scale
        ).eval()
        self.encoder = KnowledgeEncoder(text_encoder, tokenizer)
        self._prompts: tuple[tuple[object, ...], torch.Tensor] | None = None
        self.parser: TripletParser | None = None
        #: A captioner of the caller's own, asked in the place of the bundle's.
        self.own_captioner: PictureCaptioner | None = None

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **kwargs: Any) -> KCDPPipeline:
        """Load a bundle's perception side from a folder or the Hub; arguments as for any diffusers pipeline.

        Beyond the components that diffusers knows, a bundle has the KGCA adapter (`kgca/`) and the parser (`parser/`).
        Raises HubError with one sentence when it cannot be had.
        """
        folder = fetch(Source(str(pretrained_model_name_or_path), kwargs.pop("revision", None)), files=BUNDLE_FILES)
        pipeline = super().from_pretrained(folder, **kwargs)
        pipeline.denoiser.load_adapter(folder / "kgca")
        pipeline.denoiser.to(pipeline.unet.dtype)
        pipeline.parser = TripletParser.from_pretrained(folder / "parser")
        return pipeline

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> None:
        """Write all of it to a folder that `from_pretrained` loads, new or one that an earlier save has filled."""
        super().save_pretrained(save_directory, **kwargs)
        remove_stale_weights(Path(save_directory))
        self.denoiser.save_adapter(Path(save_directory) / "kgca")
        if self.parser is not None:
            self.parser.save_pretrained(Path(save_directory) / "parser")

    @property
    def size(self) -> int:
        """Side in pixels of the pictures that the networks see."""
        return self.vae.config.sample_size

    @property
    def knowledge(self) -> Knowledge:
        """Captioner, parser and encoder; raises ValueError when no parser has been given."""
        if self.parser is None:
            raise ValueError("This pipeline has no parser; set `pipeline.parser` or load it from a bundle.")
        captioner = self.own_captioner or Captioner(self.captioner, self.captioner_processor, **self.config.captioning)
        return Knowledge(captioner, self.parser, self.encoder)

    def encode_pictures(self, frames: Sequence[Image.Image]) -> torch.Tensor:
        """Latents z (B, C, h, w) of RGB pictures: the posterior's mode, scaled as the denoiser was trained."""
        return encode_pictures(self.vae, frames)

    def emotion_prompts(self) -> torch.Tensor:
        """Token states (K, L, D) of CLIEA's prompts, one an emotion: encoded anew only when the text encoder has changed."""
        encoder = self.encoder.text_encoder
        weight = next(encoder.parameters())
        state = (id(encoder), weight.dtype, execution_device(encoder), weight._version)
        if self._prompts is None or self._prompts[0] != state:
            self._prompts = (state, self.encoder.encode_prompts(emotion_prompts(self.labels))[0])
        return self._prompts[1]

    @torch.no_grad()
    def __call__(
        self,
        image: Picture | Sequence[Picture],
        caption: str | Sequence[str] | None = None,
        top_k: int | None = None,
        return_features: bool = False,
        attention: bool = True,
    ) -> KCDPOutput | list[KCDPOutput]:
        """Recognise the emotion of one picture, or of a list of them in one batch.

        Args:
            image: PIL picture, path, file content or `DecodedPicture`; a list gives a list. Of an animation
                several frames are seen and the predictions averaged; the middle frame is captioned.
            caption: skips the captioner; one for each picture.
            top_k: asks this many experts instead of the trained number.
            return_features: keep v (levels * 256,) and k (2L, D) in the result.
            attention: whether to compute the heat maps of words and triplets.

        Raises ImageError with one sentence when a picture cannot be read, ValueError when captions and pictures differ
        in number.
        """
        clips = load_clips(image)
        if not clips.pictures:
            return []
        knowledge = self.knowledge
        captions = [caption] if isinstance(caption, str) else caption
        if captions is None:
            captions = knowledge.captions(clips.middles)
        elif len(captions) != len(clips.pictures):
            raise ValueError(
                f"There are {len(clips.pictures)} pictures but {len(captions)} captions; give one for each."
            )
        propositions = knowledge.propositions(captions)
        triplets = [[proposition.triplet for proposition in found] for found in propositions]
        encoded = knowledge.encode(captions, triplets, self.config.condition, self.config.pooling)
        clip_index = clips.clip_index
        latents = encode_pixels(self.vae, clips.tensor(self.size))
        states, pooled = encoded.states[clip_index], encoded.pooled[clip_index]
        perception = self.denoiser(latents, states)
        visual = self.pyramid(perception.features, perception.attention, perception.latents)
        images = None if self.moe.norm_image is None else knowledge.images(clips.flat)
        routed = self.moe(visual, pooled, top_k, images)
        similarities = self.cliea(visual, encoded.states, self.emotion_prompts(), clip_index)
        probabilities = routed.logits.float().softmax(-1)

        results = []
        for number, frames in enumerate(clips.frames):
            mine = clips.rows(number)
            by_frame = probabilities[mine]
            results.append(
                self._result(
                    by_frame.mean(0),
                    routed.router[mine].float().mean(0),
                    int(routed.chosen[0].sum()),
                    similarities[mine].float().mean(0),
                    captions[number],
                    triplets[number],
                    self._attention(perception, int(mine[len(frames) // 2]), captions[number], propositions[number])
                    if attention
                    else (),
                    clips.readings(number, by_frame, self.labels),
                    visual[mine].float().mean(0).cpu().numpy() if return_features else None,
                    encoded.states[number].float().cpu().numpy() if return_features else None,
                )
            )
        self.maybe_free_model_hooks()
        return results[0] if clips.single else results

    def _result(
        self,
        probabilities: torch.Tensor,
        router: torch.Tensor,
        top_k: int,
        similarities: torch.Tensor,
        caption: str,
        triplets: list[Triplet],
        attention: tuple[AttentionMap, ...],
        frames: tuple[FrameReading, ...],
        visual: np.ndarray | None,
        knowledge: np.ndarray | None,
    ) -> KCDPOutput:
        effects, chosen = tie(similarities[None])[0], set(router.topk(top_k).indices.tolist())
        return KCDPOutput(
            emotion=self.labels[int(probabilities.argmax())],
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            caption=caption,
            triplets=tuple(triplets),
            experts=tuple(
                ExpertWeight(expert, weight, expert in chosen) for expert, weight in enumerate(router.tolist())
            ),
            similarities=dict(zip(self.labels, similarities.tolist(), strict=True)),
            effects=dict(zip(self.labels, effects.tolist(), strict=True)),
            pseudo_label=self.labels[int(similarities.argmax())],
            attention=attention,
            label_space=self.config.label_space,
            frames=frames,
            visual=visual,
            knowledge=knowledge,
        )

    def _attention(
        self, perception: Perception, row: int, caption: str, propositions: Sequence[Proposition]
    ) -> tuple[AttentionMap, ...]:
        """Heat maps of one picture: for each content word of the caption its tokens' mean, for each triplet its words' mean.

        The tokens of t are sums over triplets, so a triplet is found again where the caption says it.
        """
        if self.config.condition == "triplets":
            return ()
        alignment = TokenAlignment.of(self.tokenizer, caption, self.encoder.length)
        attention = perception.attention_of(row)
        named = [(word, "word", tokens) for word, tokens in alignment.content_words()]
        named += [(str(found.triplet), "triplet", alignment.tokens(found.spans)) for found in propositions]
        named = [(text, kind, tokens) for text, kind, tokens in named if tokens]
        heats = heat_maps(attention, [tokens for _, _, tokens in named], (self.size, self.size))
        return tuple(AttentionMap(text, kind, heat) for (text, kind, _), heat in zip(named, heats, strict=True))
