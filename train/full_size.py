"""The architectures of the published models, of random weights: what KCDP and UniEmo are at full size, with no download.

Shapes, numbers of parameters, speed and memory do not depend on what the weights say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, CLIPVisionConfig, CLIPVisionModel

from kcdp.bundle import EMBEDDED
from kcdp.knowledge.encoder import KnowledgeEncoder
from kcdp.perception.denoiser import Denoiser
from kcdp.perception.pyramid import FeaturePyramid
from kcdp.uniemo.query_chain import ExpertQueryChain
from train.stages.understanding import UnderstandingConfig, build_query_chain

VisionTower = Literal["B/32", "B/16", "L/14"]

#: Tokens of k: the caption's 77 and the triplets' 77.
TOKENS = 2 * 77

#: Stable Diffusion 1.5, whose widths and blocks are diffusers' defaults.
UNET = {"sample_size": 64, "cross_attention_dim": 768}
VAE = {
    "sample_size": 512,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}
SCHEDULER = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
#: CLIP ViT-L/14's text tower, which is Stable Diffusion's text encoder.
TEXT = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
}
#: CLIP's vision towers, and the width of the space that each shares with texts.
VISION: dict[VisionTower, dict[str, int]] = {
    "B/32": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "patch_size": 32},
    "B/16": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "patch_size": 16},
    "L/14": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14},
}
EMBED_DIMS: dict[VisionTower, int] = {"B/32": 512, "B/16": 512, "L/14": 768}


@dataclass(frozen=True)
class FullSize:
    """The vision of KCDP and UniEmo; `denoiser` is a view on `unet`, `chain` belongs to `vision`."""

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    denoiser: Denoiser
    pyramid: FeaturePyramid
    vision: CLIPVisionModel
    chain: ExpertQueryChain

    @classmethod
    def build(cls, device: str | torch.device, dtype: torch.dtype, vision: VisionTower = "L/14") -> FullSize:
        """Random weights on `device`, "meta" for shapes alone; only KGCA, the pyramid and the chain may train."""
        with _default_device_and_dtype(device, dtype):
            unet = UNet2DConditionModel(**UNET).eval().requires_grad_(False)
            denoiser = Denoiser(unet)
            tower, chain = build_vision(vision)
            return cls(
                vae=AutoencoderKL(**VAE).eval().requires_grad_(False),
                unet=unet,
                text_encoder=CLIPTextModel(CLIPTextConfig(**TEXT)).eval().requires_grad_(False),
                denoiser=denoiser,
                pyramid=FeaturePyramid(denoiser.feature_channels, denoiser.attention_channels(TOKENS)),
                vision=tower,
                chain=chain,
            )

    def visual(self, latents: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Latents (B, 4, 64, 64) and k (B, 154, 768) -> v (B, 1024)."""
        perception = self.denoiser(latents, states)
        return self.pyramid(perception.features, perception.attention)

    @property
    def encoder(self) -> KnowledgeEncoder:
        """Of captions and triplets to k (B, 154, 768); which ids the words have makes no difference here."""
        tokenizer = CLIPTokenizer.from_pretrained(EMBEDDED / "tokenizer")
        tokenizer.model_max_length = self.text_encoder.config.max_position_embeddings
        return KnowledgeEncoder(self.text_encoder, tokenizer)


def build_vision(name: VisionTower) -> tuple[CLIPVisionModel, ExpertQueryChain]:
    """A vision tower, frozen, and the paper's chain for it."""
    sizes = VISION[name]
    config = CLIPVisionConfig(**sizes, intermediate_size=4 * sizes["hidden_size"], image_size=224)
    tower = CLIPVisionModel(config).eval().requires_grad_(False)
    return tower, build_query_chain(UnderstandingConfig(), tower, EMBED_DIMS[name], num_classes=8).eval()


@contextmanager
def _default_device_and_dtype(device: str | torch.device, dtype: torch.dtype) -> Iterator[None]:
    """New weights are made there and so: in 32 bits first they would need twice the memory."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(usual)
