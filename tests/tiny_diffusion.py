"""UniEmo of random weights on the networks that the Hub has: Stable Diffusion or SDXL in their own layout, and a plain CLIP."""

from __future__ import annotations

import copy
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, PNDMScheduler, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from torch.nn import functional as F
from transformers import (
    CLIPConfig,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.pipelines.uniemo import UniEmoPipeline
from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.uniemo.query_chain import ExpertQueryChain

#: Side of the pictures that are made, and of those that the vision tower takes.
SIZE, SEEN = 32, 28
ATTRIBUTES = ("beach", "park", "cat", "tree")
_VISION, _EMBED, _CLASSES = 24, 12, 8
#: Noise as Stable Diffusion and SDXL learned it.
_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def text_config(tokenizer: CLIPTokenizer, width: int, **options: Any) -> CLIPTextConfig:
    """Two layers over `tokenizer`."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **options,
    )


def stable_diffusion(tokenizer: CLIPTokenizer) -> dict[str, Any]:
    """The parts of Stable Diffusion that a pipeline is made of: two levels, f = 4, latents (4, 8, 8), text width 16."""
    return {
        "vae": _vae(),
        "unet": _unet(16),
        "text_encoder": CLIPTextModel(text_config(tokenizer, 16)).eval(),
        "tokenizer": tokenizer,
        "scheduler": PNDMScheduler(**_NOISE, skip_prk_steps=True, set_alpha_to_one=False),
    }


def stable_diffusion_xl(tokenizer: CLIPTokenizer) -> dict[str, Any]:
    """The parts of SDXL: text encoders of width 16 and 24, a sentence vector of width 20."""
    added = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 4,
        "projection_class_embeddings_input_dim": 6 * 4 + 20,
    }
    # As SDXL's, the second pads with another token.
    words = copy.deepcopy(tokenizer)
    words.pad_token = "!"
    second = CLIPTextModelWithProjection(text_config(tokenizer, 24, projection_dim=20, hidden_act="gelu"))
    return {
        "vae": _vae(),
        "unet": _unet(16 + 24, **added),
        "text_encoder": CLIPTextModel(text_config(tokenizer, 16)).eval(),
        "tokenizer": tokenizer,
        "text_encoder_2": second.eval(),
        "tokenizer_2": words,
        "scheduler": EulerDiscreteScheduler(**_NOISE, timestep_spacing="leading"),
    }


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=SIZE,
    ).eval()


def _unet(text_width: int, **options: Any) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SIZE // 4,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=text_width,
        attention_head_dim=8,
        norm_num_groups=4,
        **options,
    ).eval()


def clip_vision() -> CLIPVisionModel:
    """CLIP's own vision tower: three layers of width 24 over 2 x 2 patches."""
    config = CLIPVisionConfig(
        hidden_size=_VISION,
        intermediate_size=2 * _VISION,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=SEEN,
        patch_size=14,
    )
    return CLIPVisionModel(config).eval()


def safety_parts() -> dict[str, Any]:
    """Stable Diffusion's safety checker, tiny and of random weights, and what prepares pictures for it; it objects to none."""
    config = CLIPConfig(vision_config=clip_vision().config.to_dict(), projection_dim=_EMBED)
    checker = StableDiffusionSafetyChecker(config).eval()
    checker.concept_embeds_weights.data.fill_(1.0)
    checker.special_care_embeds_weights.data.fill_(1.0)
    size = {"shortest_edge": SEEN}
    return {
        "safety_checker": checker,
        "feature_extractor": CLIPImageProcessorPil(size=size, crop_size={"height": SEEN, "width": SEEN}),
    }


@torch.no_grad()
def object_to(checker: StableDiffusionSafetyChecker, processor: CLIPImageProcessorPil, picture: Image.Image) -> None:
    """Let a checker object to a picture, and to what is as good as the same."""
    pixels = processor([picture], return_tensors="pt").pixel_values
    checker.concept_embeds[0] = checker.visual_projection(checker.vision_model(pixels)[1])[0]
    # It rounds to three digits.
    checker.concept_embeds_weights[0] = 0.998


def uniemo_on(parts: dict[str, Any], **options: Any) -> UniEmoPipeline:
    """UniEmo on a text-to-image model and a plain CLIP; `options` go to the pipeline."""
    encoders = [parts[name] for name in ("text_encoder", "text_encoder_2") if name in parts]
    widths = [encoder.config.hidden_size for encoder in encoders]
    one = len(encoders) == 1
    chain = ExpertQueryChain(
        width=_VISION,
        num_heads=2,
        num_layers=3,
        scene_layer=1,
        object_layer=2,
        num_queries=3,
        embed_dim=_EMBED,
        num_classes=_CLASSES,
        head_dim=16,
    )
    correlation = EmotionalCorrelation.of(
        ATTRIBUTES,
        F.normalize(torch.randn(len(ATTRIBUTES), _EMBED), dim=-1),
        torch.randn(len(ATTRIBUTES), _CLASSES).softmax(dim=1),
        num_scenes=2,
        threshold=-1.0,
    )
    labels = torch.arange(4 * _CLASSES) % _CLASSES
    space = EmotionSpace.fit(torch.randn(4 * _CLASSES, 3, _VISION), labels, torch.rand(4 * _CLASSES, 2), _CLASSES)
    # Loud emotions: random weights would hardly say them otherwise.
    fusion = EmotionFusion(_VISION, widths[0] if one else widths, _CLASSES, 3.0 if one else [3.0, 4.0])
    pipeline = UniEmoPipeline(
        **parts,
        vision=clip_vision(),
        chain=chain.eval(),
        fusion=fusion.eval(),
        correlation=correlation,
        space=space,
        **options,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
