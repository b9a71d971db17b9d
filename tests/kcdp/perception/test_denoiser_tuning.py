"""What each way of tuning trains, saves and loads, and that the UNet under it stays as it is."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from tests.tiny_denoiser import assert_same, build, objective, train_a_step


def test_fresh_adapter_changes_nothing(unet: UNet2DConditionModel, inputs: tuple) -> None:
    assert_same(build(unet, tuning="lora")(*inputs), build(unet, tuning="frozen")(*inputs))


@pytest.mark.parametrize("tuning", ["kv", "lora", "full"])
def test_training_changes_the_view_and_leaves_the_base_bit_identical(
    unet: UNet2DConditionModel, inputs: tuple, tuning: str
) -> None:
    before = unet(inputs[0], 5, inputs[1]).sample
    flags = [parameter.requires_grad for parameter in unet.parameters()]
    denoiser = build(unet, tuning=tuning)
    seen = denoiser(*inputs)
    assert torch.equal(unet(inputs[0], 5, inputs[1]).sample, before)
    train_a_step(denoiser, *inputs)
    assert torch.equal(unet(inputs[0], 5, inputs[1]).sample, before)
    assert [parameter.requires_grad for parameter in unet.parameters()] == flags
    trained = denoiser(*inputs)
    assert not torch.allclose(trained.features[0], seen.features[0])
    assert not torch.allclose(trained.attention[0], seen.attention[0])
    unet.zero_grad(set_to_none=True)


def test_every_adapter_matrix_learns(unet: UNet2DConditionModel, inputs: tuple) -> None:
    denoiser = build(unet)
    train_a_step(denoiser, *inputs)
    for name, parameter in denoiser.unet.named_parameters():
        if "lora_" in name:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    unet.zero_grad(set_to_none=True)


def test_gradients_come_through_the_maps_alone(unet: UNet2DConditionModel, inputs: tuple) -> None:
    denoiser = build(unet)
    train_a_step(denoiser, *inputs)
    attention = denoiser.unet.up_blocks[2].attentions[-1].transformer_blocks[0].attn2
    matrix = attention.to_k.lora_B["default"].weight
    (gradient,) = torch.autograd.grad(denoiser(*inputs).attention[0][:, 0].square().sum(), matrix)
    assert gradient.abs().sum() > 0
    unet.zero_grad(set_to_none=True)


@pytest.mark.parametrize(
    ("tuning", "named"), [("frozen", ()), ("kv", ("attn2.to_k", "attn2.to_v")), ("lora", ("lora_",))]
)
def test_what_belongs_to_the_view(unet: UNet2DConditionModel, tuning: str, named: tuple[str, ...]) -> None:
    denoiser = build(unet, tuning=tuning)
    own = {id(parameter) for parameter in denoiser.trainable_parameters()}
    for name, parameter in denoiser.unet.named_parameters():
        assert (id(parameter) in own) == any(part in name for part in named), name
    assert all(parameter.requires_grad for parameter in denoiser.trainable_parameters())
    assert not own & {id(parameter) for parameter in unet.parameters()}


def test_frozen_base_stays_frozen(unet: UNet2DConditionModel, inputs: tuple) -> None:
    base = copy.deepcopy(unet).requires_grad_(False)
    denoiser = build(base)
    objective(denoiser(*inputs)).backward()
    assert all(not parameter.requires_grad and parameter.grad is None for parameter in base.parameters())
    assert all(parameter.grad is not None for parameter in denoiser.trainable_parameters())


#: Layers of the UNet after the last features, which get no gradient.
AFTER_FEATURES = {"conv_norm_out", "conv_out"}


def test_full_tuning_shares_nothing(unet: UNet2DConditionModel) -> None:
    base = copy.deepcopy(unet).requires_grad_(False)
    denoiser = build(base, tuning="full")
    assert len(denoiser.trainable_parameters()) == len(list(base.parameters()))
    pointers = {parameter.data_ptr() for parameter in base.parameters()}
    assert all(parameter.data_ptr() not in pointers for parameter in denoiser.trainable_parameters())
    still = {name.partition(".")[0] for name, p in denoiser.unet.named_parameters() if not p.requires_grad}
    assert still == AFTER_FEATURES


@pytest.mark.parametrize("tuning", ["kv", "lora", "full"])
def test_adapter_survives_saving(unet: UNet2DConditionModel, inputs: tuple, tuning: str, tmp_path: Path) -> None:
    denoiser = build(unet, tuning=tuning, lora_rank=4, lora_alpha=6.0)
    train_a_step(denoiser, *inputs)
    denoiser.save_adapter(tmp_path / "kgca")
    assert [file.suffix for file in (tmp_path / "kgca").iterdir()] == [".safetensors"]
    flags = [parameter.requires_grad for parameter in unet.parameters()]
    other = build(unet, tuning=tuning)
    other.load_adapter(tmp_path / "kgca")
    assert_same(other(*inputs), denoiser(*inputs), rtol=0, atol=0)
    assert [parameter.requires_grad for parameter in unet.parameters()] == flags
    still = {name.partition(".")[0] for name, p in other._tuned_parameters() if not p.requires_grad}
    assert still == (AFTER_FEATURES if tuning == "full" else set())
    train_a_step(other, *inputs)
    other.save_adapter(tmp_path / "kgca")
    denoiser.load_adapter(tmp_path / "kgca")
    assert_same(other(*inputs), denoiser(*inputs), rtol=0, atol=0)
    unet.zero_grad(set_to_none=True)


def test_saved_lora_is_a_plain_diffusers_adapter(unet: UNet2DConditionModel, inputs: tuple, tmp_path: Path) -> None:
    denoiser = build(unet, lora_rank=4, lora_alpha=6.0)
    train_a_step(denoiser, *inputs)
    denoiser.save_adapter(tmp_path)
    plain = copy.deepcopy(unet)
    plain.load_lora_adapter(tmp_path, prefix=None, use_safetensors=True)
    with torch.no_grad():
        expected = denoiser.unet(inputs[0], 1, inputs[1]).sample
        torch.testing.assert_close(plain(inputs[0], 1, inputs[1]).sample, expected, rtol=1e-4, atol=1e-5)


def test_frozen_has_nothing_to_save(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    denoiser = build(unet, tuning="frozen")
    denoiser.save_adapter(tmp_path / "kgca")
    assert not (tmp_path / "kgca").exists()
    denoiser.load_adapter(tmp_path / "kgca")


@pytest.mark.parametrize("tuning", ["kv", "lora"])
def test_weights_of_another_unet_are_refused_and_change_nothing(
    unet: UNet2DConditionModel, tiny_unet: UNet2DConditionModel, inputs: tuple, tuning: str, tmp_path: Path
) -> None:
    build(tiny_unet, tuning=tuning).save_adapter(tmp_path)
    denoiser = build(unet, tuning=tuning)
    before = denoiser(*inputs)
    with pytest.raises(ValueError, match="belong to a UNet of another shape"):
        denoiser.load_adapter(tmp_path)
    assert_same(denoiser(*inputs), before, rtol=0, atol=0)


def test_missing_adapter_is_named(unet: UNet2DConditionModel, tmp_path: Path) -> None:
    build(unet, tuning="kv").save_adapter(tmp_path)
    with pytest.raises(FileNotFoundError, match="has no weights for tuning 'lora'"):
        build(unet, tuning="lora").load_adapter(tmp_path)


@pytest.mark.parametrize("tuning", ["kv", "lora"])
def test_own_weights_follow_a_move_of_the_base(unet: UNet2DConditionModel, inputs: tuple, tuning: str) -> None:
    base = copy.deepcopy(unet)
    denoiser = build(base, tuning=tuning).eval()
    base.to(torch.float64)
    seen = denoiser(inputs[0].double(), inputs[1].double())
    assert {parameter.dtype for parameter in denoiser.trainable_parameters()} == {torch.float64}
    assert seen.features[0].dtype == seen.attention[0].dtype == torch.float64


def test_adapter_keeps_its_precision_under_training(unet: UNet2DConditionModel, inputs: tuple) -> None:
    base = copy.deepcopy(unet)
    denoiser = build(base).train()
    base.to(torch.bfloat16)
    seen = denoiser(inputs[0].bfloat16(), inputs[1].bfloat16())
    assert seen.features[0].dtype == torch.bfloat16
    assert {parameter.dtype for parameter in denoiser.trainable_parameters()} == {torch.float32}


def test_unknown_tuning_is_named(unet: UNet2DConditionModel) -> None:
    with pytest.raises(ValueError, match="Unknown tuning 'qv'"):
        build(unet, tuning="qv")
