"""The published architectures on the meta device: shapes and numbers of parameters, no memory and no sums."""

import pytest
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionModel

from kcdp.painting.prompt import PromptEncoder
from kcdp.results import Triplet
from kcdp.uniemo.fusion import EmotionFusion
from train.full_size import VISION, FullSize, build_vision
from train.stages.unet import denoising_loss


@pytest.fixture(scope="module")
def full() -> FullSize:
    return FullSize.build("meta", torch.bfloat16)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")


def test_the_networks_are_as_large_as_the_published_ones(full):
    assert count(full.unet) == 859_520_964
    assert count(full.vae) == 83_653_863
    assert count(full.text_encoder) == 123_060_480
    assert count(full.vision) == 303_179_776


def test_kcdp_has_the_papers_shapes(full):
    triplets = [[Triplet("a man", "hugs", "a woman"), Triplet("a man", "smiles at", "a woman")], []]
    states = full.encoder.encode(["a man hugs a woman", "a ghost"], triplets).states
    assert states.shape == (2, 154, 768)
    latents = full.vae.encode(on_meta(2, 3, 512, 512)).latent_dist.mode()
    assert latents.shape == (2, 4, 64, 64)
    seen = full.denoiser(latents, states)
    assert [feature.shape[1:] for feature in seen.features] == [
        (320, 64, 64),
        (640, 32, 32),
        (1280, 16, 16),
        (1280, 8, 8),
    ]
    assert [maps.shape[1:] for maps in seen.attention] == [(154, side, side) for side in (64, 32, 16, 8)]
    assert full.denoiser.attention_channels(154) == (0, 154, 154, 0)
    assert full.pyramid.in_channels == (320, 794, 1434, 1280)
    assert full.pyramid(seen.features, seen.attention).shape == (2, 1024)


def test_kgca_is_a_low_rank_update_of_keys_and_values_and_learns(full):
    """Rank 8 on W_K and W_V (768 to C) of 16 cross-attentions: 5 of C = 320, 5 of 640, 6 of 1280."""
    own = full.denoiser.trainable_parameters()
    assert sum(parameter.numel() for parameter in own) == 2 * sum(
        layers * 8 * (768 + width) for layers, width in ((5, 320), (5, 640), (6, 1280))
    )
    full.visual(on_meta(1, 4, 64, 64), on_meta(1, 154, 768)).sum().backward()
    assert all(parameter.grad is not None for parameter in (*own, *full.pyramid.parameters()))
    assert all(parameter.grad is None for parameter in full.unet.parameters())


@pytest.mark.parametrize("name", VISION)
def test_the_chain_reads_scenes_at_a_third_and_objects_at_two_thirds(name):
    with torch.device("meta"):
        tower, chain = build_vision(name)
        seen = chain(tower, torch.empty(2, 3, 224, 224))
    assert type(tower) is CLIPVisionModel
    layers, width, side = {"B/32": ((4, 8), 768, 7), "B/16": ((4, 8), 768, 14), "L/14": ((8, 16), 1024, 16)}[name]
    assert (chain.config.scene_layer, chain.config.object_layer) == layers
    assert seen.cls.shape == (2, width) and seen.scene.shape == seen.object.shape == (2, 32, width)
    assert seen.scene_attention.shape == seen.object_attention.shape == (2, side, side)
    assert seen.scene_embeds.shape == (2, 768 if name == "L/14" else 512) and seen.logits.shape == (2, 8)


@torch.no_grad()
def test_sdxl_is_told_of_an_emotion_and_asked_for_the_noise(full):
    """The published architecture of its denoiser and of its second text encoder, which are in no bundle of ours."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=2,
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ).to(torch.bfloat16)
        second = CLIPTextModelWithProjection(
            CLIPTextConfig(
                hidden_size=1280,
                intermediate_size=5120,
                num_hidden_layers=32,
                num_attention_heads=20,
                hidden_act="gelu",
                projection_dim=1280,
            )
        ).to(torch.bfloat16)
        fusion = EmotionFusion(1024, [768, 1280], token_norm=[0.4, 0.4])
    assert (count(unet), count(second)) == (2_567_463_684, 694_659_840)
    tokenizer = full.encoder.tokenizer
    prompts = PromptEncoder((full.text_encoder, second), (tokenizer, tokenizer), size=1024)
    rows, alphas = torch.empty(2, 1024, device="meta"), torch.empty(2, device="meta")
    fused = fusion(rows, rows, rows, alphas, alphas)
    told = prompts.encode_tokens(*prompts.tokens(["a cat", "a dog in the park"]), fused)
    assert told.states.shape == (2, 77, 2048)
    assert {name: value.shape for name, value in told.added.items()} == {"text_embeds": (2, 1280), "time_ids": (2, 6)}
    latents, steps = torch.empty(2, 4, 128, 128, device="meta"), torch.zeros(2, dtype=torch.long, device="meta")
    assert denoising_loss(unet, DDPMScheduler(), latents, latents, steps, told, 5.0).shape == ()
