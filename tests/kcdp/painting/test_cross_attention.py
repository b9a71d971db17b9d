"""Cross-attention that computes a prompt's keys and values once, against diffusers' own."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor

from kcdp.painting.cross_attention import OnceProcessor, keys_once, watch_prompts
from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import denoise


@pytest.fixture
def pair():
    """A denoiser as diffusers makes it, and the same one that watches its prompts."""
    plain = UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=2,
        cross_attention_dim=12,
    ).eval()
    watching = copy.deepcopy(plain)
    watch_prompts(watching)
    return plain, watching


def asked(unet):
    """How often each cross-attention computes keys, counted from now on."""
    calls = []
    for name, module in unet.named_modules():
        if name.endswith("attn2.to_k"):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    return calls


def call(unet, latents, states, timestep=500):
    return unet(latents, timestep, encoder_hidden_states=states, return_dict=False)[0]


@torch.no_grad()
def test_a_step_is_the_librarys_within_and_without(pair):
    plain, watching = pair
    latents, states = torch.randn(2, 4, 16, 16), torch.randn(2, 7, plain.config.cross_attention_dim)
    assert any(isinstance(one, OnceProcessor) for one in watching.attn_processors.values())
    expected = [call(plain, latents, states, timestep) for timestep in (900, 10)]
    torch.testing.assert_close(call(watching, latents, states, 900), expected[0])
    with keys_once():
        for timestep, step in zip((900, 10), expected, strict=True):
            torch.testing.assert_close(call(watching, latents, states, timestep), step)


@torch.no_grad()
def test_keys_are_computed_once_a_painting_and_anew_for_another_condition(pair):
    plain, watching = pair
    latents, dim = torch.randn(1, 4, 16, 16), plain.config.cross_attention_dim
    one, other = torch.randn(1, 7, dim), torch.randn(1, 7, dim)
    calls = asked(watching)
    with keys_once():
        for _ in range(3):
            call(watching, latents, one)
        assert len(calls) == len(set(calls)) > 0
        torch.testing.assert_close(call(watching, latents, other), call(plain, latents, other))
    layers = len(set(calls))
    assert len(calls) == 2 * layers
    call(watching, latents, other)
    call(watching, latents, other)
    assert len(calls) == 4 * layers


@torch.no_grad()
def test_a_painting_asks_once_and_is_the_librarys(pair):
    calls, made = asked(pair[1]), []
    for unet in pair:
        states = torch.randn(2, 7, unet.config.cross_attention_dim, generator=torch.Generator().manual_seed(0))
        scheduler = DDIMScheduler(prediction_type="v_prediction")
        made.append(denoise(unet, scheduler, Condition(states), [3, 4], 4, lambda number, time, latents: latents))
    torch.testing.assert_close(*made, atol=1e-4, rtol=1e-4)
    assert len(calls) == len(set(calls)) > 0


def test_what_computes_otherwise_stays_as_it_is(pair):
    plain, _ = pair
    plain.set_attn_processor(AttnProcessor())
    watch_prompts(plain)
    assert {type(one) for one in plain.attn_processors.values()} == {AttnProcessor}
