"""The frozen parts that KCDP is trained on: autoencoder, denoiser, text tower, captioner, parser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPProcessor, CLIPTextModel, CLIPTokenizer, VisionEncoderDecoderModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.knowledge.captioner import Captioner
from kcdp.knowledge.encoder import KnowledgeEncoder
from kcdp.knowledge.knowledge import Knowledge
from kcdp.knowledge.triplets import TripletParser
from kcdp.perception.autoencoder import PatchAutoencoderKL
from kcdp.perception.pyramid import BottomUpPath
from kcdp.prediction.cliea import emotion_prompts
from kcdp.vision import ConvStemCLIPModel


@dataclass
class Foundation:
    """What the stages `vae`, `language` and `unet` made, and the parser."""

    vae: PatchAutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    captioner: VisionEncoderDecoderModel
    processor: CLIPProcessor
    parser: TripletParser
    labels: tuple[str, ...]
    #: The pyramid's path over the latents, as the stage `path` or `labelled_path` left it.
    path: BottomUpPath | None = None

    @classmethod
    def load(
        cls,
        vae: Path,
        language: Path,
        unet: Path,
        path: Path,
        parser: Path,
        labels: tuple[str, ...],
        device: str | torch.device,
    ) -> Foundation:
        """Read the best weights of the stages' folders; everything is frozen and in evaluation mode."""
        clip = ConvStemCLIPModel.from_pretrained(language / "clip")
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
            path=BottomUpPath.from_pretrained(path / "path"),
        )

    @property
    def knowledge(self) -> Knowledge:
        """Captioner, parser and encoder in a row."""
        encoder = KnowledgeEncoder(self.text_encoder, self.tokenizer)
        return Knowledge(Captioner(self.captioner, self.processor), self.parser, encoder)

    def emotion_prompts(self) -> torch.Tensor:
        """Token states (K, L, D) of CLIEA's prompts, one an emotion."""
        return self.knowledge.encoder.encode_prompts(emotion_prompts(self.labels))[0]
