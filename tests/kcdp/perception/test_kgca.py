"""KGCA by hand: which matrices it changes, and by how much (eq. 3 and 4)."""

from __future__ import annotations

from inspect import signature

import pytest
import torch
from diffusers import UNet2DConditionModel

from kcdp.perception.denoiser import Denoiser

WIDTH, RANK, ALPHA = 32, 4, 6.0


def tuned(unet: UNet2DConditionModel, tuning: str, **options: object) -> Denoiser:
    denoiser = Denoiser(unet, tuning=tuning, lora_rank=RANK, lora_alpha=ALPHA, attention_levels=(0,), **options).eval()
    for parameter in denoiser.trainable_parameters():
        torch.nn.init.normal_(parameter)
    return denoiser


@torch.no_grad()
def test_keys_and_values_of_cross_attention_are_w_plus_b_d_times_alpha_over_rank(
    tiny_unet: UNet2DConditionModel,
) -> None:
    denoiser, states = tuned(tiny_unet, "lora"), torch.randn(5, WIDTH)
    adapters = {name.rpartition(".lora_A")[0] for name, _ in denoiser.unet.named_modules() if ".lora_A" in name}
    cross = [name for name, _ in tiny_unet.named_modules() if name.endswith("attn2")]
    assert adapters == {f"{name}.{matrix}" for name in cross for matrix in ("to_k", "to_v")}
    for name in adapters:
        layer, base = denoiser.unet.get_submodule(name), tiny_unet.get_submodule(name)
        b, d = layer.lora_B["default"].weight, layer.lora_A["default"].weight
        assert (b.shape[1], d.shape[0]) == (RANK, RANK)
        torch.testing.assert_close(layer(states), states @ (base.weight + ALPHA / RANK * b @ d).T)


def test_kv_tuning_has_the_same_matrices_of_its_own(tiny_unet: UNet2DConditionModel) -> None:
    denoiser = tuned(tiny_unet, "kv")
    own = {id(parameter) for parameter in denoiser.trainable_parameters()}
    names = {name for name, parameter in denoiser.unet.named_parameters() if id(parameter) in own}
    cross = [name for name, _ in tiny_unet.named_modules() if name.endswith("attn2")]
    assert names == {f"{name}.{matrix}.weight" for name in cross for matrix in ("to_k", "to_v")}


@torch.no_grad()
@pytest.mark.parametrize("features", ["decoder", "encoder"])
def test_input_scale_is_of_what_the_unet_is_given_alone(tiny_unet: UNet2DConditionModel, features: str) -> None:
    latents, states = torch.randn(2, 8, 8, 8), torch.randn(2, 5, WIDTH)
    plain, scaled = (tuned(tiny_unet, "frozen", features=features, input_scale=scale) for scale in (1.0, 3.0))
    expected, found = plain(3 * latents, states), scaled(latents, states)
    torch.testing.assert_close(found.features, expected.features)
    torch.testing.assert_close(found.attention, expected.attention)
    assert torch.equal(found.latents, latents)
    assert not torch.allclose(found.features[0], plain(latents, states).features[0], atol=1e-3)


def test_defaults_are_the_papers() -> None:
    """Timestep 1, for 0 is known to serve badly; levels of 32 and 16 positions; low-rank updates; the decoder's features."""
    defaults = {name: one.default for name, one in signature(Denoiser.__init__).parameters.items()}
    assert defaults["timestep"] == 1
    assert defaults["attention_levels"] == (1, 2)
    assert (defaults["tuning"], defaults["features"], defaults["input_scale"]) == ("lora", "decoder", 1.0)
